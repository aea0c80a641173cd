"""Scores and outcomes as counts on a grid: what a trailing window of days adds up to, and resamples by whole days.

The area under the ROC curve needs no rows: with equal scores counting half, it is a sum over cells of the scores.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelwright.stats.inputs import Floats, Seed
from modelwright.stats.model import Interval
from modelwright.stats.resampling import tails
from modelwright.stats.scores import Metric
from modelwright.stats.weighing import Weigh

Counts = NDArray[np.integer] | NDArray[np.float64]
"""Rows in cells; sums over resampled days are counts too."""


def binned_auc(negatives: Counts, positives: Counts) -> Floats:
    """The area under the ROC curve from counts by rising score, for one set of rows or many.

    Scores within a cell count as equal: with cells on quantiles the area moves by less than a cell's share squared.

    Args:
        negatives: Rows of label 0 in each cell, shape ``(…, n_cells)``.
        positives: Rows of label 1, the same shape.

    Returns:
        Shape ``(…)``; NaN where a class has no row.

    Example:
        >>> float(binned_auc(np.array([2, 1, 1]), np.array([0, 1, 3])))
        0.8125
    """
    below = np.cumsum(negatives, axis=-1) - negatives
    beaten = (positives * (below + negatives / 2)).sum(axis=-1)
    pairs = negatives.sum(axis=-1) * positives.sum(axis=-1)
    return np.asarray(np.where(pairs > 0, beaten / np.maximum(pairs, 1), np.nan))


def by_days(days: Floats, of: Weigh, *, n: int, level: float, seed: Seed, replicates: int = 200) -> Interval | None:
    """A statistic over days with a percentile interval that resamples whole days, for rows of a day share their fate.

    Args:
        days: One row for each day: what adds up over days.
        of: Sums over days, one row for each set of days -> the statistic; NaN where it does not exist.
        n: How many rows the days have.
        level: Of the interval.
        seed: Of the resampling.
        replicates: Resamples.

    Returns:
        None where it cannot be computed, or fewer than five days have rows.

    Source:
        Davison and Hinkley, "Bootstrap Methods and their Application" (1997), 3.8, on hierarchical data.
    """
    if len(days) < 5:
        return None
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(days), np.full(len(days), 1 / len(days)), size=replicates).astype(np.float64)
    estimate = of(days.sum(axis=0, keepdims=True))[0]
    drawn = of(weights @ days)
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(estimate) or len(drawn) < replicates / 2:
        return None
    low, high = tails(drawn, level)
    return Interval(
        estimate=float(estimate),
        low=min(low, float(estimate)),
        high=max(high, float(estimate)),
        level=level,
        n=n,
        method=f"bootstrap of {len(days)} days",
    )


def ratio(sums: Floats) -> Floats:
    """The first column over the second; NaN where that is nothing."""
    return np.asarray(np.where(sums[:, 1] > 0, sums[:, 0] / np.maximum(sums[:, 1], 1e-300), np.nan))


def of_cells(metric: Metric, cells: int) -> Weigh:
    """A metric of ranks from counts by rising score: negatives by cell, then positives by cell.

    Scores within a cell count as equal.

    Example:
        >>> from modelwright.stats.scores import METRICS
        >>> counts = np.array([[2, 1, 1, 0, 1, 3]])
        >>> of_cells(METRICS["roc_auc"], 3)(counts)
        array([0.8125])
    """
    return metric.prepare(np.repeat([0.0, 1.0], cells), np.tile(np.arange(cells, dtype=np.float64), 2))
