"""What versions bring, in words: for ``model effect``, ``endpoint effect`` and ``evidence show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.terminal.output import facts, table, when

if TYPE_CHECKING:
    from datetime import datetime

    from modelwright.governance.effects.model import Outcomes, Realised, Replay
    from modelwright.governance.model import Evidence
    from modelwright.stats.model import Interval

_COLUMNS = ("policy", "acts on", "rightly", "in vain", "missed", "total", "per 1,000 rows", "gain per 1,000 rows")


def foreseen(found: Evidence) -> str:
    """What a version would have brought: the sentence, and the table."""
    from modelwright.governance.effects.model import Replay  # weight: the statistics' types

    values = found.values
    assert isinstance(values, Replay), "effects.get answers nothing else"
    head = f"{found.model}@{found.version}: {values} ({found.dataset.ref}, {values.n:,} rows of {values.days} days)"
    return f"{head}\n\n{replayed(values)}"


def replayed(found: Replay) -> str:
    """A replay in full."""
    value = found.terms.value
    said = facts(
        [
            ("rule", found.terms),
            ("currency", value.currency),
            ("acting rightly", f"{value.true_positive:+g}"),
            ("acting in vain", f"{value.false_positive:+g}"),
            ("leaving rightly", f"{value.true_negative:+g}"),
            ("missing", f"{value.false_negative:+g}"),
            ("history", _span(found.since, found.until)),
            ("rows", f"{found.n:,} with an outcome of {found.days} days, {found.unjudged:,} without"),
            ("unknown", found.reason),
        ]
    )
    if found.outcomes is None:
        return said
    rows = [
        _row("this version", found.outcomes, found.per_thousand, "-"),
        *(
            _row(other.name, other.outcomes, None, "UNKNOWN" if other.gain is None else f"{other.gain} more")
            for other in found.against
        ),
    ]
    return f"{said}\n\n{table(_COLUMNS, rows, empty='')}"


def realised(found: Realised) -> str:
    """What was brought, beside what was promised."""
    if found.terms is None:
        return str(found)
    currency = found.terms.value.currency
    said = facts(
        [
            ("version", f"{found.model}@{found.version}"),
            ("rule", found.terms),
            ("promised", _per_thousand(found.promised, currency)),
            ("realised", _per_thousand(found.per_thousand, currency) or f"UNKNOWN: {found.reason}"),
            ("difference", found.gap and f"{found.gap} {currency}: {found.verdict}"),
            ("predictions", f"{found.answered:,}, of which {found.matured:,} have matured"),
            ("outcomes", f"{found.labelled:,} known, of {found.days} days, {_span(found.since, found.until)}"),
            ("total", found.outcomes and f"{found.outcomes.total:,.0f} {currency}"),
            ("note", found.note),
        ]
    )
    return f"{found}\n\n{said}"


def _row(name: str, found: Outcomes, money: Interval | None, gain: str) -> tuple[object, ...]:
    counts = (found.acted, found.true_positive, found.false_positive, found.false_negative, found.total)
    return (name, *(f"{count:,.0f}" for count in counts), money or "-", gain)


def _per_thousand(money: Interval | None, currency: str) -> str | None:
    return None if money is None else f"{money} {currency} per 1,000 ({money.level:.0%})"


def _span(since: datetime | None, until: datetime | None) -> str:
    return "without event times" if since is None else f"{when(since)} to {when(until)}"
