"""What is seen of a rollout: from rows of the prediction log to a comparison, without effects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from modelwright.core.clock import duration
from modelwright.core.errors import Invalid
from modelwright.models.model import Task
from modelwright.rollouts.model import Comparison, Difference, Look, Pace, Rollout, Terms
from modelwright.rollouts.rule import FEWEST_ROWS, found
from modelwright.stats.model import Interval

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s, numpy 0.1 s
    import numpy as np
    import pyarrow as pa

UNDERWAY = timedelta(seconds=30)
"""A row that was answered so recently may still be waiting for the challenger."""

LOADING = timedelta(seconds=60)
"""Rows of the first minute of a rollout are not missed by a challenger that has scored nothing yet: workers load it."""

_MOMENT = "datetime64[us]"
_MICROSECOND = timedelta(microseconds=1)


class Span(NamedTuple):
    """Which rows, in event time; ``as_of`` is what their labels were known by."""

    since: datetime | None
    until: datetime
    as_of: datetime


class _Received(NamedTuple):
    """When a rollout started and what time it is, by the wall clock."""

    started_at: datetime
    now: datetime


class Watch:
    """A running rollout and what the log says of it.

    Args:
        rollout: The rollout.
        pairs: What ``predictions.pairs.paired`` answered, as of the watermark.
        watermark: The endpoint's event time.
        now: The wall clock.

    Attributes:
        due_at: The event time of the next look; none while the challenger has dealt with nothing.
    """

    def __init__(self, rollout: Rollout, pairs: pa.Table, *, watermark: datetime, now: datetime) -> None:
        import numpy as np  # weight: 0.1 s

        self._rollout = rollout
        self._terms = rollout.terms
        self._maturity = duration(rollout.terms.maturity)
        self._table = {name: pairs.column(name).to_numpy() for name in pairs.column_names if name != "prediction_id"}
        mirrored = ~np.isnan(self._table["shadow_position"].astype(float))
        self._since = rollout.began_at or _before(self._table["event_at"][mirrored])
        self._now = now
        self.watermark = watermark
        look = None if rollout.unsigned_since else rollout.next_look
        self.due_at = None if self._since is None or look is None else self._since + look + self._maturity

    @property
    def waiting(self) -> str:
        """What it waits for."""
        if self._rollout.unsigned_since is not None:
            return f"It is to be promoted, and has waited for signatures since {self._rollout.unsigned_since:%Y-%m-%d}."
        if self.due_at is None:
            return "Waits for the challenger's first answer."
        number = len(self._rollout.looks) + 1
        if self.watermark < self.due_at:
            return f"Waits for look {number} at the event time {self.due_at:%Y-%m-%d %H:%M}Z."
        return f"Look {number} waits until {self._terms.label_share:.0%} of its pairs have a label."

    def counted(self) -> Comparison:
        """Everything so far, without what needs labels."""
        return self._compared(self.watermark, ())

    def present(self) -> Comparison:
        """Everything whose outcome should be known by now."""
        return self._compared(self.watermark - self._maturity, self._terms.metrics)

    def look(self) -> Look | None:
        """The next look, if it is due and its labels are there."""
        number = len(self._rollout.looks) + 1
        if self.due_at is None or self.watermark < self.due_at:
            return None
        until = self.due_at - self._maturity
        if self._compared(until, ()).label_share < self._terms.label_share:
            return None
        seen = self._compared(until, self._terms.metrics)
        finding = found(seen, self._terms, last=number == len(self._terms.looks))
        return Look(number=number, finding=finding, comparison=seen, at=self._now)

    def _compared(self, until: datetime, metrics: tuple[str, ...]) -> Comparison:
        inside = self._table["event_at"] <= _moment(until)
        if self._since is not None:
            inside &= self._table["event_at"] > _moment(self._since)
        rows = {name: column[inside] for name, column in self._table.items()}
        received = _Received(self._rollout.started_at, self._now)
        return compared(rows, Span(self._since, until, self.watermark), self._terms, metrics, received)


def compared(
    table: Mapping[str, Any], span: Span, terms: Terms, metrics: tuple[str, ...], received: _Received
) -> Comparison:
    """Both versions on some rows.

    Args:
        table: The rows: the columns of ``predictions.pairs.paired`` as arrays.
        span: Where they are from.
        terms: What the rollout is judged by.
        metrics: What to compare on the rows whose outcome is known.
        received: Since and until when a row that the challenger has not dealt with is missing.
    """
    import numpy as np  # weight: 0.1 s

    mirrored = ~np.isnan(table["shadow_position"].astype(float))
    scored = mirrored & _usable(table["challenger"], terms)
    labelled = scored & ~np.isnan(table["label"].astype(float)) & _usable(table["answering"], terms)
    known = {name: column[labelled] for name, column in table.items()}
    days = known["event_at"].astype("datetime64[D]").astype(np.int64)
    apart = np.abs(table["challenger"][scored] - table["answering"][scored])
    sides = (table["challenger"][scored] >= 0.5) != (table["answering"][scored] >= 0.5)
    binary = terms.task is Task.BINARY
    return Comparison(
        since=span.since,
        until=span.until,
        as_of=span.as_of,
        answered=len(mirrored),
        scored=int(scored.sum()),
        failed=int((mirrored & ~scored).sum()),
        missing=_missing(table["received_at"], mirrored, received),
        labelled=len(days),
        days=len(np.unique(days)),
        differences=tuple(_difference(metric, known, days, terms) for metric in metrics),
        distance=_finite(apart.mean()) if len(apart) else None,
        disagreement=float(sides.mean()) if len(sides) and binary else None,
        answering_pace=_pace(table["latency_us"][table["position"] == 0]),
        challenger_pace=_pace(table["shadow_latency_us"][scored & (table["shadow_position"] == 0)]),
    )


def shares(seen: Comparison) -> tuple[Interval | None, Interval | None]:
    """The shares of failed and of missing rows with their intervals; none where there are too few rows."""
    from modelwright.stats.intervals import wilson  # weight: numpy

    dealt_with = seen.scored + seen.failed
    due = dealt_with + seen.missing
    return (
        wilson(seen.failed, dealt_with, level=0.99) if dealt_with >= FEWEST_ROWS else None,
        wilson(seen.missing, due, level=0.99) if due >= FEWEST_ROWS else None,
    )


def _difference(metric: str, known: dict[str, Any], days: Any, terms: Terms) -> Difference:
    from modelwright.stats.paired import block_difference  # weight: numpy
    from modelwright.stats.scores import metric as find

    labels, answering, challenger = known["label"], known["answering"], known["challenger"]
    try:
        values = find(metric)(labels, answering), find(metric)(labels, challenger)
    except Invalid as error:
        return Difference(metric=metric, reason=error.message)
    better, reason = None, ""
    try:
        better = block_difference(metric, labels, challenger, answering, days, level=terms.level)
    except Invalid as error:
        reason = error.message
    return Difference(metric=metric, answering=values[0], challenger=values[1], better=better, reason=reason)


def _usable(outputs: Any, terms: Terms) -> Any:
    """Which outputs are finite numbers, and for a binary task probabilities."""
    import numpy as np  # weight: 0.1 s

    numbers = outputs.astype(float)
    usable = np.isfinite(numbers)
    return usable & (numbers >= 0) & (numbers <= 1) if terms.task is Task.BINARY else usable


def _missing(received: Any, mirrored: Any, when: _Received) -> int:
    """Rows that the challenger should have dealt with by now and has not."""
    if mirrored.any():
        first, last = received[mirrored].min(), received[mirrored].max()
    else:
        first = last = _moment(when.started_at + LOADING)
    until = max(last, _moment(when.now - UNDERWAY))
    return int((~mirrored & (received >= first) & (received < until)).sum())


def _pace(latencies_us: Any) -> Pace | None:
    import numpy as np  # weight: 0.1 s

    if not len(latencies_us):
        return None
    p50, p99 = np.quantile(latencies_us.astype(float) / 1000, [0.5, 0.99])
    return Pace(calls=len(latencies_us), p50_ms=float(p50), p99_ms=float(p99))


def _before(moments: Any) -> datetime | None:
    return moments.min().astype(_MOMENT).item().replace(tzinfo=UTC) - _MICROSECOND if len(moments) else None


def _finite(value: Any) -> float | None:
    return float(value) if abs(float(value)) < 1e300 else None


def _moment(when: datetime) -> np.datetime64:
    import numpy as np  # weight: 0.1 s

    return np.datetime64(when.astimezone(UTC).replace(tzinfo=None), "us")
