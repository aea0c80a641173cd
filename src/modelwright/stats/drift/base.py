"""What a drift test is."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from modelwright.core.errors import Invalid
from modelwright.core.registry import Shelf
from modelwright.stats.cells import coarse
from modelwright.stats.histogram import CategoryGrid, Grid, Histogram, NumericGrid
from modelwright.stats.model import Cell, Drift


class Kind(StrEnum):
    """What a column's values are."""

    NUMERIC = "numeric"
    CATEGORIES = "categories"


class DriftTest(Protocol):
    """Says how far two histograms over one grid are apart.

    Law: it is a pure function of what was counted, so the order of rows and how they were split up make no difference.
    Equal shares between equal ends are exactly 0 apart, however many rows there are. The answer is never NaN: a cell
    that is empty on one side counts as the test documents, and a side without rows is ``Invalid``. It is at most
    ``highest``. Swapping the sides changes nothing if it is ``symmetric``.

    Attributes:
        suits: The kinds of column it can be asked about; another is ``Invalid``.
        symmetric: Whether the reference and the current rows may change places. Where the reference decides on the
            cells, they may not.
        highest: The largest statistic there can be; none where it has no bound.
    """

    @property
    def suits(self) -> frozenset[Kind]:
        """The kinds of column it can be asked about."""
        ...

    @property
    def symmetric(self) -> bool:
        """Whether the sides may change places."""
        ...

    @property
    def highest(self) -> float | None:
        """The largest statistic there can be."""
        ...

    def __call__(self, reference: Histogram, current: Histogram, grid: Grid) -> Drift:
        """Compare.

        Args:
            reference: What the column should look like.
            current: What it looks like.
            grid: What both were counted on.

        Raises:
            Invalid: The grid is of a kind the test does not suit, a histogram is of another grid, or has no rows.
        """
        ...


DRIFT_TESTS: Shelf[DriftTest] = Shelf("modelwright.stats.drift", "drift test")
"""One file per drift test; the file's name is its registered name."""

BOTH = frozenset(Kind)
"""For tests that suit every column."""


_NUMERIC_CELLS, _CATEGORY_CELLS = 10, 20


def shares_in(reference: Histogram, current: Histogram, grid: Grid) -> tuple[Cell, ...]:
    """The cells of the tests that compare shares: tenths of the reference's numbers, or its 20 most frequent values.

    More of them would show chance: with 500 values in a day of 5,000 rows PSI is 0.1 when nothing has changed.

    Raises:
        Invalid: A histogram is of another grid, or has no rows.
    """
    return coarse(reference, current, grid, cells=_NUMERIC_CELLS if isinstance(grid, NumericGrid) else _CATEGORY_CELLS)


def numeric(grid: Grid, test: str) -> NumericGrid:
    """The grid, if it is of numbers.

    Raises:
        Invalid: It is of categories.
    """
    if isinstance(grid, NumericGrid):
        return grid
    raise Invalid(f"{test} compares numbers, and this column has categories.", remedy=_SUITED[Kind.CATEGORIES])


_SUITED = {
    Kind.NUMERIC: "Ask ks, psi, js, hellinger or wasserstein.",
    Kind.CATEGORIES: "Ask chi2, l-infinity, psi, js or hellinger.",
}


def categories(grid: Grid, test: str) -> CategoryGrid:
    """The grid, if it is of categories.

    Raises:
        Invalid: It is of numbers.
    """
    if isinstance(grid, CategoryGrid):
        return grid
    raise Invalid(f"{test} compares categories, and this column has numbers.", remedy=_SUITED[Kind.NUMERIC])
