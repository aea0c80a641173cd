"""A checkpoint is what the specification says, and heads of before there were checkpoints stay what they were."""

import base64
import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core import wire
from modelwright.core.errors import Corrupted, Invalid
from modelwright.ledger import checkpoint as checkpoints
from modelwright.ledger.model import HEAD_TYPE, Head, HeadV1
from modelwright.ledger.repository import Edge, edges
from modelwright.store.keys import Keys
from support.dashboard import workspace_of
from support.homes import fresh_platform

FOLDER = Path(__file__).parent
FIRST = json.loads((FOLDER / "head_v1.json").read_text())
"""The end of a ledger as it was stored before there were checkpoints. This file never changes."""

# https://c2sp.org/tlog-checkpoint has it
EXAMPLE = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def platform(tmp_path):
    made = fresh_platform(tmp_path)
    yield made
    made.close()


def test_the_specifications_example_is_read():
    origin, head = checkpoints.claimed(EXAMPLE)
    assert (origin, head.size) == ("example.com/behind-the-sofa", 20852163)
    assert head.root == base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=").hex()


@given(st.integers(0, 10**18 - 1), st.binary(min_size=32, max_size=32))
def test_what_was_signed_is_what_is_opened(keys, size, root):
    head = Head(size=size, root=root.hex())
    note = checkpoints.signed(head, keys)
    assert checkpoints.opened(note, keys.public) == head
    assert note.split("\n")[:4] == [checkpoints.origin_of(keys.public), str(size), base64.b64encode(root).decode(), ""]


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "x",
        EXAMPLE.replace("20852163", "020852163"),
        EXAMPLE.replace("20852163", "-1"),
        EXAMPLE.replace("q2I=", "q2J="),
        EXAMPLE.replace("\n20852163", ""),
        EXAMPLE.replace("q2I=\n", "q2I=\nmore\n"),
    ],
)
def test_what_is_no_checkpoint_is_said_to_be_none(wrong):
    with pytest.raises(Invalid, match="is no checkpoint"):
        checkpoints.claimed(wrong)


def test_a_checkpoint_of_another_key_is_not_opened(keys, tmp_path):
    note = checkpoints.signed(Head(size=0, root="0" * 64), Keys(tmp_path))
    with pytest.raises(Corrupted, match="not signed by the trusted key"):
        checkpoints.opened(note, keys.public)


def test_the_origin_is_made_of_the_key_and_tells_nothing_else(platform):
    newest = workspace_of(platform).ledger.checkpoint()
    assert re.fullmatch(r"modelwright/ledger/[0-9a-f]{32}", newest.origin)
    assert newest.origin == f"modelwright/ledger/{wire.sha256(platform.keys.public)[:32]}"
    assert (newest.size, newest.root) == (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")


def test_what_each_commit_signs_is_the_checkpoint(platform):
    ws = workspace_of(platform)
    for number in range(3):
        ws.runs.start(f"run-{number}")
        with platform.records.reading() as rows:
            edge = rows.execute(edges.select()).one().edge
        assert edge.signed == ws.ledger.checkpoint().note == str(ws.ledger.checkpoint())
        assert checkpoints.opened(edge.signed, platform.keys.public) == edge.head


def test_a_head_of_the_first_form_is_opened_as_it_was_stored():
    text = FIRST["edge"].partition(" ")[2]
    edge = msgspec.json.decode(text, type=Edge)
    assert checkpoints.head_of(edge.signed, bytes.fromhex(FIRST["public_key"])) == edge.head
    assert msgspec.json.encode(edge).decode() == text
    with pytest.raises(Corrupted):
        checkpoints.head_of(edge.signed, bytes(32))


def first_form(platform):
    """Store the ledger's end as the first release did."""
    with platform.records.writing() as rows:
        edge = rows.execute(edges.select()).one().edge
        head = HeadV1(size=edge.size, root=edge.head.root, chain=edge.chain)
        signed = platform.keys.sign(wire.canonical(head), HEAD_TYPE)
        rows.execute(edges.update().values(edge=msgspec.structs.replace(edge, signed=signed)))


def test_a_home_that_an_older_release_wrote_verifies_and_goes_on(platform):
    ws = workspace_of(platform)
    for number in range(3):
        ws.runs.start(f"run-{number}")
    before = ws.ledger.checkpoint()
    first_form(platform)
    assert ws.ledger.verify().intact
    assert ws.ledger.checkpoint() == before
    assert ws.ledger.receipt(2).checkpoint == before.note
    ws.runs.start("later")
    assert ws.ledger.verify(against=[before.note]).intact
    with platform.records.reading() as rows:
        assert rows.execute(edges.select()).one().edge.signed == ws.ledger.checkpoint().note
