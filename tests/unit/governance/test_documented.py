"""How complete a version's documents are, as evidence: counted by the server, asked for by a gate, and counted anew."""

import pytest

from modelwright.core.errors import NotFound
from modelwright.documents.counting import AFTERWARDS
from modelwright.documents.model import Kind as Document
from modelwright.facts.table import FACTS
from modelwright.governance.model import Kind
from support.packs import answerable, small

from .conftest import CHARTER, RATES

DOCUMENTED = """
extends: minimal
gates:
  documented: {}
"""
FILE_ALONE = """
extends: minimal
gates:
  documented: {documents: technical_file}
"""


@pytest.fixture
def judged(desk):
    """A version whose gates pass, but for its documents."""
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1")
    return desk


@pytest.fixture
def short(judged):
    """The same, where a technical file has one question for people, and its policy asks that it be complete."""
    judged.platform.services["documents"]._own = answerable()
    judged.ws.policies.publish(FILE_ALONE)
    return judged


def _count(desk, document, ref="delay@1"):
    return next(each for each in desk.ws.documents.check(ref).values.documents if each.document == document)


def test_the_counts_are_those_of_the_documents_as_they_are_read(judged):
    """Golden: the words of the Markdown, which is made by another part of the house."""
    found = judged.ws.documents.check("delay@1").values
    assert [each.document for each in found.documents] == ["model_card", "technical_file", "change_report"]
    for each in found.documents:
        text = judged.ws.documents.read("delay@1", each.document, digest=each.digest).decode()
        counts = {state: text.count(f"**{state}**") for state in ("COMPUTED", "ATTESTED", "MISSING")}
        assert counts == {
            "COMPUTED": each.computed,
            "ATTESTED": each.attested,
            "MISSING": each.missing + each.later,
        }
        assert each.later


def test_what_is_lacking_can_be_said_before_anybody_relies_on_it(judged):
    """No remedy of what is lacking asks to release the version first, and everything else is released or used."""
    counted = {each.document: each for each in judged.ws.documents.check("delay@1").values.documents}
    for kind in (Document.MODEL_CARD, Document.TECHNICAL_FILE):
        missing = judged.ws.documents.get("delay@1", kind).missing
        released = [
            said.text
            for _, said in missing
            if any(words in said.advice for words in ("endpoint ", "model alias", "approval request", "monitor run"))
        ]
        assert len(released) == counted[kind].later
        assert len(missing) - len(released) == counted[kind].missing
    assert set(AFTERWARDS) <= set(FACTS)


def test_once_it_answers_the_same_statements_are_no_longer_later(short):
    before = _count(short, "change_report")
    short.ws.documents.attest("delay@1", "standards", "None applies.")
    short.clock.forward(minutes=1)
    _count(short, "technical_file")
    assert short.ws.models.set_alias("delay@1", "champion").allowed
    short.clock.forward(hours=2)
    after = _count(short, "change_report")
    assert (after.later, after.missing) == (before.later - 1, before.missing), "the guard has been asked"


def test_a_gate_asks_for_it_and_an_answer_opens_it(short):
    assert short.verdicts("delay@1")["documented"] == "UNKNOWN"
    assert _count(short, "technical_file").lacking == ("standards",)
    decision = short.ws.models.set_alias("delay@1", "champion")
    assert not decision.allowed
    assert [each.gate for each in decision.gates if each.verdict == "FAIL"] == ["documented"]
    assert any("technical_file lacks standards" in each.remedy for each in decision.gates)
    short.ws.documents.attest("delay@1", "standards", "None applies.")
    assert short.verdicts("delay@1")["documented"] == "FAIL", "evidence is not changed by what comes later"
    short.clock.forward(minutes=1)
    assert _count(short, "technical_file").lacking == ()
    decision = short.ws.models.set_alias("delay@1", "champion")
    assert decision.allowed
    (gate,) = [each for each in decision.gates if each.gate == "documented"]
    assert short.ws.evidence.get(gate.evidence[0]).kind is Kind.DOCUMENTS


def test_another_evaluation_or_another_charter_asks_for_another_count(short):
    short.ws.documents.attest("delay@1", "standards", "None applies.")
    _count(short, "technical_file")
    assert short.verdicts("delay@1")["documented"] == "PASS"
    short.clock.forward(hours=2)
    short.evaluate("delay@1")
    assert short.verdicts("delay@1")["documented"] == "UNKNOWN"
    _count(short, "technical_file")
    assert short.verdicts("delay@1")["documented"] == "PASS"
    short.clock.forward(hours=2)
    owners = {"business": "desk", "technical": "research"}
    assert short.ws.charters.publish("delay", {**CHARTER, "owners": owners}).judging
    verdicts = short.verdicts("delay@1")
    assert (verdicts["kpi"], verdicts["documented"]) == ("PASS", "UNKNOWN")
    short.platform.services["documents"]._own = {**answerable(), Document.MODEL_CARD: small(Document.MODEL_CARD)}
    assert _count(short, "model_card").lacking == ("declared-standards",)
    assert short.verdicts("delay@1")["documented"] == "PASS"


def test_an_answer_for_other_bytes_does_not_count(short):
    short.ws.documents.attest("delay@1", "standards", "None applies.")
    short.save("delay", short.by_bucket(RATES * 0.99))
    short.evaluate("delay@2")
    assert _count(short, "technical_file", "delay@2").lacking == ("standards",)
    assert short.verdicts("delay@2")["documented"] == "FAIL"


def test_counting_again_finds_the_same(judged):
    """Neither the evidence nor the kept documents grow: what is counted is no part of what it is about."""
    judged.ws.policies.publish(DOCUMENTED)
    judged.ws.documents.check("delay@1")
    judged.clock.forward(minutes=1)
    first = judged.ws.documents.check("delay@1")
    judged.clock.forward(minutes=5)
    assert judged.ws.documents.check("delay@1") == first
    judged.clock.forward(hours=2)
    again = judged.ws.documents.check("delay@1")
    assert again.digest != first.digest
    assert again.values == first.values
    kept = judged.ws.documents.list("delay@1", limit=100).items
    assert len({each.digest for each in kept}) == len(kept)


def test_without_an_evaluation_it_says_which_command_makes_one(desk):
    with pytest.raises(NotFound) as refused:
        desk.ws.documents.check("delay@1")
    assert "modelwright model evaluate delay@1" in refused.value.remedy
    assert not desk.ws.documents.list("delay@1").items, "what comes to nothing keeps nothing"
