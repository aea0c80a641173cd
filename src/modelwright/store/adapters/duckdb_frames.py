"""Frames on local Parquet blobs, scanned by DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from modelwright.store.adapters.local_blobs import LocalBlobs


class DuckdbFrames:
    """SQL over Parquet blobs; fulfils ``Frames``.

    Args:
        blobs: Where the parts rest.
    """

    def __init__(self, blobs: LocalBlobs) -> None:
        self._blobs = blobs

    def query(
        self, sql: str, tables: Mapping[str, Sequence[str] | pa.Table], parameters: Mapping[str, Any] | None = None
    ) -> pa.Table:
        """Run one SELECT in a database of its own, in memory, in UTC."""
        with duckdb.connect(":memory:", config={"threads": 2}) as connection:
            connection.execute("SET TimeZone = 'UTC'")  # as a setting of connect() DuckDB 2.0 does not know it yet
            for name, source in tables.items():
                if isinstance(source, pa.Table):
                    connection.register(name, source)
                else:
                    paths = [str(self._blobs.verified_path(digest)) for digest in source]
                    connection.read_parquet(paths, union_by_name=True).create_view(name)
            return connection.sql(sql, params=dict(parameters or {})).to_arrow_table()

    def table(self, parts: Sequence[str], columns: Sequence[str] | None = None) -> pa.Table:
        """The parts one after another, in order."""
        names = list(columns) if columns is not None else None
        return pa.concat_tables(
            [pq.read_table(self._blobs.verified_path(digest), columns=names, partitioning=None) for digest in parts]
        )
