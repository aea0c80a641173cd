"""Bound sockets, which outlive the processes that answer on them."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

from modelwright.core.errors import Invalid, Unavailable

_BACKLOG = 1024


def numeric(host: str) -> str:
    """The address that a host names.

    Raises:
        Invalid: It is no address.
    """
    try:
        return str(ip_address("127.0.0.1" if host == "localhost" else host))
    except ValueError:
        raise Invalid(f"{host[:80]!r} is not an IP address.", remedy="Give --host 127.0.0.1.") from None


def bind(host: str, port: int, *, option: str) -> socket.socket:
    """A listening socket that children inherit.

    Args:
        host: An address of this machine.
        port: 0 takes any free one.
        option: The option that chooses the port, for the remedy.

    Raises:
        Unavailable: The port is taken, or this user may not have it.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        reasons = {errno.EADDRINUSE: "is taken by another process", errno.EACCES: "is not for this user"}
        reason = reasons.get(getattr(error, "errno", None) or 0, f"cannot be had: {error}")
        raise Unavailable(
            f"Port {port} on {host} {reason}.", remedy=f"Give another: modelwright up {option} {_another(port)}"
        ) from error
    return listening


def address(listening: socket.socket) -> str:
    """The URL of a bound socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _another(port: int) -> int:
    return port + 10 if 1024 <= port <= 65_000 else 8910
