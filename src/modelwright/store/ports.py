"""The storage ports. Each says its law first; an adapter is right when it passes the port's contract test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol

from msgspec import Struct

from modelwright.core.unit import Rows

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s, and most importers only name the port
    import pyarrow as pa


class Records(Protocol):
    """Rows and transactions.

    Law: a ``writing`` block is atomic, durable when it has been left, and alone: no two run at once, in any process. A
    ``reading`` block sees one snapshot and never waits for a writer. An exception inside a block undoes it.
    """

    def reading(self) -> AbstractContextManager[Rows]:
        """One snapshot."""
        ...

    def writing(self) -> AbstractContextManager[Rows]:
        """One transaction.

        Raises:
            Unavailable: Another writer held the database for longer than the patience, or the disk is full.
        """
        ...

    def prepare(self) -> None:
        """Make the tables that are not there yet; the same call again changes nothing."""
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...


class Stored(Struct, frozen=True, kw_only=True):
    """What ``Blobs.put`` stored.

    Attributes:
        digest: SHA-256 of the bytes, in hex.
        size: Their number.
        new: Whether they were not there before.
    """

    digest: str
    size: int
    new: bool


class Blobs(Protocol):
    """Content-addressed bytes.

    Law: bytes are named by their SHA-256, so the same bytes are stored once and never change. After ``put`` returned
    they survive a crash; before, nothing can be seen. ``read`` answers the very bytes or raises ``Corrupted``.
    """

    def put(self, source: bytes | Path | BinaryIO) -> Stored:
        """Store bytes; known bytes cost a hash.

        Raises:
            Unavailable: The disk is full; nothing is left behind.
        """
        ...

    def begun(self, digest: str, by: str) -> int:
        """How many bytes there are of those that somebody has begun to send and not ended."""
        ...

    def go_on(self, digest: str, by: str, start: int, source: BinaryIO) -> Stored:
        """Store bytes that come in several attempts; an attempt that breaks leaves what came for a day.

        Args:
            digest: What the whole will be.
            by: Who sends: what others have begun is not touched.
            start: Where this attempt begins, at most what has ``begun``.
            source: From there to the end.

        Raises:
            Conflict: So many bytes are not there yet.
            Invalid: The whole has another digest; nothing is left.
            Unavailable: The disk is full.
        """
        ...

    def read(self, digest: str) -> bytes:
        """The bytes.

        Raises:
            NotFound: They are not stored.
            Corrupted: The stored bytes have another digest.
        """
        ...

    def stream(self, digest: str, start: int = 0) -> Iterator[bytes]:
        """The bytes from a place on, in pieces, for what may not fit into memory.

        Raises as ``read`` does, before the first piece.
        """
        ...

    def verify(self, digest: str) -> int:
        """The size in bytes, after hashing what is stored; raises as ``read`` does."""
        ...

    def verified_path(self, digest: str) -> Path:
        """A local file with the bytes, to be read only, for readers that need one; raises as ``read`` does."""
        ...

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Those digests that are not stored."""
        ...

    def size(self, digest: str) -> int:
        """The size in bytes, without hashing; raises ``NotFound``."""
        ...

    def digests(self) -> Iterator[str]:
        """Everything stored, in no order."""
        ...


class Footer(NamedTuple):
    """What a Parquet part says of itself.

    Attributes:
        schema: Its columns, without metadata.
        rows: How many rows it holds.
    """

    schema: pa.Schema
    rows: int


class Frames(Protocol):
    """Tables at rest: immutable Parquet blobs, read by SQL.

    Law: SQL comes from this code base, values travel as parameters, and every part is verified before it is read. Times
    are UTC. Bytes that were stored and are no table are ``Invalid``; bytes that changed since are ``Corrupted``.
    """

    def footer(self, part: str) -> Footer:
        """A part's columns and its number of rows, without reading the rows; raises as ``query`` does."""
        ...

    def query(
        self, sql: str, tables: Mapping[str, Sequence[str] | pa.Table], parameters: Mapping[str, Any] | None = None
    ) -> pa.Table:
        """Run one SELECT.

        Args:
            sql: DuckDB SQL; ``$name`` marks a parameter.
            tables: View name -> digests of the Parquet parts it unites (by column name), or an Arrow table.
            parameters: Values for the marks.

        Raises:
            NotFound: A part is not stored.
            Corrupted: A part is not what was stored.
            Invalid: A part cannot be read as Parquet, or its values do not suit the SQL.
        """
        ...

    def table(self, parts: Sequence[str], columns: Sequence[str] | None = None) -> pa.Table:
        """The parts one after another, in order; raises as ``query`` does."""
        ...


class Lease(Struct, frozen=True, kw_only=True):
    """The right to do one job for a while.

    Attributes:
        name: The job.
        owner: Who holds it.
        token: Grows with every grant: work done under an older token is refused (fencing).
    """

    name: str
    owner: str
    token: int


class Queue(Protocol):
    """Who does what: leases with fencing tokens.

    Law: at any moment at most one owner holds an unexpired lease of a name, and each grant's token is larger than all
    before. Time is the wall clock; one that is put back ends leases early, and holds nobody up.
    """

    def acquire(self, name: str, owner: str, duration: timedelta) -> Lease | None:
        """The lease, or none while another owner holds it. The holder may acquire again, which renews it."""
        ...

    def take(self, rows: Rows, name: str, owner: str, duration: timedelta) -> Lease | None:
        """What ``acquire`` does, in the caller's own transaction: with it the lease is there, or is not."""
        ...

    def renew(self, rows: Rows, lease: Lease, duration: timedelta) -> bool:
        """Whether the lease is still the newest grant; then it ends a duration from now, at once for zero.

        A holder that comes late and finds that nobody has taken its place holds it again, under the same token.
        """
        ...

    def expired(self, rows: Rows, names: Sequence[str]) -> set[str]:
        """Those of some names that nobody holds now."""
        ...

    def holds(self, rows: Rows, lease: Lease) -> bool:
        """Whether the lease is still the newest grant, seen in the caller's own transaction."""
        ...

    def release(self, lease: Lease) -> None:
        """Let others have it now."""
        ...


class Message(Struct, frozen=True, kw_only=True):
    """Something that is to be done after a transaction, because of it.

    Attributes:
        id: Its position; larger than those of all messages before.
        project: The project it belongs to.
        topic: Who put it.
        body: What is to be done, as whoever put it writes it.
        cause: The request whose transaction put it.
        attempts: How often it has failed.
        error: How it failed last; empty before.
    """

    id: int
    project: str
    topic: str
    body: str
    cause: str
    attempts: int = 0
    error: str = ""


class Outbox(Protocol):
    """What is to be done after a transaction, in the same database as the transaction's rows.

    Law: a message is there exactly if the transaction that put it was committed. It is handed out, the oldest first,
    again and again until it is settled: whoever does it must bear to do it twice. Time is the wall clock.
    """

    def put(self, rows: Rows, *, project: str, topic: str, body: str, cause: str) -> None:
        """Add a message within the caller's transaction."""
        ...

    def due(self, limit: int) -> list[Message]:
        """The oldest messages that are not put off, at most so many."""
        ...

    def settle(self, message: Message) -> None:
        """It is done."""
        ...

    def postpone(self, message: Message, error: str) -> None:
        """It failed: hand it out again later, after a pause that doubles with each failure, up to an hour."""
        ...

    def failing(self, limit: int) -> list[Message]:
        """Messages that have failed and wait to be tried again, the oldest first, at most so many."""
        ...


class KeyValue(Protocol):
    """Values by key and moment: what is looked up while somebody waits.

    Law: ``read`` answers, for each key, the value with the greatest moment not after the one asked for. ``replace`` is
    atomic and durable: a reader, in any process, sees all of it or nothing. Spaces do not touch each other. Keys and
    values are bytes, moments whole numbers of 64 bits.
    """

    def read(self, space: str, asked: Sequence[tuple[bytes, int]]) -> list[bytes | None]:
        """The value of each key as of its moment, in order; none where there is none so early."""
        ...

    def knows(self, space: str) -> bool:
        """Whether anything was ever written to the space, be it nothing at all."""
        ...

    def replace(self, space: str, since: int | None, entries: Iterable[tuple[bytes, int, bytes]]) -> int:
        """Put entries in place of those since a moment, or of all; how many were put.

        Args:
            space: Where to.
            since: Entries from this moment on go; none means all.
            entries: Key, moment, value; each pair of key and moment once, none before ``since``.

        Raises:
            Unavailable: The disk is full, another writer does not end, or the handle may only read.
        """
        ...

    def count(self, space: str) -> int:
        """How many entries the space has."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...
