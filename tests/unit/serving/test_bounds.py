"""A client that never ends its request is not waited for, and does not fill the memory."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest

from modelwright.inference.handler import Handler
from modelwright.inference.response import Response
from modelwright.inference.router import Router
from modelwright.inference.worker import Equipment, _server, http_protocol

HEAD = b"POST /invocations HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"


def talked(client):
    """What a client, a coroutine function of port, reader and writer, saw of a worker."""

    async def main():
        with closing(socket.create_server(("127.0.0.1", 0))) as listener, ThreadPoolExecutor(1) as pool:
            equipment = Equipment(load=lambda route: None, open_log=lambda route, kind: None)
            handler = Handler(Router(equipment.load, equipment.open_log, executor=pool), worker="w")
            server = _server(listener, handler, equipment)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            port = listener.getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                async with asyncio.timeout(15):
                    return await client(port, reader, writer)
            finally:
                writer.close()
                server.should_exit = True
                await serving

    return asyncio.run(main())


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(http_protocol(), "arrival_seconds", 0.3, raising=False)


@pytest.mark.parametrize("line", [b"x: " + b"y" * 1000 + b"\r\n", b"y" * 1000], ids=["many headers", "one header"])
def test_a_head_without_an_end_is_cut_off(line):
    async def client(port, reader, writer):
        writer.write(HEAD % port + b"x-first: ")
        sent = 0
        try:
            while sent < 20 << 20:
                writer.write(line * 60)
                sent += len(line) * 60
                await writer.drain()
        except ConnectionError:
            pass
        return sent

    assert talked(client) < 20 << 20


@pytest.mark.parametrize(
    "sent",
    [b"", b"\r\n", b"POST /invo", HEAD, HEAD + b"Content-Length: 10\r\n\r\nfive!"],
    ids=["nothing", "a line break", "a line", "a head", "a body"],
)
def test_a_request_that_does_not_come_to_its_end_is_not_waited_for(hasty, sent):
    async def client(port, reader, writer):
        writer.write(sent % port if b"%d" in sent else sent)
        return await reader.read()

    assert talked(client).startswith(b"HTTP/1.1 408")


def test_a_connection_between_two_requests_is_waited_for(hasty):
    async def client(port, reader, writer):
        answers = []
        for _ in range(3):
            writer.write(b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
            answers.append(await reader.readuntil(b"\r\n\r\n\n"))
            await asyncio.sleep(0.5)
        return answers

    assert [answer[9:12] for answer in talked(client)] == [b"200"] * 3


def test_a_request_in_pieces_that_comes_in_time_is_answered(hasty):
    async def client(port, reader, writer):
        for piece in (b"GET /pi", b"ng HTTP/1.1\r\nHost: 127.0.0.1", b":%d\r\n" % port, b"\r\n"):
            writer.write(piece)
            await asyncio.sleep(0.05)
        return await reader.readuntil(b"\r\n\r\n\n")

    assert talked(client).startswith(b"HTTP/1.1 200")


def test_many_silent_connections_keep_nobody_waiting(monkeypatch):
    monkeypatch.setattr(http_protocol(), "most", 10, raising=False)

    async def client(port, reader, writer):
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
        writer.write(b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
        gone = await reader.read()
        mine, asking = await asyncio.open_connection("127.0.0.1", port)
        asking.write(b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
        answer = await mine.readuntil(b"\r\n\r\n\n")
        for _, each in [*silent, (mine, asking)]:
            each.close()
        return gone, answer[9:12]

    assert talked(client) == (b"", b"200")


@pytest.fixture
def lost(monkeypatch):
    """Set when the server has lost a connection."""
    event = asyncio.Event()
    method = http_protocol().connection_lost

    def watched(self, error):
        method(self, error)
        event.set()

    monkeypatch.setattr(http_protocol(), "connection_lost", watched)
    return event


def test_a_client_that_does_not_read_is_let_go(monkeypatch, lost):
    async def large(*_):
        return Response(200, (), b"x" * (16 << 20))

    monkeypatch.setattr(http_protocol(), "stalled_seconds", 0.3, raising=False)
    monkeypatch.setattr(Handler, "handle", large)

    async def client(port, reader, writer):
        loop = asyncio.get_running_loop()
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            await loop.sock_connect(deaf, ("127.0.0.1", port))
            await loop.sock_sendall(deaf, b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
            await lost.wait()
        return True

    assert talked(client)


@pytest.mark.parametrize("ahead", [100, 100_000])
def test_who_sends_requests_without_end_ahead_of_the_answers_is_let_go(lost, ahead):
    async def client(port, reader, writer):
        writer.write(b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port * ahead)
        answers = 0
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while answers < ahead:
                answers += (await reader.readuntil(b"\r\n\r\n\n")).startswith(b"HTTP/1.1 200")
        return answers

    assert (talked(client) == ahead) is (ahead == 100)
