"""Every gate of the house keeps the law of gates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from modelwright.core.errors import Invalid
from modelwright.core.guard import Verdict
from modelwright.core.schema import Violation
from modelwright.governance.charter import Kpi, Limits
from modelwright.governance.checks.model import (
    Checked,
    Documented,
    Group,
    Groups,
    Latency,
    Perturbation,
    Reproduction,
    Rival,
    Rivals,
    Robustness,
    Size,
    Trial,
    Written,
)
from modelwright.governance.checks.own import OwnGate
from modelwright.governance.checks.relying import Relied
from modelwright.governance.decide import case_of, judge
from modelwright.governance.effects.model import Against, DecisionRule, Money, Outcomes, Replay, Terms
from modelwright.governance.model import Comparison, ContractCheck, Explanation, Rule
from modelwright.governance.policy import GATES, check_condition
from modelwright.risks.model import Rating, Register, RegisterVersion, Risk, RisksCounted, Situation, Standing
from modelwright.stats.model import Calibration, Importance, Interval, Slice
from modelwright.testing.gates import NOW, GateContract, charter, evaluation, evidence, matter


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


RELIED = Relied(model="delay", version=2, package="b" * 64)


def rivalled(estimate: float, **other) -> Rivals:
    rival = Rival(
        model="delay", version=2, package="b" * 64, evaluation="c" * 64, score=0.8, delta=interval(estimate, 0.01)
    )
    return Rivals(metric="roc_auc", scores="f" * 64, rivals=(replace(rival, **other),))


class TestChampion(GateContract):
    """Two per cent of 0.8 may be lost: the interval reaches down to -0.015, or to -0.02."""

    gate = GATES.get("champion")
    relied = RELIED
    passing = (rivalled(-0.005),)
    failing = (rivalled(-0.01),)

    def test_evidence_about_another_rival_is_unknown(self):
        assert self.judged((rivalled(0.1, package="d" * 64),)).verdict is Verdict.UNKNOWN
        assert self.judged((replace(rivalled(0.1), scores="d" * 64),)).verdict is Verdict.UNKNOWN
        assert self.judged((rivalled(0.1, score=0.0),)).verdict is Verdict.UNKNOWN

    @pytest.mark.parametrize(
        ("relied", "said"),
        [
            (None, "relies on nothing yet"),
            (replace(RELIED, package="a" * 64), "is what champion relies on already"),
            (replace(RELIED, returning=True), "going back"),
        ],
    )
    def test_it_is_not_asked_where_there_is_nothing_to_be_better_than(self, relied, said):
        self.relied = relied
        found = self.judged(self.failing)
        assert found.verdict is Verdict.NOT_APPLICABLE
        assert said in found.reason
        assert found.evidence, "a signature covers it all the same"


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


class TestSize(GateContract):
    gate = GATES.get("size")
    passing = (Size(bytes=100_000_000, files=3, largest="model.skops", largest_bytes=99_000_000),)
    failing = (Size(bytes=100_000_001, files=3, largest="model.skops", largest_bytes=99_000_000),)


def timed(p99: float) -> Latency:
    return Latency(
        p50=interval(1.0), p99=interval(p99), answers=1000, load_ms=80.0, machine="x86_64 with 2 cores", times="f" * 64
    )


class TestLatency(GateContract):
    """The interval's upper end counts: 4.98 and 0.02 are within 5, 4.99 and 0.02 are not."""

    gate = GATES.get("latency")
    asked = charter(limits=Limits(latency_p99_ms=5.0))
    passing = (timed(4.98),)
    failing = (timed(4.99),)

    def test_a_limit_of_the_policys_own_takes_the_place_of_the_charters(self):
        rule = Rule(passes=self.gate.passes, parameters={"limit_ms": 6.0})
        assert judge("latency", self.gate, rule, self._matter(list(map(evidence, _both(timed(5.9)))))).verdict == "PASS"

    def test_where_nobody_sets_a_limit_it_is_not_asked(self):
        self.asked = charter()
        assert self.judged((timed(99.0),)).verdict is Verdict.NOT_APPLICABLE


def _both(values):
    return [values, evaluation()]


def robust(drop: float, *, error: str = "", n: int = 900, amount: float = 0.1) -> Robustness:
    noise = Trial(
        perturbation=Perturbation(what="noise", columns=("hour",), amount=amount),
        drop=interval(drop, 0.01),
        flipped=interval(0.1),
    )
    unseen = Trial(perturbation=Perturbation(what="unseen", columns=("origin",), error=error))
    trials = (noise, unseen) if error else (noise,)
    return Robustness(metric="roc_auc", scores="f" * 64, score=0.8, n=n, threshold=0.5, trials=trials, sent="9" * 64)


class TestRobustness(GateContract):
    """A tenth of 0.8 may be lost: the interval reaches up to 0.07, or to 0.09."""

    gate = GATES.get("robustness")
    passing = (robust(0.06),)
    failing = (robust(0.08),)

    def test_a_model_that_breaks_or_was_tried_on_few_rows_does_not_pass(self):
        assert self.judged((robust(0.06, error="No such origin."),)).verdict is Verdict.FAIL
        assert self.judged((robust(0.06, n=199),)).verdict is Verdict.FAIL
        assert self.judged((robust(0.0, amount=1e-9),)).verdict is Verdict.FAIL
        assert self.judged((replace(robust(0.06), scores="d" * 64),)).verdict is Verdict.UNKNOWN
        assert self.judged((replace(robust(0.06), score=0.0),)).verdict is Verdict.UNKNOWN


def remade(largest: float, *, differing: tuple[str, ...] = ("golden.json", "model.skops"), **made_of) -> Reproduction:
    same = {"data": True, "source": True, "parameters": True, "seeds": True, "environment": True}
    return Reproduction(
        remade="delay@4",
        remade_package="b" * 64,
        maker="zoe",
        remaker="ada",
        made_of={**same, **made_of},
        differing=differing,
        scores="f" * 64,
        evaluation="9" * 64,
        largest=largest,
        n=900,
    )


class TestReproduced(GateContract):
    gate = GATES.get("reproduced")
    passing = (remade(1e-6),)
    failing = (remade(1.1e-6),)

    def test_the_same_bytes_pass_whatever_the_machine_makes_of_them(self):
        assert self.judged((remade(0.1, differing=()),)).verdict is Verdict.PASS

    @pytest.mark.parametrize("what", ["data", "source", "parameters", "pipeline"])
    def test_what_was_made_of_something_else_reproduces_nothing_and_what_nobody_knows_is_unknown(self, what):
        assert self.judged((remade(0.0, **{what: False}),)).verdict is Verdict.FAIL
        assert self.judged((remade(0.0, **{what: None}),)).verdict is Verdict.UNKNOWN
        assert self.judged((remade(0.1, **{what: None}),)).verdict is Verdict.FAIL

    def test_seeds_libraries_and_the_person_are_the_policys_to_ask_for(self):
        found = [evidence(each) for each in _both(remade(0.0, seeds=False, environment=False))]
        for asked, verdict in (
            ("e.equal && e.same", "PASS"),
            ("e.equal && e.seeds", "FAIL"),
            ("e.equal && e.environment", "FAIL"),
            ("e.equal && e.second_person", "PASS"),
            ("e.bytes", "FAIL"),
        ):
            rule = replace(self._rule(), passes=asked)
            assert judge("reproduced", self.gate, rule, self._matter(found)).verdict == verdict

    def test_it_counts_for_the_scores_of_the_evaluation_alone(self):
        assert self.judged((replace(remade(0.0), scores="d" * 64),)).verdict is Verdict.UNKNOWN


def group(value: str, caught: float, *, n: int = 900, selected: float = 0.5) -> Group:
    return Group(
        column="sex",
        value=value,
        n=n,
        positives=n // 3,
        metric=interval(0.8),
        selected=interval(selected),
        caught=interval(caught),
    )


def grouped(*groups: Group) -> Groups:
    return Groups(metric="roc_auc", scores="f" * 64, threshold=0.5, groups=groups)


class TestFairness(GateContract):
    """Two rates with 0.02 on either side lie sqrt(0.02² + 0.02²) further apart at most: 0.0283."""

    gate = GATES.get("fairness")
    passing = (grouped(group("f", 0.6), group("m", 0.67)),)
    failing = (grouped(group("f", 0.6), group("m", 0.68)),)
    parameters: ClassVar = {"columns": "sex", "measure": "opportunity", "max_gap": 0.1, "min_rows": 200.0}

    def _rule(self) -> Rule:
        return Rule(passes=self.gate.passes, evidence_max_age="14d", parameters=self.parameters)

    def test_a_small_group_is_unknown_and_never_hides_a_gap(self):
        small = group("x", 0.6, n=199)
        assert self.judged((grouped(*self.passing[0].groups, small),)).verdict is Verdict.UNKNOWN
        assert self.judged((grouped(*self.failing[0].groups, small),)).verdict is Verdict.FAIL
        assert self.judged((grouped(group("f", 0.6)),)).verdict is Verdict.UNKNOWN

    def test_what_a_policy_did_not_name_or_nobody_sliced_by_is_unknown(self):
        for columns in ("", "age", "sex, age"):
            self.parameters = {**type(self).parameters, "columns": columns}
            assert self.judged(self.passing).verdict is Verdict.UNKNOWN

    def test_what_a_group_has_no_number_for_is_unknown(self):
        assert self.judged((grouped(group("f", 0.6), replace(group("m", 0.6), caught=None)),)).verdict == "UNKNOWN"
        self.parameters = {**type(self).parameters, "measure": "loyalty"}
        assert self.judged(self.passing).verdict is Verdict.UNKNOWN

    def test_a_column_of_very_many_groups_is_nothing_to_protect(self):
        many = grouped(*(group(str(place), 0.6) for place in range(51)))
        assert self.judged((many,)).verdict is Verdict.UNKNOWN

    def test_the_four_fifths_rule_can_be_asked_for(self):
        """0.38 and 0.5 are 0.76; the interval, by hand with MOVER-R, reaches from 0.711 to 0.811."""
        found = grouped(group("f", 0.6, selected=0.38), group("m", 0.6, selected=0.5))
        for asked, verdict in (("e.ratio.low >= 0.8", "FAIL"), ("e.ratio.low >= 0.7", "PASS")):
            rule = replace(self._rule(), passes=asked)
            matter = self._matter(list(map(evidence, _both(found))))
            assert judge("fairness", self.gate, rule, matter).verdict == verdict

    @given(rates=st.lists(st.floats(0.05, 0.95), min_size=2, max_size=6))
    def test_the_gap_is_no_smaller_than_that_of_any_two_groups(self, rates):
        found = grouped(*(group(str(place), rate) for place, rate in enumerate(rates)))
        case = case_of(self.gate, self._rule(), self._matter(list(map(evidence, _both(found)))))
        gap = self.gate.look(case).values["gap"]
        assert gap["estimate"] == pytest.approx(max(rates) - min(rates))
        assert gap["high"] >= max(rates) - min(rates)


def written(document: str, missing: int, *, later: int = 3) -> Written:
    lacking = ("provider", "hardware", "product", "interface", "instructions", "rationale")[:missing]
    return Written(
        document=document,
        digest="9" * 64,
        computed=40,
        attested=2,
        missing=missing,
        later=later,
        lacking=lacking,
    )


def documents(file: int, card: int = 0, report: int = 7) -> Documented:
    return Documented(
        documents=(written("model_card", card), written("technical_file", file), written("change_report", report))
    )


class TestDocumented(GateContract):
    """What only release or use can give is not asked for, nor is the change report unless the policy names it."""

    gate = GATES.get("documented")
    passing = (documents(0),)
    failing = (documents(1),)

    def _judged(self, found: Documented, named: str | None = None, **other):
        rule = self._rule() if named is None else replace(self._rule(), parameters={"documents": named})
        every = [evidence(found, **other), evidence(evaluation(), age=timedelta(days=1))]
        return judge("documented", self.gate, rule, self._matter(every))

    def test_the_remedy_names_what_is_lacking_and_the_command_that_counts_again(self):
        found = self._judged(documents(6, 1))
        assert "Of 97 statements in technical_file and model_card 7 are missing, beside 6" in found.reason
        assert "technical_file lacks provider, hardware, product, interface, instructions and 1 more" in found.remedy
        assert "modelwright doc technical delay@3" in found.remedy
        assert "model_card lacks provider: modelwright doc card delay@3" in found.remedy
        assert found.remedy.endswith("Then run: modelwright doc check delay@3")

    def test_a_policy_says_which_documents_must_be_complete(self):
        assert self._judged(documents(1), "model_card").verdict is Verdict.PASS
        assert self._judged(documents(0), "model_card, change_report").verdict is Verdict.FAIL
        for named in ("", "technical_fiel, model_card", "declaration"):
            found = self._judged(documents(0), named)
            assert found.verdict is Verdict.UNKNOWN
            assert "model_card, technical_file, change_report" in found.reason

    def test_documents_of_before_the_newest_evaluation_do_not_count(self):
        found = self._judged(documents(0), age=timedelta(days=1, minutes=1))
        assert found.verdict is Verdict.UNKNOWN
        assert "not since its newest evaluation" in found.reason
        assert found.remedy == "Run: modelwright doc check delay@3"

    def test_documents_of_before_the_charter_or_the_register_in_force_do_not_count(self):
        asked = replace(charter(), published_at=NOW - timedelta(minutes=30))
        for self.asked, self.register in (
            (asked, None),
            (None, replace(standing(2), register=replace(REGISTER, published_at=NOW - timedelta(minutes=30)))),
        ):
            found = self._judged(documents(0))
            assert found.verdict is Verdict.UNKNOWN
            assert "was published at" in found.reason
            assert self._judged(documents(0), age=timedelta(minutes=29)).verdict is Verdict.PASS

    def test_without_an_evaluation_the_remedy_begins_with_one(self):
        found = judge("documented", self.gate, self._rule(), self._matter([]))
        assert found.remedy.startswith("Run: modelwright model evaluate delay@3 ")
        assert found.remedy.endswith("then: modelwright doc check delay@3")


class TestOwn(GateContract):
    """A check of one's own: the condition is the policy's."""

    gate = OwnGate("no-leak")
    passing = (Checked(name="no-leak", values={"share": 0.004, "ok": True}, source="7" * 64, rows=900),)
    failing = (Checked(name="no-leak", values={"share": 0.02, "ok": True}, source="7" * 64, rows=900),)

    def _rule(self) -> Rule:
        return Rule(passes="e.share < 0.01 && e.ok", evidence_max_age="14d")

    def test_it_exposes_what_it_says_and_its_condition_reads_no_more(self):
        """What it finds is only known when it has run; deeper names it cannot find."""
        check_condition("e.share < 0.01", self.gate)
        with pytest.raises(Invalid, match=r"e\.share\.low"):
            check_condition("e.share.low < 0.01", self.gate)

    def test_another_check_or_a_name_it_did_not_find_is_unknown(self):
        other = replace(self.passing[0], name="no-lead")
        assert self.judged((other,)).verdict is Verdict.UNKNOWN
        assert self.judged((replace(self.passing[0], values={"ok": True}),)).verdict is Verdict.UNKNOWN
        found = self.judged((other,))
        assert "modelwright model check delay@3 --on questions@1 --only no-leak" in found.remedy

    def test_newer_findings_of_other_checks_do_not_take_its_place(self):
        found = [evidence(each) for each in _both(self.passing[0])]
        found.append(evidence(replace(self.failing[0], name="other"), age=timedelta(minutes=1)))
        assert judge("check.no-leak", self.gate, self._rule(), self._matter(found)).verdict is Verdict.PASS


@pytest.mark.parametrize("name", GATES.names())
def test_every_gate_of_the_shelf_is_tested_here(name):
    assert f"Test{name.title().replace('-', '')}" in globals()
