"""What a ledger gives away is verified by a script that knows nothing of Modelwright, nor of any package."""

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

import modelwright as mw
from modelwright.app.home import Home
from modelwright.core import wire
from modelwright.ledger import tree

SCRIPT = Path(__file__).parents[3] / "docs" / "verify_ledger.py"
FIRST_FORM = (Path(__file__).parent / "export_v1.jsonl").read_text().splitlines()
"""An export of before there were checkpoints. This file never changes."""

STRANGER = "modelwright/ledger/stranger+00000000+AdA421iQI0cKFKLbWy820PE+eRSqLqc5D9njbwZn7TAi"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The export of a ledger of eleven entries."""
    folder = tmp_path_factory.mktemp("ledger")
    Home(folder / ".modelwright").open(create=True)
    with mw.connect(folder / ".modelwright") as ws:
        for number in range(11):
            ws.runs.start(f"run-{number}")
        assert ws.ledger.export(folder / "ledger.jsonl").entries == 11
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
    """Of Python's standard library, and short enough to be read by whoever shall trust it."""
    written = SCRIPT.read_text()
    imported = {line.split()[1] for line in written.splitlines() if line.startswith(("import ", "from "))}
    assert imported <= sys.stdlib_module_names
    assert len(written.splitlines()) <= 325


def test_an_export_that_nobody_touched_is_intact(exported, verified):
    code, said = verified(exported)
    assert code == 0
    assert said.startswith("intact: 11 entries, root ")


def test_the_owners_key_may_be_given(exported, verified):
    key = json.loads(exported[0])["key"]
    assert verified(exported, "--key", key)[0] == 0
    code, said = verified(exported, "--key", STRANGER)
    assert code == 1
    assert "is not signed by the key" in said
    assert verified(exported, "--key", "no key")[0] == 2


def test_the_empty_ledger_is_intact(verified, tmp_path):
    with mw.connect(Home(tmp_path / "empty").open(create=True).folder) as ws:
        ws.ledger.export(tmp_path / "empty.jsonl")
    assert verified((tmp_path / "empty.jsonl").read_text().splitlines())[0] == 0


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
    assert "signed over 11 entries, and 9 are here" in said


@pytest.mark.parametrize("place", [1, 6, 11])
def test_a_history_that_was_rewritten_with_all_its_hashes_lacks_the_signature(exported, verified, place):
    code, said = verified(rewritten(exported, place))
    assert code == 1
    assert "the signed head does not belong to these entries" in said


def test_a_head_that_was_altered_is_noticed(exported, verified):
    note = json.loads(exported[0])["checkpoint"]
    for wrong in (note.replace("\n11\n", "\n10\n"), note.replace("— ", "- "), note[:-6] + "AAAA=\n", "", None, 5, {}):
        code, said = verified([altered(exported[0], checkpoint=wrong), *exported[1:]])
        assert code == 1, said


def test_what_is_no_export_is_said_to_be_none(verified):
    for lines in ([], ["{}"], ["[]"], ["x"], ['{"format": 4, "head": null}'], ['{"format": 3, "head": null}']):
        assert verified(lines)[0] == 2


def test_an_export_under_way_while_others_write_is_whole(tmp_path, verified, monkeypatch):
    """The head is of the first page: entries that come meanwhile are of another export."""
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
        assert ws.ledger.export(tmp_path / "ledger.jsonl").entries == 1
    assert verified((tmp_path / "ledger.jsonl").read_text().splitlines())[0] == 0


@pytest.fixture(scope="module")
def script():
    """The script as a module, for its arithmetic."""
    spec = importlib.util.spec_from_file_location("verify_ledger", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """What a ledger of twelve entries gave away: checkpoints over 5 and 12, key, receipts, consistency, export."""
    folder = tmp_path_factory.mktemp("given")
    with mw.connect(Home(folder / ".modelwright").open(create=True).folder) as ws:
        for number in range(5):
            ws.runs.start(f"run-{number}")
        old = ws.ledger.checkpoint()
        for number in range(5, 12):
            ws.runs.start(f"run-{number}")
        ws.ledger.export(folder / "ledger.jsonl")
        return SimpleNamespace(
            key=old.key,
            old=old.note,
            new=ws.ledger.checkpoint().note,
            receipts=[str(ws.ledger.receipt(seq)) for seq in range(1, 13)],
            consistency=str(ws.ledger.consistency(old.note)),
            export=(folder / "ledger.jsonl").read_text().splitlines(),
        )


@pytest.fixture
def said(script, tmp_path, capsys):
    """The script's exit code and words about a text, in this process: starting Python a hundred times takes a minute."""

    def of(text, *more, against=""):
        (tmp_path / "file").write_text(text)
        (tmp_path / "kept").write_text(against)
        code = script.main([str(tmp_path / "file"), *more, *(["--against", str(tmp_path / "kept")] if against else [])])
        return code, "".join(capsys.readouterr())

    return of


def test_a_receipt_is_verified_by_its_text_and_the_key_alone(given, said):
    for seq, receipt in enumerate(given.receipts, start=1):
        code, words = said(receipt, "--key", given.key)
        assert (code, f"entry {seq} of 12" in words, f"run-{seq - 1}" in words) == (0, True, True)
    assert said(given.receipts[0])[0] == 2
    assert said(given.receipts[0], "--key", STRANGER)[0] == 1


def test_no_bit_of_a_receipt_can_be_another(given, said):
    receipt = given.receipts[6]
    chance = random.Random(20260105)
    for place in [*range(60), *chance.sample(range(60, len(receipt)), 60)]:
        flipped = chr(ord(receipt[place]) ^ 1 << chance.randrange(7))
        assert said(receipt[:place] + flipped + receipt[place + 1 :], "--key", given.key)[0] != 0, place


def test_consistency_is_verified_without_an_entry(given, said):
    code, words = said(given.consistency, "--key", given.key, against=given.old)
    assert (code, "of 12 entries, begins with the 5 of the checkpoint" in words) == (0, True)
    assert "run-" not in given.consistency
    assert said(given.consistency, "--key", given.key, against=given.new)[0] == 2
    assert said(given.consistency.replace("old 5", "old 4"), "--key", given.key, against=given.old)[0] == 2
    lines = given.consistency.split("\n")
    for wrong in (
        [lines[0], *lines[2:]],
        [*lines[:1], lines[2], lines[1], *lines[3:]],
        [lines[0], lines[1], *lines[1:]],
    ):
        assert said("\n".join(wrong), "--key", given.key, against=given.old)[0] != 0


def test_a_newer_export_is_held_against_older_checkpoints(given, said, verified):
    code, words = said("\n".join(given.export), "--key", given.key, against=f"{given.old}\n{given.new}")
    assert (code, "beginning with the 12 of the checkpoint" in words) == (0, True)
    older = [altered(given.export[0], checkpoint=given.old), *given.export[1:6]]
    assert said("\n".join(older), "--key", given.key, against=given.old)[0] == 0
    code, words = said("\n".join(older), "--key", given.key, against=given.new)
    assert (code, "kept over 12 entries, and 5 are here" in words) == (1, True)


def test_a_file_of_checkpoints_is_read_whole_or_not_at_all(given, said):
    export = "\n".join(given.export)
    for kept in ("nothing", given.old + "more\n", given.old.replace("— ", "- ") + given.new, given.old[:-5]):
        assert said(export, "--key", given.key, against=kept)[0] == 2


@pytest.mark.parametrize("key", [(), ("--key", json.loads(FIRST_FORM[0])["public_key"])])
def test_an_export_of_before_there_were_checkpoints_is_verified(verified, key):
    code, words = verified(FIRST_FORM, *key)
    assert (code, words.startswith("intact: 7 entries, root 38523c9d54b4bb6b")) == (0, True)
    head = json.loads(FIRST_FORM[0])["head"]
    for wrong in ({**head, "payload": head["payload"][::-1]}, {**head, "signatures": []}, {}, 5, None):
        assert verified([altered(FIRST_FORM[0], head=wrong), *FIRST_FORM[1:]], *key)[0] == 1
    assert verified(FIRST_FORM[:-1], *key)[0] == 1
    assert verified([altered(FIRST_FORM[0], head=None)], *key)[0] == 0


# RFC 8032, section 7.1: public key, message, signature
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_signatures_are_those_of_rfc_8032(script, public, message, signature):
    public, message, signature = map(bytes.fromhex, (public, message, signature))
    assert script.signed_by(public, message, signature)
    assert not script.signed_by(public, message + b"x", signature)
    assert not script.signed_by(public, message, signature[:-1])
    grown = int.from_bytes(signature[32:], "little") + script.ORDER
    assert not script.signed_by(public, message, signature[:32] + grown.to_bytes(32, "little"))


@settings(deadline=None, max_examples=30)
@hypothesis_given(st.binary(min_size=32, max_size=32), st.binary(max_size=60), st.integers(0, 511))
def test_signatures_are_judged_as_another_implementation_judges_them(script, seed, message, bit):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert script.signed_by(public, message, signature)
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not script.signed_by(public, message, bytes(flipped))
