"""Mail, as plain text."""

from __future__ import annotations

import socket
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage

from modelwright.core.errors import Invalid, Unavailable
from modelwright.core.settings import MAIL_FROM, SMTP
from modelwright.egress.mail import configured, post
from modelwright.egress.rules import Rules
from modelwright.notifications.model import Outgoing, Reply, Sealed

MOST = 20
"""So many people at most are told by one channel."""

_SUBJECT = 120


def addresses(text: str) -> tuple[Address, ...]:
    """The addresses in a list with commas.

    Raises:
        Invalid: One is none, or there are too many.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > MOST:
        raise Invalid(f"{len(parts)} addresses are more than {MOST}.", remedy="Send to a mailing list.")
    try:
        found = tuple(Address(addr_spec=part) for part in parts)
    except (ValueError, IndexError, HeaderParseError):
        found = ()
    if not found or not text.isprintable() or not all(each.username and each.domain for each in found):
        raise Invalid(
            "The target has something that is no mail address.",
            remedy="Write ada@example.com, or several with commas between them.",
            fields={"target": "no mail address"},
        )
    return found


class Email:
    """One message to everybody on a short list; fulfils ``Sender``."""

    def shown(self, target: str) -> str:
        """The addresses."""
        return ", ".join(each.addr_spec for each in addresses(target))

    def secret(self, given: str) -> str:
        """None: the server that takes mail is the operator's."""
        if given:
            raise Invalid("A mail channel takes no secret.", remedy="Leave it out.", fields={"secret": "not taken"})
        return ""

    def send(self, outgoing: Outgoing, sealed: Sealed, rules: Rules) -> Reply:
        """Hand it to the server."""
        server = configured()
        if server is None:
            raise Unavailable("This server sends no mail.", remedy=f"Whoever runs it can set {SMTP.name}.")
        to = addresses(sealed.target)
        for each in to:
            rules.require_mail(each.addr_spec)
        status = post(written(outgoing, to, MAIL_FROM.value or f"modelwright@{socket.gethostname()}"), server, rules)
        return Reply(taken=True, status=status)


def written(outgoing: Outgoing, to: tuple[Address, ...], sender: str) -> EmailMessage:
    """The message. Its text is one line without control characters, so that nothing in it becomes a header."""
    [origin] = addresses(sender)
    message = EmailMessage()
    message["From"] = Address("Modelwright", addr_spec=origin.addr_spec)
    message["To"] = to
    text = outgoing.text
    message["Subject"] = text if len(text) <= _SUBJECT else text[: _SUBJECT - 1].rstrip() + "…"
    message["Date"] = outgoing.at
    message["Message-ID"] = f"<{outgoing.id}@{origin.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday reply
    lines = [
        text,
        *([outgoing.link] if outgoing.link else []),
        f"Project {outgoing.project}, {outgoing.message.topic}.",
    ]
    message.set_content("\n\n".join(lines) + "\n")
    return message
