"""Jensen-Shannon: how well one row tells which side it came from."""

from __future__ import annotations

import math

import numpy as np

from modelwright.stats.cells import rows_of
from modelwright.stats.drift.base import BOTH, shares_in
from modelwright.stats.effects import share_moved
from modelwright.stats.histogram import Grid, Histogram
from modelwright.stats.inputs import Floats
from modelwright.stats.model import Drift


class JensenShannon:
    """The Jensen-Shannon distance of the shares, in base 2; fulfils ``DriftTest``.

    From 0 to 1, where 1 is no value in common. It is the root of the mean information, in bits, that a row gives about
    its side. Numbers are cut at tenths of the reference, with what lies beyond it apart; categories keep the
    reference's 20 most frequent; missing rows are a cell. A cell that is empty on one side needs no special care.

    The root makes small changes look large: at a day of 1,000 rows chance alone gives 0.04 on ten cells, which
    ``by_chance`` says. So do not use one threshold for days of different size, and do not read it as a share. Do not
    use it where a small group matters: a new value at 1 % of the rows gives 0.07. It knows no order: numbers that
    moved to the next tenth and numbers that moved across all of them count alike; ``wasserstein`` tells them apart.

    Source:
        Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions on Information Theory 37 (1991),
        145-151; a metric by Endres and Schindelin, ibid. 49 (2003), 1858-1860.
    """

    suits = BOTH
    symmetric = False
    highest = 1.0

    def __call__(self, reference: Histogram, current: Histogram, grid: Grid) -> Drift:
        """Compare two histograms."""
        cells = shares_in(reference, current, grid)
        old, new = rows_of(cells)
        p, q = old / reference.n, new / current.n
        middle = (p + q) / 2
        information = (_bits(p, middle) + _bits(q, middle)) / 2
        spare = (len(cells) - 1) / (8 * math.log(2)) * (1 / reference.n + 1 / current.n)
        return Drift(
            statistic=math.sqrt(min(max(information, 0.0), 1.0)),
            by_chance=math.sqrt(spare),
            effect=share_moved(cells),
            n_reference=reference.n,
            n_current=current.n,
        )


def _bits(shares: Floats, middle: Floats) -> float:
    held = shares > 0
    return math.fsum(shares[held] * np.log2(shares[held] / middle[held]))


variant = JensenShannon()
