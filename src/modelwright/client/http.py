"""Operations over HTTP; fulfils ``core.operation.Caller``."""

from __future__ import annotations

import hashlib
import io
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from modelwright.client.patience import Patience
from modelwright.core import wire
from modelwright.core.errors import Conflict, Corrupted, Error, Invalid, Unavailable
from modelwright.core.failure import Failed
from modelwright.core.ids import new_id
from modelwright.core.operation import Download, Operation, Transfer, Upload

if TYPE_CHECKING:  # weight: a home opened in process does without
    import httpx
    from msgspec import Struct

API = "/api/v1"
BYTES = "application/octet-stream"
JSON = "application/json"

OFFSET = "modelwright-offset"
"""The header that says where a transfer goes on, of an upload and of a download."""

_ANSWER_SECONDS = 150.0  # longer than the server's own limit, so that its explanation arrives
_THERE, _CONFLICT = 200, 409
_PIECE = 1 << 18
_SMALL = 4 << 20  # what is quicker sent once more than gone on with


class HttpCaller:
    """Carries operations to a server.

    A call that finds no answer is sent again with growing pauses. That is safe: a command that changes something goes
    out under one idempotency key, the same on every attempt, and the server does it once. Threads may share a caller.

    Args:
        url: The server's address, ``http://127.0.0.1:8900``.
        token: Who calls; not needed where there is no login.
        project: The project to work in; by default the token's own, else ``default``.
        progress: Is told how far bytes have come, up and down.
        sleep: How to pause; for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        project: str | None = None,
        progress: Callable[[Transfer], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._project = project
        self._progress = progress
        self._sleep = sleep
        self._opening = threading.Lock()

    def __repr__(self) -> str:
        return f"HttpCaller({self.url!r})"

    def call(self, operation: Operation, request: Struct, *, idempotency_key: str | None = None) -> Any:
        """Carry out and answer the operation's response type.

        Raises:
            Unavailable: The server does not answer.
            Error: What the operation raised, of its own kind.
        """
        headers = {"accept": JSON, "content-type": JSON}
        if operation.kind == "command" and not operation.idempotent:
            headers["idempotency-key"] = idempotency_key or new_id()
        response = self._send("POST", f"{API}/{operation.name}", headers, wire.encode(request))
        try:
            return wire.decode(response.content, operation.response)
        except Invalid as error:
            raise self._stranger(response) from error

    def upload(self, source: bytes | Path) -> Upload:
        """Send bytes ahead; known bytes are not sent again, and what was cut goes on where it stopped.

        Raises:
            Unavailable: The server does not answer, or the connection breaks again and again without a byte between.
        """
        digest, size = _measured(source)
        path = f"{API}/blobs/{digest}"
        begun = self._begun(path)
        if begun is not None and size <= _SMALL:
            with _reading(source, 0) as body:
                self._send("PUT", path, {"content-type": BYTES}, body.read())
        elif begun is not None:
            self._send_on(path, source, size, begun)
        return Upload(digest=digest, size=size)

    def download(self, handle: Download, operation: Operation, request: Struct) -> bytes:
        """The bytes behind a handle; raises as ``fetch`` does."""
        into = io.BytesIO()
        self.fetch(handle, operation, request, into)
        return into.getvalue()

    def fetch(self, handle: Download, operation: Operation, request: Struct, into: BinaryIO) -> None:
        """Write the bytes behind a handle, checked against its digest; what was cut goes on where it stopped.

        Args:
            handle: What the operation answered.
            operation: Who offers the bytes.
            request: Its arguments.
            into: Where to; empty, and not to be used where this raises.

        Raises:
            Conflict: The operation offers other bytes by now.
            Corrupted: Other bytes arrived than the server said.
            Unavailable: As ``upload``.
        """
        hasher, patience = hashlib.sha256(), Patience(self._sleep)
        done, complete = 0, False
        while not complete:
            headers = {"accept": BYTES, "content-type": JSON, **({OFFSET: str(done)} if done else {})}
            failure: Exception | None = None
            before = done
            try:
                with self._opened("POST", f"{API}/{operation.name}", headers, wire.encode(request)) as response:
                    if not response.is_success:
                        response.read()
                    if patience.refuses(response):
                        continue
                    self._check_offer(response, handle, operation, done)
                    for piece in response.iter_bytes():
                        into.write(piece)
                        hasher.update(piece)
                        done += len(piece)
                        self._tell("down", done, handle.size)
                    complete = True
            except _broken() as error:
                failure = error
            if failure is not None:
                patience.lost(failure, self.url, progress=done > before)
        if hasher.hexdigest() != handle.digest:
            raise Corrupted(f"Other bytes arrived than {handle.digest}.", remedy="Try again.")

    def _check_offer(self, response: httpx.Response, handle: Download, operation: Operation, done: int) -> None:
        if not response.is_success:
            raise self._error(response)
        offered = response.headers.get("etag", "").strip('"')
        if offered != handle.digest:
            raise Conflict(
                f"{operation.name} offers the bytes {offered[:12]}… now, not {handle.digest[:12]}….",
                remedy="Ask for the handle again; name a version instead of an alias.",
            )
        if response.headers.get(OFFSET, "0") != str(done):
            raise self._stranger(response)

    def close(self) -> None:
        """Let go of the connections."""
        if "_http" in self.__dict__:
            self._http.close()

    @cached_property
    def _http(self) -> httpx.Client:
        _load_library()
        import httpx  # weight: see there

        try:
            address = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise Invalid(f"{self.url!r} is not an address: {error}.", remedy="Write http://host:port.") from None
        if not address.host:
            raise Invalid(f"{self.url!r} is not an address: it names no host.", remedy="Write http://host:port.")
        headers = {"user-agent": "modelwright"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        if self._project:
            headers["x-modelwright-project"] = self._project
        return httpx.Client(
            base_url=address,
            headers=headers,
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=5.0),
            trust_env=address.host not in ("127.0.0.1", "localhost", "::1"),  # no proxy stands before one's own machine
        )

    def _begun(self, path: str) -> int | None:
        """How many bytes the server has of something it does not have whole; none where it has it."""
        response = self._attempt("HEAD", path, {}, b"")
        if response.status_code == _THERE:
            return None
        return int(response.headers.get(OFFSET, "0"))  # none where it refuses: an answer to HEAD cannot say why

    def _send_on(self, path: str, source: bytes | Path, size: int, begun: int) -> None:
        patience = Patience(self._sleep)
        while True:
            headers = {"content-type": BYTES, "content-length": str(size - begun), OFFSET: str(begun)}
            try:
                with _reading(source, begun) as body:
                    told = self._told(body, begun, size)
                    with self._opened("PUT", path, headers, told) as response:
                        response.read()
                if patience.refuses(response):
                    continue
                if response.is_success:
                    return
                if response.status_code != _CONFLICT:
                    raise self._error(response)
                failure: Exception = self._error(response)
            except _broken() as error:
                failure = error
            known = self._begun(path)
            patience.lost(failure, self.url, progress=known is None or known > begun)
            known = self._begun(path)  # again: what was on its way has come meanwhile
            if known is None:
                return
            begun = known

    def _told(self, body: BinaryIO, done: int, size: int) -> Iterator[bytes]:
        while piece := body.read(_PIECE):
            yield piece
            done += len(piece)
            self._tell("up", done, size)

    def _tell(self, way: Literal["up", "down"], done: int, size: int) -> None:
        if self._progress is not None:
            self._progress(Transfer(way, done, size))

    def _opened(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes | Iterator[bytes]
    ) -> AbstractContextManager[httpx.Response]:
        with self._opening:  # cached_property takes no lock of its own
            http = self._http
        return http.stream(method, path, headers=dict(headers), content=content)

    def _send(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> httpx.Response:
        response = self._attempt(method, path, headers, content)
        if response.is_success:
            return response
        raise self._error(response)

    def _attempt(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> httpx.Response:
        """The server's answer, whatever it is, after as many attempts as it takes and patience allows."""
        patience = Patience(self._sleep)
        while True:
            try:
                with self._opened(method, path, headers, content) as response:
                    response.read()
            except _broken() as error:
                patience.lost(error, self.url)
            else:
                if not patience.refuses(response):
                    return response

    def _error(self, response: httpx.Response) -> Error:
        try:
            return wire.decode(response.content, Failed).error.error()
        except Invalid:
            return self._stranger(response)

    def _stranger(self, response: httpx.Response) -> Error:
        kind = Unavailable if response.status_code in (502, 503, 504) else Error
        return kind(
            f"{self.url} answered {response.status_code}, but not as Modelwright does.",
            remedy="Check that the address is a Modelwright server's of this release, and what stands before it.",
        )


def _load_library() -> None:
    """Load httpx without its command line, whose rich, pygments and click would be a quarter of all that is loaded."""
    command_line = "httpx._main"
    if command_line in sys.modules:
        return
    sys.modules[command_line] = None  # type: ignore[assignment]  # its own way of saying "not there"
    try:
        import httpx  # noqa: F401  # weight: 150 modules, needed at the first call
    finally:
        del sys.modules[command_line]


def _broken() -> type[Exception]:
    """What httpx raises where a connection was not made, or was cut."""
    import httpx  # loaded by now

    return httpx.TransportError


def _reading(source: bytes | Path, start: int) -> BinaryIO:
    stream: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    stream.seek(start)
    return stream


def _measured(source: bytes | Path) -> tuple[str, int]:
    if isinstance(source, bytes):
        return wire.sha256(source), len(source)
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
