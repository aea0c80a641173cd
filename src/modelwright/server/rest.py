"""REST, made from the operation table: ``POST /api/v1/<noun>.<verb>``, JSON in and JSON or bytes out."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from modelwright.app.workspace import Platform
from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.core.identity import Identity
from modelwright.core.operation import Download, Operation
from modelwright.server.answers import BYTES, JSON, Stopped, attached, json
from modelwright.server.routes import Declared, Handler
from modelwright.server.threads import Threads, streamed

API = "/api/v1"
OFFSET = "modelwright-offset"
"""The header that says where a transfer goes on after it was cut."""


def operations(platform: Platform, threads: Threads) -> list[Declared]:
    """A route for every operation of the table."""
    return [
        Declared(("POST",), f"{API}/{operation.name}", operation.permission, _handler(operation, platform, threads))
        for operation in platform.table
    ]


def _handler(operation: Operation, platform: Platform, threads: Threads) -> Handler:
    async def answer(request: Request) -> Response:
        require_media(request.headers, JSON)
        key = idempotency_key(request.headers)
        body = await request.body()
        work = partial(
            _carry_out, platform, operation, body, request.state.identity, key, request_id=request.state.request_id
        )
        if operation.response is Download and request.headers.get("accept") == BYTES:
            start = offset(request.headers) or 0
            return await threads.run(lambda: _bytes(platform, work(), threads, start))
        return await threads.run(lambda: json(work()))

    return answer


def _carry_out(
    platform: Platform, operation: Operation, body: bytes, identity: Identity, key: str | None, *, request_id: str
) -> object:
    return platform.run(
        operation,
        wire.decode(body, operation.request),
        identity=identity,
        idempotency_key=key,
        request_id=request_id,
    )


def _bytes(platform: Platform, offered: object, threads: Threads, start: int) -> Response:
    """What a ``Download`` offers from a place on, always as an attachment that no browser would run here."""
    handle = wire.convert(offered, Download)
    size = platform.blobs.size(handle.digest)
    if start > size:
        raise Invalid(f"{OFFSET} is {start}, and there are {size} bytes.", fields={OFFSET: "is behind the end"})
    chunks = platform.blobs.stream(handle.digest, start)
    return StreamingResponse(
        streamed(threads, chunks),
        media_type=BYTES,
        headers={
            **attached(handle.filename),
            "content-length": str(size - start),
            "etag": f'"{handle.digest}"',
            OFFSET: str(start),
        },
    )


def require_media(headers: Headers, wanted: str) -> None:
    """Pass silently when the body is what it must be.

    Raises:
        Stopped: 415; a page of another site can send forms and text, but not this.
    """
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != wanted:
        raise Stopped(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            Invalid(f"The body is {given[:80]!a}, not {wanted}.", remedy=f"Send Content-Type: {wanted}."),
        )
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Stopped(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, Invalid("The body is compressed.", remedy="Send it plain."))


def offset(headers: Headers) -> int | None:
    """Where the caller goes on; none where they do not say.

    Raises:
        Invalid: It is no number.
    """
    given = headers.get(OFFSET)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise Invalid(f"{OFFSET} is {given[:40]!a}, not a number of bytes.", fields={OFFSET: "is no number"})
    return int(given)


def idempotency_key(headers: Headers) -> str | None:
    """The caller's key, if there is one.

    Raises:
        Invalid: It is not 1 to 200 visible ASCII characters.
    """
    key = headers.get("idempotency-key")
    if key is not None and not (1 <= len(key) <= 200 and key.isascii() and key.isprintable()):
        raise Invalid("Idempotency-Key is not 1 to 200 visible characters.", fields={"Idempotency-Key": "malformed"})
    return key
