"""Grids and histograms: a column's rows as counts, which add up and travel.

A histogram is worth nothing without the grid that it was counted on. Both are Structs and need no numpy to be read
from the wire; ``stats.profile`` counts, ``stats.cells`` reads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import Struct

from modelwright.core.errors import Invalid

if TYPE_CHECKING:  # weight: remote clients read histograms without numpy
    import numpy as np
    from numpy.typing import NDArray

MOST_CELLS = 4096
"""Cells of a column at most."""

MOST_LEVELS = 1000
"""Categories at most that have a cell of their own."""

_SPARSE = 16


class NumericGrid(Struct, frozen=True, kw_only=True, tag="numeric", forbid_unknown_fields=True):
    """The cells of a column of numbers: ``(-inf, edges[0]]``, ``(edges[i-1], edges[i]]``, …, ``(edges[-1], inf)``.

    The first cell holds what is smaller than anything in the reference, the last what is larger. A value that many
    rows of the reference share has a cell that holds nothing else.

    Attributes:
        edges: Rising finite numbers, at most 4,095; none where the reference had no number.
    """

    edges: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.edges) >= MOST_CELLS:
            raise ValueError(f"a grid has at most {MOST_CELLS - 1:,} edges, not {len(self.edges):,}")
        if not all(map(math.isfinite, self.edges)):
            raise ValueError("the edges of a grid are finite")
        if any(low >= high for low, high in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("the edges of a grid rise")

    @property
    def size(self) -> int:
        """How many cells there are."""
        return len(self.edges) + 1

    @property
    def strange(self) -> tuple[int, ...]:
        """The cells in which the reference has no row: below it and above it."""
        return (0, len(self.edges)) if self.edges else (0,)


class CategoryGrid(Struct, frozen=True, kw_only=True, tag="categories", forbid_unknown_fields=True):
    """The cells of a column of categories: one for each value, and one for all others.

    Attributes:
        values: The categories of the reference, the most frequent first, at most 1,000. Others are counted together,
            and are called unseen; where the reference has more, so are its own rare ones.
    """

    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.values) > MOST_LEVELS:
            raise ValueError(f"a grid has at most {MOST_LEVELS:,} categories, not {len(self.values):,}")
        if len(set(self.values)) < len(self.values):
            raise ValueError("the categories of a grid differ")

    @property
    def size(self) -> int:
        """How many cells there are."""
        return len(self.values) + 1

    @property
    def strange(self) -> tuple[int, ...]:
        """The cell of all categories without one of their own."""
        return (len(self.values),)


Grid = NumericGrid | CategoryGrid
"""The cells that a column's rows are counted in, made from the reference."""


class Histogram(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many rows of a column lie in each cell of its grid.

    ``a + b`` is the histogram of the rows of both, exactly, in whatever order and grouping histograms are added: it
    has integers, a minimum and a maximum, and no sums of floats. Equal contents are equal values and equal bytes.

    Attributes:
        size: How many cells the grid has.
        packed: The counts (``counts`` unpacks them). The first byte says how: its low four bits are the width of a
            count in bytes; with 16 added, two-byte places of the cells that are not empty come first. Little-endian.
        n: All rows, missing ones included.
        missing: Rows without a value: null or NaN.
        unseen: Rows in the grid's strange cells.
        minimum: The smallest finite number; none where there is none, and for categories.
        maximum: The largest finite number; none likewise.
    """

    size: int
    packed: bytes
    n: int
    missing: int = 0
    unseen: int = 0
    minimum: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MOST_CELLS:
            raise ValueError(f"a histogram has 1 to {MOST_CELLS:,} cells, not {self.size:,}")

    @classmethod
    def of(
        cls,
        grid: Grid,
        counts: NDArray[np.integer],
        *,
        missing: int = 0,
        minimum: float | None = None,
        maximum: float | None = None,
    ) -> Histogram:
        """From counts per cell, shape ``(grid.size,)``."""
        return cls(
            size=grid.size,
            packed=_packed(counts),
            n=int(counts.sum()) + missing,
            missing=missing,
            unseen=int(counts[list(grid.strange)].sum()),
            minimum=minimum,
            maximum=maximum,
        )

    @property
    def present(self) -> int:
        """Rows that have a value."""
        return self.n - self.missing

    def counts(self) -> NDArray[np.int64]:
        """Rows per cell, shape ``(size,)``.

        Raises:
            Invalid: The bytes are not what ``Histogram.of`` packs.
        """
        import numpy as np  # weight: see the top

        how = self.packed[0] if self.packed else 0
        width, rest = how % _SPARSE, self.packed[1:]
        entries, over = divmod(len(rest), max(1, width + 2 * (how >= _SPARSE)))
        if width not in (1, 2, 4, 8) or over or (how < _SPARSE and entries != self.size):
            raise Invalid(f"A histogram of {self.size} cells has {len(self.packed)} bytes that do not fit.")
        if how < _SPARSE:
            return np.frombuffer(rest, f"<u{width}").astype(np.int64)
        places = np.frombuffer(rest[: 2 * entries], "<u2")
        if entries and int(places.max()) >= self.size:
            raise Invalid(f"A histogram of {self.size} cells counts rows in cell {int(places.max())}.")
        counts = np.zeros(self.size, np.int64)
        counts[places] = np.frombuffer(rest[2 * entries :], f"<u{width}")
        return counts

    def __add__(self, other: Histogram) -> Histogram:
        """The histogram of the rows of both.

        Raises:
            Invalid: They were counted on grids of different sizes.
        """
        if self.size != other.size:
            raise Invalid(
                f"A histogram of {self.size} cells and one of {other.size} were counted on different grids.",
                remedy="Count the rows of both on the grid of one reference.",
            )
        lows = [each.minimum for each in (self, other) if each.minimum is not None]
        highs = [each.maximum for each in (self, other) if each.maximum is not None]
        return Histogram(
            size=self.size,
            packed=_packed(self.counts() + other.counts()),
            n=self.n + other.n,
            missing=self.missing + other.missing,
            unseen=self.unseen + other.unseen,
            minimum=min(lows, default=None),
            maximum=max(highs, default=None),
        )


def _packed(counts: NDArray[np.integer]) -> bytes:
    """The shorter of two forms, so that an hour of 200 rows on 4,096 cells takes 600 bytes instead of 4 kB."""
    import numpy as np  # weight: see the top

    most = int(counts.max())
    width = next(width for width in (1, 2, 4, 8) if most < 256**width)
    places = np.flatnonzero(counts)
    if (2 + width) * len(places) < width * len(counts):
        return bytes([width + _SPARSE]) + places.astype("<u2").tobytes() + counts[places].astype(f"<u{width}").tobytes()
    return bytes([width]) + counts.astype(f"<u{width}").tobytes()
