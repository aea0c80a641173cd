"""The one gate in front of every port: who is addressed, who asks, and how much they send.

Pure functions over headers as byte pairs with names in lower case, as ASGI hands them. Against DNS rebinding the Host
is compared with a set; against cross-site requests Origin and Sec-Fetch-Site are checked on every method that may
write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from modelwright.core.errors import Invalid

Headers = Sequence[tuple[bytes, bytes]]
"""Header fields as they came, names in lower case; a name may come twice."""

MAX_BODY = 16 * 2**20
"""The default limit of a request's body, in bytes."""

_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_AUTHORITY = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[1-9][0-9]{0,4}))?")
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_SCHEME_PORTS = {"http": 80, "https": 443}
_SAME_SITE = frozenset({b"same-origin", b"none"})


class Authority(NamedTuple):
    """A host with its port, as a Host header or an Origin names it.

    Attributes:
        name: A lower-case host name, or an IP address in its canonical spelling without brackets.
        port: The port; none when the default of the scheme is meant.
    """

    name: str
    port: int | None


class Refusal(NamedTuple):
    """Why the gate does not let a request through: an HTTP status and one sentence."""

    status: int
    message: str


def parse_authority(value: bytes) -> Authority:
    """Read ``name``, ``name:port``, ``1.2.3.4:port`` or ``[::1]:port``, and nothing else.

    User information, trailing dots, zones, lists, white space and addresses in other spellings (``127.1``,
    ``0x7f000001``) are refused rather than interpreted: a browser and we could read them differently.

    Raises:
        Invalid: It has another form.

    Example:
        >>> parse_authority(b"LocalHost:8000")
        Authority(name='localhost', port=8000)
        >>> parse_authority(b"[0:0:0:0:0:0:0:1]:80").name
        '::1'
    """
    match = _AUTHORITY.fullmatch(value[:262].decode("latin-1").lower()) if value.isascii() else None
    if match is None or int(match["port"] or 0) > 65_535:
        raise Invalid(f"{value[:80]!r} is not a host with an optional port.", fields={"host": "malformed"})
    return Authority(_canonical_name(match["name"]), int(match["port"]) if match["port"] else None)


def _canonical_name(name: str) -> str:
    address: IPv4Address | IPv6Address
    try:
        if name.startswith("["):
            address = IPv6Address(name[1:-1])
        elif name.rpartition(".")[2].isdigit() or name.rpartition(".")[2].startswith("0x"):
            address = IPv4Address(name)  # a last label of digits can only be an address
        elif _HOST_NAME.fullmatch(name):
            return name
        else:
            raise Invalid(f"{name[:80]!r} is not a host name.", fields={"host": "malformed"})
    except ValueError:
        raise Invalid(f"{name[:80]!r} is not an IP address.", fields={"host": "malformed"}) from None
    return str(address)


def allowed_authorities(port: int, names: Iterable[str] = ()) -> frozenset[Authority]:
    """The hosts a server answers for: the loopback names with its port, and the configured names.

    Args:
        port: The port it is bound to.
        names: Further names, ``ml.example.com`` (with the bound port, or behind a proxy with none, 80 or 443) or
            ``ml.example.com:8443`` (exactly that).

    Raises:
        Invalid: A configured name is not one.
    """
    allowed = {Authority(name, port) for name in ("localhost", "127.0.0.1", "::1")}
    if port == _SCHEME_PORTS["http"]:
        allowed |= {Authority(authority.name, None) for authority in allowed}
    for text in names:
        named = parse_authority(_bracketed(text).encode("ascii", "replace"))
        ports = (None, port, *_SCHEME_PORTS.values()) if named.port is None else (named.port,)
        allowed |= {Authority(named.name, number) for number in ports}
    return frozenset(allowed)


def _bracketed(text: str) -> str:
    try:
        return f"[{text}]" if ip_address(text).version == 6 else text
    except ValueError:
        return text


def is_loopback(host: str) -> bool:
    """Whether an IP address is this machine's own."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


class Gate:
    """What a port lets through.

    Args:
        allowed: The hosts it answers for, from ``allowed_authorities``.
        max_body: The largest body, in bytes.
    """

    __slots__ = ("_allowed", "_spelled", "max_body")

    def __init__(self, allowed: frozenset[Authority], max_body: int = MAX_BODY) -> None:
        self._allowed = allowed
        self._spelled = frozenset(_spelling(authority) for authority in allowed)  # the usual case costs a look-up
        self.max_body = max_body

    def refusal(self, method: str, headers: Headers) -> Refusal | None:
        """Why this request does not pass, or none.

        Args:
            method: The HTTP method in upper case.
            headers: The request's header fields.
        """
        seen: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in _CHECKED:
                if name in seen:
                    return Refusal(400, f"The header {name.decode()} came twice.")
                seen[name] = value
        host = seen.get(b"host")
        if host is None:
            return Refusal(400, "The request names no host.")
        if host not in self._spelled and (refused := self._host_refusal(host)):
            return refused
        if method not in _SAFE_METHODS and (refused := self._origin_refusal(seen)):
            return refused
        return self._length_refusal(seen)

    def _host_refusal(self, host: bytes) -> Refusal | None:
        try:
            known = parse_authority(host) in self._allowed
        except Invalid as error:
            return Refusal(400, f"Host: {error.message}")
        return None if known else Refusal(421, f"This server does not answer for the host {_shown(host)}.")

    def _origin_refusal(self, seen: dict[bytes, bytes]) -> Refusal | None:
        site = seen.get(b"sec-fetch-site")
        if site is not None and site not in _SAME_SITE:
            return Refusal(403, f"A page of another site may not do this (Sec-Fetch-Site: {_shown(site)}).")
        origin = seen.get(b"origin")
        if origin is not None and not self._own_origin(origin):
            return Refusal(403, f"The origin {_shown(origin)} may not do this.")
        return None

    def _own_origin(self, origin: bytes) -> bool:
        scheme, separator, rest = origin.partition(b"://")
        default = _SCHEME_PORTS.get(scheme.decode("latin-1"))
        if not separator or default is None:  # "null" too: the origin of sandboxed frames and of local files
            return False
        try:
            named = parse_authority(rest)
        except Invalid:
            return False
        return Authority(named.name, named.port or default) in self._allowed

    def _length_refusal(self, seen: dict[bytes, bytes]) -> Refusal | None:
        length = seen.get(b"content-length")
        if length is None:
            return None
        if b"transfer-encoding" in seen:
            return Refusal(400, "Content-Length and Transfer-Encoding exclude each other.")
        if not length.isdigit():
            return Refusal(400, f"Content-Length is {_shown(length)}, not a number.")
        return self.size_refusal(int(length) if len(length) < 19 else 2**63)

    def size_refusal(self, received: int) -> Refusal | None:
        """Why a body of this size does not pass, or none: asked again with the bytes really received."""
        if received <= self.max_body:
            return None
        return Refusal(413, f"The body is larger than the limit of {self.max_body} bytes.")


_CHECKED = frozenset({b"host", b"origin", b"sec-fetch-site", b"content-length", b"transfer-encoding"})


def _spelling(authority: Authority) -> bytes:
    name = f"[{authority.name}]" if ":" in authority.name else authority.name
    return (name if authority.port is None else f"{name}:{authority.port}").encode()


def _shown(value: bytes) -> str:
    return ascii(value[:80].decode("latin-1"))
