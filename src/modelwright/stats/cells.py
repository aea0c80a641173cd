"""What histograms say: shares, quantiles, fewer and larger cells, and the words for a cell.

Numbers inside a cell are taken to be spread evenly between its ends; a value with a cell of its own is exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from modelwright.core.errors import Invalid
from modelwright.stats.histogram import CategoryGrid, Grid, Histogram, NumericGrid
from modelwright.stats.inputs import Floats
from modelwright.stats.model import Cell

_OTHER, _UNSEEN, _MISSING = (("other", "rarer values"), ("unseen", "unseen values"), ("missing", "missing rows"))
"""How the cells are called that are no one value or range: their names, and a sentence's words for their rows."""


def coarse(reference: Histogram, current: Histogram, grid: Grid, *, cells: int) -> tuple[Cell, ...]:
    """Both histograms in fewer, larger cells, in the grid's order; cells without any row are left out.

    Numbers are cut where the reference has about equal shares, with what lies below and above all of it apart.
    Categories keep the most frequent of the reference; its others are one cell, unseen ones another. Missing rows are
    a cell of their own, so that a column that goes missing has drifted.

    Args:
        reference: What the rows should look like.
        current: What they look like.
        grid: What both were counted on.
        cells: How many for the reference's values, at least 1: 10 are PSI's deciles.

    Raises:
        Invalid: A histogram is of another grid, or has no rows.
    """
    before, after = _counts(reference, grid, "reference"), _counts(current, grid, "current")
    starts = _starts(before, grid, cells)
    names = [*_names(grid, starts), _MISSING]
    old = [*np.add.reduceat(before, starts).tolist(), reference.missing]
    new = [*np.add.reduceat(after, starts).tolist(), current.missing]
    return tuple(
        Cell(name=name, phrase=phrase, reference=was, current=now)
        for (name, phrase), was, now in zip(names, old, new, strict=True)
        if was or now
    )


def rows_of(cells: Sequence[Cell]) -> tuple[Floats, Floats]:
    """The reference's and the current rows of cells, each of shape ``(n_cells,)``."""
    old, new = ([cell.reference for cell in cells], [cell.current for cell in cells])
    return np.asarray(old, np.float64), np.asarray(new, np.float64)


def cumulative(histogram: Histogram, grid: NumericGrid, which: str) -> Floats:
    """Share of the present rows up to each edge, shape ``(len(edges),)``: the distribution function, exact there.

    Args:
        histogram: Of a column of numbers.
        grid: What it was counted on.
        which: How to call it in a message.

    Raises:
        Invalid: It is of another grid, or has no present rows, or the grid has no edges.
    """
    counts = _counts(histogram, grid, which)
    if not grid.edges:
        raise Invalid(
            "The reference has no finite number, so there is nothing to compare with.",
            remedy="Choose reference rows in which the column has numbers.",
        )
    if not histogram.present:
        raise Invalid(
            f"The {which} rows have no number: all {histogram.n:,} are missing.",
            remedy="Compare the share of missing rows with psi, js or hellinger.",
        )
    shares: Floats = np.cumsum(counts)[:-1] / histogram.present
    return shares


def quantile(histogram: Histogram, grid: NumericGrid, share: float) -> float | None:
    """The number below which that share of the present rows lies; none where there is no finite one.

    Exact where the number has a cell of its own, else off by at most the width of its cell.

    Args:
        histogram: Of a column of numbers.
        grid: What it was counted on.
        share: From 0, the smallest number, to 1, the largest.

    Raises:
        Invalid: It is of another grid, or the share is outside.

    Example:
        >>> from modelwright.stats.profile import grid, profile
        >>> hours = grid([6, 7, 7, 8])
        >>> quantile(profile(hours, [7, 7, 8]), hours, 0.5)
        7.0
    """
    if not 0 <= share <= 1:
        raise Invalid(f"share is {share}.", remedy="Ask for a share from 0 to 1; 0.5 is the median.")
    if histogram.minimum is None or histogram.maximum is None:
        return None
    counts = _counts(histogram, grid, "")
    ends = np.clip([-np.inf, *grid.edges, np.inf], histogram.minimum, histogram.maximum)
    reached = np.cumsum(counts)
    wanted = share * reached[-1]
    place = int(np.searchsorted(reached, wanted))
    below = reached[place - 1] if place else 0
    low, high = float(ends[place]), float(ends[place + 1])
    if math.nextafter(low, math.inf) >= high or not counts[place]:  # the cell of one value
        return high
    return low + (high - low) * float((wanted - below) / counts[place])


def mean_and_deviation(histogram: Histogram, grid: NumericGrid) -> tuple[float, float] | None:
    """The mean and the standard deviation of the present finite rows, as the cells have them; none without any.

    Long tails make it coarse: the outermost cells are as wide as the smallest and largest number say.
    """
    if histogram.minimum is None or histogram.maximum is None:
        return None
    counts = _counts(histogram, grid, "")
    ends = np.clip([-np.inf, *grid.edges, np.inf], histogram.minimum, histogram.maximum)
    single = np.nextafter(ends[:-1], np.finfo(np.float64).max) >= ends[1:]
    scale = max(abs(histogram.minimum), abs(histogram.maximum)) or 1.0  # so that no square overflows
    ends = ends / scale
    shares = counts / counts.sum()
    middles = np.where(single, ends[1:], (ends[:-1] + ends[1:]) / 2)
    within = np.where(single, 0.0, np.diff(ends) ** 2 / 12)
    mean = float(shares @ middles)
    return mean * scale, float(np.sqrt(shares @ ((middles - mean) ** 2 + within))) * scale


def _counts(histogram: Histogram, grid: Grid, which: str) -> NDArray[np.int64]:
    which = f"{which} histogram".strip()
    if histogram.size != grid.size:
        raise Invalid(
            f"The {which} has {histogram.size} cells and the grid {grid.size}.",
            remedy="Count the rows on this grid: profile(grid, rows).",
        )
    if not histogram.n:
        raise Invalid(f"The {which} has no rows.", remedy="Compare a period in which there were some.")
    return histogram.counts()


def _starts(reference: NDArray[np.int64], grid: Grid, cells: int) -> list[int]:
    """The cells at which larger cells begin; the strange ones stay apart."""
    if cells < 1:
        raise Invalid(f"cells is {cells}.", remedy="Ask for at least 1; 10 is usual.")
    if isinstance(grid, CategoryGrid):
        return sorted({*range(min(cells, grid.size)), grid.size - 1})
    inner = np.cumsum(reference[1:-1])
    if not inner.size or not inner[-1]:
        return sorted({0, *grid.strange})
    cuts = np.searchsorted(inner, inner[-1] * np.arange(1, cells) / cells) + 2
    return sorted({0, 1, *cuts.tolist(), grid.size - 1})


def _names(grid: Grid, starts: Sequence[int]) -> list[tuple[str, str]]:
    if isinstance(grid, CategoryGrid):
        merged = len(starts) < grid.size
        own = grid.values[: len(starts) - 1 - merged]
        return [*((value, repr(value)) for value in own), *([_OTHER] if merged else []), _UNSEEN]
    ends = [*starts[1:], grid.size]
    return [_range(grid.edges, first, after) for first, after in zip(starts, ends, strict=True)]


def _range(edges: Sequence[float], first: int, after: int) -> tuple[str, str]:
    """The cells from ``first`` up to and without ``after``, in words."""
    inner = edges[first - 1 : after] if first and after <= len(edges) else ()
    if len(inner) > 1 and inner[1] == math.nextafter(inner[0], math.inf):  # it begins with the cell of one value
        inner = inner[1:]
        if len(inner) == 1:
            return short(inner[0]), f"the number {short(inner[0])}"
        return f"{short(inner[0])} to {short(inner[-1])}", f"numbers from {short(inner[0])} to {short(inner[-1])}"
    if inner:
        low, high = short(inner[0]), short(inner[-1])
        return f"{low} to {high}", f"numbers above {low}, up to {high}"
    if not edges:
        return "any number", "any number"
    end = short(edges[first - 1] if first else edges[after - 1])
    return (f"above {end}", f"numbers above {end}") if first else (f"below {end}", f"numbers below {end}")


def short(number: float) -> str:
    """A number for people: four digits, and whole ones in full.

    Example:
        >>> short(2 / 3), short(12345.6), short(20131231), short(1e20)
        ('0.6667', '12346', '20131231', '1e+20')
    """
    return f"{number:.0f}" if 1e4 <= abs(number) < 1e15 else f"{number:.4g}"
