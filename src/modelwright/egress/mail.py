"""One message by SMTP."""

from __future__ import annotations

import smtplib
import socket
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from modelwright.core.errors import Invalid, Unavailable
from modelwright.core.gate import is_loopback
from modelwright.core.settings import SMTP
from modelwright.egress.dial import SECONDS, dialled, trust, unreachable
from modelwright.egress.rules import PORTS, Place, Rules


class Server(Struct, frozen=True):
    """Who takes mail. Its ``repr`` tells no password.

    Attributes:
        place: Where it is.
        user: As whom to sign in; empty for nobody.
        password: With what.
    """

    place: Place
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Server({self.place})"


def configured() -> Server | None:
    """What ``MODELWRIGHT_SMTP`` says; none where it says nothing.

    Raises:
        Invalid: It is no address of a mail server. The message does not repeat it.
    """
    if SMTP.value is None:
        return None
    try:
        parts = urlsplit(SMTP.value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise Invalid(
            f"{SMTP.name} is no address of a mail server.",
            remedy="Write smtp://user:password@host:587 or smtps://…:465; in a password, write @ as %40, / as %2F.",
        )
    place = Place(parts.scheme, parts.hostname, PORTS[parts.scheme] if port is None else port)
    return Server(place, unquote(parts.username or ""), unquote(parts.password or ""))


def post(message: EmailMessage, server: Server, rules: Rules, *, seconds: float = SECONDS) -> int:
    """Hand a message to a server; the status with which it was taken.

    It is encrypted, by STARTTLS where the scheme is ``smtp``; only a server on this machine that asks nobody to sign in
    may do without.

    Args:
        message: With its sender and recipients.
        server: Who takes it.
        rules: Where the server may send.
        seconds: The time limit of all of it.

    Raises:
        Denied: The rules do not allow it.
        Unavailable: It was not taken.
    """
    allowed = rules.plus(server.place, trusted=(server.place.host,))
    with dialled(server.place, allowed, seconds=seconds) as connection:
        try:
            _handed(message, server, connection)
        except smtplib.SMTPResponseException as error:
            raise _refused(server.place, error.smtp_code) from None
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(server.place, next(iter(error.recipients.values()))[0]) from None
        except smtplib.SMTPNotSupportedError:
            raise unreachable(server.place, OSError(0, "it takes no STARTTLS, or no sign-in")) from None
        except (OSError, smtplib.SMTPException) as error:
            raise unreachable(server.place, error) from None
    return 250


class _Over(smtplib.SMTP):
    """SMTP over a connection that is there already."""

    def __init__(self, connection: socket.socket, place: Place) -> None:
        self._connection = connection
        super().__init__(place.host, place.port, local_hostname=socket.gethostname())  # which asks nobody for a name

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._connection


def _handed(message: EmailMessage, server: Server, connection: socket.socket) -> None:
    speaker = _Over(connection, server.place)
    try:
        speaker.ehlo()
        plain = is_loopback(server.place.host) and not server.user and not speaker.has_extn("starttls")
        if server.place.scheme == "smtp" and not plain:
            speaker.starttls(context=trust())
        if server.user:
            speaker.login(server.user, server.password)
        speaker.send_message(message)
        speaker.quit()
    finally:
        speaker.close()  # by now perhaps another object than the connection: TLS has taken it over


def _refused(place: Place, status: int) -> Unavailable:
    """It said no. Its words are left out: they repeat addresses, and who signed in."""
    return Unavailable(f"{place} does not take the mail: it answered {status}.", remedy="Its log says why.")
