"""``ws.data``: the operations, and verbs that take files and frames."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.core.ids import new_id
from modelwright.core.operation import Face
from modelwright.core.schema import Contract
from modelwright.data.model import DatasetVersion, content_digest

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa


class DataFace(Face):
    """Add, read and export datasets beside the operations."""

    def add(
        self,
        name: str,
        source: Any,
        *,
        key: str | None = None,
        event_time: str | None = None,
        known_at: str | None = None,
        contract: Contract | Literal["infer"] | None = None,
        note: str = "",
        time_zone: str | None = None,
    ) -> DatasetVersion:
        """Make a source the dataset's next version; the same content again is the version it already is.

        Args:
            name: The dataset; made with its first version.
            source: A path to CSV, Parquet or JSON lines (also ``.gz`` and ``.zip``), an Arrow table, a pandas or Polars
                frame, or a dict of columns.
            key: The column that names a row; like the two below, kept from the version before unless given.
            event_time: The column that says when a row happened.
            known_at: The column that says when a row could first be known.
            contract: What this and later versions keep to; by default the contract of the version before. ``"infer"``
                takes this content as the new measure.
            note: Your words about it.
            time_zone: What dates and times without an offset are in, e.g. ``America/New_York``.

        Raises:
            Invalid: The source cannot be read, or it breaks the contract.
            NotFound: There is no such file.
        """
        from modelwright.data.contract import contract_of  # weight: pyarrow
        from modelwright.data.ingest import table_of
        from modelwright.data.parts import encoded
        from modelwright.data.schema import columns_of

        table = table_of(source, time_zone=time_zone)
        promised = contract_of(table) if contract == "infer" else contract
        uploads = tuple(self._caller.upload(data) for _, data in encoded(table))
        digest = content_digest(columns_of(table.schema), (upload.digest for upload in uploads))
        known = self._known(name, digest)
        said = {"key": key, "event_time": event_time, "known_at": known_at, "contract": promised}
        if known is not None and all(value in (None, getattr(known, field)) for field, value in said.items()):
            return known
        version: DatasetVersion = self.commit(name, uploads, **said, note=note)
        return version

    def table(self, ref: str, columns: Sequence[str] | None = None) -> pa.Table:
        """A version's rows as an Arrow table; every part is checked against its digest.

        Args:
            ref: ``flights@3`` or ``flights@latest``.
            columns: Only these, in this order; by default all.
        """
        from modelwright.data.parts import decoded  # weight: pyarrow

        version: DatasetVersion = self.get(ref)
        for column in columns or ():
            if column not in version.columns:
                raise Invalid(
                    f"{version.ref} has no column {column!r}.",
                    remedy=f"It has: {', '.join(version.columns)}.",
                    fields={"columns": f"{column} is not there"},
                )
        parts = (self._fetch("part", version.ref, index) for index in range(len(version.parts)))
        return decoded(parts, None if columns is None else list(columns))

    def export(self, ref: str, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write a version to a file; it appears whole or not at all.

        Args:
            ref: The version.
            path: Where to; ``.parquet`` or ``.csv`` decides the format.
            overwrite: Whether a file that is there may be replaced.

        Raises:
            Conflict: The file is there.
            NotFound: Its folder is not there.
            Invalid: Another ending.
        """
        import pyarrow.csv as pc  # weight: pyarrow, 0.3 s
        import pyarrow.parquet as pq

        target = Path(path).expanduser()
        writers = {".parquet": pq.write_table, ".csv": pc.write_csv}
        write = writers.get(target.suffix.lower())
        if write is None:
            raise Invalid(f"{target.name} ends neither in .parquet nor in .csv.", remedy="Choose one of the two.")
        if target.exists() and not overwrite:
            raise _there(target)
        if not target.parent.is_dir():
            raise NotFound(f"There is no folder {target.parent}.", remedy="Make it first.")
        table = self.table(ref)
        temporary = target.with_name(f".{target.name}.{new_id()}")
        try:
            with temporary.open("xb") as stream:
                write(table, stream)
                stream.flush()
                os.fsync(stream.fileno())
            _place(temporary, target, overwrite=overwrite)
        finally:
            temporary.unlink(missing_ok=True)
        return target

    def _known(self, name: str, digest: str) -> DatasetVersion | None:
        try:
            newest: DatasetVersion = self.get(f"{name}@latest")
        except (NotFound, Invalid):
            return None
        return newest if newest.digest == digest else None


def _place(temporary: Path, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(target)
        return
    try:
        os.link(temporary, target)  # unlike rename it fails where another file came first
    except FileExistsError:
        raise _there(target) from None


def _there(target: Path) -> Conflict:
    return Conflict(f"{target} is there already.", remedy="Choose another path, or give overwrite=True.")
