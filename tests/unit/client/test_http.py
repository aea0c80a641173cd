import hashlib
import json
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest

from modelwright.app.connect import Workspace
from modelwright.app.sdk import predict
from modelwright.app.services import operation_table
from modelwright.client.http import HttpCaller
from modelwright.core.errors import Conflict, Corrupted, Error, Invalid, NotFound, Refused, Unavailable
from modelwright.core.operation import Download, Upload
from support.homes import fresh_platform, live

TABLE = operation_table()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with closing(fresh_platform(tmp_path_factory.mktemp("home"))) as platform, live(platform) as url:
        yield platform, url


@pytest.fixture
def caller(served):
    with closing(HttpCaller(served[1])) as calling:
        yield calling


def _call(caller, name, key=None, /, **arguments):
    operation = TABLE.get(name)
    return caller.call(operation, operation.bind((), arguments), idempotency_key=key)


class Seen(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def scripted(*answers):
    """A server that gives these answers one after another, the last for ever: (status, headers, body), None to hang up, ``x-cut`` where."""
    seen, left = [], list(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            lowered = {name.lower(): value for name, value in self.headers.items()}
            seen.append(Seen(self.command, self.path, lowered, body))
            answer = left.pop(0) if len(left) > 1 else left[0]
            if answer is None:
                self.close_connection = True
                return
            status, headers, content = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            if "x-cut" in headers:
                content, self.close_connection = content[: int(headers["x-cut"])], True
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_HEAD = handle_one  # noqa: N815  # the library's names

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        pauses = []
        caller = HttpCaller(f"http://127.0.0.1:{server.server_port}/", sleep=pauses.append, token="t-1")
        try:
            yield caller, seen, pauses
        finally:
            caller.close()
            server.shutdown()
            thread.join()


_PAGE = json.dumps({"items": [], "next": None}).encode()
_RUN = json.dumps(
    {"id": "0" * 32, "name": "r", "status": "running", "started_at": "2026-01-01T00:00:00Z", "started_by": "owner"}
).encode()
_BUSY = (503, {"retry-after": "1"}, b'{"error": {"kind": "unavailable", "message": "busy", "remedy": "wait"}}')


def test_it_answers_the_operations_own_type(caller, served):
    run = _call(caller, "runs.start", name="fraud")
    assert type(run) is TABLE.get("runs.start").response
    assert _call(caller, "runs.get", run_id=run.id) == run


def test_errors_come_back_as_the_kind_they_were_raised_as(caller):
    with pytest.raises(NotFound, match="no run") as raised:
        _call(caller, "runs.get", run_id="0" * 32)
    assert raised.value.remedy
    _call(caller, "runs.start", "one", name="a")
    with pytest.raises(Conflict):
        _call(caller, "runs.start", "one", name="b")


def test_a_command_is_sent_again_under_the_same_key_until_it_is_answered():
    with scripted(None, _BUSY, None, (200, {}, _RUN)) as (caller, seen, pauses):
        assert _call(caller, "runs.start", name="r").name == "r"
    keys = {request.headers["idempotency-key"] for request in seen}
    assert (len(seen), len(keys), len(pauses)) == (4, 1, 3)
    assert len({request.body for request in seen}) == 1
    assert 0.075 <= pauses[0] <= 0.1
    assert 0.75 <= pauses[1] <= 1.0


def test_two_calls_have_two_keys_and_ones_own_key_is_kept():
    with scripted((200, {}, _RUN)) as (caller, seen, _):
        _call(caller, "runs.start", name="r")
        _call(caller, "runs.start", name="r")
        _call(caller, "runs.start", "mine", name="r")
        _call(caller, "runs.finish", run_id="0" * 32, status="finished")
    assert len({request.headers.get("idempotency-key") for request in seen}) == 4
    assert seen[2].headers["idempotency-key"] == "mine"
    assert "idempotency-key" not in seen[3].headers
    assert seen[0].headers["authorization"] == "Bearer t-1"


def test_patience_is_bounded_and_ends_in_what_the_server_said():
    with scripted(_BUSY) as (caller, seen, pauses):
        with pytest.raises(Unavailable, match="busy"):
            _call(caller, "runs.list")
        assert len(seen) == 7
        assert sum(pauses) < 10


def test_no_other_answer_is_asked_for_again():
    for status in (400, 404, 409, 500, 507):
        body = b'{"error": {"kind": "invalid", "message": "m"}}'
        with scripted((status, {}, body)) as (caller, seen, _):
            with pytest.raises(Invalid):
                _call(caller, "runs.list")
            assert len(seen) == 1


def test_nobody_there_is_unavailable_with_what_to_do():
    pauses = []
    caller = HttpCaller("http://127.0.0.1:1", sleep=pauses.append)
    with closing(caller), pytest.raises(Unavailable, match="does not answer") as raised:
        _call(caller, "runs.list")
    assert "modelwright up" in raised.value.remedy
    assert len(pauses) == 3


def test_a_refusal_brings_the_whole_decision():
    body = b'{"error": {"kind": "refused", "message": "no", "decision": {"allowed": false, "gates": []}}}'
    with scripted((403, {}, body)) as (caller, _, __), pytest.raises(Refused) as raised:
        _call(caller, "models.set_alias", ref="m@1", alias="champion")
    assert raised.value.decision == {"allowed": False, "gates": []}


def test_what_is_not_our_server_is_told_so():
    with scripted((418, {}, b"<html>teapot")) as (caller, _, __), pytest.raises(Error, match="418"):
        _call(caller, "runs.list")
    with scripted((502, {}, b"<html>bad gateway")) as (caller, _, __), pytest.raises(Unavailable, match="502"):
        _call(caller, "runs.list")
    with scripted((307, {"location": "http://evil.example/"}, b"")) as (caller, seen, _), pytest.raises(Error):
        _call(caller, "runs.list")
    assert len(seen) == 1


def test_an_error_of_a_later_release_is_still_an_error():
    body = b'{"error": {"kind": "novel", "message": "m", "more": 1}}'
    with scripted((409, {}, body)) as (caller, _, __), pytest.raises(Error, match="m"):
        _call(caller, "runs.list")


def test_known_bytes_are_not_sent_again(tmp_path):
    stored = json.dumps({"digest": "0" * 64, "size": 3}).encode()
    with scripted((200, {}, b"")) as (caller, seen, _):
        handle = caller.upload(b"abc")
        assert [request.method for request in seen] == ["HEAD"]
        assert handle == Upload(digest="ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", size=3)
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with scripted((404, {}, b""), None, (200, {}, stored)) as (caller, seen, _):
        assert caller.upload(path) == handle
        assert [(request.method, request.body) for request in seen] == [("HEAD", b""), ("PUT", b"abc"), ("PUT", b"abc")]


def test_bytes_go_up_and_come_down(caller, served, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789abcdef" * 200_000)
    run = _call(caller, "runs.start", name="r")
    _call(caller, "runs.keep", run_id=run.id, path="file", content=caller.upload(path))
    operation = TABLE.get("runs.artifact")
    request = operation.bind((), {"run_id": run.id, "path": "file"})
    handle = caller.call(operation, request)
    assert caller.download(handle, operation, request) == path.read_bytes()


def test_bytes_that_are_not_what_was_offered_are_not_handed_on():
    operation = TABLE.get("runs.artifact")
    request = operation.bind((), {"run_id": "0" * 32, "path": "file"})
    handle = Download(digest="1" * 64, size=3)
    with scripted((200, {"etag": f'"{handle.digest}"'}, b"abc")) as (caller, _, __), pytest.raises(Corrupted):
        caller.download(handle, operation, request)
    with scripted((200, {"etag": f'"{"2" * 64}"'}, b"abc")) as (caller, _, __), pytest.raises(Conflict):
        caller.download(handle, operation, request)


def test_threads_share_a_caller(caller):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda i: _call(caller, "runs.start", name=f"t{i}"), range(24)))
    assert len({run.id for run in runs}) == 24


def test_an_address_that_is_none_is_invalid():
    with pytest.raises(Invalid):
        _call(HttpCaller("http://[::1"), "runs.list")


def test_a_remote_call_loads_at_most_400_modules(served):
    script = (
        "import sys; before = set(sys.modules)\n"
        "from modelwright.app.connect import connect\n"
        f"with connect({served[1]!r}) as ws: ws.runs.list()\n"
        "loaded = set(sys.modules) - before\n"
        "heavy = {'sqlalchemy', 'numpy', 'starlette', 'uvicorn', 'cryptography', 'duckdb'} & loaded\n"
        "assert not heavy, heavy\n"
        "print(len(loaded))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= 400


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_stands_before_the_server_is_asked_again_too(status):
    with scripted((status, {}, b"<html>"), (status, {"retry-after": "3"}, b""), (200, {}, _PAGE)) as (
        caller,
        seen,
        pauses,
    ):
        _call(caller, "runs.list")
    assert len(seen) == 3
    assert 0.075 <= pauses[0] <= 0.1
    assert 2.25 <= pauses[1] <= 3.0


@pytest.mark.parametrize("said", ["1e9", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "999999"])
def test_no_server_makes_its_callers_wait_for_long(said):
    with scripted((503, {"retry-after": said}, b""), (200, {}, _PAGE)) as (caller, _, pauses):
        _call(caller, "runs.list")
    assert len(pauses) == 1
    assert pauses[0] <= 5.0


def test_a_large_upload_goes_on_where_the_server_says(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 20_000)
    size = path.stat().st_size
    begun = (404, {"modelwright-offset": "1000000"}, b"")
    told = []
    with scripted(begun, None, begun, begun, (200, {}, b"")) as (caller, seen, _):
        caller._progress = told.append
        assert caller.upload(path).size == size
    assert [request.method for request in seen] == ["HEAD", "PUT", "HEAD", "HEAD", "PUT"]
    assert seen[-1].headers["modelwright-offset"] == "1000000"
    assert seen[-1].body == path.read_bytes()[1_000_000:]
    assert {(each.way, each.size) for each in told} == {("up", size)}
    assert told[-1].done == size


def test_a_download_that_was_cut_asks_for_the_rest():
    whole = b"0123456789" * 1000
    handle = Download(digest=hashlib.sha256(whole).hexdigest(), size=len(whole))
    operation = TABLE.get("runs.artifact")
    request = operation.bind((), {"run_id": "0" * 32, "path": "file"})
    tag = {"etag": f'"{handle.digest}"'}
    cut = (200, {**tag, "x-cut": "4000"}, whole)
    rest = (200, {**tag, "modelwright-offset": "4000"}, whole[4000:])
    with scripted(cut, rest) as (caller, seen, _):
        assert caller.download(handle, operation, request) == whole
    assert [request.headers.get("modelwright-offset") for request in seen] == [None, "4000"]
    with scripted(cut, (200, tag, whole)) as (caller, _, __), pytest.raises(Error, match="not as Modelwright does"):
        caller.download(handle, operation, request)


_ANSWERED = json.dumps({"predictions": [0.5], "model": "m@3"}).encode()


def test_a_prediction_is_asked_with_the_workspaces_token_and_again_under_the_same_ids_while_the_endpoint_is_busy():
    with scripted(_BUSY, None, (200, {}, _ANSWERED)) as (caller, seen, _):
        workspace = Workspace(TABLE, caller, "there", "mwt_theirs")
        answer = predict("delays", {"x": [1.0]}, url=caller.url, workspace=workspace)
    assert (answer.predictions, answer.model, answer.version) == ([0.5], "m", 3)
    assert {request.headers["authorization"] for request in seen} == {"Bearer mwt_theirs"}
    assert len(seen) == 3
    assert len({request.body for request in seen}) == 1
    assert json.loads(seen[0].body)["params"]["prediction_ids"] == answer.ids
