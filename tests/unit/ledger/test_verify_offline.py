"""An exported ledger is verified by a script that knows nothing of Modelwright."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import modelwright as mw
from modelwright.app.home import Home
from modelwright.core import wire
from modelwright.ledger import tree

SCRIPT = Path(__file__).parents[3] / "docs" / "verify_ledger.py"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The export of a ledger of eleven entries."""
    folder = tmp_path_factory.mktemp("ledger")
    Home(folder / ".modelwright").open(create=True)
    with mw.connect(folder / ".modelwright") as ws:
        for number in range(11):
            ws.runs.start(f"run-{number}")
        assert ws.ledger.export(folder / "ledger.jsonl") == 11
        assert ws.ledger.verify().intact
    return (folder / "ledger.jsonl").read_text().splitlines()


@pytest.fixture
def verified(tmp_path):
    """Verifies lines: the exit code and what was said."""

    def verify(lines, *more):
        file = tmp_path / "given.jsonl"
        file.write_text("".join(f"{line}\n" for line in lines))
        command = [sys.executable, "-I", SCRIPT, file, *more]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return verify


def altered(line, **fields):
    return json.dumps({**json.loads(line), **fields})


def rewritten(lines, changed):
    """What somebody writes who knows all the hashes and has no key: entry ``changed`` differs, and all behind fits."""
    chain, found = json.loads(lines[changed - 1])["chain"] if changed > 1 else "0" * 64, list(lines)
    for place in range(changed, len(lines)):
        entry = json.loads(lines[place])
        text = entry["envelope"].replace("run-", "fun-") if place == changed else entry["envelope"]
        leaf = tree.leaf_hash(text.encode())
        chain = wire.sha256(bytes.fromhex(chain) + bytes.fromhex(leaf))
        found[place] = json.dumps({**entry, "envelope": text, "leaf": leaf, "chain": chain})
    return found


def test_the_script_stands_alone():
    assert "import modelwright" not in SCRIPT.read_text()
    assert "from modelwright" not in SCRIPT.read_text()


def test_an_export_that_nobody_touched_is_intact(exported, verified):
    code, said = verified(exported)
    assert code == 0
    assert said.startswith("intact: 11 entries, root ")


def test_the_owners_key_may_be_given(exported, verified):
    key = json.loads(exported[0])["public_key"]
    assert verified(exported, "--key", key)[0] == 0
    code, said = verified(exported, "--key", "0" * 64)
    assert code == 1
    assert "is not signed by the key" in said


def test_the_empty_ledger_is_intact(exported, verified):
    assert verified([altered(exported[0], head=None)])[0] == 0


@pytest.mark.parametrize("place", [1, 2, 7, 11])
def test_the_first_altered_entry_is_named(exported, verified, place):
    line = exported[place]
    envelope = json.loads(line)["envelope"]
    for wrong in (
        altered(line, envelope=envelope.replace("run-", "fun-")),
        altered(line, leaf="0" * 64),
        altered(line, chain="0" * 64),
        altered(line, kind="models.alias_moved"),
        altered(line, envelope=5),
        "[]",
        "{",
    ):
        code, said = verified([*exported[:place], wrong, *exported[place + 1 :]])
        assert (code, said.split(":")[1].strip()) == (1, f"entry {place}"), said


def test_an_entry_that_was_taken_out_is_named(exported, verified):
    code, said = verified([*exported[:4], *exported[5:]])
    assert code == 1
    assert "entry 4: it is missing" in said


def test_an_end_that_was_cut_off_is_noticed(exported, verified):
    code, said = verified(exported[:-2])
    assert code == 1
    assert "signed over 11 entries, and only 9 are left" in said


@pytest.mark.parametrize("place", [1, 6, 11])
def test_a_history_that_was_rewritten_with_all_its_hashes_lacks_the_signature(exported, verified, place):
    code, said = verified(rewritten(exported, place))
    assert code == 1
    assert "the signed head does not belong to these entries" in said


def test_a_head_that_was_altered_is_noticed(exported, verified):
    head = json.loads(exported[0])["head"]
    for wrong in ({**head, "payload": head["payload"][::-1]}, {**head, "signatures": []}, {}, 5):
        code, said = verified([altered(exported[0], head=wrong), *exported[1:]])
        assert code == 1, said
    assert "the head is missing" in verified([altered(exported[0], head=None), *exported[1:]])[1]


def test_what_is_no_export_is_said_to_be_none(verified):
    for lines in ([], ["{}"], ["[]"], ["x"], ['{"format": 2, "head": null}']):
        assert verified(lines)[0] == 2


def test_an_export_under_way_while_others_write_is_whole(tmp_path, verified, monkeypatch):
    """The head is of the last page: entries that come meanwhile are in the file, or are not, with the head."""
    Home(tmp_path / ".modelwright").open(create=True)
    with mw.connect(tmp_path / ".modelwright") as ws:
        ws.runs.start("before")
        read = ws.ledger.read
        late = iter(["meanwhile"])

        def reading(**arguments):
            page = read(**arguments)
            for name in late:
                ws.runs.start(name)
            return page

        monkeypatch.setattr(ws.ledger, "read", reading, raising=False)
        assert ws.ledger.export(tmp_path / "ledger.jsonl") == 2
    assert verified((tmp_path / "ledger.jsonl").read_text().splitlines())[0] == 0
