"""One message through one channel: the words, the link, and what came back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from modelwright.core import wire
from modelwright.core.errors import Error
from modelwright.core.settings import PUBLIC_URL
from modelwright.egress.rules import Rules
from modelwright.notifications.channels.base import Sender
from modelwright.notifications.channels.email import Email
from modelwright.notifications.channels.slack import Slack
from modelwright.notifications.channels.webhook import Webhook
from modelwright.notifications.messages import one_line
from modelwright.notifications.model import Delivery, Kind, Outgoing, Reply, Sealed

if TYPE_CHECKING:  # weight: SQLAlchemy and cryptography, which a remote client does without
    from modelwright.notifications.repository import Kept
    from modelwright.store.keys import Keys

SENDERS: Mapping[Kind, Sender] = {Kind.WEBHOOK: Webhook(), Kind.SLACK: Slack(), Kind.EMAIL: Email()}
"""Each kind's."""


def sealed(keys: Keys, channel: str, what: Sealed) -> str:
    """What of a channel is kept encrypted, bound to the channel."""
    return keys.seal(wire.encode(what), f"notifications/{channel}")


def send(kept: Kept, delivery: Delivery, *, keys: Keys, who: str, now: datetime) -> Reply:
    """Send a delivery, and have what came back; nothing that goes wrong is raised.

    Args:
        kept: The channel.
        delivery: What is sent.
        keys: The home's.
        who: What people call whoever did it; empty where nobody did.
        now: The moment.
    """
    message, base = delivery.message, (PUBLIC_URL.value or "").rstrip("/")
    outgoing = Outgoing(
        id=delivery.id,
        message=message,
        text=one_line(f"{who} {message.said}"),
        link=f"{base}{message.path}" if base else None,
        project=kept.project,
        seq=delivery.seq,
        at=now,
    )
    try:
        opened = keys.unseal(kept.sealed, f"notifications/{kept.channel.id}")
        return SENDERS[kept.channel.kind].send(outgoing, wire.decode(opened, Sealed), Rules.configured())
    except Error as error:
        return Reply(taken=False, error=f"{error.message} {error.remedy}".strip())
