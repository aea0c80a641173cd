"""Arrow tables, as an Arrow IPC stream."""

from __future__ import annotations

import sys
from typing import Any

from modelwright.core.errors import Corrupted


class ArrowCodec:
    """Arrow tables; fulfils ``Codec``."""

    def handles(self, value: object) -> bool:
        """Whether it is a table."""
        loaded = sys.modules.get("pyarrow")
        return loaded is not None and isinstance(value, loaded.Table)

    def encode(self, value: Any) -> bytes:
        """One chunk a column: how the rows had been cut up is no part of what they are."""
        import pyarrow as pa

        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, value.schema) as writer:
            writer.write_table(value.combine_chunks())
        data: bytes = sink.getvalue().to_pybytes()
        return data

    def decode(self, data: bytes) -> Any:
        """The table; it reads the bytes where they are."""
        import pyarrow as pa

        try:
            with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
                return reader.read_all()
        except (pa.ArrowInvalid, OSError) as error:
            raise Corrupted(f"These bytes are no Arrow stream: {error}.") from error

    def words(self, value: Any) -> str:
        """Rows by columns."""
        return f"table {value.num_rows:,} x {value.num_columns}"


variant = ArrowCodec()
