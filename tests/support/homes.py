"""Homes for tests, and servers over them."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.core.gate import allowed_authorities
from modelwright.processes.listening import address, bind
from modelwright.server.assembly import Application
from modelwright.server.faces import FACES
from modelwright.server.gate import Limits
from modelwright.server.run import server

PORT = 8900
BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)


def fresh_platform(folder: Path) -> Platform:
    """A new home, opened."""
    return Platform(Home(folder / ".modelwright").open(create=True))


def application(
    platform: Platform, *, limits: Limits | None = None, port: int = PORT, names: Iterable[str] = (), **given
) -> Application:
    """The whole server as ASGI, answering for this machine's own names; ``pages`` come on top of the dashboard's."""
    faces = [*FACES, *given.pop("pages", ())]
    return Application(platform, allowed=allowed_authorities(port, names), limits=limits, pages=faces, **given)


@contextmanager
def live(platform: Platform, *, limits: Limits | None = None, names: Iterable[str] = ()) -> Iterator[str]:
    """A real server in a thread; its URL. Nothing to wait for: the socket listens before the server does."""
    with ExitStack() as stack:
        listening = stack.enter_context(closing(bind("127.0.0.1", 0, option="--port")))
        port = listening.getsockname()[1]
        inner = stack.enter_context(closing(application(platform, limits=limits, port=port, names=names)))
        running = server(inner)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, name="live")
        thread.start()
        try:
            yield address(listening)
        finally:
            running.should_exit = True
            thread.join()
