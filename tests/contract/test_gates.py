"""Every gate of the house keeps the law of gates."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from modelwright.core.guard import Verdict
from modelwright.core.schema import Violation
from modelwright.governance.charter import Kpi
from modelwright.governance.decide import judge
from modelwright.governance.effects.model import Against, DecisionRule, Money, Outcomes, Replay, Terms
from modelwright.governance.model import Comparison, ContractCheck, Explanation
from modelwright.governance.policy import GATES
from modelwright.risks.model import Rating, Register, RegisterVersion, Risk, RisksCounted, Situation, Standing
from modelwright.stats.model import Calibration, Importance, Interval, Slice
from modelwright.testing.gates import GateContract, charter, evaluation, matter


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


def replayed(low: float | None) -> Replay:
    """What brings so much more than the baseline, at the interval's low end."""
    outcomes = Outcomes(true_positive=300, false_positive=100, true_negative=400, false_negative=100, total=33_000)
    gain = None if low is None else interval(low + 20, 20)
    baseline = Against(what="baseline", ref="by-origin@1", outcomes=outcomes, gain=gain)
    return Replay(
        terms=Terms(value=VALUE, rule=DecisionRule(act_at=0.2), derived=True),
        outcomes=outcomes,
        per_thousand=None if low is None else interval(36_000, 2_000),
        against=(baseline,),
        n=900,
        days=30 if low is not None else 3,
        scores="f" * 64,
        reason="" if low is not None else "3 blocks",
    )


VALUE = Money(currency="USD", true_positive=120, false_positive=-30)
VALUED = charter(kpi=Kpi(metric="roc_auc", at_least=0.7, value=VALUE))


class TestEffect(GateContract):
    gate = GATES.get("effect")
    passing = (replayed(1.0),)
    failing = (replayed(-1.0),)

    def _matter(self, found):
        return matter(found, asked=VALUED)

    def test_too_few_days_are_unknown(self):
        found = self.judged((replayed(None),))
        assert found.verdict is Verdict.UNKNOWN
        assert "3 blocks" in found.reason

    @pytest.mark.parametrize(
        ("asked", "why"),
        [
            (charter(), "does not say what outcomes are worth"),
            (charter(kpi=Kpi(metric="mae", at_most=3, value=VALUE)), "predicts a number"),
            (replace(VALUED, charter=replace(VALUED.charter, baseline="delay")), "own baseline"),
        ],
    )
    def test_it_does_not_apply_where_money_makes_no_sense(self, asked, why):
        found = judge("mine", self.gate, self._rule(), matter([], asked=asked))
        assert found.verdict is Verdict.NOT_APPLICABLE
        assert why in found.reason

    def test_without_a_baseline_it_is_unknown_and_says_what_to_do(self):
        found = self.judged((replace(replayed(1.0), against=()),))
        assert found.verdict is Verdict.UNKNOWN
        assert "by-origin was not evaluated" in found.reason


class TestExplained(GateContract):
    gate = GATES.get("explained")
    passing = (explained("hour", "origin"),)
    failing = (explained("hour"),)


def situations(*, matched: int | None) -> RisksCounted:
    one = Situation(risk="night", when="hour > 22", matched=matched, reason="" if matched is not None else "no hour")
    return RisksCounted(
        register=REGISTER.digest,
        version=1,
        metric="roc_auc",
        rows=900,
        labelled=900,
        scores="f" * 64,
        situations=(one,),
    )


def standing(score: int) -> Standing:
    night = replace(REGISTER.register.risks["night"], residual=Rating(severity=score, likelihood=4))
    register = replace(REGISTER.register, risks={"night": night})
    return Standing(register=replace(REGISTER, register=register), judgements={})


NIGHT = Risk(
    what="It is too sure.",
    harms="Passengers.",
    when="hour > 22",
    inherent=Rating(severity=5, likelihood=4),
    residual=Rating(severity=2, likelihood=4),
    owner="desk",
    review_due=date(2030, 1, 1),
)
REGISTER = RegisterVersion(
    model="delay",
    version=1,
    digest="9" * 64,
    register=Register(model="delay", risks={"night": NIGHT}),
    authors={"night": "tester"},
    published_at=datetime(2026, 1, 1, tzinfo=UTC),
    by="tester",
)


class TestRisks(GateContract):
    gate = GATES.get("risks")
    register = standing(2)
    passing = (situations(matched=30),)
    failing = (situations(matched=31),)

    def judged(self, values, **other):
        """The register fails, not what was counted: a score of 20 that nobody accepted."""
        self.register = standing(5 if values == self.failing else 2)
        return super().judged(values, **other)

    def test_a_situation_that_could_not_be_counted_is_unknown(self):
        assert self.judged((situations(matched=None),)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("name", GATES.names())
def test_every_gate_of_the_shelf_is_tested_here(name):
    assert f"Test{name.title().replace('-', '')}" in globals()
