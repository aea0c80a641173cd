"""What ``ws.notifications`` adds to its operations: making the secret where it will be verified."""

from __future__ import annotations

from typing import Any

from modelwright.core.operation import Face
from modelwright.core.shown import Shown
from modelwright.notifications.model import Channel, Kind
from modelwright.notifications.signing import new_secret


class NewChannel(Shown, frozen=True, kw_only=True):
    """A channel with what its webhooks are signed with, which nobody will be told again.

    Attributes:
        channel: The channel.
        secret: For whoever receives; empty where there is none.
    """

    channel: Channel
    secret: str

    def __str__(self) -> str:
        return str(self.channel)


class NotificationsFace(Face):
    """``ws.notifications``."""

    def connect(self, name: str, kind: str, target: str, *, secret: str | None = None, **more: Any) -> NewChannel:
        """Add a channel; for a webhook, make the secret that it is signed with.

        Args:
            name: What it is called.
            kind: ``webhook``, ``slack`` or ``email``.
            target: The address to post to, or mail addresses with commas between them.
            secret: A secret that was made already; by default a fresh one.
            more: ``topics``, ``about``, ``severity``, as ``add`` takes them.

        Raises:
            Conflict: There is a channel of this name.
            Invalid: The target is none of this kind.
        """
        made = secret or (new_secret() if kind == Kind.WEBHOOK else "")
        channel: Channel = self.add(name, kind, target, secret=made, **more)
        return NewChannel(channel=channel, secret=made)
