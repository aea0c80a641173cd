"""Chi-square: are the rows of two periods drawn from one table of shares?"""

from __future__ import annotations

import math

import numpy as np

from modelwright.stats.cells import coarse, rows_of
from modelwright.stats.drift.base import Kind, categories
from modelwright.stats.effects import share_moved
from modelwright.stats.histogram import Grid, Histogram
from modelwright.stats.inputs import Floats
from modelwright.stats.model import Drift

_EXPECTED = 5.0
"""Rows that a cell must expect on either side for the chi-square law to hold (Cochran)."""


class ChiSquare:
    """Pearson's chi-square statistic of the two periods' rows by category, and its p-value; fulfils ``DriftTest``.

    Unbounded; without drift it is about the number of categories less one, as ``by_chance`` says. All categories that
    have a cell are compared, unseen and missing ones too; those in which either side would expect fewer than 5 rows are
    taken together, the rarest first.

    The statistic grows with the rows while the change stays the same: it says how sure one can be that something
    changed, not how much. Do not decide by it on many rows: a share of 12.0 % that becomes 12.2 % is beyond doubt at a
    million rows a day, and days that differ as days do alarm daily. Ask ``l-infinity`` or ``psi`` for a size. Do not
    use it for numbers, whose order it cannot see, nor when rows come in groups, which it takes for independent.

    Source:
        Pearson, Philosophical Magazine 50 (1900), 157-175; the 5 rows in Cochran, "Some methods for strengthening the
        common chi-square tests", Biometrics 10 (1954), 417-451.
    """

    suits = frozenset({Kind.CATEGORIES})
    symmetric = True
    highest = None

    def __call__(self, reference: Histogram, current: Histogram, grid: Grid) -> Drift:
        """Compare two histograms of categories."""
        cells = coarse(reference, current, categories(grid, "chi2"), cells=grid.size)
        old, new = _pooled(*rows_of(cells))
        apart = old * current.n - new * reference.n
        statistic = math.fsum(apart**2 / (old + new)) / (reference.n * current.n)
        return Drift(
            statistic=statistic,
            p_value=_chance(statistic, len(old) - 1),
            by_chance=float(len(old) - 1),
            effect=share_moved(cells),
            n_reference=reference.n,
            n_current=current.n,
        )


def _pooled(old: Floats, new: Floats) -> tuple[Floats, Floats]:
    """Both sides with the rarest cells as one, of as few as make it large enough."""
    total = old + new
    order = np.argsort(total, kind="stable")
    old, new = old[order], new[order]
    expected = np.sort(total) * min(old.sum(), new.sum()) / total.sum()
    rare = int(np.searchsorted(expected, _EXPECTED))
    if rare:
        rare = max(rare, 1 + int(np.searchsorted(np.cumsum(expected), _EXPECTED)))
    rare = min(max(rare, 1), len(old))
    first = [0, *range(rare, len(old))]
    return np.add.reduceat(old, first), np.add.reduceat(new, first)


def _chance(statistic: float, freedom: int) -> float:
    if not freedom:
        return 1.0
    from scipy.special import chdtrc  # heavy: 0.1 s

    return float(chdtrc(freedom, statistic))


variant = ChiSquare()
