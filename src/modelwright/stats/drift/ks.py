"""Kolmogorov-Smirnov: the largest gap between two distribution functions."""

from __future__ import annotations

import math

import numpy as np

from modelwright.stats.cells import cumulative
from modelwright.stats.drift.base import Kind, numeric
from modelwright.stats.effects import share_up_to
from modelwright.stats.histogram import Grid, Histogram
from modelwright.stats.model import Drift

_MEAN = math.sqrt(math.pi / 2) * math.log(2)
"""Of Kolmogorov's distribution."""


class KolmogorovSmirnov:
    """The largest difference of the shares of rows up to a number, over all numbers; fulfils ``DriftTest``.

    From 0 to 1; it sees shifts of the middle best. On the grid it is never above the value on the rows, and below it by
    at most the largest share that any cell with more than one value has on either side, the smaller of the two: about
    1/2,000. Where every value has a cell of its own it is exact. Missing rows are left out.

    Its p-value is the limit law with Stephens' correction; ties, which it ignores, make it too large. Do not decide by
    it on many rows: at a million a day a gap of 0.003 is "significant" and matters to nobody, and days that differ as
    days do alarm daily. Do not use the test for tails or outliers, to which it is nearly blind, nor for categories.

    Source:
        Smirnov, "Table for estimating the goodness of fit of empirical distributions", Annals of Mathematical
        Statistics 19 (1948), 279-281; the correction after Stephens, Journal of the Royal Statistical Society B 32
        (1970), 115-122.
    """

    suits = frozenset({Kind.NUMERIC})
    symmetric = True
    highest = 1.0

    def __call__(self, reference: Histogram, current: Histogram, grid: Grid) -> Drift:
        """Compare two histograms of numbers."""
        cells = numeric(grid, "ks")
        before, after = cumulative(reference, cells, "reference"), cumulative(current, cells, "current")
        gaps = np.abs(after - before)
        place = int(gaps.argmax())
        root = math.sqrt(reference.present * current.present / (reference.present + current.present))
        return Drift(
            statistic=float(gaps[place]),
            p_value=_chance((root + 0.12 + 0.11 / root) * float(gaps[place])),
            by_chance=_MEAN / root,
            effect=share_up_to(cells.edges[place], float(before[place]), float(after[place])),
            n_reference=reference.present,
            n_current=current.present,
        )


def _chance(distance: float) -> float:
    from scipy.special import kolmogorov  # heavy: 0.1 s

    return float(kolmogorov(distance))


variant = KolmogorovSmirnov()
