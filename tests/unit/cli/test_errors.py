"""What goes wrong is said on one line, with the remedy; the exit code tells the kind."""

import http.server
import os
import socket
import threading
from contextlib import closing, contextmanager

import pytest

from modelwright.core.errors import KINDS, Refused
from modelwright.terminal.context import Context
from support.commands import command

NO_ID = "0" * 32


def refused(done, code, *words):
    """One line on stderr, and nothing else."""
    assert done.out == ""
    assert done.err.startswith("Error: ")
    assert done.err.endswith("\n")
    assert len(done.err.splitlines()) == 1
    for word in words:
        assert word in done.err
    assert done.code == code
    return True


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["data", "show", "nothing@1"], 4, "modelwright data list"),
        (["data", "show", "nothing"], 1, "name@version"),
        (["run", "show", NO_ID], 4, "modelwright run list"),
        (["run", "show", "zz"], 1, "32 hex digits"),
        (["run", "compare", NO_ID, NO_ID], 4, "modelwright run list"),
        (["run", "compare", NO_ID], 2, "two runs"),
        (["run", "export", NO_ID, "there"], 4, "modelwright run list"),
        (["run", "list", "--after", "zz"], 1, "32 hex digits"),
        (["model", "show", "nothing@champion"], 4, "modelwright model list"),
        (["model", "list", "nothing"], 4, "modelwright model list"),
        (["model", "alias", "nothing@1", "champion"], 4, "modelwright model list"),
        (["model", "gate", "nothing@1"], 4, "modelwright model list"),
        (["model", "evaluate", "nothing@1", "--on", "nothing@1"], 4, "nothing"),
        (["evidence", "list", "nothing@1"], 4, "modelwright model list"),
        (["evidence", "show", "f" * 64], 4, "modelwright evidence list"),
        (["charter", "show", "nothing"], 4, "charter publish"),
        (["policy", "show", "nothing"], 4, "modelwright policy list"),
        (["endpoint", "show", "nothing"], 4, "modelwright endpoint deploy"),
        (["endpoint", "history", "nothing"], 4, "modelwright endpoint deploy"),
        (["endpoint", "deploy", "e", "nothing@1"], 4, "modelwright model list"),
        (["endpoint", "rollback", "nothing"], 4, "nothing"),
        (["prediction", "show", NO_ID], 4, "modelwright prediction list"),
        (["prediction", "performance", "e", "--as-of", "soon"], 1, "ISO 8601"),
        (["lineage", "up", "planet:earth"], 1, "kind:id"),
        (["lineage", "down", "data:x@1"], 4, "kind:id"),
        (["trace", "prediction", NO_ID], 4, "modelwright prediction list"),
        (["trace", "model", "m@1"], 2, "only a prediction"),
        (["ledger", "list", "--after", "x"], 1, "which no page answered"),
        (["data", "query", "SELEC"], 1, "SELEC"),
        (["predict", "nothing", "rows.csv"], 4, "no file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_not_there_or_not_meant_so(words, code, said, typed):
    assert refused(typed(*words), code, said)


@pytest.mark.parametrize(
    "name", ["../x", "..", "/etc/passwd", "it's", '"x"', "<script>", "é", "☃", "a b", "", "-x", "x" * 129, "a\nb", "\x1b[31m"]
)  # fmt: skip
def test_a_name_that_is_none(name, typed, tmp_path):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    assert refused(typed("data", "add", "--", name, "rows.csv"), 1, "a name: 1 to 128")
    assert refused(typed("run", "list", "--", name), 1, "a name: 1 to 128")
    assert refused(typed("endpoint", "show", "--", name), 1, "a name: 1 to 128")
    assert {file.name for file in tmp_path.iterdir()} == {".modelwright", "rows.csv"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Empty CSV"),
        (b"a,b\n", "no rows"),
        (b"a,a\n1,2\n", "twice"),
        (b",b\n1,2\n", "cannot be a column name"),
        (b"a,b\n1\n", "Expected 2 columns"),
        (b"a\n\xff\xfe\n", "Text must be UTF-8."),
        (b"\x00\x01\x02", "rows.csv"),
    ],
)
def test_a_csv_that_is_no_table(content, said, typed, tmp_path):
    (tmp_path / "rows.csv").write_bytes(content)
    assert refused(typed("data", "add", "x", "rows.csv"), 1, said)


def test_a_table_that_breaks_its_contract(typed, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,x\n")
    assert typed("data", "add", "x", "rows.csv").code == 0
    (tmp_path / "rows.csv").write_text("a\nNaN\n")
    assert refused(typed("data", "add", "x", "rows.csv"), 1, "b: is missing", "--infer-contract")
    assert typed("data", "add", "x", "rows.csv", "--infer-contract").out.startswith("x@2")


def test_a_folder_or_nothing_where_a_file_is_meant(typed, tmp_path):
    for file in (tmp_path, "nothing"):
        assert refused(typed("data", "add", "x", file), 4, "There is no file")
        assert refused(typed("label", "add", "e", file), 4, "There is no file")
        assert refused(typed("charter", "publish", "m", file), 4, "There is no file")
        assert refused(typed("policy", "publish", file), 4, "There is no file")
        assert refused(typed("predict", "e", file), 4, "There is no file")


def test_a_file_that_is_no_charter(typed, tmp_path):
    for content in (b"", b"\xff", b"- a\n", b"question: why?\n", b"a: *b\n", b"\x00"):
        (tmp_path / "charter.yaml").write_bytes(content)
        assert refused(typed("charter", "publish", "m"), 1)
        assert refused(typed("policy", "publish", "charter.yaml"), 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,value\na,1\n", "known_at"),
        (f"id,value,known_at\n{NO_ID[:-1]}a,1,\n", "has no known_at"),
        (f"id,value,known_at\n{NO_ID[:-1]}a,,2020-01-01\n", "has no value"),
        (f"id,value,known_at\n{NO_ID[:-1]}a,late,2020-01-01\n", "float"),
        (f"id,value,known_at\n{NO_ID[:-1]}a,1,soon\n", "ISO 8601"),
        ("id,value,known_at\nx,1,2020-01-01\n", "32 hex digits"),
        ("id,value,known_at\n7,1,2020-01-01\n", "are not text"),
    ],
)
def test_a_file_that_holds_no_labels(content, said, typed, tmp_path):
    (tmp_path / "labels.csv").write_text(content)
    assert refused(typed("label", "add", "e", "labels.csv"), 1, said)


def test_what_is_there_already_is_not_written_over(typed, tmp_path):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    typed("data", "add", "x", "rows.csv")
    assert refused(typed("data", "export", "x@1", "rows.csv"), 1, "is there already")
    assert refused(typed("ledger", "export", "rows.csv"), 1, "is there already")
    assert refused(typed("run", "export", NO_ID, "rows.csv"), 1, "is there already")
    for words in (
        ["data", "export", "x@1", "no/rows.csv"],
        ["ledger", "export", "no/x"],
        ["run", "export", NO_ID, "no/x"],
    ):
        assert refused(typed(*words), 4, "There is no folder no. Make it first.")


def test_no_home_here_or_above():
    assert refused(command("status"), 4, "modelwright init")


def test_no_home_where_one_was_said(tmp_path):
    assert refused(command("--home", tmp_path / "none", "status"), 4, "modelwright init")


def test_a_home_of_a_later_form(typed, home):
    (home / "home.json").write_text('{"format": 99}')
    assert refused(typed("status"), 1, "form 99", "Upgrade modelwright.")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": "x"}', b"\xff\xfe", b'{"form": 1}'])
def test_a_home_whose_marker_is_damaged(content, typed, home):
    (home / "home.json").write_bytes(content)
    assert refused(typed("status"), 1, "home.json", "backup")


@pytest.mark.parametrize("name", ["control.db", "telemetry.db"])
def test_a_home_whose_database_is_damaged(name, typed, home):
    for file in home.glob(f"{name}*"):
        file.unlink()
    (home / name).write_bytes(b"no database at all, but long enough to look like one " * 100)
    assert refused(typed("run", "list"), 1, name, "backup")


def test_a_home_that_cannot_be_written(typed, home, tmp_path):
    for file in home.glob("control.db*"):
        file.unlink()
    (home / "control.db").mkdir()
    assert refused(typed("status"), 1, "control.db cannot be written", "permissions")
    (tmp_path / "file").write_text("")
    assert refused(command("init", tmp_path / "file"), 1, "is a file", "Name a folder")
    assert refused(command("init", tmp_path / "file" / "project"), 1, "file", "Check the path")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_of_somebody_else(tmp_path):
    (tmp_path / "theirs").mkdir(mode=0o500)
    assert refused(command("init", tmp_path / "theirs"), 1, "Permission denied")


def test_a_folder_that_holds_something_else(tmp_path):
    (tmp_path / "project" / ".modelwright").mkdir(parents=True)
    (tmp_path / "project" / ".modelwright" / "mine").write_text("")
    assert refused(command("init", "project"), 1, "not empty")


def test_a_port_that_is_taken(typed):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert refused(typed("up", "--port", port), 1, "is taken by another process", "modelwright up --port")
        assert refused(typed("up", "--port", 0, "--serve-port", port), 1, "modelwright up --serve-port")


def test_an_address_that_others_reach(typed):
    assert refused(typed("up", "--host", "0.0.0.0"), 5, "ssh -L")


def free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return listening.getsockname()[1]


def test_a_server_where_nothing_listens():
    url = f"http://127.0.0.1:{free_port()}"
    assert refused(command("--url", url, "status"), 1, f"{url} does not answer", "modelwright up")


@contextmanager
def stranger(status, body):
    """A server that is not Modelwright's."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("body", [b"<!doctype html>", b"{}", b"[]", b"null", b"", b"\xff"])
def test_a_server_that_is_not_modelwright(status, body, tmp_path):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    with stranger(status, body) as url:
        assert refused(command("--url", url, "status"), 1, f"{url} answered {status}", "Check")
        assert refused(command("predict", "e", "rows.csv", "--serve-url", url), 1, f"answered {status}", "Check")


@pytest.mark.parametrize("url", ["foo://x", "http://", "http://[::1"])
def test_an_address_that_is_none(url, tmp_path):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    assert refused(command("--url", url, "status"), 1, url.rstrip("/"))
    assert refused(command("predict", "e", "rows.csv", "--serve-url", url), 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bogus"], "No such command 'bogus'. See: modelwright --help"),
        (["data", "bogus"], "See: modelwright data --help"),
        (["data", "add"], "See: modelwright data add --help"),
        (["data", "list", "--limit", "0"], "See: modelwright data list --help"),
        (["data", "list", "--limit", "x"], "See: modelwright data list --help"),
        (["data", "list", "--bogus"], "See: modelwright data list --help"),
        (["up", "--port", "99999"], "See: modelwright up --help"),
        (["--home", "a", "--url", "http://b", "status"], "not both"),
        (["--url", "localhost:8900", "status"], "write http://localhost:8900"),
    ],
)
def test_a_command_typed_wrong_ends_with_2(words, said):
    assert refused(command(*words), 2, said)


def test_what_only_a_home_can_do_is_not_asked_of_a_server():
    for verb in ("up", "doctor"):
        assert refused(command("--url", "http://127.0.0.1:1", verb), 1, "Give --home instead of --url.")


def test_a_gate_that_refuses_ends_with_3(story):
    home, _ = story
    done = command("--home", home, "model", "gate", "heuristic@1")
    assert done.code == 3
    assert "heuristic@1 -> champion: refused" in done.out
    assert "FAIL" in done.out
    assert command("--home", home, "endpoint", "deploy", "new", "heuristic@1", "--wait", 0).code == 3
    assert command("--home", home, "model", "alias", "heuristic@1", "champion").code == 3


def raising(monkeypatch, error):
    def workspace(_):
        raise error

    monkeypatch.setattr(Context, "workspace", property(workspace))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_of_error_has_its_exit_code(kind, monkeypatch):
    raising(monkeypatch, kind("It is so.", remedy="Do\nthis."))
    done = command("status")
    assert done == ({"refused": 3, "not_found": 4, "denied": 5}.get(kind.kind, 1), "", "Error: It is so. Do this.\n")


def test_an_interruption_ends_with_130(monkeypatch):
    raising(monkeypatch, KeyboardInterrupt())
    assert command("status") == (130, "", "Interrupted.\n")


def test_what_nobody_expected_is_one_line_too(monkeypatch):
    raising(monkeypatch, KeyError("x\ny\x1b[31m"))
    done = command("status")
    assert refused(done, 1, "KeyError: ", "MODELWRIGHT_DEBUG=1")
    assert "\x1b" not in done.err


def test_the_traceback_is_shown_when_asked_for(monkeypatch):
    monkeypatch.setenv("MODELWRIGHT_DEBUG", "1")
    raising(monkeypatch, KeyError("x"))
    done = command("status")
    assert "Traceback (most recent call last)" in done.err
    assert done.err.splitlines()[-1].startswith("Error: KeyError: 'x'.")


def test_an_error_of_the_machine_names_the_file(monkeypatch):
    raising(monkeypatch, OSError(28, "No space left on device", "control.db"))
    assert refused(command("status"), 1, "control.db: No space left on device. Check")


def test_a_refusal_keeps_its_reasons_on_one_line(monkeypatch):
    raising(monkeypatch, Refused("kpi: too low.\nbaseline: not beaten.", remedy="Train more."))
    assert refused(command("status"), 3, "kpi: too low. baseline: not beaten. Train more.")
