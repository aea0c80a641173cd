"""Requests to an ASGI application without a network: everything about them can be wrong."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from support.homes import PORT


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error that it is."""
        return self.json["error"]


class Asker:
    """Asks one application, on one event loop."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.runner = asyncio.Runner()

    def close(self) -> None:
        self.runner.close()

    def post(self, operation: str, body: Any = None, **headers: str) -> Answer:
        """Carry out an operation as a well-behaved client would."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(
            "POST",
            f"/api/v1/{operation}",
            headers={"content-type": "application/json", **named},
            body=[body if isinstance(body, bytes) else json.dumps(body or {}).encode()],
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | Iterable[tuple[bytes, bytes]] = MappingProxyType({}),
        body: Iterable[bytes] = (b"",),
        stalls: bool = False,
        cut: bool = False,
        client: tuple[str, int] | None = ("127.0.0.1", 50000),
        query: bytes = b"",
    ) -> Answer:
        """Send one request.

        Args:
            stalls: The body never ends.
            cut: The caller goes away where the body should end.
        """
        if isinstance(headers, Mapping):
            given = {"host": f"localhost:{PORT}", **{name.lower(): value for name, value in headers.items()}}
            headers = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("utf-8", "surrogatepass"),
            "root_path": "",
            "query_string": query,
            "headers": list(headers),
            "client": client,
            "server": ("127.0.0.1", PORT),
        }
        return self.runner.run(self._ask(scope, list(body), stalls or cut, cut))

    async def _ask(self, scope: dict[str, Any], pieces: list[bytes], stalls: bool, cut: bool) -> Answer:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if pieces:
                piece = pieces.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(pieces) or stalls}
            if cut:
                return {"type": "http.disconnect"}
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        if not sent:
            return Answer(0, {}, b"")  # who went away is not answered
        start = sent[0]
        return Answer(
            start["status"],
            {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]},
            b"".join(message.get("body", b"") for message in sent[1:]),
        )
