"""Feasibility: go, stop or no machine learning, and what a stop keeps out."""

from datetime import datetime

import pytest

import modelwright as mw
from modelwright.core.errors import Invalid, NotFound, Refused
from support.life import BASELINE, CHARTER, ENDPOINT, MODEL, heuristic, weak


def decide(team, says, stage="after", model=MODEL, **more):
    more = more or {"based_on": "The heuristic is as good."}
    return team.ws.feasibility.decide(model, says, stage, "Nobody acts on it.", **more)


def feasible(decision):
    return {gate.gate: gate for gate in decision.gates}.get("feasibility")


def test_decisions_are_numbered_and_the_newest_counts(team):
    digest = team.ws.evidence.list(f"{MODEL}@1")[0].digest
    decide(team, "go", "before")
    decide(team, "stop", evidence=(digest,))
    again = decide(team, "go", evidence=(digest, team.ws.evidence.list(f"{BASELINE}@1")[0].digest))
    assert (again.number, again.by, isinstance(again.at, datetime)) == (3, "owner", True)
    assert team.ws.feasibility.get(MODEL) == again
    assert [(one.says, one.stage) for one in team.ws.feasibility.history(MODEL)] == [
        ("go", "after"),
        ("stop", "after"),
        ("go", "before"),
    ]
    decide(team, "stop", "before", model="never-made")
    assert [(one.model, one.says) for one in team.ws.feasibility.list().items] == [
        (MODEL, "go"),
        ("never-made", "stop"),
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"based_on": "  "}, "is based on nothing"),
        ({"evidence": ("0" * 64,)}, f"There is no evidence 000000000000… about {BASELINE} or {MODEL}"),
        ({"evidence": ("zz",)}, "evidence"),
        ({"evidence": ("0" * 64,) * 51}, "51 pieces of evidence, not at most 50"),
        ({"based_on": "x" * 10_001}, "based_on"),
    ],
)
def test_a_decision_that_rests_on_nothing_is_none(team, more, said):
    with pytest.raises(Invalid) as refused:
        decide(team, "go", **more)
    assert said in str(refused.value)
    with pytest.raises(NotFound, match="Nobody has decided") as unknown:
        team.ws.feasibility.get(MODEL)
    assert f"modelwright feasibility decide {MODEL} go" in unknown.value.remedy


def test_evidence_about_another_model_carries_no_decision(team):
    team.ws.charters.publish("other", {**CHARTER, "baseline": None})
    with pytest.raises(Invalid, match=r"There is no evidence .* about other\."):
        decide(team, "go", model="other", evidence=(team.ws.evidence.list(f"{MODEL}@1")[0].digest,))


def test_a_stop_is_told_as_a_success(team):
    assert "Stopping early is a success" in str(decide(team, "stop", "before"))
    assert "That is a success" in str(decide(team, "no_ml"))
    assert "success" not in str(decide(team, "go"))


@pytest.mark.parametrize("says", ["stop", "no_ml"])
def test_no_trained_version_is_registered_while_it_stands(team, says):
    first = team.ws.models.get(f"{MODEL}@1")
    decide(team, says)
    with pytest.raises(Refused, match="Nobody acts on it") as refused:
        team.save(MODEL, weak)
    assert f"modelwright feasibility decide {MODEL} go --stage after" in refused.value.remedy
    assert [one.version for one in team.ws.models.versions(MODEL).items] == [1]
    files, manifest = first.manifest.files, first.manifest
    known = team.ws.models.register(
        MODEL, manifest.flavour, manifest.task, manifest.inputs, files, run_id=manifest.run_id
    )
    assert known.ref == first.ref, "what is there already is no fresh version"
    decide(team, "go")
    assert team.save(MODEL, weak).version == 2


def test_without_machine_learning_a_heuristic_is_made_and_answers_and_a_trained_version_does_not(team):
    decide(team, "no_ml")
    refused = team.ws.models.set_alias(f"{MODEL}@1", "champion")
    assert [gate.gate for gate in refused.gates if not gate.verdict.passes] == ["feasibility"]
    assert f"Release the heuristic {BASELINE} instead" in feasible(refused).remedy
    with pytest.raises(Refused):
        team.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@1").decision.require()
    table = team.save(MODEL, heuristic)
    assert table.manifest.flavour == "lookup"
    assert feasible(team.ws.gates.check(table.ref)) is None
    team.ws.charters.publish(BASELINE, {**CHARTER, "kpi": {"metric": "roc_auc", "at_least": 0.5}})
    mw.evaluate(team.ws, f"{BASELINE}@1", "questions@1", explain=False)
    assert team.ws.endpoints.deploy(ENDPOINT, f"{BASELINE}@1").decision.allowed


def test_a_model_that_is_its_own_baseline_is_a_heuristic_whatever_it_is_made_of(team):
    """A rule may be written as a scikit-learn estimator; the charter says that it is the heuristic."""
    team.ws.charters.publish(MODEL, {**CHARTER, "baseline": MODEL})
    decide(team, "no_ml")
    assert team.save(MODEL, weak).version == 2
    assert feasible(team.ws.gates.check(f"{MODEL}@2")) is None


def test_a_charter_that_comes_after_the_decision_opens_no_way_around_it(team):
    """Who trains may write charters, and must not make a heuristic of what they trained."""
    decide(team, "no_ml")
    team.ws.charters.publish(MODEL, {**CHARTER, "baseline": MODEL})
    with pytest.raises(Refused, match="without machine learning"):
        team.save(MODEL, weak)
    assert feasible(team.ws.gates.check(f"{MODEL}@1"))


def test_a_stop_keeps_even_a_heuristic_of_the_model_out(team):
    decide(team, "stop")
    with pytest.raises(Refused, match="is to stop"):
        team.save(MODEL, heuristic)
    assert team.save(BASELINE, weak).version == 2, "another model is another decision"


def test_the_way_back_stays_open_and_judging_again_tells(team):
    """What answers is not taken away at night; whoever judges it again says that it should not answer."""
    team.save(MODEL, weak)
    team.ws.policies.publish("extends: minimal\ngates:\n  kpi: {pass: 'e.n > 0'}\n  baseline: {pass: 'e.n > 0'}\n")
    team.commit(rows=1100)
    for ref in (f"{BASELINE}@1", f"{MODEL}@1", f"{MODEL}@2"):
        mw.evaluate(team.ws, ref, "questions@2", explain=False)
    for number in (1, 2):
        assert team.ws.endpoints.deploy(ENDPOINT, f"{MODEL}@{number}").decision.allowed
    [judged] = team.ws.rechecks.run(ENDPOINT)
    assert judged.passes
    decide(team, "stop")
    came = team.ws.endpoints.rollback(ENDPOINT)
    assert came.decision.allowed
    assert came.decision.transition.version == 1
    [judged] = team.ws.rechecks.run(ENDPOINT)
    assert not judged.passes
    assert "is to stop" in " ".join(judged.reasons)


def test_the_words_stay_beside_the_ledger(team):
    found = decide(team, "stop", "before", based_on="Ada of the desk said so.")
    [entry] = team.ws.ledger.list(kind="framing.feasibility_decided").items
    assert entry.envelope.body["digest"] == found.digest
    assert "Ada" not in str(entry.envelope)


def test_documents_tell_both_decisions_or_what_is_missing(team):
    def told():
        return [said.text for said in team.ws.documents.get(f"{MODEL}@1", "model_card").statements]

    assert sum("whether late is worth making" in text for text in told()) == 2
    digest = team.ws.evidence.list(f"{MODEL}@1")[0].digest
    decide(team, "go", "before")
    decide(team, "no_ml", evidence=(digest,))
    texts = told()
    assert not any("whether late is worth making" in text for text in texts)
    [before] = [text for text in texts if "decided before the data work" in text]
    [after] = [text for text in texts if "decided after the data work" in text]
    assert "to go on, because: Nobody acts on it. Based on: The heuristic is as good." in before
    assert f"to go on without machine learning, because: Nobody acts on it. Based on: evidence {digest[:12]}" in after


def test_a_stop_is_found(team):
    decide(team, "stop", "before", model="taxi-demand")
    assert [(hit.kind, hit.says) for hit in team.ws.search.find("taxi")] == [
        ("feasibility", "stop, before the data work")
    ]
