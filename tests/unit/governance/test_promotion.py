"""Charter, policy, evidence, decision: the whole way in a home."""

from __future__ import annotations

import pytest

from modelwright.core.errors import Invalid, NotFound, Refused
from modelwright.models.lookup import Lookup

from .conftest import CHARTER, GOVERNED, RATES


def test_a_better_candidate_becomes_champion_and_a_worse_one_is_refused_with_reasons(desk):
    desk.ws.policies.publish(GOVERNED)
    desk.save("delay", desk.by_bucket(RATES[::-1]))
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1")
    desk.evaluate("delay@2")
    good = desk.ws.models.set_alias("delay@1", "champion")
    assert good.allowed, good.reasons
    assert desk.ws.models.get("delay@champion").version == 1
    bad = desk.ws.models.set_alias("delay@2", "champion")
    assert not bad.allowed
    assert {gate.gate for gate in bad.gates if gate.verdict == "FAIL"} == {"baseline", "kpi", "slices", "calibration"}
    assert desk.ws.models.get("delay@champion").version == 1
    assert any("worse than by-origin@1's" in reason for reason in bad.reasons)
    with pytest.raises(Refused, match="misses the KPI"):
        bad.require()


def test_without_evidence_the_answer_is_unknown_with_the_command_to_run(desk):
    decision = desk.ws.models.set_alias("delay@1", "champion")
    assert not decision.allowed
    assert {gate.verdict for gate in decision.gates} == {"UNKNOWN"}
    assert any("modelwright model evaluate delay@1 --on DATASET@VERSION" in gate.remedy for gate in decision.gates)
    desk.evaluate("delay@1")
    (baseline,) = [gate for gate in desk.ws.gates.check("delay@1").gates if gate.gate == "baseline"]
    assert "modelwright model evaluate by-origin@latest --on questions@1" in baseline.remedy


def test_a_check_records_nothing_and_a_refusal_is_recorded(desk):
    ledger = desk.ws.ledger
    desk.ws.gates.check("delay@1")
    assert ledger.list(kind="governance.transition_decided").items == []
    desk.ws.models.set_alias("delay@1", "champion")
    (entry,) = ledger.list(kind="governance.transition_decided").items
    assert entry.envelope.body["decision"]["allowed"] is False
    assert set(entry.envelope.body["policy"]["gates"]) == {"contract", "baseline", "kpi"}
    (decided,) = desk.ws.gates.decisions("delay")
    assert not decided.decision.allowed
    assert ledger.verify().intact


def test_evidence_grows_old(desk):
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1")
    assert desk.ws.gates.check("delay@1").allowed
    desk.clock.forward(days=91)
    decision = desk.ws.gates.check("delay@1")
    assert {gate.verdict for gate in decision.gates} == {"UNKNOWN"}
    assert "91 days old, and the policy accepts 90d" in " ".join(decision.reasons)


def test_another_version_needs_evidence_of_its_own(desk):
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1")
    desk.save("delay", desk.by_bucket(RATES * 0.9))
    assert desk.ws.gates.check("delay@1").allowed
    assert not desk.ws.gates.check("delay@2").allowed


def test_the_heuristic_may_be_the_one_that_ships(desk):
    """It publishes the same charter for itself; then it has nothing simpler to beat, and must meet the KPI."""
    desk.ws.charters.publish("by-origin", {**CHARTER, "kpi": {"metric": "roc_auc", "at_least": 0.4}})
    desk.evaluate("by-origin@1")
    decision = desk.ws.models.set_alias("by-origin@1", "champion")
    assert decision.allowed, decision.reasons
    assert {gate.gate: gate.verdict for gate in decision.gates}["baseline"] == "NOT_APPLICABLE"


def test_a_changed_charter_needs_new_evidence_and_is_flagged(desk):
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1")
    desk.clock.forward(days=1)
    moved = {**CHARTER, "kpi": {**CHARTER["kpi"], "at_least": 0.65}}
    assert desk.ws.charters.publish("delay", moved).version == 2
    assert {*desk.verdicts("delay@1").values()} == {"UNKNOWN"}
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1")
    (kpi,) = [gate for gate in desk.ws.gates.check("delay@1").gates if gate.gate == "kpi"]
    assert kpi.verdict == "PASS"
    assert "changed after results had been seen: charter 1 asked roc_auc at least 0.7" in kpi.reason


def test_charters_are_versions_that_never_change(desk):
    charters = desk.ws.charters
    assert charters.publish("delay", CHARTER).version == 1
    second = charters.publish("delay", {**CHARTER, "question": "Will it arrive late?"})
    assert (second.version, charters.publish("delay", CHARTER).version) == (2, 3)
    assert [each.version for each in charters.versions("delay")] == [3, 2, 1]
    assert charters.get("delay", 2) == second
    assert charters.get("delay").digest == charters.get("delay", 1).digest
    assert len(desk.ws.ledger.list(kind="governance.charter_published").items) == 1 + 3
    with pytest.raises(NotFound):
        charters.get("nobody")


@pytest.mark.parametrize(
    "change",
    [
        {"kpi": {"metric": "roc_auc", "at_most": 0.7}},
        {"kpi": {"metric": "mae", "at_least": 0.7}},
        {"kpi": {"metric": "taste", "at_least": 0.7}},
        {"kpi": {"metric": "roc_auc"}},
        {"kpi": {"metric": "roc_auc", "at_least": float("nan")}},
        {"tier": "highest"},
        {"label": {"column": "late", "known_after": "a day"}},
        {"goal": "money"},
    ],
)
def test_a_charter_that_cannot_be_judged_by_is_refused(desk, change):
    with pytest.raises(Invalid):
        desk.ws.charters.publish("delay", {**CHARTER, **change})


def test_policies_are_versions_and_a_tier_of_ones_own_has_charters(desk):
    policies = desk.ws.policies
    assert [(each.policy.tier, each.version) for each in policies.list()] == [
        ("high", 0),
        ("minimal", 0),
        ("standard", 0),
    ]
    first = policies.publish(GOVERNED)
    assert policies.publish(GOVERNED + "# a comment changes nothing\n") == first
    own = policies.publish("extends: minimal\ntier: payments\n")
    assert [(each.policy.tier, each.version) for each in policies.list()] == [
        ("high", 0),
        ("minimal", 1),
        ("payments", 1),
        ("standard", 0),
    ]
    assert policies.get("minimal", 0).version == 0
    assert policies.get("payments") == own
    assert desk.ws.charters.publish("delay", {**CHARTER, "tier": "payments"}).version == 2
    assert desk.ws.gates.check("delay@1").policy == own.digest
    with pytest.raises(NotFound):
        policies.get("highest")
    with pytest.raises(Invalid):
        policies.publish("extends: minimal\ngates: {kpi: {pass: e.nothing}}")


def test_files_that_people_write_are_published(desk, tmp_path):
    (tmp_path / "charter.yaml").write_text(
        "question: Late?\ndecision: hold\nkpi: {metric: roc_auc, at_least: 0.7}\n"
        "label: {column: late, known_after: 24h}\nowners: {business: desk, technical: science}\n"
    )
    (tmp_path / "policy.yaml").write_text(GOVERNED)
    charter = desk.ws.charters.publish_file("delay", tmp_path / "charter.yaml")
    assert charter.charter.kpi.threshold == 0.7
    assert desk.ws.policies.publish_file(tmp_path / "policy.yaml").policy.gates["slices"].evidence_max_age == "14d"
    with pytest.raises(NotFound):
        desk.ws.policies.publish_file(tmp_path / "nothing.yaml")


def test_a_worse_baseline_does_not_help(desk):
    """The comparison is with the baseline's newest version; scores of an earlier one are not taken for it."""
    desk.evaluate("by-origin@1")
    desk.save("by-origin", Lookup(["origin"], {("JFK",): 0.1}, otherwise=0.9))
    assert "comparison" not in {each.kind.value for each in desk.evaluate("delay@1")}
