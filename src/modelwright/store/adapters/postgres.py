"""Records on PostgreSQL: one writer at a time by an advisory lock, snapshots for readers, commits on disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from zlib import crc32

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import BigInteger, Connection, Integer, MetaData, String, Text, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable

from modelwright.core.errors import Corrupted, Error, Invalid, Unavailable, first_line
from modelwright.core.unit import Rows
from modelwright.store.address import Address

PATIENCE_SECONDS = 30.0
LONGEST_SILENCE_SECONDS = 600.0
"""A writer who says nothing for so long, frozen or cut off, has the lock taken away and its transaction undone."""

_DEFAULTS: dict[str, Any] = {
    "application_name": "modelwright",
    "connect_timeout": 10,
    "keepalives_idle": 30,  # with the next three, a server that vanished is noticed within a minute
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""What a connection has where its address does not say otherwise."""

_ALWAYS: dict[str, Any] = {
    "autocommit": True,  # transactions are begun here, not by the driver
    "client_encoding": "UTF8",
    "target_session_attrs": "read-write",  # of several hosts the one that is no standby
}

_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"  # see ``writing``


class PostgresRecords:
    """Rows in one schema of a PostgreSQL database; fulfils ``Records``.

    Args:
        address: Where the database is.
        metadata: The tables it holds.
        schema: Where they are; made when it is not there.
    """

    def __init__(self, address: Address, metadata: MetaData, *, schema: str) -> None:
        self._address = address
        self._metadata = _as_kept(metadata)
        self._schema = schema
        self._turn = threading.Lock()  # threads of one process queue here, without a connection each
        arguments = _DEFAULTS | _arguments(address) | _ALWAYS
        self._engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: _connection(arguments, schema),
            pool_size=8,
            max_overflow=16,
            pool_timeout=PATIENCE_SECONDS,
        )
        dialect = self._engine.dialect  # whole numbers travel with 64 bits, as they are kept
        dialect.colspecs = {**dialect.colspecs, Integer: dialect.colspecs[BigInteger]}

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        """One snapshot."""
        with self._translated(), self._transaction(_READING) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """One transaction, alone once it holds the lock.

        Its statements see what is committed when they begin, not when the transaction began: the lock may have been
        waited for, and whoever held it has committed since. Behind the lock nobody else writes, so that is a snapshot.
        """
        with self._translated(), self._next(), self._transaction(_WRITING) as connection:
            longest = int(LONGEST_SILENCE_SECONDS * 1000)
            connection.exec_driver_sql(
                f"SELECT set_config('idle_in_transaction_session_timeout', '{longest}', true),"
                f" pg_advisory_xact_lock({crc32(self._schema.encode())})"
            )
            yield connection

    def prepare(self) -> None:
        """Make the schema and tables that are missing, behind the writers' lock; a complete database is only read."""
        tables = self._metadata.tables.values()
        wanted = {table.name for table in tables} | {str(index.name) for table in tables for index in table.indexes}
        with self.reading() as rows:
            there = self._present(rows)
        if wanted <= there:
            return
        with self.writing() as rows:
            encoding = rows.execute(text("SHOW server_encoding")).scalar()
            if encoding != "UTF8":
                raise Invalid(
                    f"The database at {self._address} keeps texts as {encoding}.",
                    remedy="Make it with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.",
                )
            if rows.execute(text("SELECT to_regnamespace(:name) IS NULL"), {"name": self._schema}).scalar():
                rows.execute(CreateSchema(self._schema))
            for table in self._metadata.sorted_tables:
                rows.execute(CreateTable(table, if_not_exists=True))
                for index in sorted(table.indexes, key=lambda index: str(index.name)):
                    rows.execute(CreateIndex(index, if_not_exists=True))

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def _present(self, rows: Rows) -> set[str]:
        question = (
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :name"
        )
        return set(rows.execute(text(question), {"name": self._schema}).scalars())

    @contextmanager
    def _next(self) -> Iterator[None]:
        """This thread's turn to write, among those of its process."""
        if not self._turn.acquire(timeout=PATIENCE_SECONDS):  # whoever has it may be waiting for a host that is silent
            raise Unavailable(
                f"Others of this process have been writing to {self._address} for {PATIENCE_SECONDS:.0f} s.",
                remedy="Try again.",
            )
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _transaction(self, how: str) -> Iterator[Connection]:
        with self._begun(how) as connection:
            try:
                yield connection
            except BaseException:
                with suppress(DBAPIError):  # what went wrong before is what is to be heard
                    connection.rollback()
                raise
            try:
                connection.commit()
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                raise Unavailable(
                    f"{self._address} went away while it committed, so whether it did is not known: {_said(error)}",
                    remedy="Repeat it under the same idempotency key: then it is done once.",
                ) from error

    def _begun(self, how: str) -> Connection:
        """A connection in a transaction; one that was lost while it lay in the pool is replaced."""
        try:
            return self._begin(how)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return self._begin(how)  # the pool has let go of all that are as old

    def _begin(self, how: str) -> Connection:
        connection = self._engine.connect()
        try:
            connection.exec_driver_sql(how)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeoutError as error:
            raise Unavailable(
                f"No connection to {self._address} has become free for {PATIENCE_SECONDS:.0f} s.", remedy="Try again."
            ) from error
        except DBAPIError as error:
            found = self._meant(error)
            if found is None:
                raise
            raise found from error

    def _meant(self, error: DBAPIError) -> Error | None:
        """What an error of the database is to a caller; none for what only a mistake in this program makes."""
        state, said = getattr(error.orig, "sqlstate", None) or "", _said(error)
        if state == "55P03":
            return Unavailable(
                f"Another process has been writing to {self._address} for {PATIENCE_SECONDS:.0f} s.",
                remedy="Try again; the view pg_stat_activity shows who holds it.",
            )
        if state in ("XX001", "XX002"):
            return Corrupted(f"{self._address} is damaged: {said}", remedy="Restore it from a backup.")
        if state[:2] == "22" or (not state and isinstance(error.orig, psycopg.DataError)):
            return Invalid(f"A value cannot be kept: {said}", remedy="Give one that a database can hold.")
        if state == "42501" or state[:2] in ("28", "3D"):
            return Unavailable(
                f"{self._address} does not let its user work: {said}",
                remedy="Check the user and its rights to the database.",
            )
        lost = error.connection_invalidated or (not state and isinstance(error.orig, psycopg.OperationalError))
        if lost or state[:2] in ("08", "40", "53", "57", "58"):
            return Unavailable(
                f"{self._address} cannot be used: {said}",
                remedy="Check that PostgreSQL runs there, may be written to, and takes this user and password.",
            )
        return None


def _as_kept(metadata: MetaData) -> MetaData:
    """The tables as PostgreSQL shall make them, so that rows are what they are on SQLite.

    Texts sort by their bytes and have no limit of their own; whole numbers have 64 bits.
    """
    kept = MetaData()
    for table in metadata.sorted_tables:
        for column in table.to_metadata(kept).columns:
            if isinstance(column.type, String):
                column.type = Text(collation="C")
            elif isinstance(column.type, Integer):
                column.type = BigInteger()
    return kept


def _arguments(address: Address) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(address.reveal()))
    except psycopg.ProgrammingError:  # its message may repeat what is secret
        raise Invalid(
            f"The address of the records, {address}, has an option that PostgreSQL does not know.",
            remedy="Write postgresql://user@host:5432/database; its options are those of libpq.",
        ) from None


def _connection(arguments: dict[str, Any], schema: str) -> psycopg.Connection[Any]:
    connection = psycopg.connect(**arguments)
    try:
        connection.execute(
            f"SET search_path TO {schema}; SET lock_timeout = {int(PATIENCE_SECONDS * 1000)};"
            " SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')"
        )
    except BaseException:
        connection.close()
        raise
    return connection


def _said(error: DBAPIError) -> str:
    return first_line(error.orig or error)
