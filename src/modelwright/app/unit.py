"""The unit of work: permission, idempotency key, service, projections, ledger, commit - always in this order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, String, Table, Text, insert, select

from modelwright.core import wire
from modelwright.core.clock import Clock, utc_now
from modelwright.core.errors import Conflict, Denied, Error, Invalid, Refused
from modelwright.core.events import Actor, Event, Recorded
from modelwright.core.identity import Identity
from modelwright.core.ids import new_id
from modelwright.core.operation import Operation, Service
from modelwright.core.unit import Projection, Rows
from modelwright.ledger.append import append
from modelwright.ledger.repository import LedgerRepository
from modelwright.store.keys import Keys
from modelwright.store.ports import Records
from modelwright.store.tables import Moment, control

_log = logging.getLogger(__name__)

answers = Table(
    "idempotency",
    control,
    Column("project", String(128), primary_key=True),
    Column("actor", String(128), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("operation", String(100), nullable=False),
    Column("arguments", String(64), nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", Moment, nullable=False),
)


class _Unit:
    """One operation's transaction, opened when it is first needed; fulfils ``core.unit.Unit``."""

    def __init__(
        self,
        identity: Identity,
        *,
        records: Records,
        projections: Sequence[Projection],
        now: datetime,
        request_id: str,
        causation_id: str,
        writing: bool,
    ) -> None:
        self.project = identity.project
        self.actor: Actor = identity.actor
        self.caller: Identity = identity
        self.now = now
        self.request_id = request_id
        self.causation_id = causation_id
        self.recorded: list[Recorded] = []
        self.afterwards: list[Callable[[], None]] = []
        self._records = records
        self._projections = projections
        self._writing = writing
        self._rows: Rows | None = None
        self.stack = ExitStack()

    @property
    def rows(self) -> Rows:
        if self._rows is None:
            opened = self._records.writing() if self._writing else self._records.reading()
            self._rows = self.stack.enter_context(opened)
        return self._rows

    def emit(self, event: Event) -> None:
        if not self._writing:
            raise TypeError(f"A query emitted {type(event).__name__}; only commands change state.")
        recorded = Recorded(
            event=event,
            project=self.project,
            actor=self.actor,
            recorded_at=self.now,
            request_id=self.request_id,
        )
        self.recorded.append(recorded)
        for projection in self._projections:
            projection(self, recorded)

    def after_commit(self, action: Callable[[], None]) -> None:
        self.afterwards.append(action)


class _Raced(Exception):
    """The same command finished under the same key meanwhile: this unit is undone, and that answer is the answer."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self.answer = answer


class Units:
    """Carries operations out, one transaction each.

    Args:
        records: The control database.
        keys: Signs the ledger's head.
        projections: What derives rows from events, in order.
        clock: The wall clock.
    """

    def __init__(
        self, records: Records, keys: Keys, projections: Sequence[Projection], *, clock: Clock = utc_now
    ) -> None:
        self._records = records
        self._keys = keys
        self._projections = projections
        self._clock = clock
        self._ledger = LedgerRepository()

    def run(
        self,
        operation: Operation,
        service: Service,
        request: msgspec.Struct,
        *,
        identity: Identity,
        idempotency_key: str | None = None,
        request_id: str | None = None,
        causation_id: str = "",
    ) -> Any:
        """Carry one operation out; everything it does is there afterwards, or nothing.

        Args:
            operation: What to do.
            service: Who does it.
            request: Its checked arguments.
            identity: Who asks.
            idempotency_key: A command repeated under its key is not done again: the first answer comes back.
            request_id: For logs and the ledger; made when not given.
            causation_id: The request whose events caused this one, for the ledger; by default the request itself.

        Raises:
            Denied: The caller does not hold the operation's permission.
            Conflict: The key was used for something else.
        """
        if not identity.may(operation.permission):
            raise Denied(
                f"{operation.name} needs the permission {operation.permission}.",
                remedy=f"Ask an admin for a role that has it in {identity.project}; see yours: modelwright whoami",
            )
        unit = _Unit(
            identity,
            records=self._records,
            projections=self._projections,
            now=self._clock(),
            request_id=request_id or new_id(),
            causation_id=causation_id,
            writing=operation.kind == "command",
        )
        refused: Refused | None = None
        try:
            with unit.stack:
                try:
                    answer = self._answer(operation, service, request, unit, idempotency_key)
                except Refused as error:
                    if not error.recorded:
                        raise
                    self._record(unit)  # the guard's decision stays, and is all that was written
                    refused = error
        except _Raced as raced:
            return wire.decode(raced.answer, operation.response)
        if refused is not None:
            raise refused
        for action in unit.afterwards:
            try:
                action()
            except Error as error:
                _log.warning("after %s: %s", operation.name, error)
            except Exception:  # noqa: BLE001  #  the outermost rim of an action that rows will repeat
                _log.exception("after %s", operation.name)
        return answer

    def _answer(
        self, operation: Operation, service: Service, request: msgspec.Struct, unit: _Unit, key: str | None
    ) -> Any:
        if key is None or operation.kind == "query" or operation.idempotent:
            return self._done(operation, service, request, unit)
        given = wire.encode(request)
        arguments = wire.sha256(self._sealed(given) if hasattr(request, "password") else given)
        with self._records.reading() as rows:  # a snapshot first: long work before a unit's first write holds up nobody
            earlier = self._earlier(rows, unit, key, operation, arguments)
        if earlier is not None:
            return wire.decode(earlier, operation.response)
        try:
            answer = operation.function(service, unit, **_fields(request))
        except Error:  # perhaps for what the same command did meanwhile: then its answer is the answer
            with self._records.reading() as rows:
                earlier = self._earlier(rows, unit, key, operation, arguments)
            if earlier is None:
                raise
            raise _Raced(earlier) from None
        earlier = self._earlier(unit.rows, unit, key, operation, arguments)
        if earlier is not None:
            raise _Raced(earlier)
        kept = {"key": key, "operation": operation.name, "arguments": arguments, "at": unit.now}
        body = wire.encode(answer).decode()
        unit.rows.execute(insert(answers).values(project=unit.project, actor=unit.actor.id, answer=body, **kept))
        self._record(unit)
        return answer

    def _sealed(self, arguments: bytes) -> bytes:
        """Arguments in a form from which a password cannot be guessed: it takes the home's key to make it."""
        return wire.encode(self._keys.sign(arguments, "application/vnd.modelwright.arguments").signatures)

    def _done(self, operation: Operation, service: Service, request: msgspec.Struct, unit: _Unit) -> Any:
        answer = operation.function(service, unit, **_fields(request))
        self._record(unit)
        return answer

    def _record(self, unit: _Unit) -> None:
        if unit.recorded:
            append(
                unit.rows,
                unit.recorded,
                repository=self._ledger,
                keys=self._keys,
                causation_id=unit.causation_id,
            )

    def _earlier(self, rows: Rows, unit: _Unit, key: str, operation: Operation, arguments: str) -> str | None:
        if not 1 <= len(key) <= 200:
            raise Invalid(f"The idempotency key has {len(key)} characters, not 1 to 200.")
        found = rows.execute(
            select(answers).where(
                answers.c.project == unit.project, answers.c.actor == unit.actor.id, answers.c.key == key
            )
        ).first()
        if found is None:
            return None
        if (found.operation, found.arguments) != (operation.name, arguments):
            raise Conflict(
                f"The idempotency key {key!r} was used for another {found.operation}.",
                remedy="Take a fresh key for a different request.",
            )
        return str(found.answer)


def _fields(request: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(request, name) for name in request.__struct_fields__}
