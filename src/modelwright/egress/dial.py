"""A connection to somebody else, at an address that was checked."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

from modelwright.core.errors import Denied, Unavailable
from modelwright.core.settings import EGRESS
from modelwright.egress.rules import Address, Place, Rules

SECONDS = 10.0
"""How long one request may take, from the connection to the last byte of its answer."""


@contextmanager
def dialled(place: Place, rules: Rules, *, seconds: float = SECONDS) -> Iterator[socket.socket]:
    """An open connection, encrypted where the scheme says so; after the time limit it is dead.

    The name is looked up once, and the connection goes to what that look-up found: a name that means something else a
    moment later (DNS rebinding) changes nothing.

    Args:
        place: Whom to ask.
        rules: Where the server may send.
        seconds: The time limit of everything together.

    Raises:
        Denied: The rules do not allow the place, or none of its addresses.
        Unavailable: It cannot be reached, or does not prove who it is.
    """
    rules.require(place)
    ends = time.monotonic() + seconds
    raw = _connected(place, _addresses(place, rules), ends)
    end, late = raw.dup(), threading.Event()  # the same connection, whatever wraps the other one

    def cut() -> None:
        late.set()
        with suppress(OSError):  # it may have ended by itself
            end.shutdown(socket.SHUT_RDWR)

    watchdog = threading.Timer(max(ends - time.monotonic(), 0.0), cut)
    watchdog.daemon = True
    watchdog.start()
    try:
        with encrypted(raw, place) if place.scheme in ("https", "smtps") else raw as connection:
            yield connection
        if late.is_set():  # what was read until then is not all of it
            raise unreachable(place, TimeoutError())
    except Unavailable:
        if late.is_set():
            raise unreachable(place, TimeoutError()) from None
        raise
    finally:
        watchdog.cancel()
        end.close()
        raw.close()


def encrypted(connection: socket.socket, place: Place) -> ssl.SSLSocket:
    """TLS over a connection, with a certificate for the place's name that this machine trusts.

    Raises:
        Unavailable: There is none.
    """
    try:
        return trust().wrap_socket(connection, server_hostname=place.host)
    except (OSError, ValueError) as error:
        raise unreachable(place, error) from None


def unreachable(place: Place, error: Exception) -> Unavailable:
    """What went wrong, without anything that was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        said = f"its certificate does not count: {error.verify_message}"
    elif isinstance(error, TimeoutError):
        said = "it does not answer in time"
    elif isinstance(error, OSError) and error.strerror:
        said = error.strerror
    else:
        said = f"it broke off ({type(error).__name__})"
    return Unavailable(f"{place} cannot be asked: {said}.", remedy="Check that it is up and reachable from the server.")


def _addresses(place: Place, rules: Rules) -> list[Address]:
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise unreachable(place, error) from None
    addresses = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    permitted = [address for address in dict.fromkeys(addresses) if rules.permits(place, address)]
    if not permitted:
        raise Denied(
            f"{place} is at an address that is not public.",
            remedy=f"Whoever runs the server can allow that: add the address's network to {EGRESS.name}.",
        )
    return permitted


def _connected(place: Place, addresses: list[Address], ends: float) -> socket.socket:
    failure: Exception = TimeoutError()
    for number, address in enumerate(addresses):
        left = ends - time.monotonic()
        if left <= 0:
            break
        share = left / (len(addresses) - number)  # one that is silent leaves time for the others
        try:
            raw = _opened(address, place.port, share)
        except OSError as error:
            failure = error
        else:
            raw.settimeout(max(ends - time.monotonic(), 0.001))
            return raw
    raise unreachable(place, failure) from None


def _opened(address: Address, port: int, seconds: float) -> socket.socket:
    raw = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        raw.settimeout(seconds)
        raw.connect((str(address), port))
    except BaseException:
        raw.close()
        raise
    return raw


@cache
def trust() -> ssl.SSLContext:
    """What this machine trusts, or what ``SSL_CERT_FILE`` names, and Mozilla's list: not every machine has one."""
    import certifi  # weight: only who sends something needs it

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
