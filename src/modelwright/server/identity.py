"""Who calls, seen from HTTP."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from starlette.types import Scope

from modelwright.app.identity import OWNER, Identity
from modelwright.core.errors import Denied

Identify = Callable[[Scope], Identity]
"""Answers who sent a request, or raises ``Denied``."""


def single_user(scope: Scope) -> Identity:
    """The owner, of a home without login: whoever reaches its loopback port.

    Raises:
        Denied: The request came from another machine, which only login could allow.
    """
    client = scope.get("client")
    if client is not None and is_loopback(client[0]):
        return OWNER
    raise Denied("Only this machine may ask: the home has no login.", remedy="Reach it through `ssh -L`.")


def is_loopback(host: str) -> bool:
    """Whether an IP address is this machine's own."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
