"""Connections that hang: a bound on how many are waited for, and on how long an answer waits for its reader.

Who connects and sends nothing, or a byte a minute, holds a place, and a bound alone would let such callers keep
everybody else out. So a full house turns no newcomer away: it lets go of whoever has been silent for longest.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

MOST = 300
"""How many connections of one server are waited for at once."""

STALLED_SECONDS = 30.0
"""How long an answer that does not fit the system's buffers waits for its reader to take some of it."""


class Attentive:
    """What uvicorn's protocols lack; mixed in before one of them.

    Attributes:
        waited_for: The connections of one server that owe it a request, the most silent first.
    """

    waited_for: ClassVar[dict[Any, None]]
    most = MOST
    stalled_seconds = STALLED_SECONDS

    transport: Any
    loop: asyncio.AbstractEventLoop
    flow: Any
    cycle: Any
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for a request."""
        super().connection_made(transport)  # type: ignore[misc]  # of the protocol that it is mixed into
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self.waited_for.pop(self, None)
        self._unstall()
        super().connection_lost(exc)  # type: ignore[misc]  # as above

    def data_received(self, data: bytes) -> None:
        """Take some bytes of a request."""
        super().data_received(data)  # type: ignore[misc]  # as above
        self._wait()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()  # type: ignore[misc]  # as above
        self._wait()

    def pause_writing(self) -> None:
        """The reader does not keep up: wait, but not for ever."""
        super().pause_writing()  # type: ignore[misc]  # as above
        self._unstall()
        self._stalled = self.loop.call_later(self.stalled_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It does."""
        super().resume_writing()  # type: ignore[misc]  # as above
        self._unstall()

    def _wait(self) -> None:
        """Count this connection as the latest that was heard of, or not at all where it is we who are slow."""
        self.waited_for.pop(self, None)
        if self.transport.is_closing() or self.flow.read_paused or self._busy():
            return
        self.waited_for[self] = None
        if len(self.waited_for) > self.most:
            silent = next(iter(self.waited_for))
            del self.waited_for[silent]
            silent.transport.close()

    def _busy(self) -> bool:
        """Whether a whole request is being answered."""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _unstall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
