"""A wire between a caller and a server that can be cut."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from urllib.parse import urlsplit

from modelwright.app.workspace import Platform
from support.homes import live

_PIECE = 1 << 16


class Wire:
    """Carries bytes to a server and back, and cuts each connection after so many of them.

    Args:
        cut_after: For each connection in turn: bytes one way or the other, after which it is cut. Later ones are whole.
    """

    def __init__(self, cut_after: list[int]) -> None:
        self.goal = ""
        self._cut_after = cut_after
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.name = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.url = f"http://{self.name}"
        self.up = self.down = self.cuts = 0

    def serve(self) -> None:
        """Take connections until the wire is closed."""
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._carry, args=(near,))
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Take no more, and wait for those that are there."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    def _carry(self, near: socket.socket) -> None:
        goal = urlsplit(self.goal)
        with closing(near), ExitStack() as stack:
            far = stack.enter_context(closing(socket.create_connection((goal.hostname, goal.port))))
            left = [self._cut_after.pop(0) if self._cut_after else None]
            back = threading.Thread(target=self._copy, args=(far, near, "down", left))
            back.start()
            self._copy(near, far, "up", left)
            back.join()

    def _copy(self, source: socket.socket, goal: socket.socket, way: str, left: list[int | None]) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                if left[0] is not None and len(piece) > left[0]:
                    self.cuts += 1
                    break
                goal.sendall(piece)
                setattr(self, way, getattr(self, way) + len(piece))
                if left[0] is not None:
                    left[0] -= len(piece)
        for end in (source, goal):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire(platform: Platform, *cut_after: int) -> Iterator[Wire]:
    """A wire to a real server over a home, which answers for the wire's address too."""
    made = Wire(list(cut_after))
    thread = threading.Thread(target=made.serve)
    with live(platform, names=(made.name,)) as made.goal:
        thread.start()
        try:
            yield made
        finally:
            made.close()
            thread.join()
