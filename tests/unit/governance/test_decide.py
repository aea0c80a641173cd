"""The guard never lets anything through because something is missing, foreign or old."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from modelwright.core.errors import Corrupted
from modelwright.core.events import Actor
from modelwright.core.guard import Action, Transition, Verdict
from modelwright.core.ids import Pinned
from modelwright.core.schema import Violation
from modelwright.governance.charter import Kpi, Label
from modelwright.governance.decide import GovernanceGuard
from modelwright.governance.model import (
    Comparison,
    ContractCheck,
    Decided,
    Explanation,
    PolicyVersion,
    TransitionDecided,
    Window,
)
from modelwright.governance.policy import GATES, resolved
from modelwright.stats.model import Importance, Interval
from modelwright.testing.gates import NOW, charter, evaluation, evidence

MOVE = Transition(action=Action.SET_ALIAS, model="delay", version=3, package="a" * 64, target="champion")


def interval(estimate: float) -> Interval:
    return Interval(estimate=estimate, low=estimate - 0.02, high=estimate + 0.02, n=900, method="m")


def comparison(estimate: float = 0.1) -> Comparison:
    delta = interval(estimate)
    return Comparison(
        baseline="by-origin", version=1, package="b" * 64, evaluation="c" * 64, metric="roc_auc", delta=delta
    )


GOOD = (
    ContractCheck(rows=900, columns=("hour",)),
    evaluation(),
    comparison(),
    Explanation(method="m", inputs=("hour",), importances=(Importance(column="hour", drop=interval(0.1)),)),
)
BAD = (
    ContractCheck(rows=900, columns=("hour",), violations=(Violation(column="hour", problem="is missing"),)),
    evaluation(0.6),
    comparison(-0.1),
    Explanation(method="m", inputs=("hour",), importances=()),
)
ELSEWHERE = (
    {"package": "b" * 64},
    {"model": "other"},
    {"version": 4},
    {"charter": "b" * 64},
    {"expires_at": NOW},
    {"expires_at": NOW - timedelta(days=1)},
    {"age": timedelta(days=91)},
)
"""About something else than the transition, or no longer."""
OTHER_ROWS = ({"dataset": Pinned(ref="questions@2", digest="b" * 64)}, {"window": Window(since=NOW)})


class Shelf:
    """What is on record, without a database; answers as ``GovernanceRepository`` does."""

    def __init__(self, found=(), *, charters=None, policy=None, served=()):
        self.found, self.kept, self.in_force, self.before = list(found), [], policy, list(served)
        self.published = [charter()] if charters is None else list(charters)

    def charter(self, rows, project, model, version=None):
        return next(iter(self.charters(rows, project, model)), None)

    def charters(self, rows, project, model):
        return [each for each in self.published if each.model == model]

    def policy(self, rows, project, tier, version=None):
        return self.in_force

    def evidence_of(self, rows, project, model, version):
        return self.found

    def charters_with_evidence(self, rows, project, model):
        return {each.charter for each in self.found}

    def add_decision(self, rows, project, decided):
        self.kept.append(decided)

    def decisions(self, rows, project, model, *, served=None, limit=1):
        return [
            each
            for each in self.before
            if (each.decision.transition.package, each.decision.transition.target) == (served.package, served.target)
        ]


class Moment:
    """A unit of work that keeps what is emitted."""

    project, actor, now, request_id, rows = "default", Actor(id="owner"), NOW, "r", None

    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event)

    def after_commit(self, action):
        raise AssertionError


def decide(found, **record):
    return GovernanceGuard(Shelf(found, **record)).decide(Moment(), MOVE)


def verdicts(decision):
    return {gate.gate: gate.verdict for gate in decision.gates}


def test_good_evidence_about_these_bytes_is_allowed():
    assert decide(map(evidence, GOOD)).allowed


def test_each_bad_finding_alone_refuses():
    for place, bad in enumerate(BAD[:3]):
        found = [evidence(bad if here == place else good) for here, good in enumerate(GOOD)]
        decision = decide(found)
        assert not decision.allowed
        assert list(verdicts(decision).values()).count(Verdict.FAIL) == 1
        assert len(decision.reasons) == 1


strangers = st.lists(
    st.builds(
        lambda values, where: evidence(values, **where),
        st.sampled_from(GOOD + BAD),
        st.sampled_from(ELSEWHERE),
    ),
    max_size=8,
)


@settings(deadline=None)  # a decision takes 2 ms; other tests may hold the cores
@given(st.sets(st.sampled_from(range(4))), strangers)
def test_only_the_whole_evidence_about_these_bytes_passes(kept, others):
    """Any subset, however much foreign, old or expired evidence lies beside it: allowed only where nothing is missing.

    Minimal needs the first three kinds, so removing any of them never turns refused into allowed.
    """
    mine = [evidence(GOOD[place]) for place in sorted(kept)]
    decision = decide([*mine, *others])
    assert decision.allowed == ({0, 1, 2} <= kept)
    if not decision.allowed:
        assert Verdict.UNKNOWN in verdicts(decision).values()
        assert Verdict.FAIL not in verdicts(decision).values()


@settings(deadline=None)  # a decision takes 2 ms; other tests may hold the cores
@given(st.sets(st.integers(0, 3)), st.sets(st.integers(0, 3)), st.lists(st.booleans(), min_size=4, max_size=4))
def test_removing_needed_evidence_never_turns_refused_into_allowed(one, other, good):
    """Monotone over subsets: what a subset is allowed, every larger set of the same evidence is allowed too."""
    whole = [evidence(GOOD[place] if good[place] else BAD[place]) for place in range(4)]
    less, more = one & other, one | other
    few, many = (decide([whole[place] for place in sorted(chosen)]) for chosen in (less, more))
    assert many.allowed or not few.allowed


@settings(deadline=None)  # a decision takes 2 ms; other tests may hold the cores
@given(st.sampled_from(OTHER_ROWS), st.sets(st.integers(0, 3), min_size=1, max_size=3))
def test_evidence_on_different_rows_does_not_add_up(where, moved):
    """A contract checked on some rows says nothing about a KPI reached on others."""
    found = [evidence(values, **(where if place in moved else {})) for place, values in enumerate(GOOD)]
    if moved != {3} and {place in moved for place in range(3)} == {True, False}:
        assert not decide(found).allowed
    else:
        assert decide(found).allowed


def test_the_charters_dataset_is_the_only_one_that_counts():
    asked = charter(label=Label(column="late", dataset="questions"))
    assert decide(map(evidence, GOOD), charters=[asked]).allowed
    elsewhere = {"dataset": Pinned(ref="cherries@1", digest="d" * 64)}
    assert not decide([evidence(each, **elsewhere) for each in GOOD], charters=[asked]).allowed


def test_a_comparison_of_earlier_scores_does_not_count_for_later_ones():
    """New scores need a new comparison, also on the same rows."""
    found = [evidence(GOOD[0]), evidence(GOOD[1]), evidence(GOOD[2], age=timedelta(hours=2))]
    assert verdicts(decide(found))["baseline"] is Verdict.UNKNOWN


def test_the_newest_finding_decides():
    found = [
        *map(evidence, GOOD),
        evidence(evaluation(0.6), age=timedelta(minutes=1)),
        evidence(comparison(), age=timedelta(0)),
    ]
    assert verdicts(decide(found))["kpi"] is Verdict.FAIL


def test_evidence_that_is_not_what_its_digest_says_stops_everything():
    forged = replace(evidence(evaluation(0.6)), values=evaluation(0.9))
    with pytest.raises(Corrupted):
        decide([evidence(GOOD[0]), forged, evidence(GOOD[2])])


def test_without_a_charter_nothing_is_allowed():
    decision = decide(map(evidence, GOOD), charters=[])
    assert not decision.allowed
    assert verdicts(decision) == {"charter": Verdict.UNKNOWN}
    assert "modelwright charter publish delay" in decision.gates[0].remedy


def test_the_baseline_itself_has_nothing_to_beat():
    decision = decide(map(evidence, GOOD[:2]), charters=[charter(baseline="delay")])
    assert decision.allowed
    assert verdicts(decision)["baseline"] is Verdict.NOT_APPLICABLE


def test_a_charter_without_a_baseline_is_unknown_not_exempt():
    decision = decide(map(evidence, GOOD[:2]), charters=[charter(baseline=None)])
    assert verdicts(decision)["baseline"] is Verdict.UNKNOWN
    assert "names no baseline" in decision.reasons[0]


def test_a_kpi_that_moved_after_results_were_seen_is_flagged():
    """The old evidence does not count any more, and the reason of the new one says that the KPI moved."""
    old, new = charter(), replace(charter(kpi=Kpi(metric="roc_auc", at_least=0.5)), version=2, digest="9" * 64)
    published = [new, old]
    stale = decide(map(evidence, GOOD), charters=published)
    assert set(verdicts(stale).values()) == {Verdict.UNKNOWN}
    assert "was made under another charter; charter 2 was published" in " ".join(stale.reasons)
    found = [evidence(each) for each in GOOD] + [evidence(each, charter=new.digest) for each in GOOD]
    fresh = decide(found, charters=published)
    assert fresh.allowed
    (kpi,) = [gate for gate in fresh.gates if gate.gate == "kpi"]
    assert "The KPI was changed after results had been seen: charter 1 asked roc_auc at least 0.7" in kpi.reason


def test_a_trivial_condition_still_needs_its_evidence():
    """A policy can ask for little, but not for less than evidence."""
    policy = resolved(
        "extends: minimal\ngates: {kpi: {pass: 'true'}, contract: {pass: 'true'}, baseline: {pass: 'true'}}", GATES
    )
    version = PolicyVersion(version=1, digest="8" * 64, policy=policy, text="")
    assert decide(map(evidence, BAD), policy=version).allowed
    assert set(verdicts(decide([], policy=version)).values()) == {Verdict.UNKNOWN}


def test_a_gate_that_is_not_installed_is_unknown():
    policy = resolved("extends: minimal", GATES)
    taste = replace(policy, gates={**policy.gates, "taste": policy.gates["kpi"]})
    decision = decide(map(evidence, GOOD), policy=PolicyVersion(version=1, digest="8" * 64, policy=taste, text=""))
    assert not decision.allowed
    assert verdicts(decision)["taste"] is Verdict.UNKNOWN


def test_every_answer_is_recorded_with_the_policy_that_gave_it():
    for found in (GOOD, BAD):
        shelf, unit = Shelf(map(evidence, found)), Moment()
        decision = GovernanceGuard(shelf)(unit, MOVE)
        assert [kept.decision for kept in shelf.kept] == [decision]
        (event,) = unit.events
        assert isinstance(event, TransitionDecided)
        assert event.decision == decision
        assert set(event.policy.gates) == {gate.gate for gate in decision.gates}
        assert event.charter == charter().digest


def test_going_back_to_what_an_endpoint_served_is_allowed_without_fresh_evidence():
    """The same bytes at the same endpoint under an allowed decision; anything else goes through the gates."""
    served = replace(MOVE, action=Action.DEPLOY, target="delays")
    allowed = GovernanceGuard(Shelf(map(evidence, GOOD))).decide(Moment(), served)
    before = [Decided(decision=allowed, charter=None, at=NOW, by="owner")]
    guard = GovernanceGuard(Shelf([], served=before))
    back = guard.decide(Moment(), replace(served, action=Action.ROLLBACK))
    assert back.allowed
    assert back.gates[0].gate == "served-before"
    for other in ({"target": "elsewhere"}, {"package": "b" * 64}, {"action": Action.DEPLOY}):
        move = replace(served, **{"action": Action.ROLLBACK, **other})
        assert not guard.decide(Moment(), move).allowed
