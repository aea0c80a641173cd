"""Signed webhooks.

Source:
    Standard Webhooks 1.0, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime

from msgspec import Struct

from modelwright.alerts.model import Severity
from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.egress.ask import ask
from modelwright.egress.rules import Rules, place_of
from modelwright.notifications.channels.base import reply
from modelwright.notifications.model import Outgoing, Reply, Sealed, Topic
from modelwright.notifications.signing import PREFIX, signature

_ANSWER_BYTES = 1000


class Data(Struct, frozen=True, kw_only=True):
    """What happened, for programs."""

    project: str
    text: str
    link: str | None
    subjects: tuple[str, ...]
    severity: Severity | None
    entry: int | None


class Payload(Struct, frozen=True, kw_only=True):
    """The body of a webhook."""

    type: Topic
    timestamp: datetime
    data: Data


class Webhook:
    """A POST with a JSON body to whoever listens; fulfils ``Sender``."""

    def shown(self, target: str) -> str:
        """The host: the path may be what keeps others from writing there."""
        return f"{place_of(target)}/…"

    def secret(self, given: str) -> str:
        """What the receiver verifies with: ``whsec_`` and 24 to 64 bytes in base64."""
        try:
            key = b64decode(given.removeprefix(PREFIX), validate=True)
        except ValueError:
            key = b""
        if not given.startswith(PREFIX) or not 24 <= len(key) <= 64:
            raise Invalid(
                f"The secret is not {PREFIX} and 24 to 64 bytes in base64.",
                remedy="Leave it out on the command line, or in ws.notifications.connect: one is made.",
                fields={"secret": "another form"},
            )
        return given

    def send(self, outgoing: Outgoing, sealed: Sealed, rules: Rules) -> Reply:
        """Post it, signed."""
        data = Data(
            project=outgoing.project,
            text=outgoing.text,
            link=outgoing.link,
            subjects=outgoing.message.subjects,
            severity=outgoing.message.severity,
            entry=outgoing.seq,
        )
        body = wire.encode(Payload(type=outgoing.message.topic, timestamp=outgoing.at, data=data))
        moment = int(outgoing.at.timestamp())
        headers = {
            "content-type": "application/json",
            "webhook-id": outgoing.id,
            "webhook-timestamp": str(moment),
            "webhook-signature": signature(sealed.secret, outgoing.id, moment, body),
        }
        return reply(ask("POST", sealed.target, rules=rules, headers=headers, body=body, largest=_ANSWER_BYTES))
