"""A policy is a tier and what differs; everything that could be a mistake is refused when it is published."""

from __future__ import annotations

import pytest

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.governance.model import Policy
from modelwright.governance.policy import GATES, built_in, built_in_tiers, resolved


def test_minimal_asks_for_the_contract_the_baseline_and_the_kpi():
    policy = built_in("minimal", GATES)
    assert policy is not None
    assert set(policy.policy.gates) == {"contract", "baseline", "kpi"}
    assert policy.version == 0
    assert policy.digest == wire.digest(policy.policy)


def test_every_tier_of_the_release_resolves():
    assert all(built_in(tier, GATES) is not None for tier in built_in_tiers())


def test_differences_lie_over_the_tier_and_everything_is_written_out():
    policy = resolved(
        "extends: minimal\ntier: payments\ngates:\n"
        "  kpi: {min_rows: 1000}\n"
        '  slices: {pass: "e.worst.low >= kpi.slice_floor && e.min_support >= 200", evidence_max_age: 14d}\n',
        GATES,
    )
    assert policy.tier == "payments"
    assert list(policy.gates) == ["baseline", "contract", "kpi", "slices"]
    assert policy.gates["kpi"].parameters == {"min_rows": 1000.0}
    assert policy.gates["kpi"].evidence_max_age == "90d"
    assert policy.gates["slices"].evidence_max_age == "14d"
    assert policy.gates["slices"].parameters == {"min_rows": 200.0, "min_coverage": 0.8}
    assert wire.decode(wire.encode(policy), Policy) == policy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gates: {}", "extends"),
        ("extends: none", "There are: high, minimal, standard"),
        ("extends: minimal\nsignatures: []", "signatures"),
        ("extends: minimal\ntier: ../x", "tier"),
        ("extends: minimal\ngates: [kpi]", "mapping"),
        ("extends: minimal\ngates: {taste: {}}", "There are: baseline"),
        ("extends: minimal\ngates: {base: {}}", "is not a gate"),
        ("extends: minimal\ngates: {kpi: null}", "mapping"),
        ("extends: minimal\ngates: {kpi: {pass: e.score.lo > 1}}", "e.score.lo at position 1"),
        ("extends: minimal\ngates: {kpi: {pass: 'e.score.low >'}}", "position 14"),
        ("extends: minimal\ngates: {kpi: {pass: 1}}", "pass"),
        ("extends: minimal\ngates: {kpi: {evidence_max_age: a while}}", "evidence_max_age"),
        ("extends: minimal\ngates: {kpi: {min_rows: many}}", "min_rows"),
        ("extends: minimal\ngates: {kpi: {min_rows: true}}", "min_rows"),
        ("extends: minimal\ngates: {kpi: {rows: 5}}", "kpi.rows"),
    ],
)
def test_a_mistake_is_refused_with_its_place(text, said):
    with pytest.raises(Invalid) as error:
        resolved(text, GATES)
    assert said in f"{error.value.message} {error.value.remedy}"
    assert error.value.fields
