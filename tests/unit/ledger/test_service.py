"""Reading the ledger of a home: pages, kinds, projects; and what a verification says of it."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller
from modelwright.core.errors import Conflict, Corrupted, Invalid, NotFound
from modelwright.core.events import Actor
from modelwright.core.identity import Identity
from modelwright.ledger import proofs, tree
from modelwright.ledger.checkpoint import claimed
from modelwright.store.keys import Keys
from support.homes import fresh_platform


@pytest.fixture
def platform(tmp_path):
    made = fresh_platform(tmp_path)
    yield made
    made.close()


def workspace(platform, project="default"):
    caller = LocalCaller(platform, Identity(actor=Actor(id="anna"), project=project, grants=frozenset({"*"})))
    return Workspace(platform.table, caller, "here")


@pytest.fixture
def ws(platform):
    """A home in which seven runs began and two of them ended."""
    made = workspace(platform)
    runs = [made.runs.start(f"run-{number}") for number in range(7)]
    for run in runs[:2]:
        made.runs.finish(run.id, "finished")
    return made


def altered(platform, statement):
    with platform.records.writing() as rows:
        rows.execute(text(statement))


def test_entries_are_listed_newest_first_a_page_at_a_time(ws):
    page = ws.ledger.list(limit=4)
    assert [entry.envelope.seq for entry in page.items] == [9, 8, 7, 6]
    page = ws.ledger.list(limit=4, after=page.next)
    assert [entry.envelope.seq for entry in page.items] == [5, 4, 3, 2]
    page = ws.ledger.list(limit=4, after=page.next)
    assert [entry.envelope.seq for entry in page.items] == [1]
    assert page.next is None


def test_a_page_that_is_just_full_is_the_last(ws):
    assert ws.ledger.list(limit=9).next is None
    assert ws.ledger.list(limit=8).next == "2"


def test_one_kind_of_event_can_be_asked_for(ws):
    page = ws.ledger.list(kind="tracking.run_finished")
    assert [entry.envelope.seq for entry in page.items] == [9, 8]
    assert {entry.envelope.kind for entry in page.items} == {"tracking.run_finished"}
    assert ws.ledger.list(kind="nothing.happened").items == []


def test_a_project_lists_its_own_entries_and_all_are_in_one_chain(platform, ws):
    claims = workspace(platform, "claims")
    claims.runs.start("theirs")
    assert [entry.envelope.seq for entry in claims.ledger.list().items] == [10]
    assert len(ws.ledger.list().items) == 9
    assert claims.ledger.verify() == ws.ledger.verify()
    assert ws.ledger.verify().entries == 10


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 1001}, {"after": "-1"}, {"after": "x"}, {"after": "9" * 19}])
def test_a_page_that_nobody_answered_is_refused(ws, wrong):
    with pytest.raises(Invalid):
        ws.ledger.list(**wrong)


def test_read_gives_all_projects_as_hashed_oldest_first_with_the_head(platform, ws):
    workspace(platform, "claims").runs.start("theirs")
    page = ws.ledger.read(limit=6)
    rest = ws.ledger.read(after=str(page.entries[-1].seq), limit=6)
    assert [entry.seq for entry in (*page.entries, *rest.entries)] == list(range(1, 11))
    assert json.loads(page.entries[0].envelope)["body"]["name"] == "run-0"
    assert (page.checkpoint, page.key) == (rest.checkpoint, rest.key)
    assert page.checkpoint == ws.ledger.checkpoint().note


def test_an_empty_ledger_is_intact_and_has_a_checkpoint_over_nothing(platform):
    ws = workspace(platform)
    assert ws.ledger.verify().intact
    page = ws.ledger.read()
    assert (page.entries, page.checkpoint) == ((), ws.ledger.checkpoint().note)
    assert ws.ledger.checkpoint().size == 0
    assert ws.ledger.consistency(page.checkpoint).proof == ()


def test_an_export_holds_the_key_the_checkpoint_and_every_entry(platform, ws, tmp_path):
    assert ws.ledger.export(tmp_path / "out.jsonl").entries == 9
    first, *lines = (tmp_path / "out.jsonl").read_text().splitlines()
    newest = ws.ledger.checkpoint()
    assert json.loads(first) == {"format": 2, "key": newest.key, "checkpoint": newest.note}
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, 10))
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.jsonl", "out.jsonl.manifest.json"]


def test_an_export_never_writes_over_a_file(ws, tmp_path):
    (tmp_path / "out.jsonl").write_text("mine")
    with pytest.raises(Conflict, match="is there already"):
        ws.ledger.export(tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == "mine"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET envelope = replace(envelope, 'run-3', 'run-8') WHERE seq = 4",
        "UPDATE ledger SET envelope = CAST(envelope AS BLOB) WHERE seq = 4",
        "UPDATE ledger SET kind = 'runs.finished' WHERE seq = 4",
        "DELETE FROM ledger WHERE seq = 4",
    ],
)
def test_a_verification_names_the_first_altered_entry(platform, ws, statement):
    altered(platform, statement)
    found = ws.ledger.verify()
    assert (found.intact, found.first_altered, found.entries) == (False, 4, 3)


def test_an_entry_put_before_the_first_is_named(platform, ws):
    altered(platform, "INSERT INTO ledger SELECT 0, kind, project, envelope, leaf, chain FROM ledger WHERE seq = 1")
    found = ws.ledger.verify()
    assert (found.intact, found.first_altered) == (False, 1)


def test_an_altered_text_is_not_listed_as_if_it_were_true(platform, ws):
    altered(platform, "UPDATE ledger SET envelope = replace(envelope, 'run-3', 'run-8') WHERE seq = 4")
    with pytest.raises(Corrupted, match="Entry 4 of the ledger has been altered"):
        ws.ledger.list()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM ledger WHERE seq > 7", "signed over 9 entries, and only 7 are left"),
        ("DELETE FROM ledger", "signed over 9 entries, and only 0 are left"),
        ("DELETE FROM ledger_head", "the head is missing"),
        ("UPDATE ledger_head SET edge = replace(edge, '9', '8')", "the head: "),
    ],
)
def test_an_end_that_is_not_the_signed_one_is_noticed(platform, ws, statement, said):
    altered(platform, statement)
    found = ws.ledger.verify()
    assert not found.intact
    assert said in found.problem
    assert found.first_altered is None


def test_a_head_that_another_key_signed_is_noticed_and_nothing_is_appended_to_it(platform, ws, tmp_path):
    ws.runs.start("before")
    other = Keys(tmp_path / "other")
    platform.units._keys = platform.services["ledger"]._keys = other
    with pytest.raises(Corrupted, match="not signed by the trusted key"):
        ws.runs.start("after")
    found = ws.ledger.verify()
    assert not found.intact
    assert "not signed by the trusted key" in found.problem


def test_a_receipt_leads_from_every_entry_to_the_signed_root(ws):
    head = claimed(ws.ledger.checkpoint().note)[1]
    for seq in range(1, 10):
        receipt = ws.ledger.receipt(seq)
        assert json.loads(receipt.envelope)["seq"] == seq
        leaf, path = bytes.fromhex(tree.leaf_hash(receipt.envelope.encode())), [*map(bytes.fromhex, receipt.proof)]
        assert proofs.included(leaf, seq - 1, 9, path, bytes.fromhex(head.root))


@pytest.mark.parametrize("seq", [0, -1, 10, 2**62, 2**70])
def test_there_is_no_receipt_of_what_is_not_there(ws, seq):
    with pytest.raises((NotFound, Invalid)):
        ws.ledger.receipt(seq)


def test_a_project_gets_receipts_of_its_own_entries_alone(platform, ws):
    claims = workspace(platform, "claims")
    claims.runs.start("theirs")
    assert claims.ledger.receipt(10).seq == 10
    for asks, seq in ((claims, 9), (ws, 10)):
        with pytest.raises(NotFound, match=f"no entry {seq} of this project"):
            asks.ledger.receipt(seq)


@pytest.mark.parametrize("row", [2, 4, 9])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET envelope = replace(envelope, 'run-3', 'run-8') || ' ' WHERE seq = {row}",
        "UPDATE ledger SET leaf = replace(leaf, substr(leaf, 1, 8), '00000000') WHERE seq = {row}",
        "UPDATE ledger SET leaf = 'no hash' WHERE seq = {row}",
        "DELETE FROM ledger WHERE seq = {row}",
        "DELETE FROM ledger_head",
    ],
)
def test_nothing_is_proven_of_an_altered_ledger(platform, ws, statement, row):
    before = ws.ledger.checkpoint().note
    altered(platform, statement.format(row=row))
    with pytest.raises((Corrupted, NotFound)):
        ws.ledger.receipt(row)
    if "envelope" not in statement:  # which no other proof reads
        with pytest.raises(Corrupted):
            ws.ledger.consistency(before)
        with pytest.raises(Corrupted):
            ws.ledger.receipt(3)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM ledger WHERE seq = 9", "UPDATE ledger SET chain = leaf WHERE seq = 9"]
)
def test_nothing_is_appended_where_the_last_entry_is_another(platform, ws, statement):
    altered(platform, statement)
    with pytest.raises(Corrupted, match="its last entry is not the one it ended with"):
        ws.runs.start("later")


def test_what_was_kept_is_proven_to_be_the_beginning(ws):
    kept = ws.ledger.checkpoint()
    ws.runs.start("later")
    proof = ws.ledger.consistency(kept.note)
    old, new = claimed(kept.note)[1], claimed(proof.checkpoint)[1]
    assert (proof.old, new.size) == (9, 10)
    path = [bytes.fromhex(each) for each in proof.proof]
    assert proofs.extends(9, bytes.fromhex(old.root), 10, bytes.fromhex(new.root), path)


def test_an_end_that_was_cut_off_together_with_its_head_is_found_by_what_was_kept(platform, ws, tmp_path):
    """An older copy of the database is whole, and has a head of its own."""
    with platform.records.reading() as rows:
        older = rows.execute(text("SELECT edge FROM ledger_head")).scalar_one()
    ws.runs.start("later")
    kept = ws.ledger.checkpoint().note
    with platform.records.writing() as rows:
        rows.execute(text("DELETE FROM ledger WHERE seq = 10"))
        rows.execute(text("UPDATE ledger_head SET edge = :edge"), {"edge": older})
    assert ws.ledger.verify().intact
    found = ws.ledger.verify(against=[kept])
    assert (found.intact, found.problem) == (False, "a checkpoint was kept over 10 entries, and there are 9")
    with pytest.raises(Corrupted, match="does not begin"):
        ws.ledger.consistency(kept)


def test_what_is_recorded_as_kept_must_be_of_this_ledger(platform, ws, tmp_path):
    theirs = fresh_platform(tmp_path / "theirs")
    note = workspace(theirs).ledger.checkpoint().note
    theirs.close()
    for call in (lambda: ws.ledger.record_anchor(note, "file"), lambda: ws.ledger.consistency(note)):
        with pytest.raises(Corrupted, match="not signed by the trusted key"):
            call()
    with pytest.raises(Invalid, match="is no checkpoint"):
        ws.ledger.verify(against=["nothing"])
    assert ws.ledger.verify().entries == 9
