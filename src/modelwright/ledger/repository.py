"""The ledger's rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Column, Index, Integer, Select, String, Table, Text, insert, select, update

from modelwright.core.errors import Corrupted
from modelwright.core.signing import Envelope as SignedEnvelope
from modelwright.core.unit import Rows
from modelwright.ledger import tree
from modelwright.ledger.model import GENESIS, Head, StoredEntry
from modelwright.ledger.tree import Frontier
from modelwright.store.tables import Body, control

entries = Table(
    "ledger",
    control,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(100), nullable=False),
    Column("project", String(128), nullable=False),
    Column("envelope", Text, nullable=False),
    Column("leaf", String(64), nullable=False),
    Column("chain", String(64), nullable=False),
    Index("ledger_by_kind", "project", "kind", "seq"),
)

_PAGE = 10_000
_BEFORE_ALL = -(2**63)


class Edge(Struct, frozen=True, kw_only=True):
    """Where the ledger ends: what the next append needs, and the signed head.

    Attributes:
        signed: A checkpoint; an envelope where nothing was written since before there were checkpoints.
    """

    size: int = 0
    chain: str = GENESIS
    frontier: Frontier = []
    signed: str | SignedEnvelope | None = None

    @property
    def head(self) -> Head:
        """What a checkpoint of this end says.

        Raises:
            Corrupted: The tree's edge is not made of hashes.
        """
        try:
            return Head(size=self.size, root=tree.root(self.frontier))
        except ValueError:
            raise Corrupted("The edge of the ledger's tree is not made of hashes.") from None


edges = Table(
    "ledger_head",
    control,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("edge", Body(Edge), nullable=False),
)

_END = select(
    select(edges.c.edge).where(edges.c.id == 1).scalar_subquery(),
    select(entries.c.seq).order_by(entries.c.seq.desc()).limit(1).scalar_subquery(),
    select(entries.c.chain).order_by(entries.c.seq.desc()).limit(1).scalar_subquery(),
)


class LedgerRepository:
    """The ledger's entries and its end."""

    def edge(self, rows: Rows) -> Edge:
        """Where the ledger ends."""
        return rows.execute(select(edges.c.edge).where(edges.c.id == 1)).scalar() or Edge()

    def end(self, rows: Rows) -> tuple[Edge, int, str]:
        """Where the ledger ends, beside the position and chain of its last entry, in one statement."""
        edge, seq, chain = rows.execute(_END).one()
        return edge or Edge(), seq or 0, GENESIS if chain is None else _text(chain)

    def append(self, rows: Rows, fresh: list[StoredEntry], edge: Edge) -> None:
        """Write entries and move the end behind them."""
        rows.execute(insert(entries), [msgspec.structs.asdict(entry) for entry in fresh])
        if rows.execute(update(edges).where(edges.c.id == 1).values(edge=edge)).rowcount == 0:
            rows.execute(insert(edges).values(id=1, edge=edge))

    def walk(self, rows: Rows, *, after: int = _BEFORE_ALL) -> Iterator[StoredEntry]:
        """Every entry in order, also one that somebody put before the first; what cannot be read is the next one."""
        count = _PAGE
        while count == _PAGE:
            count = 0
            for row in rows.execute(_behind(after, _PAGE)):
                yield _stored(row)
                after, count = row.seq, count + 1

    def page(self, rows: Rows, *, after: int, limit: int) -> list[StoredEntry]:
        """Entries behind a position, oldest first."""
        return [_stored(row) for row in rows.execute(_behind(after, limit))]

    def leaves(self, rows: Rows, size: int) -> list[str]:
        """The leaf hashes of the first entries, in order."""
        statement = select(entries.c.leaf).where(entries.c.seq.between(1, size)).order_by(entries.c.seq)
        return [_text(leaf) for leaf in rows.execute(statement).scalars()]

    def of_kinds(
        self, rows: Rows, *, project: str, kinds: Collection[str], after: int, limit: int
    ) -> list[StoredEntry]:
        """A project's entries of some kinds behind a position, oldest first."""
        wanted = (entries.c.project == project, entries.c.kind.in_(kinds), entries.c.seq > after)
        statement = select(entries).where(*wanted).order_by(entries.c.seq).limit(limit)
        return [_stored(row) for row in rows.execute(statement)]

    def newest(
        self, rows: Rows, *, project: str, kind: str | None, before: int | None, limit: int
    ) -> list[StoredEntry]:
        """A project's entries before a position, newest first."""
        statement = select(entries).where(entries.c.project == project).order_by(entries.c.seq.desc()).limit(limit)
        if kind is not None:
            statement = statement.where(entries.c.kind == kind)
        if before is not None:
            statement = statement.where(entries.c.seq < before)
        return [_stored(row) for row in rows.execute(statement)]


def _behind(after: int, limit: int) -> Select[Any]:
    return select(entries).where(entries.c.seq > after).order_by(entries.c.seq).limit(limit)


def _stored(row: Any) -> StoredEntry:
    """A row as an entry. SQLite keeps bytes in a column of text as well, and one flipped bit makes a text bytes."""
    return StoredEntry(row.seq, *(_text(value) for value in row[1:]))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
