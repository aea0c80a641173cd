"""Where the server may send something."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from modelwright.core.errors import Denied, Invalid
from modelwright.core.gate import is_loopback
from modelwright.core.settings import EGRESS

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORTS = {"https": 443, "http": 80, "smtp": 587, "smtps": 465}
"""Scheme -> its port where none is said."""

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*|[0-9a-f:.]+")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Place(NamedTuple):
    """Somebody who listens.

    Attributes:
        scheme: ``https``, ``http``, ``smtp`` or ``smtps``.
        host: Name or address, in lower case.
        port: The port.
    """

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        """As messages name it: no path, no credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")


def place_of(url: str, schemes: Iterable[str] = ("https", "http")) -> Place:
    """Who an address is of.

    Raises:
        Invalid: It is no address of these schemes. The message does not repeat it: it may hold a secret.

    Example:
        >>> str(place_of("https://hooks.example.com/services/secret"))
        'https://hooks.example.com'
    """
    remedy = f"Write {next(iter(schemes))}://host or {next(iter(schemes))}://host:port, with the path behind it."
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, (parts.hostname or "").rstrip("."), parts.port
        host = host if ":" in host else host.encode("idna").decode().lower()
    except ValueError:  # of the port, of brackets, of a name that is too long
        raise Invalid("The address cannot be read.", remedy=remedy) from None
    if "@" in parts.netloc or "#" in url or "\\" in url:
        raise Invalid("The address has a user, a fragment or a backslash.", remedy=remedy)
    if scheme not in schemes or not _HOST.fullmatch(host) or not url.isascii() or not url.isprintable() or " " in url:
        raise Invalid("The address names no host that can be asked.", remedy=remedy)
    if scheme == "http" and not is_loopback(host):
        raise Invalid(f"http://{host} is not on this machine, and not https.", remedy="Use https://.")
    return Place(scheme, host, PORTS[scheme] if port is None else port)


class Rules(Struct, frozen=True, kw_only=True):
    """Where the server may send.

    Attributes:
        places: Whom it may ask.
        networks: Addresses, besides public ones, at which they may be.
        trusted: Hosts that the operator configured by name: at whatever address they are.
        domains: Domains to which mail may go.
    """

    places: frozenset[Place] = frozenset()
    networks: tuple[Network, ...] = ()
    trusted: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    @classmethod
    def read(cls, text: str) -> Rules:
        """What an operator wrote: addresses, networks and ``mailto:`` domains, with commas between them.

        Raises:
            Invalid: A part of it is none of those.
        """
        places, networks, domains = set(), [], set()
        for part in filter(None, (each.strip() for each in text.split(","))):
            if part.startswith("mailto:"):
                domains.add(_domain(part.removeprefix("mailto:")))
            elif "://" in part:
                if urlsplit(part).path.strip("/") or "@" in part or "?" in part or "#" in part:
                    raise Invalid(
                        f"{EGRESS.name} has an entry with more than scheme, host and port.",
                        remedy="Write https://host or https://host:port.",
                    )
                places.add(place_of(part))
            else:
                try:
                    networks.append(ipaddress.ip_network(part))
                except ValueError:
                    raise Invalid(
                        f"{EGRESS.name} has {part[:80]!r}, which is no address, network or mailto: domain.",
                        remedy="Write e.g. https://hooks.slack.com, 10.1.0.0/16, mailto:example.com.",
                    ) from None
        return cls(places=frozenset(places), networks=tuple(networks), domains=frozenset(domains))

    @classmethod
    def configured(cls) -> Rules:
        """What ``MODELWRIGHT_EGRESS`` says; without it, nowhere."""
        return cls.read(EGRESS.value or "")

    def plus(self, *places: Place, trusted: Iterable[str] = ()) -> Rules:
        """These rules, and some that another setting implies."""
        return replace(self, places=self.places | {*places}, trusted=self.trusted | {*trusted})

    def require(self, place: Place) -> None:
        """Pass silently where it may be asked.

        Raises:
            Denied: It may not.
        """
        if place not in self.places:
            raise Denied(
                f"This server may not send to {place}.",
                remedy=f"Whoever runs it can allow that: add {place} to {EGRESS.name}.",
            )

    def require_mail(self, recipient: str) -> None:
        """Pass silently where mail to somebody may be sent.

        Raises:
            Denied: It may not.
        """
        domain = _domain(recipient.rpartition("@")[2])
        if domain not in self.domains:
            raise Denied(
                f"This server may not send mail to {domain}.",
                remedy=f"Whoever runs it can allow that: add mailto:{domain} to {EGRESS.name}.",
            )

    def permits(self, place: Place, address: Address) -> bool:
        """Whether a place may be asked at an address that its name leads to."""
        meant = _meant(address)
        if place.scheme == "http":  # what is not encrypted does not leave the machine
            return meant.is_loopback
        if place.host in self.trusted or (meant.is_global and not meant.is_multicast):
            return True
        if meant.is_loopback and is_loopback(place.host):
            return True
        return place.host == str(address) or any(meant in each for each in self.networks)


def _meant(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that leads to it: mapped, 6to4, Teredo or NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None) or address


def _domain(text: str) -> str:
    if not _HOST.fullmatch(text.lower()) or ":" in text:
        raise Invalid(f"{text[:80]!r} is no domain for mail.", remedy="Write e.g. mailto:example.com.")
    return text.lower()
