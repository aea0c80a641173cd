"""What labels say of answers: loss, calibration in the large, and counts that add up over trailing days."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from modelwright.monitoring.binned import binned_auc, by_days
from modelwright.monitoring.model import Outcome
from modelwright.stats.histogram import Grid, NumericGrid
from modelwright.stats.model import Interval

Floats = NDArray[np.float64]

FEWEST_OF_A_CLASS = 5
"""With fewer rows of a class a period's area under the curve says nothing."""

CELLS = 128
"""Cells of the output that outcomes are kept in: neighbouring ones of its grid together."""

LEVEL = 0.99
"""Of the intervals over trailing periods. They are shown, and nothing alarms by them: where days persist they would
cry wolf more than once a year."""


_LARGEST = 1e150
"""Beyond it squares overflow."""


def usable(labels: Floats, scores: Floats) -> NDArray[np.bool_]:
    """The rows that have a label and an answer which can be computed with."""
    return np.asarray((np.abs(labels) < _LARGEST) & (np.abs(scores) < _LARGEST))  # NaN is not


def loss(labels: Floats, scores: Floats, *, binary: bool) -> tuple[float, float]:
    """What answers lost, and its sampling variance; NaN where it cannot be said.

    For a classifier one less the area under the ROC curve, for a regression the mean absolute error.

    Source:
        The variance of the area after Hanley and McNeil, Radiology 143 (1982), 29-36.
    """
    if not binary:
        errors = np.abs(labels - scores)
        return (float(errors.mean()), float(errors.var()) / len(errors)) if len(errors) else (math.nan, math.nan)
    positive = int((labels == 1).sum())
    negative = len(labels) - positive
    if min(positive, negative) < FEWEST_OF_A_CLASS:
        return math.nan, math.nan
    _, cells = np.unique(scores, return_inverse=True)
    size = int(cells.max()) + 1
    ones = np.bincount(cells[labels == 1], minlength=size)
    area = float(binned_auc(np.bincount(cells, minlength=size) - ones, ones))
    both, twice = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (positive - 1) * (both - area**2) + (negative - 1) * (twice - area**2)
    return 1 - area, spread / (positive * negative)


def statistics(labels: Floats, scores: Floats, *, binary: bool) -> tuple[Floats, Floats]:
    """The mean label, labels less outputs, and the loss of a unit of time, with their sampling variances."""
    if not len(labels):
        return np.full(3, np.nan), np.full(3, np.nan)
    excess = labels - scores
    lost, variance = loss(labels, scores, binary=binary)
    values = np.array([labels.mean(), excess.mean(), lost])
    return values, np.array([labels.var() / len(labels), excess.var() / len(labels), variance])


def tally(labels: Floats, scores: Floats, grid: Grid, *, binary: bool) -> Outcome:
    """The counts of some rows, of which some have no label (NaN)."""
    known = usable(labels, scores)
    y, s = labels[known], scores[known]
    cells: NDArray[np.int64] = np.zeros(0, np.int64)
    ones = cells
    rows = cells
    if binary and isinstance(grid, NumericGrid) and len(y):
        place = np.searchsorted(np.asarray(grid.edges), s) * CELLS // grid.size
        counts = np.bincount(place, minlength=CELLS)
        cells = np.flatnonzero(counts)
        ones = np.bincount(place[y == 1], minlength=CELLS)[cells]
        rows = counts[cells]
    return Outcome(
        rows=len(labels),
        labelled=len(y),
        labels=float(y.sum()),
        outputs=float(s.sum()),
        errors=float(np.abs(y - s).sum()),
        cells=tuple(cells.tolist()),
        negatives=tuple((rows - ones).tolist()),
        positives=tuple(ones.tolist()),
    )


def performance_over(outcomes: Mapping[datetime, Outcome], *, binary: bool) -> Interval | None:
    """The metric over periods, resampled by whole days or longer periods; none below five of them."""
    matrix = _by_day(outcomes, _counts if binary else _errors)
    return by_days(matrix, "auc" if binary else "ratio", level=LEVEL, seed=len(matrix))


def calibration_over(outcomes: Mapping[datetime, Outcome]) -> Interval | None:
    """Labels less outputs over periods, likewise."""
    matrix = _by_day(outcomes, _excess)
    return by_days(matrix, "ratio", level=LEVEL, seed=len(matrix))


def _by_day(outcomes: Mapping[datetime, Outcome], row: object) -> Floats:
    days: dict[object, Floats] = defaultdict(lambda: np.zeros(1))
    assert callable(row)
    for start, outcome in outcomes.items():
        if outcome.labelled:
            days[start.date()] = days[start.date()] + row(outcome)
    return np.array(list(days.values()))


def _counts(outcome: Outcome) -> Floats:
    found = np.zeros(2 * CELLS)
    cells = np.asarray(outcome.cells, np.int64)
    found[cells] = outcome.negatives
    found[CELLS + cells] = outcome.positives
    return found


def _errors(outcome: Outcome) -> Floats:
    return np.array([outcome.errors, outcome.labelled])


def _excess(outcome: Outcome) -> Floats:
    return np.array([outcome.labels - outcome.outputs, outcome.labelled])


def units_of(
    times: NDArray[np.int64], edges: Sequence[int], labels: Floats, scores: Floats, *, binary: bool
) -> tuple[Floats, Floats]:
    """The statistics of a period as the mean of those of its days, in which the reference was calibrated.

    Args:
        times: Event times of the rows, in order.
        edges: Where its days begin, and the end of the last.
        labels: NaN where there is none.
        scores: What was answered.
        binary: As for ``loss``.
    """
    places = np.searchsorted(times, edges)
    found = []
    for first, last in pairwise(places):
        known = np.flatnonzero(usable(labels[first:last], scores[first:last])) + first
        found.append(statistics(labels[known], scores[known], binary=binary))
    values, noises = np.array([each for each, _ in found]), np.array([each for _, each in found])
    counts = np.maximum(np.isfinite(values).sum(axis=0), 1)
    whole = np.where(np.isfinite(values).any(axis=0), np.nansum(values, axis=0) / counts, np.nan)
    return whole, np.nansum(noises, axis=0) / counts**2
