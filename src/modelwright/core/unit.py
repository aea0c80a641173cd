"""The unit of work as a service sees it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from modelwright.core.events import Actor, Event, Recorded
from modelwright.core.identity import Identity


class Rows(Protocol):
    """The open transaction, handed to repositories; only they know that it speaks SQLAlchemy Core."""

    def execute(self, statement: Any, parameters: Any = None, /) -> Any:
        """Run one statement."""
        ...


class Unit(Protocol):
    """One operation's transaction and its circumstances.

    Law: everything done through ``rows`` and ``emit`` is there after the operation returned, or nothing is. A query's
    unit reads one snapshot and may not emit.
    """

    @property
    def project(self) -> str:
        """The project that every row and name belongs to."""
        ...

    @property
    def actor(self) -> Actor:
        """Who acts."""
        ...

    @property
    def caller(self) -> Identity:
        """Who acts, with what they may do."""
        ...

    @property
    def now(self) -> datetime:
        """The wall clock when the unit began; all rows of one unit carry the same moment."""
        ...

    @property
    def request_id(self) -> str:
        """The request that caused this, for logs and the ledger."""
        ...

    @property
    def rows(self) -> Rows:
        """The open transaction."""
        ...

    def emit(self, event: Event) -> None:
        """Record what happened: projections see it now, the ledger as the transaction's last statement."""
        ...

    def after_commit(self, action: Callable[[], None]) -> None:
        """Do this once the transaction is durable.

        A crash may come between, so it may only hasten what something else would do anyway from the rows.
        """
        ...


class Snapshot:
    """A unit that reads a snapshot of its own, for work that must not hold up writers; fulfils ``Unit`` for queries.

    Args:
        unit: The command's unit.
        rows: A reading transaction.
    """

    def __init__(self, unit: Unit, rows: Rows) -> None:
        self.project: str = unit.project
        self.actor: Actor = unit.actor
        self.caller: Identity = unit.caller
        self.now: datetime = unit.now
        self.request_id: str = unit.request_id
        self.rows: Rows = rows

    def emit(self, event: Event) -> None:
        """A snapshot records nothing."""
        raise TypeError("a snapshot records nothing")

    def after_commit(self, action: Callable[[], None]) -> None:
        """A snapshot commits nothing."""
        raise TypeError("a snapshot commits nothing")


Projection = Callable[[Unit, Recorded], None]
"""Derives rows from one event, inside the transaction that records it. It decides nothing and refuses nothing."""
