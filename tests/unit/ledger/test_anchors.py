"""Checkpoints kept outside the home: whole ones, of this ledger, in order, and nothing else in the file."""

import shutil
import subprocess
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from modelwright.core.errors import Conflict, Corrupted, Invalid, NotFound, Unavailable
from modelwright.jobs import anchors as job
from modelwright.jobs.worker import Worker
from modelwright.ledger import anchors
from modelwright.ledger.checkpoint import claimed
from support.dashboard import workspace_of
from support.homes import fresh_platform


@pytest.fixture
def platform(tmp_path):
    made = fresh_platform(tmp_path)
    yield made
    made.close()


@pytest.fixture
def ws(platform):
    """A home with three entries."""
    made = workspace_of(platform)
    for number in range(3):
        made.runs.start(f"run-{number}")
    return made


@pytest.fixture
def file(tmp_path):
    return tmp_path / "elsewhere.txt"


def sizes(file):
    return [claimed(note)[1].size for note in anchors.in_file(file)]


def test_each_anchor_is_one_checkpoint_more_in_the_file(ws, file):
    first = ws.ledger.anchor(file)
    assert file.read_text() == first.note
    second = ws.ledger.anchor(file)
    assert file.read_text() == first.note + "\n" + second.note
    assert sizes(file) == [3, 4]
    found = ws.ledger.verify(against=anchors.kept(str(file)))
    assert (found.intact, found.checkpoints, found.extends) == (True, 2, 4)


def test_the_ledger_records_what_was_kept_and_not_where(ws, file):
    kept = ws.ledger.anchor(file)
    newest = ws.ledger.list().items[0].envelope
    assert (newest.kind, newest.body) == ("ledger.anchored", {"place": "file", "size": 3, "root": kept.root})
    assert file.name not in str(newest)


def test_a_file_that_holds_anything_else_is_left_alone(ws, file):
    for content in ("my notes\n", "my notes", "modelwright/ledger/x\n12\nmy notes\n", "\n\n", b"\xff\xfe"):
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        before = file.read_bytes()
        with pytest.raises(Invalid, match=r"is no (checkpoint|text)"):
            ws.ledger.anchor(file)
        assert file.read_bytes() == before
    assert ws.ledger.verify().entries == 3
    with pytest.raises(NotFound, match="There is no folder"):
        ws.ledger.anchor(file / "in" / "nothing")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_a_power_cut_left_is_passed_over_and_written_anew(ws, file, data):
    """Wherever the last write stopped: the checkpoints before it count, and the next anchor stands behind them."""
    one, two = ws.ledger.checkpoint().note, ws.ledger.checkpoint().note
    file.write_text(one)
    whole = one.encode() + b"\n" + two.encode()
    end = data.draw(st.integers(len(one.encode()), len(whole) - 1))
    file.write_bytes(whole[:end])
    assert anchors.in_file(file) == [one]
    anchors.append(file, two)
    assert file.read_bytes() == whole


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_flipped_bit_in_a_file_is_never_passed_over(ws, file, data):
    """The file cannot be read, or the ledger is not found to begin with what it then says."""
    note = ws.ledger.checkpoint().note
    content = bytearray(f"{note}\n{note}\n{note}".encode())
    content[data.draw(st.integers(0, len(content) - 2))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)
    try:
        found = ws.ledger.verify(against=anchors.kept(str(file)))
    except Invalid:
        return
    assert not found.intact


def test_a_rewritten_ledger_gets_no_new_checkpoint(ws, tmp_path, file):
    """Whoever forges a past with the same key finds the file unmoved."""
    ws.ledger.anchor(file)
    before = file.read_bytes()
    shutil.copytree(tmp_path / ".modelwright/keys", tmp_path / "keys")
    other = fresh_platform(tmp_path / "other")
    shutil.copytree(tmp_path / "keys", other.home.keys)
    forged = workspace_of(other)
    for number in range(5):
        forged.runs.start(f"forged-{number}")
    with pytest.raises(Corrupted, match="does not begin with those of the checkpoint over 3"):
        forged.ledger.anchor(file)
    assert file.read_bytes() == before
    assert forged.ledger.verify().intact
    found = forged.ledger.verify(against=anchors.kept(str(file)))
    assert not found.intact
    assert "the first 3 entries are not those of the checkpoint" in found.problem
    other.close()


def test_a_server_that_proves_nothing_gets_no_new_checkpoint(ws, file, monkeypatch):
    """Whoever keeps checkpoints of a server that others run checks its proof, and keeps what was proven."""
    ws.ledger.anchor(file)
    before, honest = file.read_bytes(), ws.ledger.consistency
    for wrong in ({"proof": ()}, {"proof": ("0" * 64,) * 3}, {"checkpoint": anchors.kept(str(file))[0]}):
        monkeypatch.setattr(
            ws.ledger, "consistency", lambda since, wrong=wrong: replace(honest(since), **wrong), raising=False
        )
        with pytest.raises(Corrupted, match="does not prove"):
            ws.ledger.anchor(file)
        assert file.read_bytes() == before


def test_a_shared_file_is_held_against_this_ledgers_own(ws, tmp_path, file):
    other = fresh_platform(tmp_path / "other")
    theirs = workspace_of(other)
    theirs.runs.start("theirs")
    theirs.ledger.anchor(file)
    found = ws.ledger.verify(against=anchors.kept(str(file)))
    assert not found.intact
    assert "no checkpoint is of this ledger" in found.problem
    ws.ledger.anchor(file)
    assert ws.ledger.verify(against=anchors.kept(str(file))).checkpoints == 1
    assert theirs.ledger.verify(against=anchors.kept(str(file))).extends == 1
    other.close()


def test_where_the_ledger_was_rewritten_is_narrowed_by_older_checkpoints(ws, platform, file):
    ws.ledger.anchor(file)
    ws.runs.start("more")
    ws.ledger.anchor(file)
    note = ws.ledger.checkpoint().note
    keys, head = platform.keys, claimed(note)[1]
    lied = keys.sign_note("\n".join([*note.split("\n")[:2], "A" * 43 + "=", ""]), claimed(note)[0])
    found = ws.ledger.verify(against=[*anchors.kept(str(file)), lied])
    assert not found.intact
    assert f"the first {head.size} entries are not those of the checkpoint" in found.problem
    assert "up to 5 they are" in found.problem
    assert found.extends == 5


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A git repository to work in."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name, value in (("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")):
        monkeypatch.setenv(name, value)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.com")
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    return folder


def test_a_tag_holds_the_checkpoint_word_for_word(ws, repository):
    kept, name = ws.ledger.anchor_tag("ledger")
    assert name == "ledger-3"
    said = subprocess.run(["git", "cat-file", "tag", name], check=True, capture_output=True, text=True)
    assert said.stdout.partition("\n\n")[2] == kept.note
    assert ws.ledger.verify(against=anchors.kept(f"git:{name}")).extends == 3
    assert ws.ledger.list().items[0].envelope.body["place"] == "git-tag"


def test_a_tag_that_cannot_be_made_or_read_says_why_and_records_nothing(ws, repository, monkeypatch, tmp_path):
    anchors.tag("ledger", 3, ws.ledger.checkpoint().note)
    with pytest.raises(Conflict, match="There is a tag ledger-3 already"):
        ws.ledger.anchor_tag("ledger")
    with pytest.raises(NotFound, match="no annotated tag nothing"):
        anchors.kept("git:nothing")
    subprocess.run(["git", "tag", "light"], check=True)
    with pytest.raises(NotFound, match="no annotated tag light"):
        anchors.kept("git:light")
    subprocess.run(["git", "tag", "-a", "-m", "words", "words"], check=True)
    with pytest.raises(Invalid, match="no checkpoint"):
        anchors.kept("git:words")
    for name in ("--delete", "a b", "-d", "a;b", ""):
        with pytest.raises(Invalid, match="cannot be a tag"):
            ws.ledger.anchor_tag(name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Unavailable, match="git makes no tag"):
        ws.ledger.anchor_tag("ledger")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="There is no git here"):
        ws.ledger.anchor_tag("ledger")
    assert ws.ledger.verify().entries == 3


def test_the_job_worker_anchors_by_itself_once_an_hour_and_only_after_a_change(platform, ws, file, monkeypatch):
    hours = [platform.clock()]
    monkeypatch.setattr(job, "LOOK", timedelta(0))
    monkeypatch.setattr(platform.units, "_clock", lambda: hours[-1])
    monkeypatch.setattr(platform, "clock", lambda: hours[-1])
    worker = Worker(platform, "w")
    worker.turn()
    assert not file.exists(), "nobody has said where"
    monkeypatch.setenv("MODELWRIGHT_ANCHOR_FILE", str(file))

    def turns():
        for _ in range(3):
            worker.turn()
        return sizes(file)

    assert turns() == [3]
    newest = ws.ledger.list().items[0].envelope
    assert (newest.kind, newest.actor_id) == ("ledger.anchored", "anchors")
    ws.runs.start("soon")
    assert turns() == [3], "an hour has not passed"
    hours.append(hours[-1] + timedelta(hours=2))
    assert turns() == [3, 5]
    hours.append(hours[-1] + timedelta(hours=2))
    assert turns() == [3, 5], "nothing but the anchor itself has been recorded"


def test_every_verification_is_held_against_the_anchor_file(tmp_path, file, monkeypatch):
    monkeypatch.setenv("MODELWRIGHT_ANCHOR_FILE", str(file))
    platform = fresh_platform(tmp_path)
    ws = workspace_of(platform)
    assert ws.ledger.verify().intact, "it is not there yet"
    ws.runs.start("first")
    ws.ledger.anchor(file)
    found = ws.ledger.verify()
    assert (found.intact, found.checkpoints, found.extends) == (True, 1, 1)
    file.write_text("something else\n")
    found = ws.ledger.verify()
    assert (found.intact, found.problem) == (False, "Line 1 of the anchor file is no checkpoint.")
    file.unlink()
    file.mkdir()
    assert ws.ledger.verify().problem == "the anchor file cannot be read: Is a directory"
    platform.close()
