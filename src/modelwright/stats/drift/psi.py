"""Population stability index: the bank's measure, on tenths of the reference."""

from __future__ import annotations

import math

import numpy as np

from modelwright.stats.cells import rows_of
from modelwright.stats.drift.base import BOTH, shares_in
from modelwright.stats.effects import share_moved
from modelwright.stats.histogram import Grid, Histogram
from modelwright.stats.model import Drift


class PopulationStability:
    """The sum over cells of (q - p) ln(q / p), of shares p in the reference and q now; fulfils ``DriftTest``.

    Numbers are cut at tenths of the reference, with what lies beyond it apart; categories keep the reference's 20 most
    frequent; missing rows are a cell. Unbounded. Below 0.1 is usually read as stable and above 0.25 as changed: a
    convention without a theory. A cell that is empty on one side counts as half a row there, so that a new value says
    the more, the more rows there are to have shown it before. Other programs clip shares at a constant such as 0.0001,
    and then that constant decides what a new value is worth.

    Do not compare values of columns with different numbers of cells, nor at few rows: chance alone gives about
    (cells - 1) (1/n + 1/m), which ``by_chance`` says. Nor use it where a small group matters: a new value at 1 % of the
    rows stays below 0.1 up to a reference of a million rows. A number between 0 and 1 has ``js``.

    Source:
        Lewis, "An introduction to credit scoring", Athena (1994); its law by chance in Yurdakul and Naranjo,
        "Statistical properties of the population stability index", Journal of Risk Model Validation 14 (2020).
    """

    suits = BOTH
    symmetric = False
    highest = None

    def __call__(self, reference: Histogram, current: Histogram, grid: Grid) -> Drift:
        """Compare two histograms."""
        cells = shares_in(reference, current, grid)
        old, new = rows_of(cells)
        p, q = np.maximum(old, 0.5) / reference.n, np.maximum(new, 0.5) / current.n
        return Drift(
            statistic=math.fsum((q - p) * np.log(q / p)),
            by_chance=(len(cells) - 1) * (1 / reference.n + 1 / current.n),
            effect=share_moved(cells),
            n_reference=reference.n,
            n_current=current.n,
        )


variant = PopulationStability()
