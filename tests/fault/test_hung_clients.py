"""Clients that hang: they hold nothing for ever, keep nobody else waiting, and leave nothing behind."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from urllib.parse import urlsplit

import httpx
import pytest

from modelwright.core import wire
from modelwright.server import run
from modelwright.server.gate import Limits
from modelwright.server.protocol import protocol
from support.homes import fresh_platform, live
from support.house import awaits
from support.people import do

JSON = b"Content-Type: application/json\r\n"


@pytest.fixture
def platform(tmp_path):
    with closing(fresh_platform(tmp_path)) as opened:
        yield opened


@contextmanager
def hurried(platform, monkeypatch, **given) -> Iterator[tuple[str, type]]:
    """A server that waits shortly; its URL, and the class of its connections."""
    made = protocol()
    for name, value in given.items():
        setattr(made, name, value)
    monkeypatch.setattr(run, "protocol", lambda: made)
    with live(platform, limits=Limits(body_seconds=0.5, idle_seconds=0.5)) as url:
        yield url, made


def connected(url: str) -> socket.socket:
    place = urlsplit(url)
    return socket.create_connection((place.hostname, place.port), timeout=10)


def head(url: str, path: str = "/health", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n".encode()


def heard(connection: socket.socket) -> bytes:
    """Everything until the server ends it."""
    said = b""
    while piece := connection.recv(65_536):
        said += piece
    return said


@pytest.mark.parametrize(
    "sent", ["", "GET", "GET /health HTTP/1.1\r\n", "HEAD"], ids=["nothing", "a word", "a line", "a head"]
)
def test_the_head_of_a_request_arrives_in_time_or_not_at_all(platform, monkeypatch, sent):
    with hurried(platform, monkeypatch, head_seconds=0.3) as (url, _), closing(connected(url)) as connection:
        connection.sendall(head(url) if sent == "HEAD" else sent.encode())
        assert heard(connection).startswith(b"HTTP/1.1 408")


def test_a_kept_connection_that_begins_another_request_ends_it_or_is_closed(platform, monkeypatch):
    with hurried(platform, monkeypatch, head_seconds=0.3) as (url, _), closing(connected(url)) as connection:
        connection.sendall(head(url) + b"\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /hea")
        assert b"HTTP/1.1 408" in heard(connection)


def test_a_body_that_stops_is_408_and_leaves_nothing(platform, monkeypatch):
    with hurried(platform, monkeypatch) as (url, _), closing(connected(url)) as connection:
        begun = head(url, "/api/v1/runs.start", "POST") + JSON + b"Content-Length: 100\r\n\r\n" + b'{"name": '
        connection.sendall(begun)
        assert heard(connection).startswith(b"HTTP/1.1 408")
        assert httpx.post(f"{url}/api/v1/runs.list", json={}).json()["items"] == []


@pytest.mark.parametrize("rst", [False, True], ids=["closed", "reset"])
def test_a_body_that_is_cut_midway_leaves_nothing(platform, monkeypatch, rst):
    content = b"x" * 300_000
    with hurried(platform, monkeypatch) as (url, _):
        path = f"/api/v1/blobs/{wire.sha256(content)}"
        connection = connected(url)
        connection.sendall(head(url, path, "PUT") + b"Content-Type: application/octet-stream\r\n")
        connection.sendall(b"Content-Length: 300000\r\n\r\n" + content[:200_000])
        if rst:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        incoming = platform.home.blobs / "incoming"
        awaits(lambda: list(incoming.iterdir()) == [], "what had begun to arrive is gone", seconds=10)
        assert platform.blobs.missing([wire.sha256(content)])
        stored = httpx.put(url + path, content=content, headers={"content-type": "application/octet-stream"})
        assert stored.status_code == 200


def test_a_client_that_does_not_read_its_answer_is_let_go(platform, monkeypatch):
    kept = _kept(platform, b"x" * (32 << 20))
    lost = threading.Event()
    with hurried(platform, monkeypatch, stalled_seconds=0.3) as (url, made), closing(connected(url)) as connection:
        monkeypatch.setattr(made, "connection_lost", _told(made.connection_lost, lost))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asked = head(url, "/api/v1/runs.artifact", "POST") + JSON + b"Accept: application/octet-stream\r\n"
        connection.sendall(asked + b"Content-Length: %d\r\n\r\n" % len(kept) + kept)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        assert lost.wait(20), "the server still holds the connection"
        assert httpx.get(f"{url}/health").status_code == 200


def _kept(platform, content: bytes) -> bytes:
    """Something large to download, and what to ask for it."""
    stored = platform.blobs.put(content)
    run_id = do(platform, "runs.start", name="large").id
    do(platform, "runs.keep", run_id=run_id, path="a", content={"digest": stored.digest, "size": stored.size})
    return wire.encode({"run_id": run_id, "path": "a"})


def _told(method, event):
    def watched(self, error):
        method(self, error)
        event.set()

    return watched


def test_six_hundred_silent_clients_keep_nobody_waiting(platform, monkeypatch):
    """More than the server answers at once: the most silent of them go."""
    with ExitStack() as stack, hurried(platform, monkeypatch, most=50) as (url, made):
        asked = head(url, "/api/v1/runs.list", "POST") + JSON
        for number in range(600):
            connection = stack.enter_context(closing(connected(url)))
            connection.sendall((b"", head(url), asked + b"Content-Length: 9\r\n\r\n{")[number % 3])
            if number % 50 == 0:
                assert httpx.post(f"{url}/api/v1/runs.list", json={}).status_code == 200
        assert httpx.post(f"{url}/api/v1/runs.list", json={}).status_code == 200
        assert len(made.waited_for) <= 50


def test_whoever_goes_on_sending_is_not_the_one_who_goes(platform, monkeypatch):
    with ExitStack() as stack, hurried(platform, monkeypatch, most=10) as (url, _):
        patient = stack.enter_context(closing(connected(url)))
        for piece in (b"GET /hea", b"lth HTTP/1.1\r\n", f"Host: {urlsplit(url).netloc}\r\n".encode(), b"\r\n"):
            patient.sendall(piece)
            for _ in range(5):
                stack.enter_context(closing(connected(url)))
            assert httpx.get(f"{url}/health").status_code == 200
        assert patient.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("ahead", [100, 100_000])
def test_who_sends_requests_without_end_ahead_of_the_answers_is_let_go(platform, monkeypatch, ahead):
    with hurried(platform, monkeypatch) as (url, _), closing(connected(url)) as connection:
        asked = head(url, "/api/v1/runs.list", "POST") + JSON + b"Content-Length: 2\r\n\r\n{}"
        sending = threading.Thread(target=_send, args=(connection, asked * ahead))
        sending.start()
        answers = 0
        with suppress(ConnectionError):
            while answers < ahead and (piece := connection.recv(65_536)):
                answers += piece.count(b"HTTP/1.1 200")
        connection.close()
        sending.join()
    assert (answers == ahead) is (ahead == 100)


def _send(connection: socket.socket, content: bytes) -> None:
    with suppress(OSError):
        connection.sendall(content)
