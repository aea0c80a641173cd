"""Takes what people are told from the ledger and sends it, at least once.

A channel has a cursor: what stands before it in the ledger has become deliveries, in the transaction that moved it. A
delivery waits until somebody took it. So a kill between any two steps loses nothing; one between the sending and its
record sends again, under the same id. Each channel is served by a thread of its own, one message after another, so that
one which is dead keeps nobody waiting but itself.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from msgspec import json
from msgspec.structs import replace

from modelwright.access.repository import UserRepository
from modelwright.core.clock import Clock
from modelwright.core.ids import new_ids
from modelwright.core.unit import Rows
from modelwright.ledger.model import Envelope
from modelwright.ledger.repository import LedgerRepository
from modelwright.notifications.messages import KINDS, told
from modelwright.notifications.model import MOST_FAILURES, PAUSES, Delivery, DeliveryState, Reply
from modelwright.notifications.repository import ChannelRepository, Kept
from modelwright.notifications.sending import send
from modelwright.store.keys import Keys
from modelwright.store.ports import Records

_log = logging.getLogger(__name__)

AT_ONCE = 16
"""Channels that are served at a time. One that does not answer takes one of these places for ten seconds, then none
until its pause is over."""

AT_A_TIME = 500
REMEMBERED = timedelta(days=90)
"""How long it can be seen what was delivered. The ledger has what happened for ever."""

_GRACE_SECONDS = 2.0

Pause = Callable[[str, str], None]
"""Project and name of a channel that is to be paused."""


class _Next(NamedTuple):
    """What comes behind a cursor: deliveries, the last entry that was looked at, whether to leave it for later."""

    deliveries: tuple[Delivery, ...]
    last: int
    idle: bool


class Courier:
    """Serves the channels of every project.

    Args:
        records: The control database.
        keys: The home's.
        clock: The wall clock.
        pause: Pauses a channel, as an operation.
    """

    def __init__(self, records: Records, keys: Keys, *, clock: Clock, pause: Pause) -> None:
        self._records = records
        self._keys = keys
        self._clock = clock
        self._pause = pause
        self._repository = ChannelRepository()
        self._ledger = LedgerRepository()
        self._users = UserRepository()
        self._looked = -1
        self._active: frozenset[str] = frozenset()
        self._serving: dict[str, threading.Thread] = {}
        self._ended = threading.Event()

    def waits(self) -> bool:
        """Whether a channel is in use: without one there is nothing to do, and no lease to hold."""
        with self._records.reading() as rows:
            return bool(self._repository.active(rows))

    def gather(self) -> int:
        """Make deliveries of what the ledger has had since; for how many channels there was something."""
        with self._records.reading() as rows:
            end = self._ledger.edge(rows).size
            active = self._repository.active(rows)
        names = frozenset(kept.channel.id for kept in active)
        if end == self._looked and names == self._active:
            return 0
        moved = sum(self._gathered(kept.channel.id) for kept in active if kept.cursor < end)
        if moved == 0:  # else there may be more
            self._looked, self._active = end, names
        return moved

    def serve(self) -> int:
        """Begin to send through every channel that has something to send; how many began."""
        self._serving = {name: thread for name, thread in self._serving.items() if thread.is_alive()}
        with self._records.reading() as rows:
            due = self._repository.due(rows, self._clock())
        begun = [each for each in due if each not in self._serving][: AT_ONCE - len(self._serving)]
        for channel in begun:
            thread = threading.Thread(target=self._served, args=[channel], name=f"channel {channel}", daemon=True)
            self._serving[channel] = thread
            thread.start()
        return len(begun)

    def wait(self) -> None:
        """Until nothing is being sent."""
        for thread in list(self._serving.values()):
            thread.join()

    def close(self) -> None:
        """Send nothing more; what is under way gets a moment, and is sent again if that was too short."""
        self._ended.set()
        for thread in list(self._serving.values()):
            thread.join(_GRACE_SECONDS)

    def _gathered(self, channel: str) -> bool:
        """Make deliveries of the next entries for one channel, and move its cursor behind them, in one transaction.

        Returns:
            Whether it moved. Where there is nothing to tell it does not: an idle worker writes nothing.
        """
        with self._records.reading() as rows:
            kept = self._repository.by_id(rows, channel)
            if kept is None or self._next(rows, kept).idle:
                return False
        with self._records.writing() as rows:
            kept = self._repository.by_id(rows, channel)
            if kept is None:
                return False
            found = self._next(rows, kept)
            for delivery in found.deliveries:
                self._repository.put_delivery(rows, channel, delivery)
            self._repository.advance(rows, channel, found.last, forgotten_before=self._clock() - REMEMBERED)
            return True

    def _next(self, rows: Rows, kept: Kept) -> _Next:
        """What comes behind a channel's cursor."""
        entries = self._ledger.of_kinds(rows, project=kept.project, kinds=KINDS, after=kept.cursor, limit=AT_A_TIME)
        full, now, messages = len(entries) == AT_A_TIME, self._clock(), []
        for entry in entries:
            envelope = json.decode(entry.envelope, type=Envelope)
            message = told(envelope.kind, envelope.body, envelope.actor_id)
            if message is not None and kept.channel.wants(message):
                messages.append((entry.seq, message))
        name = kept.channel.name
        made = tuple(
            Delivery(id=identifier, channel=name, seq=seq, message=message, created_at=now)
            for identifier, (seq, message) in zip(new_ids(len(messages)), messages, strict=True)
        )
        last = entries[-1].seq if full else self._ledger.edge(rows).size
        return _Next(made, last, idle=not made and not full)

    def _served(self, channel: str) -> None:
        """Send through a channel until nothing waits, or it fails."""
        try:
            while not self._ended.is_set() and self._sent(channel):
                pass
        except Exception:  # noqa: BLE001  # the rim of a thread: what waits is looked at again in the next turn
            _log.exception("channel %s", channel)

    def _sent(self, channel: str) -> bool:
        """Whether one message was taken, so that the next may follow."""
        with self._records.reading() as rows:
            kept = self._repository.by_id(rows, channel)
            delivery = self._repository.waiting(rows, channel)
            if kept is None or delivery is None:
                return False
            user = self._users.by_id(rows, delivery.message.by) if delivery.message.by else None
        who = (user.display or user.name) if user else delivery.message.by
        reply = send(kept, delivery, keys=self._keys, who=who, now=self._clock())
        return self._recorded(kept, delivery, reply)

    def _recorded(self, sent: Kept, delivery: Delivery, reply: Reply) -> bool:
        now = self._clock()
        tried = replace(
            delivery,
            state=DeliveryState.DELIVERED if reply.taken else DeliveryState.WAITING,
            attempts=delivery.attempts + 1,
            status=reply.status,
            error=reply.error,
            tried_at=now,
        )
        with self._records.writing() as rows:
            kept = self._repository.by_id(rows, sent.channel.id)
            if kept is None:
                return False  # removed meanwhile
            self._repository.put_delivery(rows, kept.channel.id, tried)
            failures = 0 if reply.taken else kept.channel.failures + 1
            changed = replace(kept.channel, failures=failures, problem=reply.error)
            if changed != kept.channel:
                self._repository.put(rows, changed, due=now if reply.taken else now + pause_after(failures))
        if reply.taken:
            return True
        _log.warning("channel %s of %s: %s", sent.channel.name, sent.project, reply.error)
        if reply.gone or failures >= MOST_FAILURES:
            self._pause(sent.project, sent.channel.name)
        return False


def pause_after(failures: int) -> timedelta:
    """How long to wait after so many failures on end: growing, and another one for each channel that failed at once."""
    return PAUSES[min(failures, len(PAUSES)) - 1] * random.uniform(0.8, 1.2)  # noqa: S311  # no secret
