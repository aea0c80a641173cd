"""Rows as histograms by hour and column, on the reference's grids: they add up to days, weeks and months."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core.errors import Invalid
from modelwright.predictions.columns import INPUT
from modelwright.predictions.model import microseconds
from modelwright.stats.histogram import Grid, Histogram
from modelwright.stats.profile import profile

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

OUTPUT = "output"
"""The column that the model answers; inputs are called ``input.<name>``."""

_HOUR = timedelta(hours=1)


def column_of(name: str) -> str:
    """An input's name in the log."""
    return INPUT + name


def count(grid: Grid, table: pa.Table, column: str) -> Histogram:
    """A column's rows on its grid. One that is not there, or has become text, counts as missing: nobody can read it."""
    if column in table.column_names:
        try:
            return profile(grid, table.column(column), name=column)
        except Invalid:  # numbers that are text now
            pass
    return Histogram.of(grid, np.zeros(grid.size, np.int64), missing=table.num_rows)


def by_hour(
    grids: Mapping[str, Grid], table: pa.Table, start: datetime, end: datetime
) -> Iterator[tuple[datetime, dict[str, Histogram]]]:
    """Each hour of a span that has rows, with the histogram of each column.

    Args:
        grids: Column of the log -> its cells.
        table: Rows with ``event_at``, in its order.
        start: A full hour.
        end: Another.
    """
    times = table.column("event_at").to_numpy().astype("datetime64[us]").astype(np.int64)
    hours = round((end - start) / _HOUR)
    edges = np.searchsorted(times, microseconds(start) + np.arange(hours + 1) * (_HOUR // timedelta(microseconds=1)))
    columns = {name: _prepared(table, name) for name in grids if name in table.column_names}
    for hour in np.flatnonzero(np.diff(edges)):
        first, last = int(edges[hour]), int(edges[hour + 1])
        rows = {name: values[first:last] for name, values in columns.items()}
        yield (
            start + int(hour) * _HOUR,
            {name: _counted(grid, rows.get(name), last - first) for name, grid in grids.items()},
        )


def _prepared(table: pa.Table, name: str) -> Any:
    """Numbers as an array once for all hours; the rest as it is."""
    import pyarrow as pa  # weight: 0.3 s
    import pyarrow.compute as pc

    column = table.column(name).combine_chunks()
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        found: NDArray[np.float64] = np.asarray(pc.cast(column, pa.float64(), safe=False), dtype=np.float64)
        return found
    return column


def _counted(grid: Grid, values: Any, rows: int) -> Histogram:
    if values is not None:
        try:
            return profile(grid, values)
        except Invalid:  # as in count
            pass
    return Histogram.of(grid, np.zeros(grid.size, np.int64), missing=rows)
