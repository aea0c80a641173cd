"""The adapter: the gate before the body, the bound on the body, the answer."""

import asyncio

import msgspec
import pytest

from modelwright.core.gate import Gate, allowed_authorities
from modelwright.inference.asgi import Application

HOST = (b"host", b"localhost:8000")


@pytest.fixture
def ask(worker):
    application = Application(worker.handler, Gate(allowed_authorities(8000), max_body=1_000))

    def call(method, path, chunks=(b"",), headers=(HOST,), *, then_gone=False):
        messages = [
            {"type": "http.request", "body": chunk, "more_body": then_gone or index < len(chunks) - 1}
            for index, chunk in enumerate(chunks)
        ]
        sent = []

        async def receive():
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
        asyncio.run(application(scope, receive, send))
        return sent

    return call


def test_a_body_in_pieces_is_put_together(ask, kit):
    body = msgspec.json.encode(kit.oip(kit.ROW))
    start, rest = ask("POST", "/v2/models/delays/infer", [body[:10], b"", body[10:]])
    assert start["status"] == 200
    assert dict(start["headers"])[b"content-length"] == b"%d" % len(rest["body"])


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v2/models/delays/infer", [(b"host", b"evil.example")], 421),
        ("/v2/models/delays/infer", [HOST, HOST], 400),
        ("/v2/models/delays/infer", [], 400),
        ("/invocations", [HOST, (b"origin", b"null")], 403),
        ("/invocations", [HOST, (b"content-length", b"1001")], 413),
    ],
)
def test_what_the_gate_refuses_is_not_read(ask, kit, path, headers, status):
    start, rest = ask("POST", path, [], headers)
    assert start["status"] == status
    assert (b"connection", b"close") in start["headers"]
    key = "error" if path.startswith("/v2") else "message"
    assert msgspec.json.decode(rest["body"])[key]


@pytest.mark.parametrize("chunks", [[b"x" * 1_001], [b"x" * 600, b"x" * 600, b"never read"]])
def test_a_body_beyond_the_bound_is_refused_as_it_comes(ask, chunks):
    start, _ = ask("POST", "/invocations", chunks)
    assert start["status"] == 413


def test_a_client_that_goes_away_gets_no_answer(ask):
    assert ask("POST", "/invocations", []) == []
    assert ask("POST", "/invocations", [b"{"], then_gone=True) == []


def test_a_worker_that_stops_closes_the_connection(ask, worker):
    worker.handler.draining = True
    start, _ = ask("GET", "/v2/health/live")
    assert (b"connection", b"close") in start["headers"]


def test_other_protocols_are_left_alone(worker):
    application = Application(worker.handler, Gate(allowed_authorities(8000)))
    asyncio.run(application({"type": "lifespan"}, None, None))
