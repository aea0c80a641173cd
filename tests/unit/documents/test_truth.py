"""Documents of a home in which everything has happened: each figure is found again where its statement says."""

import re

import pytest
from sqlalchemy import delete

from modelwright.core.errors import Invalid, NotFound, Refused
from modelwright.documents.model import Kind
from modelwright.documents.packing import built_in
from modelwright.facts.model import Attested, Computed, Missing, SourceKind, first_figure
from modelwright.facts.table import FACTS
from modelwright.governance.repository import evidence

CHAMPION, BEFORE = "flight-delay@3", "flight-delay@2"
KINDS = pytest.mark.parametrize("kind", list(Kind))


@pytest.fixture(scope="module", params=[CHAMPION, BEFORE, "flight-delay@1", "carrier-rates@1"])
def every(request, ws):
    """All documents of a version."""
    return [ws.documents.get(request.param, kind) for kind in Kind]


def test_a_figure_stands_in_a_value_alone(every):
    for document in every:
        for said in document.statements:
            bare = "".join(piece for piece, value in said.pieces if value is None)
            assert first_figure(bare) == "", said


def test_every_statement_is_one_of_three(every):
    for document in every:
        counts = document.counts
        assert counts.computed + counts.attested + counts.missing == len(list(document.statements))
        assert all(isinstance(said, Computed | Attested | Missing) for said in document.statements)


def test_every_source_is_there_and_is_what_it_is_called(every, ws, platform):
    found = {source for document in every for said in document.statements for source in said.sources}
    entries = {str(entry.envelope.seq): entry for entry in ws.ledger.list(limit=1000).items}
    look = {
        SourceKind.PACKAGE: lambda s: ws.models.get(s.name).package == s.digest,
        SourceKind.DATA: lambda s: ws.data.get(s.name).digest == s.digest,
        SourceKind.FEATURES: lambda s: ws.features.get(s.name).digest == s.digest,
        SourceKind.EVIDENCE: lambda s: ws.evidence.get(s.digest).intact,
        SourceKind.CHARTER: lambda s: (
            ws.charters.get(*s.name.split()).digest == s.digest
            if " " not in s.name
            else ws.charters.get(s.name.split()[0], int(s.name.split()[1])).digest == s.digest
        ),
        SourceKind.POLICY: lambda s: ws.policies.get(s.name).digest == s.digest,
        SourceKind.REGISTER: lambda s: ws.risks.get(s.name.split()[0]).register.digest == s.digest,
        SourceKind.ASSUMPTION: lambda s: ws.assumptions.get(s.name.split("@")[0]).said.assumption.digest == s.digest,
        SourceKind.FEASIBILITY: lambda s: s.digest in {one.digest for one in ws.feasibility.history(s.name.split()[0])},
        SourceKind.RUN: lambda s: ws.runs.get(s.name).id == s.name,
        SourceKind.CODE: lambda s: not platform.blobs.missing([s.digest]),
        SourceKind.LEDGER: lambda s: entries[s.name].leaf == s.digest,
        SourceKind.ENDPOINT: lambda s: ws.endpoints.get(s.name).name == s.name,
        SourceKind.ROLLOUT: lambda s: ws.rollouts.get(s.name).id == s.name,
        SourceKind.ALERT: lambda s: ws.alerts.get(s.name).id == s.name,
        SourceKind.EXECUTION: lambda s: ws.pipelines.execution(s.name).id == s.name,
    }
    assert found
    assert [source for source in found if not look[source.kind](source)] == []


def test_the_champion_s_figures_are_those_of_its_evidence(ws):
    values = {one.kind: one for one in ws.evidence.list(CHAMPION)}
    judged = values["evaluation"].values
    card = {said.says: said for said in ws.documents.get(CHAMPION, "model_card").statements}
    [quality] = [said for words, said in card.items() if words.startswith("Its {metric} is {score}")]
    assert quality.values["score"].exact == (judged.score.estimate, judged.score.low, judged.score.high)
    assert quality.values["n"].exact == judged.n
    assert quality.sources[0].digest == values["evaluation"].digest
    worse = [said for said in ws.documents.get(CHAMPION, "model_card").statements if said.says.startswith("Where ")]
    assert [said.values["n"].exact for said in worse] == [one.n for one in judged.slices]
    [against] = [said for words, said in card.items() if "than that of the heuristic" in words]
    delta = values["comparison"].values.delta
    assert against.values["delta"].exact == (delta.estimate, delta.low, delta.high)


def test_the_change_report_sets_it_against_the_one_it_replaced(ws):
    document = ws.documents.get(CHAMPION, "change_report")
    assert document.against == BEFORE
    before, after = (
        next(one for one in ws.evidence.list(ref) if one.kind == "evaluation").values for ref in (BEFORE, CHAMPION)
    )
    [quality] = [said for said in document.statements if said.says.startswith("Its {metric} is {after}")]
    assert quality.values["after"].exact[0] == after.score.estimate
    assert quality.values["before"].exact[0] == before.score.estimate
    text = "\n".join(said.text for said in document.statements)
    assert "The parameter columns is distance,hour,temp; it was hour." in text
    assert "Its inputs changed: distance is promised" in text
    assert "It learned from flights@2, as the other did." in text
    other = ws.documents.get(CHAMPION, "change_report", against="flight-delay@1")
    assert other.against == "flight-delay@1"


def test_a_challenger_s_documents_tell_what_the_shadow_showed(ws, story):
    text = "\n".join(said.text for said in ws.documents.get(BEFORE, "change_report").statements)
    assert "the rollout ended: stopped" in text
    assert "the rollout is running" in text


@KINDS
def test_the_same_record_gives_the_same_document_whatever_the_clock_says(ws, platform, kind):
    document = ws.documents.get(CHAMPION, kind)
    assert document.digest == ws.documents.get(CHAMPION, kind).digest
    assert document.as_of <= max(entry.envelope.recorded_at for entry in ws.ledger.list(limit=1).items)
    for form in ("md", "html", "pdf"):
        assert ws.documents.read(CHAMPION, kind, format=form) == ws.documents.read(CHAMPION, kind, format=form)


def test_without_its_evidence_the_sentence_is_missing(ws, platform):
    before = ws.documents.get(CHAMPION, "technical_file")
    gone = [one for one in ws.evidence.list(CHAMPION) if one.kind == "explanation"]
    with platform.records.writing() as rows:
        rows.execute(delete(evidence).where(evidence.c.digest.in_([one.digest for one in gone])))
    after = ws.documents.get(CHAMPION, "technical_file")
    assert any(said.says.startswith("Without {column}") for said in before.statements)
    assert not any(said.says.startswith("Without {column}") for said in after.statements)
    [(item, said)] = [(i, s) for i, s in after.missing if "explanation" in s.text]
    assert item.id == "logic"
    assert said.advice == f"Run: modelwright model evaluate {CHAMPION} --on DATASET@VERSION"
    with pytest.raises(Refused, match="logic: No explanation of flight-delay@3 counts"):
        ws.documents.declare(CHAMPION)
    with platform.records.writing() as rows:
        for one in gone:
            rows.execute(
                evidence.insert().values(
                    project="default",
                    digest=one.digest,
                    model=one.model,
                    version=one.version,
                    charter=one.charter,
                    made_at=one.made_at,
                    body=one,
                )
            )
    assert ws.documents.get(CHAMPION, "technical_file").digest == before.digest


def test_a_declaration_is_refused_with_everything_that_is_missing(ws):
    with pytest.raises(Refused) as refused:
        ws.documents.declare(CHAMPION)
    wanted = [
        f"{kind}.{item.id}"
        for kind in ("technical_file", "declaration")
        for item, _ in ws.documents.get(CHAMPION, kind).missing
    ]
    assert list(refused.value.fields) == list(dict.fromkeys(wanted))
    assert "modelwright doc attest flight-delay@3 provider TEXT --kind technical_file" in refused.value.remedy
    assert ws.documents.status(CHAMPION).declaration is None


def test_the_risk_register_and_signatures_are_never_invented(ws):
    for ref, words in ((CHAMPION, "Nobody's signature"), ("carrier-rates@1", "carrier-rates has no risk register.")):
        text = [said.text for _, said in ws.documents.get(ref, "technical_file").missing]
        assert any(said.startswith(words) for said in text)


def test_risks_are_told_in_words_and_counted_in_figures(ws):
    values = {one.kind: one for one in ws.evidence.list(CHAMPION)}["risks"].values
    said = [one for one in ws.documents.get(CHAMPION, "model_card").statements if "{risk}" in one.says]
    told = [one for one in said if isinstance(one, Attested)]
    counts = {one.values["risk"].shown: one for one in said if isinstance(one, Computed)}
    assert [one.values["risk"].shown for one in told] == ["late-evening", "frost"]
    assert {name: one.values["matched"].exact for name, one in counts.items()} == {
        one.risk: one.matched for one in values.situations
    }
    before = [one for one in ws.documents.get("flight-delay@1", "model_card").statements if "{risk}" in one.says]
    unknown = [one for one in before if isinstance(one, Missing)]
    assert {one.values["risk"].shown for one in unknown} == {"late-evening", "frost"}  # it takes neither column


def test_status_counts_what_documents_say(ws):
    status = ws.documents.status(CHAMPION)
    assert {one.kind for one in status.documents} == set(Kind)
    for one in status.documents:
        document = ws.documents.get(CHAMPION, one.kind)
        assert (one.digest, one.counts) == (document.digest, document.counts)
        assert set(one.lacking) == {item.id for item, _ in document.missing}


def test_annex_iv_is_asked_point_by_point():
    pack = built_in()[Kind.TECHNICAL_FILE]
    assert [part.clause for part in pack.sections] == [f"Annex IV, point {point}" for point in range(1, 10)]
    letters = {question.clause for question in pack.questions.values()}
    assert {f"1({letter})" for letter in "abcdefgh"} | {f"2({letter})" for letter in "abcdefgh"} <= letters
    points = {int(found[0]) for clause in letters if (found := re.match(r"\d", clause))}
    assert points == set(range(1, 10))


def test_a_model_card_has_the_paper_s_nine_sections():
    pack = built_in()[Kind.MODEL_CARD]
    assert [part.clause for part in pack.sections] == [f"Section 4.{number}" for number in range(1, 10)]


def test_packs_ask_for_facts_that_there_are_and_for_all_of_them():
    asked = {name for pack in built_in().values() for question in pack.questions.values() for name in question.facts}
    assert asked == set(FACTS)
    assert {pack.kind for pack in built_in().values()} == set(Kind)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"ref": "nothing@1", "kind": "model_card"}, NotFound, "no nothing"),
        ({"ref": CHAMPION, "kind": "novel"}, Invalid, "novel"),
        ({"ref": CHAMPION, "kind": "model_card", "against": BEFORE}, Invalid, "compares flight-delay@3 with nothing"),
        ({"ref": CHAMPION, "kind": "change_report", "against": "nothing@1"}, NotFound, "nothing"),
        ({"ref": CHAMPION, "kind": "model_card", "digest": "0" * 64}, NotFound, "was kept"),
    ],
)
def test_what_cannot_be_made_is_said(ws, arguments, error, said):
    with pytest.raises(error, match=said) as raised:
        ws.documents.get(**arguments)
    assert raised.value.remedy or raised.value.fields
