"""KeyValue on SQLite, without SQLAlchemy: an inference worker reads it and shall load little."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from modelwright.core.errors import Corrupted, Unavailable

_PATIENCE_SECONDS = 30.0
_TABLES = """
CREATE TABLE IF NOT EXISTS spaces (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS entries (
    space INTEGER NOT NULL, key BLOB NOT NULL, moment INTEGER NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (space, key, moment)
) WITHOUT ROWID;
"""
_READ = "SELECT value FROM entries WHERE space = ? AND key = ? AND moment <= ? ORDER BY moment DESC LIMIT 1"


class SqliteKeyValue:
    """Values by key and moment in one SQLite file; fulfils ``KeyValue``.

    Args:
        path: The file; made by the first who writes.
        read_only: Whether this handle may write; one that may not opens the file when it is first asked.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._turn = threading.Lock()
        self._opened: sqlite3.Connection | None = None
        self._ids: dict[str, int] = {}

    def read(self, space: str, asked: Sequence[tuple[bytes, int]]) -> list[bytes | None]:
        """The value of each key as of its moment."""
        with self._turn, self._translated():
            connection = self._connection()
            number = None if connection is None else self._number(connection, space)
            if connection is None or number is None:
                return [None] * len(asked)
            execute = connection.execute
            found = [execute(_READ, (number, key, moment)).fetchone() for key, moment in asked]
        return [None if row is None else row[0] for row in found]

    def knows(self, space: str) -> bool:
        """Whether anything was ever written to the space."""
        with self._turn, self._translated():
            connection = self._connection()
            return connection is not None and self._number(connection, space) is not None

    def replace(self, space: str, since: int | None, entries: Iterable[tuple[bytes, int, bytes]]) -> int:
        """Put entries in place of those since a moment."""
        with self._turn, self._translated():
            connection = self._connection()
            if connection is None:
                raise Unavailable(f"{self._path.name} was opened for reading.")
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute("INSERT OR IGNORE INTO spaces (name) VALUES (?)", (space,))
                (number,) = connection.execute("SELECT id FROM spaces WHERE name = ?", (space,)).fetchone()
                if since is None:
                    connection.execute("DELETE FROM entries WHERE space = ?", (number,))
                else:
                    connection.execute("DELETE FROM entries WHERE space = ? AND moment >= ?", (number, since))
                rows = ((number, key, moment, value) for key, moment, value in entries)
                written = connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?)", rows).rowcount
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        return max(written, 0)

    def count(self, space: str) -> int:
        """How many entries the space has."""
        with self._turn, self._translated():
            connection = self._connection()
            number = None if connection is None else self._number(connection, space)
            if connection is None or number is None:
                return 0
            (found,) = connection.execute("SELECT count(*) FROM entries WHERE space = ?", (number,)).fetchone()
            return int(found)

    def close(self) -> None:
        """Let go of the file."""
        with self._turn:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def _connection(self) -> sqlite3.Connection | None:
        if self._opened is None:
            if self._read_only and not self._path.exists():
                return None
            self._opened = self._open()
        return self._opened

    def _open(self) -> sqlite3.Connection:
        place = f"{self._path.absolute().as_uri()}?mode={'ro' if self._read_only else 'rwc'}"
        connection = sqlite3.connect(
            place, uri=True, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            if not self._read_only:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.executescript(_TABLES)
        except BaseException:
            connection.close()
            raise
        return connection

    def _number(self, connection: sqlite3.Connection, space: str) -> int | None:
        found = self._ids.get(space)
        if found is None:
            row = connection.execute("SELECT id FROM spaces WHERE name = ?", (space,)).fetchone()
            if row is not None:
                found = self._ids[space] = int(row[0])
        return found

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise Unavailable(
                f"{self._path.name} cannot be used: {error}.", remedy="Try again; free disk space if it is full."
            ) from error
        except sqlite3.DatabaseError as error:
            raise Corrupted(
                f"{self._path.name} is damaged: {error}.",
                remedy="Stop the server, remove the file and materialise again: it holds copies only.",
            ) from error
