"""HTTP as uvicorn's httptools speaks it, with the bounds that it lacks: of a request's head, and of its arrival.

A request that comes in one piece, as nearly all do, starts no timer.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from modelwright.core.connections import Attentive

MAX_HEAD = 64 * 1024
"""The most bytes of a request line and its headers, beside those of the first piece that is read of them."""

MOST = 600
"""How many connections are waited for at once; a system lets a process open 1,024 files, as a rule."""

MAX_AHEAD = 256
"""How many requests may be sent ahead of the answers; uvicorn would queue them without end."""

ARRIVAL_SECONDS = 30.0
"""Within which a request has arrived as a whole, and a fresh connection has brought one."""


class BoundedProtocol(Attentive, HttpToolsProtocol):
    """One connection."""

    waited_for: ClassVar[dict[Any, None]] = {}  # of the process, which serves one port
    most = MOST
    max_head = MAX_HEAD
    arrival_seconds = ARRIVAL_SECONDS

    _head = 0
    _in_head = True
    _begun = False
    _partial = True
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for a request, but not for ever."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._partial = False
        self._watch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take some bytes, while they are not too many."""
        self._partial, self._begun = True, False
        super().data_received(data)
        if self._in_head and not self._begun:  # what came before a head in one piece with it, is not the head's
            self._head += len(data)
            if self._head > self.max_head:
                self._end(b"431 Request Header Fields Too Large")
        if self._partial or self._late is not None:
            self._watch()
        if len(self.pipeline) > MAX_AHEAD:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head, self._head, self._partial, self._begun = True, 0, True, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._partial = False
        super().on_message_complete()

    def _watch(self) -> None:
        if not self._partial:
            if self._late is not None:
                self._late.cancel()
                self._late = None
        elif self._late is None:
            self._late = self.loop.call_later(self.arrival_seconds, self._too_late)

    def _too_late(self) -> None:
        self._late = None
        if self.flow is not None and self.flow.read_paused:
            self._watch()  # it is we who do not read: an earlier request is being answered
        else:
            self._end(b"408 Request Timeout")

    def _end(self, status: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            self.transport.write(b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
        self.transport.close()
