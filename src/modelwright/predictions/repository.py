"""Which parts hold an endpoint's log, and which segments are in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Integer, String, Table, delete, func, insert, select

from modelwright.core.unit import Rows
from modelwright.predictions.model import Kind
from modelwright.store.tables import Moment, control

parts = Table(
    "prediction_parts",
    control,
    Column("project", String(128), primary_key=True),
    Column("endpoint", String(128), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("first_id", String(64), nullable=False),
    Column("last_id", String(64), nullable=False),
    Column("shipped_at", Moment, nullable=False),
)

shipped = Table(
    "shipped_segments",
    control,
    Column("project", String(128), primary_key=True),
    Column("endpoint", String(128), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("records", Integer, nullable=False),
    Column("shipped_at", Moment, nullable=False),
)

_CHUNK = 500


class Part(Struct, frozen=True, kw_only=True):
    """One Parquet part.

    Attributes:
        digest: Its blob.
        rows: How many it has.
        first_id: The smallest prediction id in it.
        last_id: The largest.
    """

    digest: str
    rows: int
    first_id: str
    last_id: str


class Place(Struct, frozen=True, kw_only=True):
    """One endpoint's segments of one kind."""

    project: str
    endpoint: str
    kind: Kind


class PartRepository:
    """Parts and shipped segments of one home."""

    def overlapping(self, rows: Rows, place: Place, first: str = "", last: str = "\x7f") -> list[str]:
        """Digests of the parts that may hold an id from ``first`` to ``last``, oldest first; by default all."""
        statement = (
            select(parts.c.digest)
            .where(*_of(parts, place), parts.c.last_id >= first, parts.c.first_id <= last)
            .order_by(parts.c.number)
        )
        return list(rows.execute(statement).scalars())

    def shipped(self, rows: Rows, place: Place, names: Sequence[str]) -> set[str]:
        """Those of the segments that are in parts."""
        found: set[str] = set()
        for start in range(0, len(names), _CHUNK):
            chunk = names[start : start + _CHUNK]
            found.update(
                rows.execute(select(shipped.c.name).where(*_of(shipped, place), shipped.c.name.in_(chunk))).scalars()
            )
        return found

    def records(self, rows: Rows, place: Place) -> int:
        """How many records the shipped segments held, duplicates among them."""
        return int(rows.execute(select(func.sum(shipped.c.records)).where(*_of(shipped, place))).scalar() or 0)

    def endpoints(self, rows: Rows, project: str) -> set[str]:
        """The endpoints that have parts."""
        return set(rows.execute(select(parts.c.endpoint).where(parts.c.project == project).distinct()).scalars())

    def add(
        self, rows: Rows, place: Place, part: Part | None, segments: Mapping[str, int], *, shipped_at: datetime
    ) -> None:
        """Write a part, and the name and number of records of each segment in it.

        The names are unique, so a segment that somebody else has shipped meanwhile undoes the whole transaction.
        """
        key = {"project": place.project, "endpoint": place.endpoint, "kind": place.kind.value}
        rows.execute(
            insert(shipped),
            [{**key, "name": name, "records": n, "shipped_at": shipped_at} for name, n in segments.items()],
        )
        if part is not None:
            self._insert(rows, place, part, shipped_at)

    def small(self, rows: Rows, place: Place, *, below: int, limit: int) -> dict[int, Part]:
        """Number -> part, of the oldest parts with fewer rows than that."""
        statement = select(parts).where(*_of(parts, place), parts.c.rows < below).order_by(parts.c.number).limit(limit)
        return {
            row.number: Part(digest=row.digest, rows=row.rows, first_id=row.first_id, last_id=row.last_id)
            for row in rows.execute(statement)
        }

    def replace(self, rows: Rows, place: Place, numbers: Collection[int], part: Part, *, shipped_at: datetime) -> None:
        """Let one part stand for several that it holds the rows of; their blobs stay, for readers in flight."""
        rows.execute(delete(parts).where(*_of(parts, place), parts.c.number.in_(numbers)))
        self._insert(rows, place, part, shipped_at)

    def _insert(self, rows: Rows, place: Place, part: Part, shipped_at: datetime) -> None:
        newest = rows.execute(select(func.max(parts.c.number)).where(*_of(parts, place))).scalar() or 0
        rows.execute(
            insert(parts).values(
                project=place.project,
                endpoint=place.endpoint,
                kind=place.kind.value,
                number=newest + 1,
                digest=part.digest,
                rows=part.rows,
                first_id=part.first_id,
                last_id=part.last_id,
                shipped_at=shipped_at,
            )
        )


def _of(table: Table, place: Place) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.project == place.project,
        table.c.endpoint == place.endpoint,
        table.c.kind == place.kind.value,
    )
