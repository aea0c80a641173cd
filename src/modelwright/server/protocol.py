"""HTTP as uvicorn's h11 speaks it, with the bound that it lacks: on the arrival of a request's head.

The body's is the gate's: it may be long. Not httptools, which puts no bound on the size of a head; h11 does: 64 KiB.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from modelwright.core.connections import Attentive

HEAD_SECONDS = 15.0
"""Within which a fresh connection has brought the head of a request, and a kept one has ended what it began."""

MAX_AHEAD = 256 * 1024
"""How many bytes may be sent ahead of an answer, beside those of one read; uvicorn would keep them without end."""

_LATE = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(Attentive, H11Protocol):
    """One connection."""

    head_seconds = HEAD_SECONDS

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for a head, but not for ever."""
        super().connection_made(transport)
        self._late = self.loop.call_later(self.head_seconds, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take some bytes, of a head within its time."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._arrived()
        elif self._late is None and not self.transport.is_closing():
            self._late = self.loop.call_later(self.head_seconds, self._too_late)
        if self._busy() and len(self.conn.trailing_data[0]) > MAX_AHEAD:
            self.transport.abort()

    def _arrived(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.write(_LATE)
            self.transport.close()


def protocol() -> type[BoundedProtocol]:
    """The class for one server: its connections are counted by themselves."""
    return type("Connection", (BoundedProtocol,), {"waited_for": {}})
