"""Hellinger: the distance of the roots of the shares."""

from __future__ import annotations

import math

import numpy as np

from modelwright.stats.cells import rows_of
from modelwright.stats.drift.base import BOTH, shares_in
from modelwright.stats.effects import share_moved
from modelwright.stats.histogram import Grid, Histogram
from modelwright.stats.model import Drift


class Hellinger:
    """The Hellinger distance of the shares; fulfils ``DriftTest``.

    From 0 to 1, where 1 is no value in common. Roots give rare cells more weight than ``l-infinity`` does: a new value
    at 1 % of the rows gives 0.07. Numbers are cut at tenths of the reference, with what lies beyond it apart;
    categories keep the reference's 20 most frequent; missing rows are a cell. Empty cells need no special care.

    Do not use one threshold for days of different size: chance alone makes it positive, as ``by_chance`` says. Do not
    use it beside ``js`` as a second opinion: for small changes the two differ by a constant factor. It knows no order
    of the numbers; ``wasserstein`` does.

    Source:
        Hellinger, Journal für die reine und angewandte Mathematik 136 (1909), 210-271; in this form Le Cam and Yang,
        "Asymptotics in statistics", Springer (2000).
    """

    suits = BOTH
    symmetric = False
    highest = 1.0

    def __call__(self, reference: Histogram, current: Histogram, grid: Grid) -> Drift:
        """Compare two histograms."""
        cells = shares_in(reference, current, grid)
        old, new = rows_of(cells)
        apart = np.sqrt(old / reference.n) - np.sqrt(new / current.n)
        return Drift(
            statistic=math.sqrt(min(math.fsum(apart**2) / 2, 1.0)),
            by_chance=math.sqrt((len(cells) - 1) / 8 * (1 / reference.n + 1 / current.n)),
            effect=share_moved(cells),
            n_reference=reference.n,
            n_current=current.n,
        )


variant = Hellinger()
