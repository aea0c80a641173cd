"""The thin adapter to ASGI: the gate, the body with its bound, the handler. Replaceable; nothing is decided here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from modelwright.core.gate import Gate, Refusal
from modelwright.inference.handler import Handler
from modelwright.inference.response import Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_CLOSE = (b"connection", b"close")


class Application:
    """An ASGI application for HTTP.

    Args:
        handler: Answers.
        gate: What is let through.
    """

    __slots__ = ("_gate", "_handler")

    def __init__(self, handler: Handler, gate: Gate) -> None:
        self._handler = handler
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        method, path, headers = scope["method"], scope["path"], scope["headers"]
        refusal = self._gate.refusal(method, headers)
        if refusal is None:
            body = await self._body(receive)
            if body is None:
                return  # the client has gone
            if isinstance(body, bytes):
                response = await self._handler.handle(method, path, headers, body)
                await self._send(send, response, close=self._handler.draining)
                return
            refusal = body
        # What is refused unread may not be taken for the next request.
        await self._send(send, self._handler.refuse(path, refusal), close=True)

    async def _body(self, receive: Receive) -> bytes | Refusal | None:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            return self._gate.size_refusal(len(body)) or body
        parts, received = [body], len(body)
        while message.get("more_body", False):
            message = await receive()
            if message["type"] != "http.request":
                return None
            parts.append(message.get("body", b""))
            received += len(parts[-1])
            if refusal := self._gate.size_refusal(received):
                return refusal
        return b"".join(parts)

    async def _send(self, send: Send, response: Response, *, close: bool) -> None:
        headers = [*response.headers, (b"content-length", b"%d" % len(response.body))]
        if close:
            headers.append(_CLOSE)
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})
