"""What is watched of a column: a few statistics that its histogram gives, and how they move on ordinary days.

One distance between two histograms grows with the number of cells and says nothing of direction. Watched are instead
the place, spread and skew of numbers on the reference's own scale, the square roots of the shares of the largest
categories, and the shares of rows that are missing, new or at the ends. All of them come from counts that add up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelwright.monitoring.evidence import Share, evidence, share
from modelwright.stats.histogram import CategoryGrid, Grid, Histogram
from modelwright.stats.inputs import Floats
from modelwright.stats.ordinary import Ordinary, ordinary

Counts = NDArray[np.int64]

LARGEST_LEVELS = 8
"""Categories that are watched one by one; the others are watched together."""

END = 0.01
"""The share of the reference that counts as an end of a column of numbers."""

_MATERIAL_PLACE = 0.03
"""Of a Legendre mean: 0.03 standard deviations of a uniform rank, about 0.03 of the column's own."""
_MATERIAL_ROOT = 0.01
"""Of the root of a share: from 20.0% to 20.9%."""
_MATERIAL_SHARE = {"low end": 0.005, "high end": 0.005, "unseen": 0.005, "missing": 0.01}


class Watched(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column, as its reference days show it.

    Attributes:
        grid: Its cells.
        reference: All rows of the reference on them.
        movement: How its statistics move.
        shares: Name -> how large that share of rows may be.
    """

    grid: Grid
    reference: Histogram
    movement: Ordinary
    shares: dict[str, Share]

    def evidence(self, found: Histogram, *, units: float = 1.0, phase: int = 0) -> Floats:
        """The log evidence of a period that the column has moved: shape, then ends. See ``sequential.evidence``."""
        values, noises = _statistics(self.grid, self.reference, found)
        moved = evidence(self.movement, values, noises, units=units, phase=phase)
        ends = [self._share(name, found) for name in ("low end", "high end") if name in self.shares]
        return np.concatenate([moved, *ends])

    def broken(self, found: Histogram) -> Floats:
        """The log evidence of a period that rows are missing, or of categories that the reference has not."""
        return np.concatenate([self._share(name, found) for name in ("missing", "unseen") if name in self.shares])

    def _share(self, name: str, found: Histogram) -> Floats:
        rows = rows_of(name, self.grid, self.reference, found)
        return self.shares[name].evidence(rows, _base(name, found))


def watch(grid: Grid, days: Sequence[Histogram], *, phases: int = 1) -> Watched:
    """Learn a column from its reference, period by period in order of time.

    Args:
        grid: Its cells, made from all the days together.
        days: One histogram for each day, or hour.
        phases: 24 for hours, so that each is compared with its like.

    Raises:
        Invalid: There are fewer than 14 days.
    """
    reference = total(days)
    found = [_statistics(grid, reference, day) for day in days]
    values, noises = np.array([each for each, _ in found]), np.array([each for _, each in found])
    material = _MATERIAL_ROOT if isinstance(grid, CategoryGrid) else _MATERIAL_PLACE
    phase = np.arange(len(days)) % phases
    movement = ordinary(values, noises, np.full(values.shape[1], material), phases=phase, batch=phases)
    return Watched(grid=grid, reference=reference, movement=movement, shares=_shares(grid, reference, days))


def total(parts: Sequence[Histogram]) -> Histogram:
    """The histogram of the rows of all; there is at least one."""
    first, *others = parts
    for other in others:
        first = first + other
    return first


def rows_of(name: str, grid: Grid, reference: Histogram, found: Histogram) -> float:
    """The rows that one of the watched shares counts."""
    if name == "missing":
        return float(found.missing)
    if name == "unseen":
        return float(found.unseen)
    ranks, counts = _ranks(reference.counts()), found.counts()
    return float(counts[ranks <= END].sum() if name == "low end" else counts[ranks >= 1 - END].sum())


def _base(name: str, found: Histogram) -> float:
    return float(found.n if name == "missing" else found.present)


def _shares(grid: Grid, reference: Histogram, days: Sequence[Histogram]) -> dict[str, Share]:
    names = ["missing", "unseen"] if isinstance(grid, CategoryGrid) else ["missing", "low end", "high end"]
    known = [day for day in days if day.n]
    found = {}
    for name in names:
        rows = _unseen(grid, known) if name == "unseen" else [rows_of(name, grid, reference, day) for day in known]
        of = [_base(name, day) for day in known]
        found[name] = share(np.array(rows), np.array(of), material=_MATERIAL_SHARE[name])
    return found


def _unseen(grid: Grid, days: Sequence[Histogram]) -> list[float]:
    """Of each day the rows with a category that no other day has: what was unseen when it came."""
    counts = np.array([day.counts() for day in days])
    alone = (counts > 0).sum(axis=0) <= 1
    alone[list(grid.strange)] = True
    return [float(each) for each in counts[:, alone].sum(axis=1)]


def _statistics(grid: Grid, reference: Histogram, found: Histogram) -> tuple[Floats, Floats]:
    """The statistics of a histogram, and their sampling variances; NaN where there are no rows."""
    usual, counts, rows = reference.counts(), found.counts(), found.present
    if isinstance(grid, CategoryGrid):
        largest = min(LARGEST_LEVELS, len(grid.values))
        kept = np.append(usual[:largest], usual[largest:].sum()) / max(reference.present, 1)
        now = np.append(counts[:largest], counts[largest:].sum())
        values = np.sqrt(now / rows) if rows else np.full(largest + 1, np.nan)
        return values, np.maximum(1 - kept, 0.01) / (4 * max(rows, 1))
    polynomials = _legendre(_ranks(usual))
    spread = usual @ polynomials**2 / max(usual.sum(), 1)
    values = counts @ polynomials / rows if rows else np.full(polynomials.shape[1], np.nan)
    return values, spread / max(rows, 1)


def _ranks(counts: Counts) -> Floats:
    """The middle of each cell on the reference's scale from 0 to 1."""
    whole = max(float(counts.sum()), 1.0)
    return np.asarray((np.cumsum(counts) - counts / 2) / whole)


def _legendre(ranks: Floats) -> Floats:
    """The first three Legendre polynomials on 0 to 1, of mean square 1 under a uniform rank."""
    x = 2 * ranks - 1
    return np.stack([np.sqrt(3) * x, np.sqrt(5) * (3 * x**2 - 1) / 2, np.sqrt(7) * (5 * x**3 - 3 * x) / 2], axis=1)
