"""What labels say of answers: loss, calibration in the large, and counts that add up over trailing days."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from modelwright.monitoring.model import Outcome
from modelwright.stats.binned import binned_auc, by_days, of_cells, ratio
from modelwright.stats.histogram import Grid, NumericGrid
from modelwright.stats.model import Interval
from modelwright.stats.resampling import FEWEST, resample
from modelwright.stats.scores import METRICS, Metric

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


def loss(labels: Floats, scores: Floats, metric: str) -> tuple[float, float]:
    """What answers lost, and its sampling variance; NaN where it cannot be said.

    The metric itself where less is better, else one less it: all metrics of which more is better reach from 0 to 1.

    Source:
        The variance of the area after Hanley and McNeil, Radiology 143 (1982), 29-36; of the root of a mean by the
        delta method; of other metrics of ranks by the bootstrap.
    """
    chosen = METRICS[metric]
    if chosen.each is not None:
        return _mean_loss(chosen, chosen.each(labels, scores)) if len(labels) else (math.nan, math.nan)
    positive = int((labels == 1).sum())
    negative = len(labels) - positive
    if min(positive, negative) < FEWEST_OF_A_CLASS:
        return math.nan, math.nan
    if metric != "roc_auc":
        weigh = chosen.prepare(labels, scores)
        drawn = resample(weigh, len(labels), replicates=FEWEST, seed=len(labels))
        return 1 - float(weigh(np.ones((1, len(labels))))[0]), float(drawn.var())
    _, cells = np.unique(scores, return_inverse=True)
    size = int(cells.max()) + 1
    ones = np.bincount(cells[labels == 1], minlength=size)
    area = float(binned_auc(np.bincount(cells, minlength=size) - ones, ones))
    both, twice = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (positive - 1) * (both - area**2) + (negative - 1) * (twice - area**2)
    return 1 - area, spread / (positive * negative)


def of_loss(lost: float, metric: str) -> float:
    """The metric of a loss, or the loss of a metric."""
    return 1 - lost if METRICS[metric].higher_is_better else lost


def _mean_loss(metric: Metric, each: Floats) -> tuple[float, float]:
    whole, variance = float(each.mean()), float(each.var()) / len(each)
    if metric.root:
        return math.sqrt(whole), variance / (4 * whole) if whole else 0.0
    return of_loss(whole, metric.name), variance


def statistics(labels: Floats, scores: Floats, metric: str) -> tuple[Floats, Floats]:
    """The mean label, labels less outputs, and the loss of a unit of time, with their sampling variances."""
    if not len(labels):
        return np.full(3, np.nan), np.full(3, np.nan)
    excess = labels - scores
    lost, variance = loss(labels, scores, metric)
    values = np.array([labels.mean(), excess.mean(), lost])
    return values, np.array([labels.var() / len(labels), excess.var() / len(labels), variance])


def tally(labels: Floats, scores: Floats, grid: Grid, metric: str) -> Outcome:
    """The counts of some rows, of which some have no label (NaN)."""
    known, chosen = usable(labels, scores), METRICS[metric]
    y, s = labels[known], scores[known]
    cells: NDArray[np.int64] = np.zeros(0, np.int64)
    ones = cells
    rows = cells
    if chosen.each is None and isinstance(grid, NumericGrid) and len(y):
        place = _placed(np.searchsorted(np.asarray(grid.edges), s), grid.size, metric)
        counts = np.bincount(place, minlength=CELLS)
        cells = np.flatnonzero(counts)
        ones = np.bincount(place[y == 1], minlength=CELLS)[cells]
        rows = counts[cells]
    return Outcome(
        rows=len(labels),
        labelled=len(y),
        metric=metric,
        labels=float(y.sum()),
        outputs=float(s.sum()),
        errors=float(chosen.each(y, s).sum()) if chosen.each is not None else 0.0,
        cells=tuple(cells.tolist()),
        negatives=tuple((rows - ones).tolist()),
        positives=tuple(ones.tolist()),
    )


def _placed(places: NDArray[np.int64], size: int, metric: str) -> NDArray[np.int64]:
    """The grid's cells as those that outcomes are kept in.

    The area weighs all of them alike. For the others the highest scores tell most, and their cells are the finest: an
    average precision of 0.8 would else read as 0.5 where one row in 200 is positive.
    """
    if metric == "roc_auc" or size <= CELLS:
        return places * CELLS // size
    return CELLS - 1 - (CELLS * np.sqrt((size - 1 - places) / size)).astype(np.int64)


def performance_over(outcomes: Mapping[datetime, Outcome], metric: str) -> Interval | None:
    """The metric over periods judged by it, resampled by whole days or longer periods; none below five of them."""
    mine = {start: outcome for start, outcome in outcomes.items() if _metric_of(outcome) == metric}
    chosen, n = METRICS[metric], sum(outcome.labelled for outcome in mine.values())
    if chosen.each is None:
        matrix = _by_day(mine, _counts)
        return by_days(matrix, of_cells(chosen, CELLS), n=n, level=LEVEL, seed=len(matrix))
    matrix = _by_day(mine, _errors)
    return by_days(matrix, _root if chosen.root else ratio, n=n, level=LEVEL, seed=len(matrix))


def _metric_of(outcome: Outcome) -> str:
    """What a period was judged by. Those of before the charter's KPI was watched do not say, and had two metrics."""
    return outcome.metric or ("roc_auc" if outcome.cells else "mae")


def _root(sums: Floats) -> Floats:
    return np.sqrt(ratio(sums))


def calibration_over(outcomes: Mapping[datetime, Outcome]) -> Interval | None:
    """Labels less outputs over periods, likewise."""
    matrix = _by_day(outcomes, _excess)
    n = sum(outcome.labelled for outcome in outcomes.values())
    return by_days(matrix, ratio, n=n, level=LEVEL, seed=len(matrix))


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
    times: NDArray[np.int64], edges: Sequence[int], labels: Floats, scores: Floats, metric: str
) -> tuple[Floats, Floats]:
    """The statistics of a period as the mean of those of its days, in which the reference was calibrated.

    Args:
        times: Event times of the rows, in order.
        edges: Where its days begin, and the end of the last.
        labels: NaN where there is none.
        scores: What was answered.
        metric: What the loss is of.
    """
    places = np.searchsorted(times, edges)
    found = []
    for first, last in pairwise(places):
        known = np.flatnonzero(usable(labels[first:last], scores[first:last])) + first
        found.append(statistics(labels[known], scores[known], metric))
    values, noises = np.array([each for each, _ in found]), np.array([each for _, each in found])
    counts = np.maximum(np.isfinite(values).sum(axis=0), 1)
    whole = np.where(np.isfinite(values).any(axis=0), np.nansum(values, axis=0) / counts, np.nan)
    return whole, np.nansum(noises, axis=0) / counts**2
