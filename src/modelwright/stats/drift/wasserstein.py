"""Wasserstein: how far the numbers have to be carried, on average."""

from __future__ import annotations

import math
import sys

import numpy as np

from modelwright.stats.cells import cumulative, mean_and_deviation, short
from modelwright.stats.drift.base import Kind, numeric
from modelwright.stats.effects import DEVIATIONS, median_moved
from modelwright.stats.histogram import Grid, Histogram, NumericGrid
from modelwright.stats.inputs import Floats
from modelwright.stats.model import Drift, Effect


class Wasserstein:
    """The mean distance that numbers must be carried to make one distribution the other; fulfils ``DriftTest``.

    In the column's own unit, unbounded; the effect has it in standard deviations of the reference, which compare among
    columns. A shift of all rows by 3 minutes is 3 minutes. It is the area between the distribution functions: exact at
    the grid's edges, straight between them, so exact where values have cells of their own. Of rows beyond the reference
    only the number and the ends are known, and they are taken to be spread evenly. Infinities count as the farthest
    finite number; missing rows are left out.

    Do not give columns in different units one threshold. Do not use it on long tails, of money for instance: one row in
    10,000 that is a thousand deviations away moves it as much as a tenth of a deviation does for all; ``ks`` is deaf to
    that. ``by_chance`` is what chance alone gives, which is much at few rows.

    Source:
        Vallender, "Calculation of the Wasserstein distance between probability distributions on the line", Theory of
        Probability and its Applications 18 (1974), 784-786; its law by chance in del Barrio, Giné and Matrán, Annals of
        Probability 27 (1999), 1009-1071.
    """

    suits = frozenset({Kind.NUMERIC})
    symmetric = True
    highest = None

    def __call__(self, reference: Histogram, current: Histogram, grid: Grid) -> Drift:
        """Compare two histograms of numbers."""
        cells = numeric(grid, "wasserstein")
        before, after = _curve(reference, cells, "reference"), _curve(current, cells, "current")
        places = np.union1d(before[0], after[0])
        p, q = (np.interp(places, *curve, left=0, right=1) for curve in (before, after))
        scale = float(np.abs(places).max()) or 1.0  # so that no width overflows
        widths = np.diff(places / scale)
        noise = np.sqrt(p * (1 - p) * (1 / reference.present + 1 / current.present) * 2 / math.pi)
        distance = min(scale * _area(q - p, widths), sys.float_info.max)
        return Drift(
            statistic=distance,
            by_chance=min(scale * _area(noise, widths), sys.float_info.max),
            effect=_effect(distance, reference, current, cells),
            n_reference=reference.present,
            n_current=current.present,
        )


def _curve(histogram: Histogram, grid: NumericGrid, which: str) -> tuple[Floats, Floats]:
    """Numbers and the share of rows up to each, from none to all, as the edges and the farthest rows have it."""
    shares, edges = cumulative(histogram, grid, which), np.asarray(grid.edges)
    low = edges[0] if histogram.minimum is None else math.nextafter(histogram.minimum, -sys.float_info.max)
    high = edges[-1] if histogram.maximum is None else histogram.maximum
    inner = (edges > low) & (edges < high)
    return np.array([low, *edges[inner], high]), np.array([0, *shares[inner], 1])


def _area(gaps: Floats, widths: Floats) -> float:
    """Between a line through the gaps at the ends of the widths, and zero."""
    low, high = np.abs(gaps[:-1]), np.abs(gaps[1:])
    both = low + high
    crossing = gaps[:-1] * gaps[1:] < 0
    lying = np.where(crossing, (low**2 + high**2) / np.where(both, both, 1), both)
    return math.fsum(widths * lying) / 2


def _effect(distance: float, reference: Histogram, current: Histogram, grid: NumericGrid) -> Effect:
    median = median_moved(reference, current, grid)
    measured = mean_and_deviation(reference, grid)
    if measured is None or not measured[1] > 0 or not math.isfinite(distance / measured[1]):
        words = f"numbers moved by {short(distance)} on average, and {median.words}"
        return Effect(amount=distance, unit="the column's own unit", words=words)
    amount = distance / measured[1]
    words = f"numbers moved by {amount:.2g} {DEVIATIONS} on average, and {median.words}"
    return Effect(amount=amount, unit=DEVIATIONS, words=words)


variant = Wasserstein()
