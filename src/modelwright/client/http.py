"""Operations over HTTP; fulfils ``core.operation.Caller``."""

from __future__ import annotations

import hashlib
import random
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core import wire
from modelwright.core.errors import Conflict, Corrupted, Error, Invalid, Unavailable
from modelwright.core.failure import Failed
from modelwright.core.ids import new_id
from modelwright.core.operation import Download, Operation, Upload

if TYPE_CHECKING:  # weight: a home opened in process does without
    import httpx
    from msgspec import Struct

API = "/api/v1"
BYTES = "application/octet-stream"
JSON = "application/json"

_DELAYS = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0)  # 5 s together: a supervisor has a dead server back within one
_LONGEST_WAIT = 5.0  # a server's Retry-After is heeded up to here
_REFUSED_ATTEMPTS = 4  # nobody listens there at all: 0.7 s of patience are enough
_ANSWER_SECONDS = 150.0  # longer than the server's own limit, so that its explanation arrives


class HttpCaller:
    """Carries operations to a server.

    A call that finds no answer is sent again with growing pauses. That is safe: a command that changes something goes
    out under one idempotency key, the same on every attempt, and the server does it once. Threads may share a caller.

    Args:
        url: The server's address, ``http://127.0.0.1:8900``.
        token: Who calls; not needed where there is no login.
        project: The project to work in; by default the token's own, else ``default``.
        sleep: How to pause; for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        project: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._project = project
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
        """Send bytes ahead; known bytes are not sent again."""
        digest, size = _measured(source)
        path = f"{API}/blobs/{digest}"
        if not self._knows(path):
            self._send("PUT", path, {"content-type": BYTES, "content-length": str(size)}, source)
        return Upload(digest=digest, size=size)

    def download(self, handle: Download, operation: Operation, request: Struct) -> bytes:
        """The bytes behind a handle, checked against its digest.

        Raises:
            Conflict: The operation offers other bytes by now.
            Corrupted: Other bytes arrived than the server said.
        """
        headers = {"accept": BYTES, "content-type": JSON}
        response = self._send("POST", f"{API}/{operation.name}", headers, wire.encode(request))
        offered = response.headers.get("etag", "").strip('"')
        if offered != handle.digest:
            raise Conflict(
                f"{operation.name} offers the bytes {offered[:12]}… now, not {handle.digest[:12]}….",
                remedy="Ask for the handle again; name a version instead of an alias.",
            )
        if wire.sha256(response.content) != handle.digest:
            raise Corrupted(f"Other bytes arrived than {handle.digest}.", remedy="Try again.")
        return response.content

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

    def _knows(self, path: str) -> bool:
        return self._attempt("HEAD", path, {}, b"").status_code == 200

    def _send(self, method: str, path: str, headers: Mapping[str, str], content: bytes | Path) -> httpx.Response:
        response = self._attempt(method, path, headers, content)
        if response.is_success:
            return response
        raise self._error(response)

    def _attempt(self, method: str, path: str, headers: Mapping[str, str], content: bytes | Path) -> httpx.Response:
        """The server's answer, whatever it is, after as many attempts as it takes and patience allows."""
        with self._opening:  # cached_property takes no lock of its own
            http = self._http
        import httpx  # loaded by now

        for attempt, delay in enumerate((*_DELAYS, None)):
            failure: Exception | None = None
            try:
                with nullcontext(content) if isinstance(content, bytes) else content.open("rb") as body:
                    response = http.request(method, path, headers=dict(headers), content=body)
            except httpx.TransportError as error:
                failure = error
                if isinstance(error, httpx.ConnectError) and attempt + 1 >= _REFUSED_ATTEMPTS:
                    delay = None  # noqa: PLW2901  # the last attempt comes early
            else:
                if response.status_code != 503 or delay is None:
                    return response
            if delay is None:
                raise self._silence(failure) from failure
            self._sleep(delay if failure else max(delay, _retry_after(response)) * random.uniform(0.75, 1.0))  # noqa: S311
        raise AssertionError  # the last round returned or raised

    def _silence(self, failure: Exception | None) -> Unavailable:
        return Unavailable(
            f"{self.url} does not answer: {failure or 'no reason given'}.",
            remedy="Start it with `modelwright up`, or check the address in MODELWRIGHT_URL.",
        )

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


def _measured(source: bytes | Path) -> tuple[str, int]:
    if isinstance(source, bytes):
        return wire.sha256(source), len(source)
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def _retry_after(response: httpx.Response) -> float:
    said = response.headers.get("retry-after", "")
    return min(float(said), _LONGEST_WAIT) if said.isascii() and said.isdigit() else 0.0
