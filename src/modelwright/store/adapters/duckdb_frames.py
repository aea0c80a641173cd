"""Frames on local Parquet blobs, scanned by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import Invalid, Unavailable, first_line
from modelwright.store.ports import Blobs, Footer

if TYPE_CHECKING:  # weight: duckdb and pyarrow, 0.2 s, which every home has and few commands use
    import pyarrow as pa


class DuckdbFrames:
    """SQL over Parquet blobs; fulfils ``Frames``.

    Args:
        blobs: Where the parts rest.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def footer(self, part: str) -> Footer:
        """A part's columns and its number of rows, from the end of the file."""
        import pyarrow.parquet as pq

        with _readable(part), pq.ParquetFile(self._blobs.verified_path(part)) as file:
            return Footer(schema=file.schema_arrow.remove_metadata(), rows=file.metadata.num_rows)

    def query(
        self, sql: str, tables: Mapping[str, Sequence[str] | pa.Table], parameters: Mapping[str, Any] | None = None
    ) -> pa.Table:
        """Run one SELECT in a database of its own, in memory, in UTC."""
        import duckdb
        import pyarrow as pa

        with duckdb.connect(":memory:", config={"threads": 2}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            try:
                for name, source in tables.items():
                    if isinstance(source, pa.Table):
                        connection.register(name, source)
                    else:
                        paths = [str(self._blobs.verified_path(digest)) for digest in source]
                        connection.read_parquet(paths, union_by_name=True).create_view(name)
                return connection.sql(sql, params=dict(parameters or {})).to_arrow_table()
            except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException):
                raise  # the SQL is this code base's own
            except duckdb.OutOfMemoryException as error:
                raise Unavailable(f"There is not enough memory: {first_line(error)}") from error
            except duckdb.Error as error:
                raise Invalid(
                    f"The data cannot be read: {first_line(error)}",
                    remedy="Write the Parquet file again, or add its source.",
                ) from error

    def table(self, parts: Sequence[str], columns: Sequence[str] | None = None) -> pa.Table:
        """The parts one after another, in order."""
        import pyarrow as pa

        return pa.concat_tables([self._part(digest, columns) for digest in parts])

    def _part(self, digest: str, columns: Sequence[str] | None) -> pa.Table:
        import pyarrow.parquet as pq

        with _readable(digest):
            names = list(columns) if columns is not None else None
            return pq.read_table(self._blobs.verified_path(digest), columns=names, partitioning=None)


@contextmanager
def _readable(part: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise Invalid(
            f"{part[:12]}… cannot be read as Parquet: {first_line(error)}",
            remedy="Write the file again, or add its source through ws.data.add.",
        ) from error
