import asyncio
import logging
import socket
import threading
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

from modelwright.server.gate import SECURITY, Limits
from modelwright.server.routes import PUBLIC, Declared, check_declared
from modelwright.server.threads import Threads
from support.asgi import Asker
from support.homes import application, live

_HURRIED = Limits(body_bytes=1000, streamed_bytes=5000, body_seconds=0.1, idle_seconds=0.1, answer_seconds=0.2)


@pytest.fixture(scope="module")
def hurried(platform):
    with closing(application(platform, limits=_HURRIED)) as app, closing(Asker(app)) as asking:
        yield asking


@contextmanager
def mounted(platform, *pages, limits=None):
    """Something more mounted, to be asked."""
    with closing(application(platform, pages=pages, limits=limits)) as app, closing(Asker(app)) as asking:
        yield asking


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example:8900",
        "127.0.0.1.nip.io:8900",
        "localhost:8901",
        "localhost",
        "127.1:8900",
        "0x7f000001:8900",
        "[::ffff:127.0.0.1]:8900",
        "localhost:8900, evil",
        "u@localhost:8900",
        "localhost.:8900",
        "",
    ],
)
def test_a_name_that_is_not_ours_gets_nothing_even_if_it_leads_here(asker, host):
    for method, path in (("GET", "/health"), ("GET", "/nowhere"), ("POST", "/api/v1/runs.list")):
        answer = asker.ask(method, path, headers={"host": host, "content-type": "application/json"}, body=[b"{}"])
        assert answer.status in (400, 421)


def test_our_own_names_pass(asker):
    for host in ("localhost:8900", "127.0.0.1:8900", "[::1]:8900", "LOCALHOST:8900"):
        assert asker.ask("GET", "/health", headers={"host": host}).status == 200
    assert asker.ask("GET", "/health", headers=[]).status == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"])
@pytest.mark.parametrize(
    "foreign",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:3000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_page_of_another_site_may_not_ask_for_anything_that_could_write(asker, method, foreign):
    headers = {"content-type": "application/json", **foreign}
    answer = asker.ask(method, "/api/v1/runs.start", headers=headers, body=[b'{"name": "x"}'])
    assert (answer.status, answer.error["kind"]) == (403, "denied")


def test_our_own_pages_may(asker):
    ours = {"origin": "http://localhost:8900", "sec-fetch-site": "same-origin"}
    headers = {"content-type": "application/json", **ours}
    assert asker.ask("POST", "/api/v1/runs.list", headers=headers, body=[b"{}"]).status == 200


def test_a_caller_from_another_machine_is_refused_while_there_is_no_login(asker):
    headers = {"content-type": "application/json"}
    for client in (("10.0.0.7", 5), ("::ffff:10.0.0.7", 5), None):
        answer = asker.ask("POST", "/api/v1/runs.list", headers=headers, body=[b"{}"], client=client)
        assert answer.status == 403
    answer = asker.ask("POST", "/api/v1/runs.list", headers=headers, body=[b"{}"], client=("::ffff:127.0.0.1", 5))
    assert answer.status == 200


def test_every_answer_carries_the_security_headers_and_its_request_id(asker):
    answers = [
        asker.ask("GET", "/health"),
        asker.ask("GET", "/nowhere"),
        asker.ask("GET", "/health", headers={"host": "evil"}),
        asker.post("runs.list"),
        asker.post("runs.list", b"{"),
    ]
    for answer in answers:
        assert SECURITY.items() <= answer.headers.items()
        assert answer.headers["x-request-id"]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


def test_a_request_id_that_is_not_one_is_replaced(asker):
    for odd in ("a b", "x" * 65, "<script>", "", "-"):
        assert asker.ask("GET", "/health", headers={"x-request-id": odd}).headers["x-request-id"] != odd


def test_a_body_over_the_limit_is_413_whether_it_says_so_or_not(hurried):
    headers = {"content-type": "application/json"}
    said = hurried.ask("POST", "/api/v1/runs.list", headers={**headers, "content-length": "1001"}, body=[b""])
    unsaid = hurried.ask("POST", "/api/v1/runs.list", headers=headers, body=[b" " * 600, b" " * 600])
    assert (said.status, unsaid.status) == (413, 413)
    assert unsaid.headers["connection"] == "close"


def test_streamed_bytes_have_a_limit_of_their_own_and_leave_nothing_behind(hurried, platform):
    headers = {"content-type": "application/octet-stream"}
    path = f"/api/v1/blobs/{'1' * 64}"
    assert hurried.ask("PUT", path, headers=headers, body=[b"x" * 4000]).status == 400  # not the digest; not too large
    assert hurried.ask("PUT", path, headers=headers, body=[b"x" * 4000, b"x" * 4000]).status == 413
    assert not list((platform.home.blobs / "incoming").iterdir())


def test_a_body_that_does_not_arrive_is_408_and_leaves_nothing_behind(hurried, platform):
    sent = hurried.ask("POST", "/api/v1/runs.list", headers={"content-type": "application/json"}, stalls=True)
    streamed = hurried.ask(
        "PUT",
        f"/api/v1/blobs/{'1' * 64}",
        headers={"content-type": "application/octet-stream"},
        body=[b"x"],
        stalls=True,
    )
    assert (sent.status, streamed.status) == (408, 408)
    assert not list((platform.home.blobs / "incoming").iterdir())


def test_work_that_takes_too_long_is_503_with_what_to_do(platform):
    release = threading.Event()

    def slow(_, threads):
        async def answer(_):
            await threads.run(release.wait)

        return [Declared(("GET",), "/slow", PUBLIC, answer)]

    with mounted(platform, slow, limits=_HURRIED) as asking:
        answer = asking.ask("GET", "/slow")
        release.set()
    assert (answer.status, answer.headers.get("retry-after")) == (503, "1"), answer
    assert "idempotency key" in answer.error["remedy"]


def test_when_too_many_wait_the_next_hears_so_at_once(platform):
    with closing(Threads(1, waiting=0, name="one")) as threads:
        release = threading.Event()

        def two(_, __):
            async def occupy(_):
                first = asyncio.ensure_future(threads.run(release.wait))
                await asyncio.sleep(0)
                try:
                    await threads.run(print)
                finally:
                    release.set()
                    await first

            return [Declared(("GET",), "/two", PUBLIC, occupy)]

        with mounted(platform, two) as asking:
            assert asking.ask("GET", "/two").status == 503


def test_what_nobody_foresaw_is_a_500_that_tells_nothing_and_a_log_line_that_tells_all(platform, caplog):
    def broken(_, __):
        async def answer(_):
            raise ZeroDivisionError("secret inside")

        return [Declared(("GET",), "/broken", PUBLIC, answer)]

    with mounted(platform, broken) as asking, caplog.at_level(logging.ERROR):
        answer = asking.ask("GET", "/broken")
    assert answer.status == 500
    assert answer.error["kind"] == "error"
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body
    assert caplog.records[0].request_id == answer.headers["x-request-id"]
    assert "secret inside" in caplog.text


def test_an_answer_that_breaks_off_is_cut_and_not_closed_as_if_whole(platform, caplog):
    def breaking(_, __):
        async def pieces():
            yield b"first"
            raise ZeroDivisionError

        async def answer(_):
            return StreamingResponse(pieces())

        return [Declared(("GET",), "/breaking", PUBLIC, answer)]

    with mounted(platform, breaking) as asking, pytest.raises(ZeroDivisionError):
        asking.ask("GET", "/breaking")


def test_a_route_without_a_permission_does_not_start(platform):
    async def answer(_):
        return PlainTextResponse("open")

    for permission in ("", "everything"):
        with pytest.raises(RuntimeError, match="/open declares no permission"):
            application(platform, pages=[lambda _, __, p=permission: [Declared(("GET",), "/open", p, answer)]])
    with pytest.raises(RuntimeError, match="Two routes"):
        application(platform, pages=[lambda _, __: [Declared(("GET",), "/health", PUBLIC, answer)]])


def test_what_is_mounted_without_being_declared_is_found_however_deep():
    async def answer(_):
        return PlainTextResponse("open")

    declared = [Declared(("GET",), "/a/b", "runs:read", answer)]
    check_declared([Mount("/a", routes=[Route("/b", answer, methods=["GET"])])], declared)
    for hidden in (
        Mount("/a", routes=[Mount("/c", routes=[Route("/b", answer)])]),
        Mount("/a", app=PlainTextResponse("anything")),
        Mount("/a", routes=[Route("/b", answer, methods=["GET", "DELETE"])]),
        WebSocketRoute("/a/b", answer),
    ):
        with pytest.raises(RuntimeError, match="declares no permission"):
            check_declared([hidden], declared)


def test_static_files_are_a_closed_list(asker):
    assert asker.ask("GET", "/static/app.css").headers["content-type"] == "text/css; charset=utf-8"
    for name in ("../page.py", "..%2fpage.py", "app.css/", "vendor.sha256", "APP.CSS", "", "app.css\x00"):
        assert asker.ask("GET", f"/static/{name}").status == 404


def test_callers_that_send_nothing_do_not_keep_others_waiting(platform):
    with live(platform) as url:
        place = urlsplit(url)
        head = f"POST /api/v1/runs.list HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
        upload = f"PUT /api/v1/blobs/{'0' * 64} HTTP/1.1\r\nHost: {place.netloc}\r\n"
        upload += "Content-Type: application/octet-stream\r\nContent-Length: 9\r\n\r\nx"
        hung = [socket.create_connection((place.hostname, place.port)) for _ in range(60)]
        for number, connection in enumerate(hung):
            connection.sendall((upload, head + "Content-Length: 9\r\n\r\n{", head)[number % 3].encode())
        with socket.create_connection((place.hostname, place.port), timeout=5) as connection:
            connection.sendall(f"{head}Content-Length: 2\r\n\r\n{{}}".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        for connection in hung:
            connection.close()


def test_over_a_real_socket_headers_are_bounded_and_nonsense_is_400(platform):
    def said(url: str, sent: bytes) -> bytes:
        place = urlsplit(url)
        with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
            connection.sendall(sent)
            return connection.recv(1000)

    with live(platform) as url:
        host = url.removeprefix("http://").encode()
        assert said(url, b"GET /health HTTP/1.1\r\nHost: " + host + b"\r\n\r\n").startswith(b"HTTP/1.1 200")
        assert said(url, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")
        endless = b"GET /health HTTP/1.1\r\nHost: " + host + b"\r\nX: " + b"x" * 200_000
        assert said(url, endless).startswith(b"HTTP/1.1 4")
        both = b"\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
        assert said(url, b"POST /api/v1/runs.list HTTP/1.1\r\nHost: " + host + both).startswith(b"HTTP/1.1 400")
