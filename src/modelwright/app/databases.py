"""The databases of a home: in its folder, or on a PostgreSQL server; and whose they are."""

from __future__ import annotations

from contextlib import ExitStack

from sqlalchemy import Column, MetaData, String, Table, insert, select

from modelwright.app.home import Home
from modelwright.core.errors import Conflict, Unavailable, first_line
from modelwright.store.adapters.sqlite import SqliteRecords
from modelwright.store.durable import sync_folder
from modelwright.store.ports import Records
from modelwright.store.tables import control, telemetry

owners = Table("home", control, Column("id", String(32), primary_key=True))
"""The one home that a control database belongs to."""


def control_database(home: Home) -> Records:
    """The registry, the ledger, the queue, prepared.

    Args:
        home: An opened home.

    Raises:
        Conflict: The database belongs to another home, or has lost what this home kept in it.
        Unavailable: It does not answer.
    """
    records = _on_postgres(home, control, "modelwright") or SqliteRecords(home.control, control)
    with ExitStack() as unless_prepared:
        unless_prepared.callback(records.close)
        records.prepare()
        if home.id:
            _claim(records, home)
        unless_prepared.pop_all()
    return records


def telemetry_database(home: Home) -> Records:
    """Metric histories, prepared; raises as ``control_database``.

    In the folder, a power cut may take the last ones, a crash none. On a server, where a crash is all one can see of a
    power cut, they are as durable as the registry.
    """
    records = _on_postgres(home, telemetry, "modelwright_telemetry") or SqliteRecords(
        home.telemetry, telemetry, synchronous="NORMAL"
    )
    with ExitStack() as unless_prepared:
        unless_prepared.callback(records.close)
        records.prepare()
        unless_prepared.pop_all()
    return records


def _on_postgres(home: Home, tables: MetaData, schema: str) -> Records | None:
    if home.records is None:
        return None
    try:
        from modelwright.store.adapters.postgres import (
            PostgresRecords,  # weight: psycopg, an extra, which SQLite needs not
        )
    except ImportError as error:
        raise Unavailable(
            f"The records of {home.folder} are on PostgreSQL, which psycopg speaks to: {first_line(error)}",
            remedy="Install it: pip install 'modelwright[postgres]'",
        ) from error
    return PostgresRecords(home.records, tables, schema=schema)


def _claim(records: Records, home: Home) -> None:
    """Make a fresh database this home's; refuse one that is another's."""
    question = select(owners.c.id)
    with records.reading() as rows:
        owner = rows.execute(question).scalar()
    if owner is None:
        if home.claimed.exists():
            raise Conflict(
                f"{_name(home)} is empty, but {home.folder} has kept its records before.",
                remedy="Restore the database from a backup, or point at the one that holds it.",
            )
        with records.writing() as rows:
            owner = rows.execute(question).scalar()  # somebody may have been first
            if owner is None:
                rows.execute(insert(owners).values(id=home.id))
                owner = home.id
    if owner != home.id:
        raise Conflict(
            f"{_name(home)} belongs to another home: {owner[:12]}…, and {home.folder} is {home.id[:12]}….",
            remedy="Give each home a database of its own.",
        )
    if not home.claimed.exists():
        home.claimed.touch()
        sync_folder(home.folder)


def _name(home: Home) -> str:
    return str(home.records or home.control)
