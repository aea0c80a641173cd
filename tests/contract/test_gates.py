"""Every gate of the house keeps the law of gates."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from modelwright.core.schema import Violation
from modelwright.governance.model import Comparison, ContractCheck, Explanation
from modelwright.governance.policy import GATES
from modelwright.stats.model import Calibration, Importance, Interval, Slice
from modelwright.testing.gates import GateContract, evaluation


def interval(estimate: float, reach: float = 0.02) -> Interval:
    return Interval(estimate=estimate, low=estimate - reach, high=estimate + reach, n=900, method="delong")


def sliced(*estimates: float):
    return replace(
        evaluation(),
        slices=tuple(
            Slice(column="origin", value=str(place), n=300, positives=100, interval=interval(estimate))
            for place, estimate in enumerate(estimates)
        ),
    )


def compared(low: float) -> Comparison:
    delta = interval(low + 0.02)
    return Comparison(
        baseline="by-origin", version=1, package="b" * 64, evaluation="c" * 64, metric="roc_auc", delta=delta
    )


def explained(*columns: str) -> Explanation:
    return Explanation(
        method="permutation",
        inputs=("hour", "origin"),
        importances=tuple(Importance(column=column, drop=interval(0.1)) for column in columns),
    )


def calibrated(error: float):
    bins = Calibration(error=interval(error), bias=interval(0.0), bins=())
    return replace(evaluation(), calibration=bins)


class TestContract(GateContract):
    gate = GATES.get("contract")
    passing = (ContractCheck(rows=900, columns=("hour",)),)
    failing = (
        ContractCheck(rows=900, columns=("hour",), violations=(Violation(column="hour", problem="is missing"),)),
    )


class TestBaseline(GateContract):
    gate = GATES.get("baseline")
    passing = (compared(0.01),)
    failing = (compared(-0.01),)


class TestKpi(GateContract):
    gate = GATES.get("kpi")
    passing = (evaluation(0.8),)
    failing = (evaluation(0.71),)


class TestSlices(GateContract):
    gate = GATES.get("slices")
    passing = (sliced(0.8, 0.65, 0.7),)
    failing = (sliced(0.8, 0.61, 0.7),)


class TestCalibration(GateContract):
    gate = GATES.get("calibration")
    passing = (calibrated(0.03),)
    failing = (calibrated(0.06),)


class TestExplained(GateContract):
    gate = GATES.get("explained")
    passing = (explained("hour", "origin"),)
    failing = (explained("hour"),)


@pytest.mark.parametrize("name", GATES.names())
def test_every_gate_of_the_shelf_is_tested_here(name):
    assert f"Test{name.title().replace('-', '')}" in globals()
