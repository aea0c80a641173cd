"""Bytes sent ahead of an operation: ``PUT /api/v1/blobs/<digest>``, hashed while they arrive."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from modelwright.app.workspace import Platform
from modelwright.core.errors import Invalid, NotFound
from modelwright.core.operation import Upload
from modelwright.server.answers import BYTES, Stopped, json
from modelwright.server.rest import API, OFFSET, offset, require_media
from modelwright.server.routes import Declared
from modelwright.server.threads import Threads

PREFIX = f"{API}/blobs/"
PERMISSION = "blobs:write"

_DIGEST = re.compile(r"[0-9a-f]{64}")
_BUFFER = 1 << 20


def blobs(platform: Platform, threads: Threads, uploads: Threads) -> list[Declared]:
    """Ask whether bytes are known (HEAD), and send them (PUT). They are read through the operations that offer them.

    Who says where their bytes begin can go on there when the connection was cut: HEAD says how many have come.

    Args:
        platform: Where they are stored.
        threads: For looking.
        uploads: For storing: a slow sender keeps a thread, and must not keep one that others need.
    """

    async def answer(request: Request) -> Response:
        digest = request.path_params["digest"]
        if not _DIGEST.fullmatch(digest):
            raise Invalid(f"{digest[:80]!a} is not a SHA-256 digest.", fields={"digest": "is not 64 hex digits"})
        by = f"{request.state.identity.project} {request.state.identity.actor.id}"
        if request.method == "HEAD":
            if await threads.run(platform.blobs.missing, [digest]):
                begun = await threads.run(platform.blobs.begun, digest, by)
                absent = NotFound(f"There are no bytes {digest}.", remedy="Send them: PUT.")
                raise Stopped(HTTPStatus.NOT_FOUND, absent, {OFFSET: str(begun)})
            return Response()
        require_media(request.headers, BYTES)
        start = offset(request.headers)
        if start is None:
            whole = io.BufferedReader(_Arriving(request.stream(), digest), _BUFFER)
            stored = await uploads.run(platform.blobs.put, whole)
        else:
            rest: Any = _Arriving(request.stream())  # unbuffered: what has come is written before it is cut
            stored = await uploads.run(platform.blobs.go_on, digest, by, start, rest)
        return json(Upload(digest=stored.digest, size=stored.size))

    return [Declared(("HEAD", "PUT"), PREFIX + "{digest}", PERMISSION, answer)]


class _Arriving(io.RawIOBase):
    """A request's body as a file that a thread reads, piece by piece as the event loop gets them."""

    def __init__(self, pieces: AsyncIterator[bytes], digest: str | None = None) -> None:
        self._pieces = pieces
        self._digest = digest
        self._hash = hashlib.sha256()
        self._rest = b""
        self._broken: ClientDisconnect | None = None
        self._loop = asyncio.get_running_loop()

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next piece; at the end, an error if it was not what the address promised.

        Raises:
            Invalid: The bytes have another digest, so they are not stored.
        """
        if not self._rest:
            self._rest = asyncio.run_coroutine_threadsafe(self._gathered(), self._loop).result()
            self._hash.update(self._rest)
            if not self._rest and self._digest is not None:
                self._check()
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)

    async def _gathered(self) -> bytes:
        """About as much as the reader asks for at once: the way from thread to thread costs more than the bytes."""
        if self._broken is not None:
            raise self._broken
        pieces, size = [], 0
        try:
            async for piece in self._pieces:
                pieces.append(piece)
                size += len(piece)
                if size >= _BUFFER:
                    break
        except ClientDisconnect as error:  # said when what came before has been taken
            if not pieces:
                raise
            self._broken = error
        return b"".join(pieces)

    def _check(self) -> None:
        if self._hash.hexdigest() != self._digest:
            raise Invalid(
                f"The bytes that arrived are {self._hash.hexdigest()}, not {self._digest}: nothing was stored.",
                remedy="Send exactly the bytes whose SHA-256 the address names.",
                fields={"digest": "is not of these bytes"},
            )
