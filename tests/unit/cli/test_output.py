"""What a command prints: JSON on one line, or plain text that tells how to go on."""

import io
import json
import sys

import pytest

import modelwright as mw
from modelwright.core.operation import Transfer
from modelwright.terminal.output import plain, table, transferring
from support.commands import COMMANDS, Files, command
from support.people import APPROVALS, PEOPLE

EMPTY = {
    "data list": "modelwright data add",
    "run list": "mw.run(",
    "run list delay": "No runs of delay yet",
    "model list": "run.save_model(",
    "model decisions delay": "modelwright model gate",
    "charter list delay": "modelwright charter publish",
    "endpoint list": "modelwright endpoint deploy",
    "prediction list delays": "modelwright predict",
    "prediction performance delays": "modelwright predict",
    "prediction traffic delays": "modelwright predict",
    "pipeline list": "modelwright pipeline register",
    "pipeline executions": "modelwright pipeline run",
    "ledger list": "modelwright data add",
    "ledger list --kind x": "modelwright ledger list",
}


@pytest.mark.parametrize("words", EMPTY)
def test_an_empty_list_says_how_to_fill_it(words, typed):
    done = typed(*words.split())
    assert (done.code, done.err) == (0, "")
    assert EMPTY[words] in done.out


@pytest.mark.parametrize("words", EMPTY)
def test_an_empty_list_is_empty_as_json(words, typed):
    done = typed(*words.split(), "--json")
    assert json.loads(done.out) in ([], {"items": [], "next": None})


def test_a_version_without_evidence_says_how_to_evaluate_it(typed, home):
    with mw.connect(home) as ws:
        file = {"path": "model.skops", "digest": ws.runs.send(b"weights").digest, "size": 7}
        columns = [{"name": "x", "dtype": "float64"}]
        ws.models.register("delay", "sklearn", "binary", {"columns": columns}, [file])
    done = typed("evidence", "list", "delay@1")
    assert (done.code, done.err) == (0, "")
    assert "modelwright model evaluate delay@1 --on" in done.out


_ACTS = {
    *(
        "acknowledge",
        "add",
        "attest",
        "cancel",
        "comment",
        "decide",
        "disable",
        "enable",
        "join",
        "pause",
        "remove",
        "revoke",
        "retire",
        "reopen",
        "reinstate",
        "request_phase",
        "end",
        "withdraw",
        "commit",
        "deploy",
        "publish",
        "record",
        "refuse",
        "request",
        "resolve",
        "resume",
        "rollback",
        "set_alias",
        "sign",
    ),
    *("declare", "keep", "start", "test", "trigger"),
}
READ = [name for name in COMMANDS if name.partition(".")[2] not in _ACTS]


@pytest.mark.parametrize("name", READ)
def test_an_answer_is_text_for_people_or_one_line_of_json(name, request, tmp_path):
    home, given = request.getfixturevalue("people" if name in PEOPLE else "signer" if name in APPROVALS else "story")
    words = COMMANDS[name](given[name], Files(tmp_path, {}))
    text, line = command("--home", home, *words), command("--home", home, *words, "--json")
    assert (text.code, text.err, line.code, line.err) == (0, "", 0, "")
    assert text.out.strip()
    assert text.out == plain(text.out)
    assert line.out.count("\n") == 1
    json.loads(line.out)
    assert text.out != line.out


def test_a_long_list_says_where_it_goes_on(story):
    home, _ = story
    first = command("--home", home, "prediction", "list", "delays", "--limit", 3).out.splitlines()
    *_, more = first
    assert more.startswith("More: --after ")
    rest = command("--home", home, "prediction", "list", "delays", "--limit", 1000, *more.split()[1:]).out.splitlines()
    assert len(rest) == 1 + 400 - 3
    assert not set(first[1:]) & set(rest)


HOSTILE = "a\nb\r\x1b[31mred\x1b]0;title\x07 \u202e <script>alert(1)</script> [bold]☃"


def test_what_others_wrote_does_not_steer_the_terminal(typed, home):
    with mw.connect(home) as ws:
        run = ws.runs.start("hostile", parameters={"note": HOSTILE}, tags={"[/red]": HOSTILE})
    for words in (["run", "list"], ["run", "show", run.id], ["data", "query", f"SELECT '{HOSTILE}' AS \"[/]\""]):
        out = typed(*words).out
        assert "\\x1b[31mred" in out
        assert "<script>alert(1)</script> [bold]☃" in out
        assert out == plain(out)
    shown = typed("run", "show", run.id, "--json").out
    assert json.loads(shown)["parameters"]["note"] == HOSTILE


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("no_color", ["", "1"])
def test_there_are_no_escape_codes_on_a_terminal_either(no_color, monkeypatch, story):
    home, _ = story
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("support.commands.io.StringIO", Terminal)
    for words in (["run", "list"], ["model", "list"], ["status"], ["--help"], ["bogus"], ["data", "show", "x@1"]):
        done = command("--home", home, *words)
        assert "\x1b" not in done.out + done.err


def test_progress_is_told_on_a_terminal_alone(monkeypatch, typed, tmp_path):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    assert typed("data", "add", "x", "rows.csv").err == ""
    monkeypatch.setattr("support.commands.io.StringIO", Terminal)
    done = typed("data", "add", "x", "rows.csv", "--json")
    assert done.err == "adding rows.csv …\n"
    assert json.loads(done.out)["version"] == 1


def test_a_narrow_terminal_folds_cells_and_loses_nothing(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "30")
    drawn = table(("name", "text"), [("x", "abcdefgh " * 9)], empty="")
    assert max(map(len, drawn.splitlines())) <= 30
    assert "".join(drawn.split()).count("abcdefgh") == 9


def test_missing_cells_are_dashes_and_no_rows_are_words():
    assert table(("a", "b"), [(None, 1)], empty="").splitlines() == ["a  b", "-  1"]
    assert table(("a",), [], empty="Nothing yet.") == "Nothing yet."


def test_people_are_told_by_name_and_as_json_by_what_the_record_calls_them(signer):
    home, _ = signer
    words = ("--home", home, "ledger", "list", "--kind", "approvals.signed")
    assert "abel (simulated)" in command(*words).out
    assert "abel" not in command(*words, "--json").out


def test_gates_and_moves_are_told_in_words(story):
    home, _ = story
    gate = command("--home", home, "model", "gate", "delay@1")
    assert gate.out.startswith("delay@1 -> champion: allowed (tier minimal, policy ")
    assert "PASS" in gate.out
    moved = command("--home", home, "endpoint", "deploy", "words", "delay@1", "--wait", 0)
    assert "No workers are running. Start them: modelwright up" in moved.out


def test_a_long_transfer_is_told_on_one_line_of_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert transferring() is None
    monkeypatch.setattr(sys, "stderr", said := Terminal())
    tell = transferring()
    for done in (1, 2_500_000, 2_500_001, 10_000_000):
        tell(Transfer("up", done, 10_000_000))
    tell(Transfer("down", 1000, 1000))  # too short to be told
    assert said.getvalue() == "\rSent 0 % of 10 MB\rSent 25 % of 10 MB\rSent 100 % of 10 MB\n"
