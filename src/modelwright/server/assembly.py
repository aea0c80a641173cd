"""The application: everything that answers, behind the one gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from modelwright.app.workspace import Platform
from modelwright.core import wire
from modelwright.core.gate import Authority
from modelwright.server.answers import HTML, JSON, json
from modelwright.server.blobs import PREFIX, blobs
from modelwright.server.gate import Gate, Limits
from modelwright.server.identity import Callers
from modelwright.server.openapi import document, reference
from modelwright.server.rest import API, operations
from modelwright.server.routes import PUBLIC, Declared, Handler, Routed
from modelwright.server.threads import Threads
from modelwright.store.durable import require_disk

Pages = Callable[[Platform, Threads], Iterable[Declared]]
"""Makes the declarations of one face, e.g. of the pages, that are mounted beside REST."""


class Application:
    """The server as ASGI; ``close`` it when it has answered for the last time.

    Args:
        platform: The opened home.
        allowed: The hosts it answers for, from ``core.gate.allowed_authorities``.
        limits: How much a request may ask for.
        pages: Further faces.

    Raises:
        RuntimeError: Something is mounted that declares no permission.
    """

    def __init__(
        self,
        platform: Platform,
        *,
        allowed: frozenset[Authority],
        limits: Limits | None = None,
        pages: Iterable[Pages] = (),
    ) -> None:
        self._threads = Threads(16, waiting=256, name="operation")
        self._uploads = Threads(8, waiting=64, name="upload")
        self.declared = [
            *operations(platform, self._threads),
            *blobs(platform, self._threads, self._uploads),
            *_about(platform, self._threads),
            *(declared for face in pages for declared in face(platform, self._threads)),
        ]
        inner = Routed(self.declared, Callers(platform.entrance, self._threads))
        self._app: ASGIApp = Gate(inner, allowed=allowed, limits=limits or Limits(), streamed=(PREFIX,))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Fulfil ASGI."""
        await self._app(scope, receive, send)

    def close(self) -> None:
        """Wait for work that has begun."""
        self._uploads.close()
        self._threads.close()


def _about(platform: Platform, threads: Threads) -> list[Declared]:
    """What the server says of itself: that it lives, and what it offers."""
    newest = platform.table.get("ledger.list")

    async def health(_: Request) -> Response:
        require_disk()
        await threads.run(platform.run, newest, newest.bind((), {"limit": 1}))  # reads the database, or raises
        return json({"status": "ok"})

    return [
        Declared(("GET",), "/health", PUBLIC, health),
        Declared(("GET",), f"{API}/openapi.json", PUBLIC, _fixed(wire.encode(document(platform.table)), JSON)),
        Declared(("GET",), "/api", PUBLIC, _fixed(reference(platform.table).encode(), HTML)),
    ]


def _fixed(body: bytes, media_type: str) -> Handler:
    async def answer(_: Request) -> Response:
        return Response(body, media_type=media_type)

    return answer
