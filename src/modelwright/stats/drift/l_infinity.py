"""L-infinity: the largest change of any category's share."""

from __future__ import annotations

from modelwright.stats.cells import coarse
from modelwright.stats.drift.base import Kind, categories
from modelwright.stats.effects import share_moved
from modelwright.stats.histogram import Grid, Histogram
from modelwright.stats.model import Drift


class LInfinity:
    """The largest change of the share of any one category; fulfils ``DriftTest``.

    From 0 to 1, and the only one that needs no explanation: 0.07 is a category whose share moved by seven points. All
    categories that have a cell are compared, unseen and missing ones too; chance adds little however many there are.

    Do not use it where many categories move a little each, nor where rare ones matter: 0.5 % that becomes 1.5 % is a
    change of 0.01, as is 50 % that becomes 51 %; ask ``psi`` or ``chi2``. It has no theory by which to say what chance
    alone gives. For numbers, whose cells are arbitrary, the largest change of the share up to a number is ``ks``.

    Source:
        The maximum norm; as a measure of drift in Breck, Polyzotis, Roy, Whang and Zinkevich, "Data validation for
        machine learning", MLSys (2019).
    """

    suits = frozenset({Kind.CATEGORIES})
    symmetric = True
    highest = 1.0

    def __call__(self, reference: Histogram, current: Histogram, grid: Grid) -> Drift:
        """Compare two histograms of categories."""
        cells = coarse(reference, current, categories(grid, "l-infinity"), cells=grid.size)
        effect = share_moved(cells)
        return Drift(
            statistic=abs(effect.amount),
            effect=effect,
            n_reference=reference.n,
            n_current=current.n,
        )


variant = LInfinity()
