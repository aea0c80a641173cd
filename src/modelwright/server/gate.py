"""The one gate before everything that is mounted: Host, Origin, size, time; and a name and headers for every answer."""

from __future__ import annotations

import asyncio
import logging
import re
from http import HTTPStatus

from msgspec import Struct
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelwright.core.errors import Denied, Error, Invalid, Unavailable
from modelwright.core.gate import Authority, Refusal
from modelwright.core.gate import Gate as Checks
from modelwright.core.ids import new_id
from modelwright.server.answers import Stopped, failure, stopped

_log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST_TARGET = 8192

SECURITY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with none at all, browsers send forms with the origin "null"
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every answer, unless the answer brings a stricter one of its own."""


class Limits(Struct, frozen=True, kw_only=True):
    """How much a request may ask for.

    Attributes:
        body_bytes: The largest body.
        streamed_bytes: The largest body below a streamed path.
        body_seconds: Within which a body has arrived.
        streamed_seconds: Within which a streamed body has arrived.
        idle_seconds: The longest pause between two pieces, of a request or of an answer.
        answer_seconds: From the whole request to the beginning of its answer.
    """

    body_bytes: int = 8 * 2**20
    streamed_bytes: int = 2 * 2**30
    body_seconds: float = 30.0
    streamed_seconds: float = 3600.0
    idle_seconds: float = 30.0
    answer_seconds: float = 120.0


class Gate:
    """Pure ASGI; lets requests through to ``inner`` and answers whatever goes wrong inside.

    Args:
        inner: Everything that is mounted.
        allowed: The hosts this server answers for, from ``core.gate.allowed_authorities``.
        limits: How much a request may ask for.
        streamed: Paths below which bodies are streamed to disk.
    """

    def __init__(
        self,
        inner: ASGIApp,
        *,
        allowed: frozenset[Authority],
        limits: Limits,
        streamed: tuple[str, ...] = (),
    ) -> None:
        self._inner = inner
        self._limits = limits
        self._streamed = streamed
        self._whole = Checks(allowed, limits.body_bytes)
        self._pieces = Checks(allowed, limits.streamed_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Fulfil ASGI."""
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        streams = scope["path"].startswith(self._streamed) if self._streamed else False
        checks = self._pieces if streams else self._whole
        passage = _Passage(receive, send, request_id, checks, self._limits, streams=streams)
        try:
            self._check(scope, checks)
            async with passage.deadline:
                await self._inner(scope, passage.receive, passage.send)
        except Exception as error:  # noqa: BLE001  # the outermost rim of a request
            await passage.fail(scope, error)

    def _check(self, scope: Scope, checks: Checks) -> None:
        refusal = checks.refusal(scope["method"], scope["headers"])
        if refusal is not None:
            raise _of(refusal)
        if not scope["query_string"].isascii():
            raise Stopped(HTTPStatus.BAD_REQUEST, Invalid("The query is not ASCII.", remedy="Percent-encode it."))
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _LONGEST_TARGET:
            raise Stopped(
                HTTPStatus.REQUEST_URI_TOO_LONG, Invalid(f"The address is over {_LONGEST_TARGET} bytes long.")
            )

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # none is declared, so none passes
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return


class _Passage:
    """One request on its way in, and its answer on its way out."""

    def __init__(
        self, receive: Receive, send: Send, request_id: str, checks: Checks, limits: Limits, *, streams: bool
    ) -> None:
        self._receive = receive
        self._send = send
        self._request_id = request_id
        self._checks = checks
        self._limits = limits
        self._received = 0
        self._arrived = False
        self._started = False
        self._over = False
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + (limits.streamed_seconds if streams else limits.body_seconds)
        self.deadline = asyncio.timeout_at(self._due + limits.answer_seconds)

    async def receive(self) -> Message:
        """The next piece of the request, while it is not too much and not too slow."""
        if self._arrived:
            return await self._receive()
        pause = min(self._limits.idle_seconds, self._due - self._loop.time())
        try:
            async with asyncio.timeout(pause):
                message = await self._receive()
        except TimeoutError:
            raise Stopped(
                HTTPStatus.REQUEST_TIMEOUT,
                Unavailable("The body of the request did not arrive in time.", remedy="Send it again."),
                {"connection": "close"},
            ) from None
        self._received += len(message.get("body", b""))
        refusal = self._checks.size_refusal(self._received)
        if refusal is not None:
            raise _of(refusal)
        if not message.get("more_body", False):
            self._arrived = True
            if not (self._started or self._over):
                self.deadline.reschedule(self._loop.time() + self._limits.answer_seconds)
        return message

    async def send(self, message: Message) -> None:
        """The next piece of the answer, with what every answer carries."""
        if message["type"] == "http.response.start":
            self._started = True
            if not self._over:
                self.deadline.reschedule(None)  # from here on the pauses are limited, not the whole
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in SECURITY.items():
                headers.setdefault(name, value)
            headers["x-request-id"] = self._request_id
        async with asyncio.timeout(self._limits.idle_seconds):
            await self._send(message)

    async def fail(self, scope: Scope, error: Exception) -> None:
        """Answer an error; where an answer has begun, cut it off, so that nobody takes it for whole."""
        self._over = True
        if isinstance(error, ClientDisconnect):
            return  # nobody listens any more
        if isinstance(error, TimeoutError) and self.deadline.expired() and not self._started:
            error = _too_slow(self._limits.answer_seconds)
        ending = stopped(error)
        expected = isinstance(error, Stopped | Error)
        if ending.status >= HTTPStatus.INTERNAL_SERVER_ERROR or self._started:
            _log.error(
                "%s %s: %s",
                scope["method"],
                ascii(scope["path"][:200]),
                ending.error.message if expected else "an unforeseen error",
                exc_info=None if expected else error,
                extra={"request_id": self._request_id},
            )
        if self._started:
            raise error
        if not self._arrived:
            ending.headers.setdefault("connection", "close")  # the rest of the body is not read
        await failure(ending, self._request_id)(scope, self._receive, self.send)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value.decode())
    return new_id()


def _of(refusal: Refusal) -> Stopped:
    kind = Denied if refusal.status == HTTPStatus.FORBIDDEN else Invalid
    return Stopped(refusal.status, kind(refusal.message), {"connection": "close"})


def _too_slow(seconds: float) -> Stopped:
    return stopped(
        Unavailable(
            f"No answer within {seconds:.0f} s.",
            remedy="Send it again under the same idempotency key: what has been done by then is not done twice.",
        )
    )
