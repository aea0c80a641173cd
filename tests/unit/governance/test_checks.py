"""What is found beside an evaluation: against what is relied on now, by groups, in size, speed and under perturbation."""

from __future__ import annotations

import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import recall_score, roc_auc_score

from modelwright.core.errors import Invalid, NotFound
from modelwright.governance.checks.model import Perturbation
from modelwright.governance.model import Kind

from .conftest import CHARTER, RATES

CHAMPION = """
extends: minimal
gates:
  champion: {}
"""


def test_an_evaluation_again_with_slices_keeps_the_comparison(desk):
    """A finding that repeats itself is not left behind by the evaluation that it goes with."""
    desk.evaluate("by-origin@1")
    desk.ws.evidence.record("delay@1", "questions@1", RATES[desk.table["bucket"].to_numpy()])
    desk.clock.forward(minutes=5)
    desk.evaluate("delay@1")
    assert desk.verdicts("delay@1")["baseline"] == "PASS"


def test_a_version_is_compared_with_what_the_alias_relies_on_now(desk):
    """Golden: scikit-learn's two areas on the labelled rows, and their difference."""
    desk.ws.policies.publish(CHAMPION)
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1")
    assert desk.verdicts("delay@1")["champion"] == "NOT_APPLICABLE"
    assert desk.ws.models.set_alias("delay@1", "champion").allowed
    worse = np.clip(RATES + np.tile([0.15, -0.15], 5), 0, 1)
    desk.save("delay", desk.by_bucket(worse))
    found = {each.kind: each.values for each in desk.evaluate("delay@2")}[Kind.RIVALS]
    late, bucket = desk.table["late"].to_numpy(), desk.table["bucket"].to_numpy()
    known = ~np.isnan(late)
    areas = [roc_auc_score(late[known], scores[bucket][known]) for scores in (worse, RATES)]
    (rival,) = found.rivals
    assert (rival.ref, rival.score) == ("delay@1", pytest.approx(areas[1], abs=1e-12))
    assert rival.delta.estimate == pytest.approx(areas[0] - areas[1], abs=1e-12)
    assert rival.delta.high < 0
    decision = desk.ws.models.set_alias("delay@2", "champion")
    assert [each.gate for each in decision.gates if each.verdict == "FAIL"] == ["champion"]
    assert "worse than that of delay@1" in decision.reasons[0]


def test_when_another_version_has_become_champion_since_it_is_unknown(desk):
    desk.ws.policies.publish(CHAMPION)
    for version, rates in ((2, RATES * 0.99), (3, RATES * 0.98)):
        desk.save("delay", desk.by_bucket(rates))
        assert desk.ws.models.get(f"delay@{version}")
    for ref in ("by-origin@1", "delay@1"):
        desk.evaluate(ref)
    assert desk.ws.models.set_alias("delay@1", "champion").allowed
    desk.evaluate("delay@2")
    desk.evaluate("delay@3")
    assert desk.verdicts("delay@3")["champion"] == "PASS"
    assert desk.ws.models.set_alias("delay@2", "champion").allowed
    (gate,) = [each for each in desk.ws.gates.check("delay@3").gates if each.gate == "champion"]
    assert gate.verdict == "UNKNOWN"
    assert "delay@3 has not been compared with delay@2" in gate.reason
    assert "modelwright model evaluate delay@2 --on questions@1" in gate.remedy
    desk.clock.forward(hours=2)
    desk.evaluate("delay@3")
    assert desk.verdicts("delay@3")["champion"] == "PASS"
    assert desk.verdicts("delay@2")["champion"] == "NOT_APPLICABLE"


def test_at_an_endpoint_what_answers_there_is_the_one_to_compare_with(desk):
    """Also a heuristic of another name; and going back to what has answered asks nothing."""
    desk.ws.policies.publish(CHAMPION)
    desk.ws.charters.publish("by-origin", {**CHARTER, "kpi": {"metric": "roc_auc", "at_least": 0.4}})
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1")
    assert desk.ws.endpoints.deploy("gate", "by-origin@1").decision.allowed
    refused = desk.ws.endpoints.deploy("gate", "delay@1").decision
    assert [each.gate for each in refused.gates if each.verdict == "UNKNOWN"] == ["champion"]
    assert "compared with by-origin@1" in refused.reasons[0]
    desk.clock.forward(hours=2)
    desk.evaluate("delay@1")
    assert desk.ws.endpoints.deploy("gate", "delay@1").decision.allowed
    back = desk.ws.endpoints.deploy("gate", "by-origin@1").decision
    assert {each.gate: each.verdict for each in back.gates}["champion"] == "NOT_APPLICABLE"


def test_what_answered_in_an_emergency_alone_is_compared_as_if_it_never_had(desk):
    desk.ws.policies.publish(CHAMPION)
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1")
    assert desk.ws.endpoints.deploy("gate", "delay@1").decision.allowed
    worse = np.clip(RATES + np.tile([0.15, -0.15], 5), 0, 1)
    desk.save("delay", desk.by_bucket(worse))
    desk.evaluate("delay@2")
    desk.ws.emergencies.deploy("gate", "delay@2", "the first answers nonsense")
    desk.ws.emergencies.end("gate")
    decision = desk.ws.endpoints.deploy("gate", "delay@2").decision
    assert [each.gate for each in decision.gates if each.verdict == "FAIL"] == ["champion"]


def test_endpoints_of_models_that_are_judged_by_something_else_leave_room_for_what_counts(desk):
    """What answers at the endpoint in question is compared with, however many others there are before it."""
    desk.ws.policies.publish("extends: minimal\ngates: {champion: {}}\n")
    desk.ws.charters.publish("by-origin", {**CHARTER, "kpi": {"metric": "roc_auc", "at_least": 0.4}})
    desk.evaluate("by-origin@1")
    for number in range(11):
        other = f"other-{number}"
        desk.ws.charters.publish(other, {**CHARTER, "kpi": {"metric": "roc_auc", "at_least": 0.4}, "baseline": other})
        desk.save(other, desk.by_bucket(RATES * 0.9))
        desk.evaluate(f"{other}@1", explain=False)
        assert desk.ws.endpoints.deploy(f"a-{number:02}", f"{other}@1").decision.allowed
        desk.ws.charters.publish(other, {**CHARTER, "label": {"column": "bucket"}, "baseline": other})
    assert desk.ws.endpoints.deploy("gate", "by-origin@1").decision.allowed
    desk.evaluate("delay@1", explain=False)
    assert desk.ws.endpoints.deploy("gate", "delay@1").decision.allowed


GROUPED = """
extends: minimal
gates:
  fairness: {columns: origin, max_gap: 0.5}
"""


def rates(desk, scores, threshold):
    """Rows, selection rate and scikit-learn's recall of each origin, on the labelled rows."""
    late = desk.table["late"].to_numpy()
    origin = desk.table["origin"].to_numpy(zero_copy_only=False)
    for name in ("JFK", "LGA"):
        here = ~np.isnan(late) & (origin == name)
        taken = scores[here] >= threshold
        yield name, (int(here.sum()), taken.mean(), recall_score(late[here], taken))


def test_groups_fare_as_scikit_learn_says(desk):
    scores = RATES[desk.table["bucket"].to_numpy()]
    for threshold, expected in ((None, 0.5), (0.3, 0.3)):
        desk.clock.forward(hours=2)
        found = {each.kind: each.values for each in desk.evaluate("delay@1", explain=False, threshold=threshold)}
        groups = found[Kind.GROUPS]
        assert (groups.threshold, groups.threshold_from) == (expected, "asked" if threshold else "half")
        counted = {each.value: (each.n, each.selected.estimate, each.caught.estimate) for each in groups.groups}
        assert counted == {name: pytest.approx(values) for name, values in rates(desk, scores, expected)}
        slices = {each.value: each.interval for each in found[Kind.EVALUATION].slices}
        assert {each.value: each.metric for each in groups.groups} == slices


def test_the_threshold_is_where_the_charters_worth_of_outcomes_breaks_even(desk):
    """Elkan's: acting costs 1 in vain, and brings 9 where it was right, 0 else: from 0.1 on."""
    worth = {"currency": "EUR", "true_positive": 8.0, "false_positive": -1.0, "false_negative": -1.0}
    desk.ws.charters.publish("delay", {**CHARTER, "kpi": {**CHARTER["kpi"], "value": worth}})
    found = {each.kind: each.values for each in desk.evaluate("delay@1", explain=False)}
    assert (found[Kind.GROUPS].threshold, found[Kind.GROUPS].threshold_from) == (pytest.approx(0.1), "charter")


def test_where_the_charter_has_room_for_some_of_a_day_no_score_selects_groups(desk):
    worth = {"currency": "EUR", "true_positive": 8.0, "false_positive": -1.0}
    desk.ws.charters.publish("delay", {**CHARTER, "kpi": {**CHARTER["kpi"], "value": worth, "rule": {"share": 0.1}}})
    desk.evaluate("by-origin@1")
    found = {each.kind: each.values for each in desk.evaluate("delay@1", explain=False)}
    assert found[Kind.GROUPS].threshold is None
    assert {each.selected for each in found[Kind.GROUPS].groups} == {None}
    card = desk.ws.documents.get("delay@1", "model_card").statements
    assert "Its rule has room for some of a day alone, so that no score selects a group." in [
        said.text for said in card
    ]
    desk.ws.policies.publish(GROUPED)
    assert desk.verdicts("delay@1")["fairness"] == "UNKNOWN"


def test_fairness_is_unknown_until_the_policy_says_for_whom(desk):
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1")
    desk.ws.policies.publish("extends: minimal\ngates:\n  fairness: {}\n")
    assert desk.verdicts("delay@1")["fairness"] == "UNKNOWN"
    desk.ws.policies.publish(GROUPED)
    assert desk.verdicts("delay@1")["fairness"] == "PASS"
    desk.ws.policies.publish(GROUPED.replace("origin", "'origin, sex'"))
    (gate,) = [each for each in desk.ws.gates.check("delay@1").gates if each.gate == "fairness"]
    assert (gate.verdict, "not evaluated by sex" in gate.reason) == ("UNKNOWN", True)
    assert "--slice origin --slice sex" in gate.remedy
    desk.ws.policies.publish(GROUPED.replace("0.5}", "0.5, min_rows: 1200}"))
    (gate,) = [each for each in desk.ws.gates.check("delay@1").gates if each.gate == "fairness"]
    assert (gate.verdict, "Too small to be judged" in gate.reason) == ("UNKNOWN", True)


def test_a_threshold_at_which_nobody_is_selected_makes_no_model_fair(desk):
    """The threshold that counts is the charter's, not that of whoever evaluates; asking for the same is no other."""
    desk.evaluate("by-origin@1")
    desk.ws.policies.publish(GROUPED.replace("0.5}", "0.1}"))
    desk.evaluate("delay@1", threshold=0.99)
    (gate,) = [each for each in desk.ws.gates.check("delay@1").gates if each.gate == "fairness"]
    assert (gate.verdict, "not the charter's" in gate.reason) == ("UNKNOWN", True)
    desk.clock.forward(hours=2)
    found = {each.kind: each.values for each in desk.evaluate("delay@1", threshold=0.5)}
    assert found[Kind.GROUPS].threshold_from == "half"
    assert desk.verdicts("delay@1")["fairness"] != "UNKNOWN"


def test_an_evaluation_says_how_large_the_package_is(desk):
    (found,) = [each.values for each in desk.evaluate("delay@1", explain=False) if each.kind is Kind.SIZE]
    version = desk.ws.models.get("delay@1")
    assert (found.bytes, found.files) == (version.size_bytes, len(version.manifest.files))
    desk.evaluate("by-origin@1")
    desk.ws.policies.publish("extends: minimal\ngates:\n  size: {}\n")
    assert desk.verdicts("delay@1")["size"] == "PASS"
    desk.ws.policies.publish("extends: minimal\ngates:\n  size: {max_megabytes: 0.0001}\n")
    assert desk.verdicts("delay@1")["size"] == "FAIL"


def test_latency_is_timed_here_and_judged_by_the_charters_limit(desk):
    desk.evaluate("by-origin@1")
    desk.ws.policies.publish("extends: minimal\ngates:\n  latency: {}\n")
    *_, found = desk.evaluate("delay@1", explain=False, latency=True)
    assert found.kind is Kind.LATENCY
    assert 0 < found.values.p50.estimate <= found.values.p99.estimate <= found.values.p99.high
    assert (found.values.answers, "core" in found.values.machine) == (1000, True)
    assert desk.verdicts("delay@1")["latency"] == "NOT_APPLICABLE"
    for limit, verdict in ((1e6, "PASS"), (1e-6, "FAIL")):
        desk.ws.policies.publish(f"extends: minimal\ngates:\n  latency: {{limit_ms: {limit}}}\n")
        assert desk.verdicts("delay@1")["latency"] == verdict
    desk.ws.policies.publish("extends: minimal\ngates:\n  latency: {}\n")
    desk.ws.charters.publish("delay", {**CHARTER, "limits": {"latency_p99_ms": 1e6}})
    desk.clock.forward(hours=2)
    desk.evaluate("delay@1", explain=False)
    (gate,) = [each for each in desk.ws.gates.check("delay@1").gates if each.gate == "latency"]
    assert (gate.verdict, "--latency" in gate.remedy) == ("UNKNOWN", True)


@pytest.mark.parametrize(
    ("values", "said"),
    [([1.0] * 399, "399"), ([1.0] * 400 + [0.0], "positive"), ([1.0] * 400 + [float("inf")], "positive")],
)
def test_times_are_enough_positive_numbers(desk, values, said):
    with pytest.raises(Invalid, match=said):
        desk.ws.checks.time("delay@1", "questions@1", np.array(values), load_ms=1.0, machine="here")
    assert desk.ws.evidence.list("delay@1") == ()


def test_robustness_is_the_metric_on_the_same_rows_before_and_after(desk):
    """Golden: scikit-learn's areas of the scores that were sent, and of those as they were."""
    desk.evaluate("by-origin@1")
    *_, found = desk.evaluate("delay@1", explain=False, robustness=True, noise=0.5)
    (noise,) = found.values.trials
    assert (noise.perturbation.what, noise.perturbation.columns, noise.perturbation.amount) == (
        "noise",
        ("bucket",),
        0.5,
    )
    table = pq.read_table(io.BytesIO(desk.platform.blobs.read(found.values.sent)))
    rows, moved = table["row"].to_numpy(), table["0"].to_numpy()
    late, scores = desk.table["late"].to_numpy()[rows], RATES[desk.table["bucket"].to_numpy()[rows]]
    assert found.values.n == len(rows) == 2000
    assert found.values.score == pytest.approx(roc_auc_score(late, scores), abs=1e-12)
    drop = roc_auc_score(late, scores) - roc_auc_score(late, moved)
    assert noise.drop.estimate == pytest.approx(drop, abs=1e-12)
    assert noise.flipped.estimate == pytest.approx(((moved >= 0.5) != (scores >= 0.5)).mean())
    assert noise.drop.low > 0
    desk.ws.policies.publish("extends: minimal\ngates:\n  robustness: {max_share: 0.5}\n")
    assert desk.verdicts("delay@1")["robustness"] == "PASS"
    desk.ws.policies.publish("extends: minimal\ngates:\n  robustness: {max_share: 0.001}\n")
    assert desk.verdicts("delay@1")["robustness"] == "FAIL"


def test_robustness_needs_an_evaluation_and_counts_for_its_scores_alone(desk):
    desk.evaluate("by-origin@1")
    noise = Perturbation(what="noise", columns=("bucket",), amount=0.1)
    rows, scores = np.array([1, 2, 3, 4, 5, 6]), np.full(6, 0.5)
    with pytest.raises(NotFound, match="was not evaluated"):
        desk.ws.checks.perturb("delay@1", "questions@1", [(noise, scores)], rows)
    desk.evaluate("delay@1", robustness=True)
    desk.ws.policies.publish("extends: minimal\ngates:\n  robustness: {}\n")
    assert desk.verdicts("delay@1")["robustness"] != "UNKNOWN"
    desk.clock.forward(minutes=5)
    desk.ws.evidence.record("delay@1", "questions@1", np.linspace(0, 1, 3000))
    assert desk.verdicts("delay@1")["robustness"] == "UNKNOWN"
    refused = [
        ([(noise, scores)], rows[::-1], "in their order"),
        ([(noise, scores)], rows + 2995, "of rows of the window"),
        ([(noise, scores)], np.array([0, 1, 2, 3, 4, 5]), "without a label"),
        ([(noise, scores + 1)], rows, "probabilities"),
        ([(noise, None)], rows, "not a column for each"),
        ([], rows, "not 1 to 500"),
    ]
    for tried, places, said in refused:
        with pytest.raises(Invalid, match=said):
            desk.ws.checks.perturb("delay@1", "questions@1", tried, places)


def test_a_model_that_breaks_on_what_its_contract_lets_come_fails(desk):
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1")
    unseen = Perturbation(what="unseen", columns=("bucket",), error="It knows no such bucket.")
    found = desk.ws.checks.perturb("delay@1", "questions@1", [(unseen, None)], np.arange(1, 10))
    assert (len(found.values.failed), found.values.worst) == (1, None)
    desk.ws.policies.publish("extends: minimal\ngates:\n  robustness: {}\n")
    (gate,) = [each for each in desk.ws.gates.check("delay@1").gates if each.gate == "robustness"]
    assert (gate.verdict, "It knows no such bucket." in gate.reason) == ("FAIL", True)
