"""Records on SQLite: WAL, one writer at a time, commits that survive a power cut."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, ExceptionContext, MetaData, create_engine, event, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.schema import CreateIndex, CreateTable

from modelwright.core.errors import Corrupted, Invalid, Unavailable
from modelwright.core.unit import Rows
from modelwright.store.durable import full, require_disk

PATIENCE_SECONDS = 30.0


class SqliteRecords:
    """Rows in one SQLite file; fulfils ``Records``.

    Args:
        path: The file; made when it is not there.
        metadata: The tables it holds.
        synchronous: ``FULL`` survives a power cut; ``NORMAL`` may lose the last commits to one, never to a crash.
    """

    def __init__(self, path: Path, metadata: MetaData, *, synchronous: Literal["FULL", "NORMAL"] = "FULL") -> None:
        self._metadata = metadata
        self._path = path
        self._turn = threading.Lock()  # SQLite's own waiting is not fair: threads of one process queue here
        self._engine = create_engine(
            f"sqlite:///{path}",
            connect_args={"timeout": PATIENCE_SECONDS, "check_same_thread": False},
            pool_size=8,
            max_overflow=32,
        )

        @event.listens_for(self._engine, "connect")
        def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
            connection.isolation_level = None  # the driver must not begin transactions of its own
            _switch_to_wal(connection, path.parent)
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA trusted_schema = OFF")

        @event.listens_for(self._engine, "begin")
        def _on_begin(connection: Connection) -> None:
            writing = connection.get_execution_options().get("writing", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

        @event.listens_for(self._engine, "handle_error")
        def _on_error(context: ExceptionContext) -> None:
            if "decode to UTF-8" in str(context.original_exception):
                raise Corrupted(
                    f"A row of {path.name} has been altered: a text in it is not UTF-8 any more.",
                    remedy=f"`modelwright doctor` names the row; restore {path.name} from a backup.",
                ) from None

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        """One snapshot."""
        with self._translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """One transaction, begun IMMEDIATE so that it never fails half-way for want of the lock."""
        require_disk()
        with self._translated(), self._turn, self._engine.connect() as connection:
            connection.execution_options(writing=True)
            with connection.begin():
                yield connection

    def prepare(self) -> None:
        """Make the tables that are missing; two processes may do so at once, and a complete database is only read."""
        tables = self._metadata.tables.values()
        wanted = {table.name for table in tables} | {str(index.name) for table in tables for index in table.indexes}
        with self.reading() as rows:
            there = set(rows.execute(text("SELECT name FROM sqlite_master")).scalars())
        if wanted <= there:
            return
        with self.writing() as rows:
            for table in self._metadata.sorted_tables:
                rows.execute(CreateTable(table, if_not_exists=True))
                for index in sorted(table.indexes, key=lambda index: str(index.name)):
                    rows.execute(CreateIndex(index, if_not_exists=True))

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OverflowError as error:
            raise Invalid("A number is beyond 64 bits.", remedy="Give one that a database can hold.") from error
        except OperationalError as error:
            said = str(error.orig)
            if "locked" in said or "busy" in said:
                raise Unavailable(
                    f"Another process has been writing to {self._path.name} for {PATIENCE_SECONDS:.0f} s.",
                    remedy="Try again; `modelwright doctor` names the processes that hold the home.",
                ) from error
            if "full" in said:
                raise full(self._path.parent, f"{self._path.name} was not written") from error
            if "disk I/O" in said or "unable to open" in said or "readonly" in said:
                raise Unavailable(
                    f"{self._path.name} cannot be written: {said}.", remedy="Free disk space or check its permissions."
                ) from error
            raise
        except DatabaseError as error:
            if "malformed" in str(error.orig) or "not a database" in str(error.orig):
                raise Corrupted(
                    f"{self._path.name} is damaged: {error.orig}.", remedy="Restore it from a backup."
                ) from error
            raise


def _switch_to_wal(connection: sqlite3.Connection, folder: Path) -> None:
    """Switch a fresh database to WAL, which it keeps; an old one is only asked.

    One after another: several at once stand in each other's way, and SQLite's own waiting then takes seconds.
    """
    if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        os.close(descriptor)
