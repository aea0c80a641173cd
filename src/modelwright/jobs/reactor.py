"""Makes the calls that reactions have written down."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from modelwright.app.reactions import Call
from modelwright.core import wire
from modelwright.core.errors import Error
from modelwright.core.events import Actor, ActorKind
from modelwright.core.identity import Identity
from modelwright.core.operation import Operation, Table
from modelwright.store.ports import Message, Outbox

_log = logging.getLogger(__name__)

ACTOR = Actor(id="reactions", kind=ActorKind.SERVICE)
"""Who the ledger says made these calls."""

AT_A_TIME = 100

Run = Callable[..., Any]
"""``Platform.run``."""


def react(outbox: Outbox, table: Table, run: Run) -> int:
    """Make the calls that are due, the oldest first.

    A call that fails is put off, and made again after a growing pause; the others do not wait for it.

    Args:
        outbox: What is to be done.
        table: The operations.
        run: Carries one out as a unit of work.

    Returns:
        How many calls succeeded.
    """
    made = 0
    for message in outbox.due(AT_A_TIME):
        try:
            _make(message, table, run)
        except Error as error:
            _log.warning("%s: %s %s", message.topic, error.message, error.remedy)
            outbox.postpone(message, f"{error.message} {error.remedy}".strip())
        except Exception as error:  # noqa: BLE001  # the rim of a reaction: one that breaks must not keep the others
            _log.exception("%s failed", message.topic)
            outbox.postpone(message, f"{type(error).__name__}: {error}")
        else:
            outbox.settle(message)
            made += 1
    return made


def _make(message: Message, table: Table, run: Run) -> None:
    call = wire.decode(message.body, Call)
    operation: Operation = table.get(call.operation)
    run(
        operation,
        operation.bind((), call.arguments),
        identity=Identity(actor=ACTOR, project=message.project, grants=frozenset({operation.permission})),
        idempotency_key=f"outbox-{message.id}",
        causation_id=message.cause,
    )
