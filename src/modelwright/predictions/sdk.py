"""``ws.predictions``: the operations, and verbs that answer frames and write files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO

from modelwright.core.errors import Conflict, NotFound
from modelwright.core.ids import new_id
from modelwright.core.operation import Face, Upload

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

_TRIES = 3


class PredictionsFace(Face):
    """Read many predictions at once beside the operations."""

    def table(
        self, endpoint: str, *, since: datetime | str | None = None, until: datetime | str | None = None
    ) -> pa.Table:
        """An endpoint's predictions of a span of event time with their labels, by event time.

        Its columns are ``prediction_id, model, version, package, generation, position, event_at, received_at,
        latency_us, output``, ``input.<name>`` for each input, ``label`` and ``label_known_at``.

        Args:
            endpoint: Who answered.
            since: The first event time; by default from the beginning.
            until: The first event time after it; by default to the end.
        """
        import pyarrow.parquet as pq  # weight: 0.3 s

        with TemporaryFile() as whole:
            self._write(whole, endpoint, since, until)
            whole.seek(0)
            return pq.read_table(whole)

    def write(
        self,
        endpoint: str,
        path: str | Path,
        *,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
    ) -> Path:
        """Write what ``table`` answers to a Parquet file; it appears whole or not at all.

        Args:
            endpoint: Who answered.
            path: Where to.
            since: As for ``table``.
            until: As for ``table``.

        Raises:
            Conflict: The file is there.
            NotFound: Its folder is not there.
        """
        target = Path(path).expanduser()
        if target.exists():
            raise Conflict(f"{target} is there already.", remedy="Choose another path.")
        if not target.parent.is_dir():
            raise NotFound(f"There is no folder {target.parent}.", remedy="Make it first.")
        temporary = target.with_name(f".{target.name}.{new_id()}")
        try:
            with temporary.open("xb") as whole:
                self._write(whole, endpoint, since, until)
            temporary.rename(target)
        finally:
            temporary.unlink(missing_ok=True)
        return target

    def send(self, source: bytes | Path) -> Upload:
        """Send bytes ahead of an operation that names them."""
        return self._caller.upload(source)

    def _write(self, into: BinaryIO, endpoint: str, since: datetime | str | None, until: datetime | str | None) -> None:
        for left in reversed(range(_TRIES)):
            into.seek(0)
            into.truncate()
            try:
                return self._fetch_into(into, "export", endpoint, since=since, until=until)
            except Conflict:  # more was answered between the handle and its bytes
                if not left:
                    raise
        return None
