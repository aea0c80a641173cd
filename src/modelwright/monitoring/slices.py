"""Where it is worst: the values of a column whose rows changed most against the reference's of the same value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelwright.monitoring.outcomes import loss

Floats = NDArray[np.float64]
Texts = NDArray[np.object_]

SMALLEST = 100
"""Rows below which a slice is not named."""

_LEVELS = 20
_WORSE = 1.25
"""A slice is named when its change is so many times the change of all rows."""


class Sliced(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rows with one value of a column.

    Attributes:
        rows: How many.
        loss: As ``outcomes.loss``; none where it cannot be said.
        bias: Labels less outputs.
    """

    rows: int
    loss: float | None
    bias: float


Slices = dict[str, dict[str, Sliced]]
"""Column -> value -> its rows."""

MISSING = "missing"
"""The value of rows without one."""

EVERYWHERE = ""
"""The column, and the value, of all rows."""


def slices(columns: Mapping[str, Texts], labels: Floats, scores: Floats, metric: str) -> Slices:
    """The 20 most frequent values of each column that have 100 rows, and all rows together.

    Args:
        columns: Column -> its values as text.
        labels: Of the same rows, all known.
        scores: Likewise.
        metric: What the loss is of.
    """
    found: Slices = {EVERYWHERE: {EVERYWHERE: _sliced(labels, scores, metric)}} if len(labels) else {}
    for name, values in columns.items():
        levels, places = np.unique(values, return_inverse=True)
        counts = np.bincount(places, minlength=len(levels))
        largest = [place for place in np.argsort(-counts, kind="stable")[:_LEVELS] if counts[place] >= SMALLEST]
        rows = {str(levels[place]): np.flatnonzero(places == place) for place in largest}
        found[name] = {level: _sliced(labels[some], scores[some], metric) for level, some in rows.items()}
    return found


def worst(reference: Slices, current: Slices, *, by: str) -> str:
    """The slice that changed most, in words; empty where none stands out.

    Args:
        reference: As it was.
        current: As it is.
        by: ``loss``, whose growth counts, or ``bias``, whose change in the direction of all rows' counts.
    """
    whole = _change(reference, current, EVERYWHERE, EVERYWHERE, by)
    if whole is None:
        return ""
    direction = 1.0 if by == "loss" or whole >= 0 else -1.0
    most, words = _WORSE * max(direction * whole, 0.0), ""
    for name, levels in current.items():
        for level in levels:
            change = _change(reference, current, name, level, by)
            if name != EVERYWHERE and change is not None and direction * change > most:
                most, words = direction * change, f"{name} = {level}"
    return words


def _sliced(labels: Floats, scores: Floats, metric: str) -> Sliced:
    lost, _ = loss(labels, scores, metric)
    known = None if np.isnan(lost) else lost
    return Sliced(rows=len(labels), loss=known, bias=float((labels - scores).mean()))


def _change(reference: Slices, current: Slices, name: str, level: str, by: str) -> float | None:
    before, after = reference.get(name, {}).get(level), current.get(name, {}).get(level)
    if before is None or after is None:
        return None
    if by == "bias":
        return after.bias - before.bias
    return None if before.loss is None or after.loss is None else after.loss - before.loss
