"""The same value and rule on what was answered. Pure: the log's rows in, money out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from modelwright.core.clock import shortly
from modelwright.core.errors import Invalid
from modelwright.governance.effects.model import Realised
from modelwright.governance.effects.replay import Found, Rows, brought
from modelwright.stats.decisions import moved

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

LEAST_LABELS = 0.8
"""With outcomes of a smaller share of the matured predictions nothing is said: the others may not be like them."""


def realised(answer: Realised, table: pa.Table, *, now: datetime, matures_after: timedelta) -> Realised:
    """What a version's answers have brought.

    Args:
        answer: Who answered, and by what; the rest is filled in.
        table: Every prediction of the endpoint: ``model, version, event_at, output, label``. Those of other versions
            take their places in a day's room.
        now: The wall clock: what is said to happen later does not count yet.
        matures_after: How long after its event a prediction's outcome should be known; by the newest event.
    """
    by = answer.terms
    happened = table["event_at"].to_numpy() <= np.datetime64(now.astimezone(UTC).replace(tzinfo=None))
    table = table.filter(happened & _usable(table["output"].to_numpy()))
    mine = _is(table, "model", answer.model) & _is(table, "version", answer.version)
    if by is None or not mine.any():
        return replace(answer, reason="It has not answered anything yet.")
    times = table["event_at"].to_numpy().astype("datetime64[us]")
    labels = np.asarray(table["label"].to_numpy(), dtype=np.float64)
    matured = mine & (times <= times.max() - np.timedelta64(matures_after))
    known = matured & ~np.isnan(labels)
    rows = Rows(known, labels[known], times)
    answer = replace(answer, answered=int(mine.sum()), matured=int(matured.sum()), labelled=int(known.sum()))
    if not known.any():
        return replace(answer, reason=_nothing(answer, matures_after))
    since, until = rows.span
    answer = replace(answer, since=since, until=until, days=len(np.unique(times[known].astype("datetime64[D]"))))
    try:
        found = brought(by, rows, table["output"].to_numpy())
    except Invalid as error:
        return replace(answer, reason=error.message)
    return _beside_the_promise(replace(answer, outcomes=found.outcomes), found)


def _beside_the_promise(answer: Realised, found: Found) -> Realised:
    share = answer.labelled / answer.matured
    if share < LEAST_LABELS:
        reason = (
            f"The outcome of {answer.labelled:,} of {answer.matured:,} matured predictions is known ({share:.0%}); "
            f"with less than {LEAST_LABELS:.0%} the others may not be like them."
        )
        return replace(answer, reason=reason)
    promised, brought_now = answer.promised, found.per_thousand
    gap = None if promised is None or brought_now is None else moved(promised, brought_now)
    return replace(answer, per_thousand=brought_now, gap=gap, reason=found.reason)


def _nothing(answer: Realised, matures_after: timedelta) -> str:
    if answer.matured:
        return f"No outcome of its {answer.matured:,} matured predictions is known yet."
    return (
        f"None of its {answer.answered:,} predictions is {shortly(matures_after)} older than the newest event, after "
        "which outcomes are known."
    )


def _is(table: pa.Table, name: str, value: Any) -> NDArray[np.bool_]:
    import pyarrow.compute as pc  # weight: 0.1 s

    return np.asarray(pc.equal(table[name], value).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _usable(outputs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Answers that are chances."""
    return np.asarray((outputs >= 0) & (outputs <= 1))
