"""When a pipeline starts by itself, and when it does not: triggers, calendar, loop protection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from cronsim import CronSim, CronSimError

from modelwright.core.clock import duration
from modelwright.core.errors import Invalid
from modelwright.pipelines.model import CauseKind, Definition, Execution

YEAR = timedelta(days=365)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def span(said: str | float | timedelta, *, field: str) -> timedelta:
    """A length of time as people write it.

    Args:
        said: ``"10m"``, ``"28d"``, seconds, or a ``timedelta``.
        field: The name used in the error.

    Raises:
        Invalid: It is none, or not longer than nothing.

    Example:
        >>> span("90s", field="timeout"), span("4w", field="cooldown").days
        (datetime.timedelta(seconds=90), 28)
    """
    if isinstance(said, str):
        found = duration(said.strip())
    else:
        found = said if isinstance(said, timedelta) else timedelta(seconds=said)
    if found <= timedelta(0):
        raise Invalid(
            f"{field} is {said!r}, which is no length of time.",
            remedy="Write a whole number and a unit, e.g. 90s, 10m, 28d.",
            fields={field: "not a length of time"},
        )
    return found


def checked(trigger: str) -> str:
    """A trigger, if it is one.

    Raises:
        Invalid: It is none of the four forms, or its calendar expression is none.
    """
    kind, _, subject = trigger.partition(":")
    if kind in (CauseKind.ALARM, CauseKind.DATA) and _NAME.fullmatch(subject):
        return trigger
    if kind == CauseKind.CRON and subject.strip():
        due(subject, datetime.fromisoformat("2000-01-01T00:00:00+00:00"))
        return trigger
    if trigger == CauseKind.COMMIT:
        return trigger
    raise Invalid(
        f"{trigger[:80]!r} is no trigger.",
        remedy="There are alarm:<endpoint>, data:<dataset>, cron:<minute hour day month weekday> and commit.",
        fields={"triggers": "not a trigger"},
    )


def due(expression: str, after: datetime) -> datetime:
    """The first moment of a calendar expression after another moment, in UTC.

    Args:
        expression: Minute, hour, day of the month, month, weekday: ``0 3 * * 1`` is Mondays at three.
        after: An aware time.

    Raises:
        Invalid: It is no such expression, or never comes true.
    """
    try:
        found: datetime = next(CronSim(expression.strip(), after))
    except (CronSimError, StopIteration) as error:
        raise Invalid(
            f"{expression[:80]!r} is no calendar expression that ever comes true.",
            remedy="Write five fields, e.g. 0 3 * * 1 for Mondays at 03:00 UTC.",
            fields={"triggers": "not a calendar expression"},
        ) from error
    return found


def last_due(expression: str, until: datetime) -> datetime:
    """The last moment of a calendar expression up to another moment; raises as ``due``."""
    following = due(expression, until)
    return next(moment for moment in CronSim(expression.strip(), following, reverse=True) if moment <= until)


def matches(definition: Definition, kind: CauseKind, subject: str) -> bool:
    """Whether a pipeline waits for this."""
    wanted = str(kind) if kind is CauseKind.COMMIT else f"{kind}:{subject}"
    return wanted in definition.triggers


def refusal(definition: Definition, at: datetime, active: Execution | None, starts: Sequence[datetime]) -> str | None:
    """Why a trigger starts nothing now; none where it may.

    Args:
        definition: The pipeline's newest version.
        at: When it happened, on event time.
        active: An execution of the same pipeline that waits or runs.
        starts: Event times of earlier executions up to ``at``, the newest first.

    Example:
        >>> from datetime import UTC
        >>> monthly = Definition(entry="p:f", source="0" * 64, environment="0" * 64, cooldown_seconds=28 * 86400)
        >>> refusal(monthly, datetime(2013, 3, 9, tzinfo=UTC), None, [datetime(2013, 3, 2, tzinfo=UTC)])
        'It started 7 days before, and its cooldown is 28 days.'
    """
    if active is not None:
        return f"Execution {active.id} is {active.status} already."
    cooldown = timedelta(seconds=definition.cooldown_seconds)
    if starts and at - starts[0] < cooldown:
        return f"It started {_words(at - starts[0])} before, and its cooldown is {_words(cooldown)}."
    within = sum(at - one < YEAR for one in starts)
    if definition.budget is not None and within >= definition.budget:
        return f"It started {within} times in the 365 days before; its budget is {definition.budget}."
    missing = [one.name for one in definition.parameters if one.required and one.name != "until"]
    if missing:
        return f"It needs {', '.join(missing)}, which no trigger gives; give the parameter a default."
    return None


def _words(length: timedelta) -> str:
    seconds = length.total_seconds()
    for name, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {name}{'' if seconds == size else 's'}"
    return f"{seconds:.3g} seconds"
