"""The use cases of channels. Their secrets are made by whoever will verify with them, and are never told again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.alerts.model import Severity
from modelwright.core.errors import Conflict, NotFound
from modelwright.core.ids import Id, Name, new_id
from modelwright.core.operation import Page, Service, limited, operation, paged
from modelwright.core.unit import Unit
from modelwright.notifications.model import (
    Channel,
    ChannelAdded,
    ChannelPaused,
    ChannelRemoved,
    ChannelResumed,
    ChannelState,
    Delivery,
    DeliveryState,
    Kind,
    Message,
    Sealed,
    Secret,
    Target,
    Topic,
)

if TYPE_CHECKING:  # weight: SQLAlchemy and cryptography, which a remote client does without
    from modelwright.ledger.repository import LedgerRepository
    from modelwright.notifications.repository import ChannelRepository, Kept
    from modelwright.store.keys import Keys
    from modelwright.store.ports import Records


class NotificationService(Service):
    """Tell people what happened, where they are.

    Args:
        repository: The rows of channels.
        ledger: The ledger's rows: a channel begins at its end.
        records: The control database.
        keys: The home's.
    """

    noun = "notifications"

    def __init__(
        self, repository: ChannelRepository, ledger: LedgerRepository, *, records: Records, keys: Keys
    ) -> None:
        self._repository = repository
        self._ledger = ledger
        self._records = records
        self._keys = keys

    @operation(permission="notifications:write", kind="command")
    def add(
        self,
        unit: Unit,
        name: Name,
        kind: Kind,
        target: Target,
        secret: Secret = "",
        topics: tuple[Topic, ...] = (),
        about: tuple[Name, ...] = (),
        severity: Severity = Severity.ALARM,
    ) -> Channel:
        """Tell of what happens in this project from now on; ``ws.notifications.connect`` makes the secret as well.

        Args:
            unit: The unit of work.
            name: What the channel is called.
            kind: ``webhook``, ``slack`` or ``email``.
            target: The address to post to, or mail addresses with commas between them. It is not shown again.
            secret: What webhooks are signed with, ``whsec_…``. It is not shown again.
            topics: What it tells of, e.g. ``alert.raised``; empty means everything.
            about: The endpoints, models and pipelines that it tells of; empty means all.
            severity: ``alarm``: of alerts only alarms; ``inform``: all of them.

        Raises:
            Conflict: There is a channel of this name.
            Invalid: The target or the secret is none of this kind.
        """
        from modelwright.notifications.sending import SENDERS  # weight: ssl, smtplib, email

        sender = SENDERS[kind]
        shown, kept = sender.shown(target), Sealed(target=target, secret=sender.secret(secret))
        if self._repository.get(unit.rows, unit.project, name) is not None:
            raise Conflict(
                f"There is a channel {name!r} already.",
                remedy="Take another name, or remove it: modelwright notify channel remove NAME",
            )
        channel = Channel(
            id=new_id(),
            name=name,
            kind=kind,
            target=shown,
            topics=tuple(dict.fromkeys(topics)),
            about=tuple(dict.fromkeys(about)),
            severity=severity,
            created_by=unit.actor.id,
            created_at=unit.now,
        )
        end = self._ledger.edge(unit.rows).size
        self._keep(unit, channel, kept, cursor=end)
        unit.emit(
            ChannelAdded(
                channel_id=channel.id,
                name=name,
                channel_kind=kind,
                topics=channel.topics,
                about=channel.about,
            )
        )
        return channel

    @operation(permission="notifications:read", kind="query")
    def list(self, unit: Unit) -> tuple[Channel, ...]:
        """The project's channels by name.

        Args:
            unit: The unit of work.
        """
        return tuple(self._repository.of_project(unit.rows, unit.project))

    @operation(permission="notifications:write", kind="command")
    def remove(self, unit: Unit, name: Name) -> Channel:
        """Tell nothing there any more, and forget the target and the secret.

        Args:
            unit: The unit of work.
            name: The channel.

        Raises:
            NotFound: There is none.
        """
        channel = self._existing(unit, name).channel
        self._repository.remove(unit.rows, channel.id)
        unit.emit(ChannelRemoved(channel_id=channel.id, name=name))
        return channel

    @operation(permission="notifications:write", kind="command")
    def test(self, unit: Unit, name: Name) -> Delivery:
        """Send a message now, and say what came back. That it was refused is an answer.

        Args:
            unit: The unit of work.
            name: The channel.

        Raises:
            NotFound: There is none.
        """
        from modelwright.notifications.sending import send  # weight: as above

        with self._records.reading() as rows:  # nobody waits for a writer who waits for somebody else
            kept = self._repository.get(rows, unit.project, name)
        if kept is None:
            raise _missing(name)
        said = f"This is a test of the channel {name} of the project {unit.project}."
        message = Message(topic=Topic.TEST, said=said, path="/notifications")
        fresh = Delivery(id=new_id(), channel=name, seq=None, message=message, created_at=unit.now)
        reply = send(kept, fresh, keys=self._keys, who="", now=unit.now)
        sent = replace(
            fresh,
            state=DeliveryState.DELIVERED if reply.taken else DeliveryState.FAILED,
            attempts=1,
            status=reply.status,
            error=reply.error,
            tried_at=unit.now,
        )
        self._repository.put_delivery(unit.rows, self._existing(unit, name).channel.id, sent)
        return sent

    @operation(permission="notifications:write", kind="command", idempotent=True)
    def pause(self, unit: Unit, name: Name) -> Channel:
        """Send nothing through a channel until it is resumed. What happens meanwhile is sent then.

        Args:
            unit: The unit of work.
            name: The channel.

        Raises:
            NotFound: There is none.
        """
        channel = self._existing(unit, name).channel
        if channel.state is ChannelState.PAUSED:
            return channel
        paused = replace(channel, state=ChannelState.PAUSED)
        self._repository.put(unit.rows, paused, due=unit.now)
        unit.emit(ChannelPaused(channel_id=channel.id, name=name, failures=channel.failures))
        return paused

    @operation(permission="notifications:write", kind="command", idempotent=True)
    def resume(self, unit: Unit, name: Name) -> Channel:
        """Use a channel again, at once, and for what happened while it was paused.

        Args:
            unit: The unit of work.
            name: The channel.

        Raises:
            NotFound: There is none.
        """
        channel = self._existing(unit, name).channel
        resumed = replace(channel, state=ChannelState.ACTIVE, failures=0, problem="")
        if resumed == channel:
            return channel
        self._repository.put(unit.rows, resumed, due=unit.now)
        unit.emit(ChannelResumed(channel_id=channel.id, name=name))
        return resumed

    @operation(permission="notifications:read", kind="query")
    def deliveries(
        self, unit: Unit, name: Name | None = None, limit: int = 100, after: Id | None = None
    ) -> Page[Delivery]:
        """What was sent, or waits to be, newest first.

        Args:
            unit: The unit of work.
            name: Through this channel alone.
            limit: Deliveries a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        found = self._repository.deliveries(unit.rows, unit.project, name=name, before=after, limit=limited(limit) + 1)
        return paged(found, limit, lambda delivery: delivery.id)

    def _existing(self, unit: Unit, name: str) -> Kept:
        found = self._repository.get(unit.rows, unit.project, name)
        if found is None:
            raise _missing(name)
        return found

    def _keep(self, unit: Unit, channel: Channel, what: Sealed, *, cursor: int) -> None:
        from modelwright.notifications.repository import Kept  # weight: SQLAlchemy
        from modelwright.notifications.sending import sealed  # weight: as above

        kept = Kept(unit.project, channel, cursor, sealed(self._keys, channel.id, what))
        self._repository.add(unit.rows, kept)


def _missing(name: str) -> NotFound:
    return NotFound(f"There is no channel {name!r}.", remedy="List them: modelwright notify channel list")
