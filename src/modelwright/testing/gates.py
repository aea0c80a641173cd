"""What every gate must pass. Inherit from ``GateContract`` in a test class and give the gate and some cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from modelwright.core.events import Actor
from modelwright.core.guard import Action, GateResult, Transition, Verdict
from modelwright.core.ids import Pinned
from modelwright.governance.charter import Charter, CharterVersion, Kpi, Label, Owners
from modelwright.governance.checks.relying import Relied
from modelwright.governance.decide import case_of, judge
from modelwright.governance.gates.base import Gate
from modelwright.governance.matching import Matter
from modelwright.governance.model import Evaluation, Evidence, Finding, Rule, Values
from modelwright.governance.policy import check_condition
from modelwright.risks.model import Standing
from modelwright.stats.model import Interval

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def evidence(values: Values, *, age: timedelta = timedelta(hours=1), **other: Any) -> Evidence:
    """Evidence that counts for ``matter``, unless ``other`` says it is about something else."""
    finding = Finding(
        model="delay",
        version=3,
        package="a" * 64,
        dataset=Pinned(ref="questions@1", digest="d" * 64),
        charter=charter().digest,
        values=values,
        code="c" * 64,
        made_at=NOW - age,
        made_by=Actor(id="tester"),
    )
    return Evidence.of(replace(finding, **other))


def charter(**other: Any) -> CharterVersion:
    """A charter that asks for a roc_auc of at least 0.7 and has a baseline."""
    said = Charter(
        question="Will it be late?",
        decision="hold the connection",
        kpi=Kpi(metric="roc_auc", at_least=0.7, slice_floor=0.6),
        label=Label(column="late"),
        owners=Owners(business="desk", technical="science"),
        baseline="by-origin",
    )
    published = NOW - timedelta(days=60)
    return CharterVersion(
        model="delay", version=1, digest="e" * 64, charter=replace(said, **other), published_at=published, by="tester"
    )


def evaluation(estimate: float = 0.8) -> Evaluation:
    """An evaluation with an interval of 0.02 on either side."""
    score = Interval(estimate=estimate, low=estimate - 0.02, high=estimate + 0.02, n=900, method="delong")
    return Evaluation(metric="roc_auc", score=score, n=900, positives=300, scores="f" * 64)


def matter(
    found: Sequence[Evidence],
    *,
    asked: CharterVersion | None = None,
    register: Standing | None = None,
    relied: Relied | None = None,
) -> Matter:
    """A transition of ``delay@3`` to champion, with this on record."""
    transition = Transition(action=Action.SET_ALIAS, model="delay", version=3, package="a" * 64, target="champion")
    return Matter(
        transition=transition,
        charter=asked or charter(),
        evidence=tuple(found),
        now=NOW,
        register=register,
        relied=relied,
    )


class GateContract:
    """The law of ``Gate``, as tests that pytest collects from a class that inherits this.

    Example:
        >>> class TestMine(GateContract):  # doctest: +SKIP
        ...     gate = my_gate
        ...     passing = (my_values,)
        ...     failing = (my_bad_values,)
    """

    gate: Gate
    passing: tuple[Values, ...]
    """Values with which the gate's default condition passes. An ``Evaluation`` is added where there is none."""
    failing: tuple[Values, ...]
    """Values with which it fails."""
    register: Standing | None = None
    """The model's risk register, for gates that look at it."""
    relied: Relied | None = None
    """What the alias relies on now, for gates that look at it."""
    asked: CharterVersion | None = None
    """The charter in force, for gates that need more of one than the usual."""

    def judged(self, values: Sequence[Values], **other: Any) -> GateResult:
        """The verdict on evidence with these values."""
        return judge(
            "mine", self.gate, self._rule(), self._matter([evidence(each, **other) for each in _anchored(values)])
        )

    def _matter(self, found: Sequence[Evidence]) -> Matter:
        return matter(found, asked=self.asked, register=self.register, relied=self.relied)

    def _rule(self) -> Rule:
        return Rule(passes=self.gate.passes, evidence_max_age="14d", parameters=dict(self.gate.parameters))

    def test_passing_evidence_passes_and_failing_evidence_fails(self) -> None:
        """Its default condition tells good from bad."""
        assert self.judged(self.passing).verdict is Verdict.PASS
        assert self.judged(self.failing).verdict is Verdict.FAIL

    def test_the_verdict_is_a_pure_function_of_the_case(self) -> None:
        """The same case, the same answer, to the word."""
        assert self.judged(self.passing) == self.judged(self.passing)
        assert self.judged(self.failing) == self.judged(self.failing)

    def test_missing_evidence_is_unknown_and_says_what_to_do(self) -> None:
        """Without any one kind it reads, a gate cannot pass."""
        for kind in self.gate.reads:
            left = [each for each in map(evidence, _anchored(self.passing)) if each.slot != kind]
            found = judge("mine", self.gate, self._rule(), self._matter(left))
            assert found.verdict is Verdict.UNKNOWN
            assert "modelwright " in found.remedy

    def test_old_or_foreign_evidence_is_unknown(self) -> None:
        """Too old, expired, about other bytes, another dataset's rows or another charter: it does not count."""
        assert self.judged(self.passing, age=timedelta(days=15)).verdict is Verdict.UNKNOWN
        assert self.judged(self.passing, expires_at=NOW).verdict is Verdict.UNKNOWN
        assert self.judged(self.passing, package="b" * 64).verdict is Verdict.UNKNOWN
        assert self.judged(self.passing, charter="b" * 64).verdict is Verdict.UNKNOWN

    def test_reasons_are_sentences_and_refusals_have_a_remedy(self) -> None:
        """A reason ends with a full stop or the condition; a refusal names a command."""
        good, bad = self.judged(self.passing), self.judged(self.failing)
        assert good.reason.endswith(".")
        assert good.remedy == ""
        assert any(character.isdigit() for character in bad.reason)
        assert "modelwright " in bad.remedy
        assert bad.evidence

    def test_it_exposes_what_it_says_and_its_condition_reads_no_more(self) -> None:
        """A policy's author can rely on the names."""
        check_condition(self.gate.passes, self.gate)
        assert self.gate.reads
        for values in (self.passing, self.failing):
            case = case_of(self.gate, self._rule(), self._matter([evidence(each) for each in _anchored(values)]))
            assert set(_names(self.gate.look(case).values)) <= self.gate.exposes


def _names(values: Mapping[str, object], before: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _names(value, f"{before}{name}.")
        else:
            yield before + name


def _anchored(values: Sequence[Values]) -> list[Values]:
    """With an evaluation, on whose rows all evidence must be."""
    return [*values, *([] if any(isinstance(each, Evaluation) for each in values) else [evaluation()])]
