"""From segments to Parquet. It may die at any step: what it did not finish, the next pass does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from modelwright.core.clock import Clock, utc_now
from modelwright.core.errors import Conflict, Corrupted
from modelwright.core.unit import Rows
from modelwright.predictions.columns import empty, joined, parquet, rows_of
from modelwright.predictions.layout import endpoints_in, projects_in, segment_folder, segments_in
from modelwright.predictions.log import PredictionLog
from modelwright.predictions.model import Kind, Shipped
from modelwright.predictions.repository import Part, PartRepository, Place
from modelwright.predictions.segments import DISK, Disk, frames, has_writer
from modelwright.store.ports import Blobs, Lease, Queue

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

LEASE = "predictions.shipper"
"""The name of the lease: one shipper at a time."""

_PART_BYTES = 64 << 20
_SMALL_ROWS = 100_000
_MERGED = 16
"""So many parts with fewer rows become one: a quiet endpoint makes many, and each costs a reader its opening."""

# A client's retry that was received first, but shipped last, is kept: the reader then still finds the first one.
_FRESH = """
SELECT * FROM fresh
WHERE NOT EXISTS (
  SELECT 1 FROM earlier
  WHERE earlier.prediction_id = fresh.prediction_id AND earlier.received_at <= fresh.received_at
)
QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY received_at, event_at, version, output) = 1
ORDER BY prediction_id
"""


class _Read(NamedTuple):
    """Segments that go into one part."""

    table: pa.Table
    records: Mapping[str, int]
    paths: list[Path]


def ship(
    log: PredictionLog, blobs: Blobs, queue: Queue, lease: Lease, *, clock: Clock = utc_now, disk: Disk = DISK
) -> Shipped:
    """Move every segment that no living process writes into one Parquet part per endpoint and kind.

    Law: whenever it stops, a reader finds every row once. The part's bytes are stored first; one transaction checks the
    lease and writes the part and its segments' names; only then are the files removed.

    Args:
        log: Where from.
        blobs: Where to.
        queue: Knows whether the lease still holds.
        lease: The right to ship, acquired under the name ``LEASE``.
        clock: The wall clock.
        disk: The operating system.

    Raises:
        Conflict: Somebody else has the lease by now; nothing of the part in hand was recorded.
    """
    return _Shipper(log, blobs, queue, lease, clock, disk).run()


class _Shipper:
    """One pass."""

    def __init__(self, log: PredictionLog, blobs: Blobs, queue: Queue, lease: Lease, clock: Clock, disk: Disk) -> None:
        self._log = log
        self._blobs = blobs
        self._queue = queue
        self._lease = lease
        self._clock = clock
        self._disk = disk
        self._repository = PartRepository()
        self._damaged: list[str] = []

    def run(self) -> Shipped:
        done = Shipped()
        for place in _places(self._log.folder):
            folder = segment_folder(self._log.folder, place.endpoint, place.kind, project=place.project)
            for read in self._readable(self._unshipped(place, folder), place.kind):
                part = self._stored(place, read)
                rows = part.rows if part else 0
                self._record(place, part, read)
                for path in read.paths:
                    self._disk.unlink(path)
                done = Shipped(
                    parts=done.parts + (part is not None),
                    rows=done.rows + rows,
                    duplicates=done.duplicates + read.table.num_rows - rows,
                    segments=done.segments + len(read.paths),
                )
            self._merge(place)
        return Shipped(
            parts=done.parts,
            rows=done.rows,
            duplicates=done.duplicates,
            segments=done.segments,
            damaged=tuple(self._damaged),
        )

    def _unshipped(self, place: Place, folder: Path) -> list[Path]:
        """Segments without a writer that are in no part; those that are in one only have to be removed."""
        closed = [path for path in segments_in(folder) if not has_writer(path)]
        with self._log.records.reading() as rows:
            shipped = self._repository.shipped(rows, place, [path.name for path in closed])
        for path in closed:
            if path.name in shipped:
                self._disk.unlink(path)
        return [path for path in closed if path.name not in shipped]

    def _readable(self, paths: Sequence[Path], kind: Kind) -> Iterator[_Read]:
        """The segments' rows, as many at a time as memory should hold; damaged segments stay where they are."""
        tables: dict[Path, pa.Table] = {}
        size = 0
        for path in paths:
            try:
                size += path.stat().st_size
                tables[path] = rows_of(kind, (payload for _, payload in frames(path)))
            except FileNotFoundError:
                continue  # another shipper, whose lease ended or began meanwhile
            except Corrupted as error:
                self._damaged.append(error.message)
                continue
            if size >= _PART_BYTES:
                yield _read(tables)
                tables, size = {}, 0
        if tables:
            yield _read(tables)

    def _stored(self, place: Place, read: _Read) -> Part | None:
        """The part, if any row is left."""
        if place.kind is Kind.LABELS:
            # Nothing is left out: a repeated label changes no answer, and corrections are history.
            table = read.table.sort_by("prediction_id")
        else:
            table = self._without_duplicates(place, read.table)
        if table.num_rows == 0:
            return None
        ids = table.column("prediction_id")
        digest = self._blobs.put(parquet(table)).digest
        first, last = ids[0].as_py(), ids[table.num_rows - 1].as_py()
        return Part(digest=digest, rows=table.num_rows, first_id=first, last_id=last)

    def _merge(self, place: Place) -> None:
        """Let one part stand for many small ones; a reader that has their digests still finds their blobs."""
        with self._log.records.reading() as rows:
            small = self._repository.small(rows, place, below=_SMALL_ROWS, limit=_MERGED)
        if len(small) < _MERGED:
            return
        digests = [part.digest for part in small.values()]
        table = self._log.frames.query("SELECT * FROM small ORDER BY prediction_id", {"small": digests})
        merged = Part(
            digest=self._blobs.put(parquet(table)).digest,
            rows=table.num_rows,
            first_id=min(part.first_id for part in small.values()),
            last_id=max(part.last_id for part in small.values()),
        )
        with self._log.records.writing() as rows:
            self._check_lease(rows)
            self._repository.replace(rows, place, small.keys(), merged, shipped_at=self._clock())

    def _check_lease(self, rows: Rows) -> None:
        # A part was made unique against the parts that were there; under a lost lease there may be others now.
        if not self._queue.holds(rows, self._lease):
            raise Conflict(
                f"{self._lease.owner} no longer holds the lease {self._lease.name}.",
                remedy="Nothing is lost: the shipper that holds it ships these segments.",
            )

    def _without_duplicates(self, place: Place, whole: pa.Table) -> pa.Table:
        import pyarrow.compute as pc  # weight: 0.1 s

        if whole.num_rows == 0:
            return whole
        span = pc.min_max(whole.column("prediction_id")).as_py()
        with self._log.records.reading() as rows:
            earlier = self._repository.overlapping(rows, place, span["min"], span["max"])
        return self._log.frames.query(_FRESH, {"fresh": whole, "earlier": earlier or empty(place.kind)})

    def _record(self, place: Place, part: Part | None, read: _Read) -> None:
        with self._log.records.writing() as rows:
            self._check_lease(rows)
            if self._repository.shipped(rows, place, list(read.records)):
                raise Conflict(f"Segments of {place.endpoint} were shipped meanwhile under the same lease.")
            self._repository.add(rows, place, part, read.records, shipped_at=self._clock())


def _read(tables: Mapping[Path, pa.Table]) -> _Read:
    records = {path.name: table.num_rows for path, table in tables.items()}
    return _Read(joined(tables.values()), records, list(tables))


def _places(log: Path) -> Iterator[Place]:
    for project in projects_in(log):
        for endpoint in endpoints_in(log, project):
            for kind in Kind:
                yield Place(project=project, endpoint=endpoint, kind=kind)
