"""What people say in documents: in words, of these very bytes, and on record."""

from contextlib import closing

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.documents.compose import check_answer
from modelwright.documents.model import Kind
from modelwright.documents.packing import built_in
from modelwright.facts.model import Attested, Missing
from modelwright.jobs.reactor import react
from support.dashboard import workspace_of
from support.homes import fresh_platform
from support.packs import answerable, small
from support.people import WORKING, begin_login
from support.story import charter_of

PACK = built_in()[Kind.TECHNICAL_FILE]
SECRET = "Anna Author of the connections desk sees it."


@pytest.fixture
def platform(tmp_path):
    with closing(fresh_platform(tmp_path)) as opened:
        yield opened


@pytest.fixture
def ws(platform):
    """A home with two versions of a model."""
    ws = workspace_of(platform)
    for note in ("", "again"):
        sent = ws._caller.upload(f"bytes {note}".encode())
        files = [{"path": "model.json", "digest": sent.digest, "size": sent.size}]
        ws.models.register("m", "lookup", "binary", {"columns": [{"name": "x", "dtype": "float64"}]}, files)
    return ws


def statement(ws, item, ref="m@1"):
    document = ws.documents.get(ref, "technical_file")
    return next(
        said
        for section in document.sections
        for one in section.items
        if one.id == item
        for said in one.statements
        if isinstance(said, Attested) or "Nobody has answered" in said.text
    )


def test_an_answer_is_attested_with_who_and_when(ws):
    answer = ws.documents.attest("m@1", "oversight", SECRET)
    said = statement(ws, "oversight")
    assert (said.text, said.by, said.at) == (SECRET, answer.by, answer.at)
    assert said.sources[0].digest == answer.digest
    assert ws.documents.get("m@1", "technical_file").as_of == answer.at


def test_a_file_says_by_name_who_attested_and_who_registered(platform, ws):
    root = begin_login(platform, *WORKING)
    theirs = workspace_of(platform, root)
    theirs.documents.attest("m@1", "oversight", SECRET)
    text = theirs.documents.read("m@1", "technical_file").decode()
    assert f"Said by Root ({root.actor.id}) at" in text
    assert "It was registered at" in text
    assert "by owner" in text  # before there was login
    kept = theirs.documents.get("m@1", "technical_file")
    assert "Root" not in wire.encode(kept).decode()


def test_what_is_asked_is_listed_with_the_answer_that_stands_in_the_document(ws):
    ws.documents.attest("m@1", "oversight", "Nobody does.")
    answer = ws.documents.attest("m@1", "oversight", SECRET)
    asked = ws.documents.questions("m@1", kind="technical_file")
    assert [one.item for one in asked] == [each.id for each in PACK.questions.values() if each.attest]
    assert {one.item: one.answer for one in asked if one.answer} == {"oversight": answer}
    assert {one.kind for one in ws.documents.questions("m@1")} > {Kind.TECHNICAL_FILE, Kind.DECLARATION}


def test_an_answer_is_about_these_bytes_alone(ws):
    ws.documents.attest("m@1", "oversight", SECRET)
    assert isinstance(statement(ws, "oversight", "m@2"), Missing)


def test_a_newer_answer_takes_its_place_and_both_stay_on_record(ws):
    first = ws.documents.attest("m@1", "oversight", "Nobody does.")
    second = ws.documents.attest("m@1", "oversight", SECRET)
    assert statement(ws, "oversight").text == SECRET
    entries = ws.ledger.list(kind="documents.fact_attested").items
    assert [entry.envelope.body["digest"] for entry in entries] == [second.digest, first.digest]


def test_the_ledger_keeps_a_salted_digest_and_no_word(ws):
    answer = ws.documents.attest("m@1", "oversight", SECRET)
    again = ws.documents.attest("m@1", "oversight", SECRET)
    assert answer.digest != again.digest
    [entry, _] = ws.ledger.list(kind="documents.fact_attested").items
    assert "Anna" not in str(entry.envelope.body)
    said = {
        name: getattr(again, name)
        for name in ("ref", "package", "kind", "item", "asked", "text", "names", "salt", "by")
    }
    assert wire.digest(said) == again.digest == entry.envelope.body["digest"]


def test_an_answer_to_another_wording_does_not_count(ws, platform):
    service = platform.services["documents"]
    service._own = answerable()
    ws.documents.attest("m@1", "standards", "None.")
    other = wire.convert(wire.decode(wire.encode(small(Kind.TECHNICAL_FILE)), dict), dict)
    other["sections"][0]["items"][1]["attest"] = "Which norms were applied?"
    service._own = {**answerable(), Kind.TECHNICAL_FILE: wire.convert(other, type(PACK))}
    [(_, said)] = ws.documents.get("m@1", "technical_file").missing
    assert said.text == "Nobody has answered since the question changed: Which norms were applied?"


@given(
    before=st.text(st.characters(exclude_categories=["Nd", "Nl", "No", "Cs"]), max_size=30),
    figure=st.characters(categories=["Nd", "Nl", "No"]),
)
def test_an_answer_holds_no_figure(before, figure):
    with pytest.raises(Invalid, match="figures come from the record alone") as refused:
        check_answer(PACK, "oversight", f"x{before}{figure}", ())
    assert "modelwright doc technical MODEL@VERSION" in refused.value.remedy
    assert "text" in refused.value.fields


@pytest.mark.parametrize(
    ("item", "text", "names", "said"),
    [
        ("accuracy", "It is good.", (), "asks nobody"),
        ("nothing-such", "It is good.", (), "asks nobody"),
        ("oversight", "  ", (), "characters"),
        ("oversight", "x" * 4001, (), "characters"),
        ("oversight", "Yes.", ("ISO 9001",), "not asked for names"),
        ("standards", "Yes.", ("AUC = 0.9",), "is not a name"),
        ("standards", "Yes.", ("91 %",), "is not a name"),
        ("standards", "Yes.", ("x" * 201,), "is not a name"),
        ("standards", "Yes.", ("ISO 9001",) * 21, "not at most"),
    ],
)
def test_what_may_not_stand_in_an_answer(item, text, names, said):
    with pytest.raises(Invalid, match=said) as refused:
        check_answer(PACK, item, text, names)
    assert refused.value.fields


def test_a_standard_has_its_number_beside_the_words(ws):
    ws.documents.attest("m@1", "standards", "In full.", names=("ISO/IEC 42001:2023", "EN 301 549 V3.2.1"))
    assert statement(ws, "standards").text == "In full. (ISO/IEC 42001:2023; EN 301 549 V3.2.1)"


def test_a_declaration_is_made_when_nothing_is_missing_and_stays_the_same(ws, platform):
    platform.services["documents"]._own = answerable()
    ws.documents.attest("m@1", "standards", "None applies.")
    ws.documents.attest("m@1", "declared-standards", "None applies.", kind="declaration")
    made = ws.documents.declare("m@1")
    assert ws.documents.declare("m@1") == made
    assert ws.documents.status("m@1").declaration == made
    [entry] = ws.ledger.list(kind="documents.conformity_declared").items
    assert entry.envelope.body["document"] == made.document
    assert entry.envelope.body["technical_file"] == made.technical_file
    assert ws.documents.get("m@1", "declaration", digest=made.document).digest == made.document
    assert ws.ledger.verify().intact


def test_a_kept_document_is_read_as_it_was(ws):
    before = {kept.kind: kept for kept in ws.documents.keep("m@1")}
    assert set(before) == set(Kind) - {Kind.DECLARATION}
    assert ws.documents.keep("m@1") == tuple(before.values())
    ws.documents.attest("m@1", "oversight", SECRET)
    file = before[Kind.TECHNICAL_FILE]
    now = ws.documents.get("m@1", "technical_file")
    then = ws.documents.get("m@1", "technical_file", digest=file.digest)
    assert (then.digest, then.counts) == (file.digest, file.counts)
    assert now.counts.attested == then.counts.attested + 1
    assert b"Anna" not in ws.documents.read("m@1", "technical_file", digest=file.digest)
    assert len(ws.documents.list("m@1").items) == 3
    ws.documents.keep("m@1")
    assert ws.documents.list("m@1", limit=1).items[0].digest != file.digest
    assert len(ws.ledger.list(kind="documents.document_kept").items) == len(ws.documents.list("m@1").items)


def test_documents_are_kept_by_themselves_when_an_endpoint_or_an_alias_moves(ws, platform):
    react(platform.outbox, platform.table, platform.run)
    assert ws.documents.list("m@1").items == []
    _released(ws)
    assert react(platform.outbox, platform.table, platform.run) == 3  # one for the dataset, which starts pipelines
    kept = ws.documents.list("m@1").items
    assert {one.kind for one in kept} == set(Kind) - {Kind.DECLARATION}
    assert {one.by for one in kept} == {"reactions"}
    assert react(platform.outbox, platform.table, platform.run) == 0


def _released(ws):
    """Served, and made the champion, under a policy that asks only for the columns."""
    rng = np.random.default_rng(1)
    label = (rng.uniform(size=400) < 0.5).astype(float)
    ws.data.add("d", pa.table({"x": label, "late": label}))
    ws.charters.publish("m", charter_of(baseline="coin"))
    ws.charters.publish("coin", charter_of())
    sent = ws._caller.upload(b"coin")
    files = [{"path": "model.json", "digest": sent.digest, "size": sent.size}]
    ws.models.register("coin", "lookup", "binary", {"columns": [{"name": "x", "dtype": "float64"}]}, files)
    ws.evidence.record("coin@1", "d@1", rng.uniform(size=400))
    ws.evidence.record("m@1", "d@1", np.clip(label + rng.normal(scale=0.3, size=400), 0, 1))
    assert ws.models.set_alias("m@1", "champion").require()
    assert ws.endpoints.deploy("e", "m@1").decision.require()
