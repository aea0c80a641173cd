"""What a charter says, and which part of it evidence and signatures hang on."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.governance.charter import Charter

from .conftest import CHARTER

MORE = {
    "business_case": "A missed connection costs 120 USD.",
    "stakeholders": [{"who": "passengers", "role": "are affected"}, {"who": "desk", "role": "decides"}],
    "resources": ["one data scientist for six weeks"],
    "dates": {"due": "2026-04-01", "review": "2027-04-01"},
}
USED = {"consumers": [{"who": "desk", "purpose": "which connections to hold"}, {"who": "app"}], "use": ["online"]}


def test_everything_that_a_charter_says_is_kept(desk):
    desk.ws.charters.publish("delay", {**CHARTER, **MORE, **USED})
    kept = desk.ws.charters.get("delay").charter
    assert [(one.who, one.role) for one in kept.stakeholders] == [("passengers", "are affected"), ("desk", "decides")]
    assert [str(one) for one in kept.consumers] == ["desk (which connections to hold)", "app"]
    assert (kept.use, kept.dates.due, kept.dates.review) == (("online",), date(2026, 4, 1), date(2027, 4, 1))
    assert (kept.business_case, kept.resources) == (MORE["business_case"], tuple(MORE["resources"]))


def test_an_older_charter_reads_as_it_did_and_has_the_same_digest(desk):
    """Golden: the digest that the release before these fields gave the same file."""
    found = desk.ws.charters.get("delay")
    assert found.digest == "b866cb291123c660789071c6382202a79323d61b0cf6ceb40fa37137ba7e577a"
    assert (found.judging, found.signing) == (found.digest, found.digest)
    assert found.charter.consumers == ()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"stakeholders": [{"who": "a", "role": "x"}, {"who": "a", "role": "y"}]}, "stakeholders name 'a' twice"),
        ({"consumers": [{"who": "a"}, {"who": "a"}]}, "consumers name 'a' twice"),
        ({"use": ["online", "online"]}, "use name 'online' twice"),
        ({"use": ["at night"]}, "use"),
        ({"dates": {"due": "2026-04-01", "review": "2026-03-31"}}, "is before the first version is due, on 2026-04-01"),
        ({"dates": {"due": "soon"}}, "dates.due"),
        ({"stakeholders": [{"who": "a"}]}, "role"),
        ({"stakeholders": [{"who": str(n), "role": "x"} for n in range(51)]}, "stakeholders"),
        ({"resources": ["x" * 2001]}, "resources"),
        ({"business_case": "x" * 10_001}, "business_case"),
        ({"stakeholder": []}, "stakeholder"),
    ],
)
def test_what_is_no_charter_is_refused_by_the_name_of_the_field(desk, more, said):
    with pytest.raises(Invalid) as refused:
        desk.ws.charters.publish("delay", {**CHARTER, **more})
    assert said in refused.value.message
    assert desk.ws.charters.get("delay").version == 1


def test_another_stakeholder_costs_no_evaluation(desk):
    """Nothing by which the model is judged has changed, so that the evidence of yesterday still counts."""
    desk.evaluate("by-origin@1")
    before = desk.evaluate("delay@1")
    assert desk.ws.gates.check("delay@1").allowed
    published = desk.ws.charters.publish("delay", {**CHARTER, **MORE, "owners": {"business": "b", "technical": "t"}})
    assert published.version == 2
    assert desk.ws.gates.check("delay@1").allowed
    assert {one.charter for one in before} == {published.judging}
    desk.clock.forward(hours=2)
    assert {one.charter for one in desk.evaluate("delay@1")} == {published.judging}


@pytest.mark.parametrize(
    "other",
    [
        {"kpi": {"metric": "roc_auc", "at_least": 0.69, "slice_floor": 0.6}},
        {"label": {**CHARTER["label"], "known_after": "48h"}},
        {"baseline": None},
        {"limits": {"latency_p99_ms": 20}},
        {"tier": "standard"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_yardstick_asks_for_another_evaluation_and_the_old_one_brings_the_old_evidence_back(desk, other):
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1")
    desk.ws.charters.publish("delay", {**CHARTER, **other})
    kpi = next(gate for gate in desk.ws.gates.check("delay@1").gates if gate.gate == "kpi")
    assert kpi.verdict == "UNKNOWN"
    assert "under another charter" in kpi.reason
    desk.ws.charters.publish("delay", {**CHARTER, **MORE})
    assert desk.ws.gates.check("delay@1").allowed


def test_a_kpi_that_moved_is_told_of_through_charters_that_judge_the_same(desk):
    """An owner who changes in between does not hide that the KPI was moved after results were seen."""
    desk.evaluate("by-origin@1")
    desk.evaluate("delay@1")
    desk.ws.charters.publish("delay", {**CHARTER, "owners": {"business": "b", "technical": "t"}})
    desk.ws.charters.publish("delay", {**CHARTER, "kpi": {"metric": "roc_auc", "at_least": 0.6, "slice_floor": 0.6}})
    desk.ws.charters.publish("delay", {**CHARTER, **MORE, "kpi": {"metric": "roc_auc", "at_least": 0.6}})
    desk.evaluate("delay@1")
    kpi = next(gate for gate in desk.ws.gates.check("delay@1").gates if gate.gate == "kpi")
    assert "was changed after results had been seen" in kpi.reason


def _words(most=60):
    return st.text(st.characters(categories=["L", "Zs"]), min_size=1, max_size=most)


PARTICULARS = st.fixed_dictionaries(
    {},
    optional={
        "business_case": _words(),
        "owners": st.fixed_dictionaries({"business": _words(), "technical": _words()}),
        "stakeholders": st.lists(
            st.fixed_dictionaries({"who": _words(), "role": _words()}), max_size=4, unique_by=lambda one: one["who"]
        ),
        "resources": st.lists(_words(), max_size=4),
        "dates": st.fixed_dictionaries({"review": st.dates().map(str)}),
    },
)


@given(PARTICULARS)
@settings(max_examples=60, deadline=None)
def test_by_its_particulars_nothing_is_judged_or_signed(more):
    """LAW: stakeholders, owners, resources, dates and the business case are no part of yardstick and application."""
    before, after = wire.convert(CHARTER, Charter), wire.convert({**CHARTER, **more}, Charter)
    assert after.yardstick == before.yardstick
    assert after.application == before.application


@pytest.mark.parametrize(
    "other", [{"question": "Will it land?"}, {"decision": "hold the train"}, *({k: v} for k, v in USED.items())]
)
def test_another_application_keeps_the_evidence_and_asks_for_other_signatures(other):
    before, after = wire.convert(CHARTER, Charter), wire.convert({**CHARTER, **other}, Charter)
    assert after.yardstick == before.yardstick
    assert after.application != before.application
