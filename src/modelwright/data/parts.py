"""A table as Parquet parts: the same rows always become the same bytes, and an append leaves nearly all parts alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

SMALLEST = 8_192
LARGEST = 131_072
SHARE = 64


def bounds(rows: int) -> Iterator[tuple[int, int]]:
    """Where each part begins and ends.

    A boundary depends on its position alone, never on how many rows follow. So an append changes the last part only: it
    stores its own rows, and again those of the last part. A part holds a 64th of the rows before it, as a power of two
    between 8,192 and 131,072. With 131,072 throughout, an append of 1 % to 336,776 flights would store 23 % of them;
    with 8,192 throughout, a hundred million rows would be 12,000 files.

    Example:
        >>> list(bounds(20_000))
        [(0, 8192), (8192, 16384), (16384, 20000)]
    """
    start = 0
    while start < rows:
        share = start // SHARE
        size = min(LARGEST, max(SMALLEST, 1 << share.bit_length() - 1 if share else 0))
        yield start, min(start + size, rows)
        start += size


def encoded(table: pa.Table) -> Iterator[tuple[int, bytes]]:
    """Each part's number of rows and its Parquet bytes, in order.

    Args:
        table: Of the types that ``ingest`` answers; its metadata is not kept.
    """
    import pyarrow as pa  # weight: 0.3 s
    import pyarrow.parquet as pq

    bare = table.replace_schema_metadata(None)
    for start, stop in bounds(bare.num_rows):
        sink = pa.BufferOutputStream()
        rows = bare.slice(
            start, stop - start
        ).combine_chunks()  # page limits follow chunks, and chunks are the reader's
        pq.write_table(rows, sink, compression="zstd", store_schema=False, row_group_size=LARGEST)
        yield stop - start, sink.getvalue().to_pybytes()


def decoded(parts: Iterable[bytes], columns: list[str] | None = None) -> pa.Table:
    """The table that parts hold.

    Args:
        parts: Parquet bytes, in order; at least one.
        columns: Only these.
    """
    import pyarrow as pa  # weight: 0.3 s
    import pyarrow.parquet as pq

    return pa.concat_tables([pq.read_table(pa.BufferReader(part), columns=columns) for part in parts])
