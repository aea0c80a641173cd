"""The guard: the policy's gates on the evidence that counts, and the decision on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.core.errors import Corrupted
from modelwright.core.expressions import Namespace, holds, parse
from modelwright.core.guard import BREAK_GLASS, Action, Decision, GateResult, Transition, Verdict
from modelwright.core.registry import Shelf
from modelwright.core.unit import Unit
from modelwright.governance import matching
from modelwright.governance.charter import CharterVersion
from modelwright.governance.checks.absence import absence
from modelwright.governance.checks.relying import Relying, nothing_yet
from modelwright.governance.circumstances import Circumstances, ordinary
from modelwright.governance.gates.base import Case, Gate
from modelwright.governance.matching import Matter
from modelwright.governance.model import (
    Decided,
    Kind,
    Phase,
    Policy,
    PolicyVersion,
    Rule,
    SignOff,
    TransitionDecided,
    matches,
)
from modelwright.governance.phases.asking import OF_PEOPLE_ALONE, PhaseGates, asks
from modelwright.governance.policy import GATES, built_in, gate_of, resolved
from modelwright.governance.signoffs import Basis, SignedOff, basis_of, judged, nobody_signed
from modelwright.risks.model import Standing

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.governance.repository import GovernanceRepository

DEFAULT_TIER = "minimal"
_SERVED_BEFORE = "served-before"
_MOST_SERVED = 100
"""Newest decisions among which one is looked for that passed the gates."""


class GovernanceGuard:
    """Decides transitions; fulfils ``core.guard.Guard``.

    Args:
        repository: Charters, policies, evidence, decisions.
        gates: The shelf.
        signed: What people signed about a version, and who made it.
        circumstances: What holds where a transition leads, whatever the evidence says.
        risks: A model's risk register as it stands.
        feasible: Whether somebody decided that what leads there is not to be made.
        relying: What an alias or endpoint relies on now.
        phases: What people are asked in the phases of a model's life; none: where nobody can be asked.
    """

    def __init__(
        self,
        repository: GovernanceRepository,
        gates: Shelf[Gate] = GATES,
        *,
        signed: SignedOff = nobody_signed,
        circumstances: Circumstances = ordinary,
        risks: Callable[[Unit, str], Standing | None] = lambda *_: None,
        feasible: Circumstances = ordinary,
        relying: Relying = nothing_yet,
        phases: PhaseGates | None = None,
    ) -> None:
        self._repository = repository
        self._gates = gates
        self._signed = signed
        self._circumstances = circumstances
        self._risks = risks
        self._feasible = feasible
        self._relying = relying
        self._phases = phases

    def __call__(self, unit: Unit, transition: Transition) -> Decision:
        """Decide, and record the decision, also a refusal."""
        policy, charter, decision, _ = self._decided(unit, transition)
        if transition.action in OF_PEOPLE_ALONE and decision.allowed and not decision.gates:
            return decision  # nobody was asked, so that nothing was decided
        digest = charter.digest if charter else None
        self._repository.add_decision(
            unit.rows,
            unit.project,
            Decided(decision=decision, charter=digest, at=unit.now, by=unit.actor.id),
        )
        unit.emit(TransitionDecided(decision=decision, policy=policy.policy, charter=digest))
        return decision

    def decide(self, unit: Unit, transition: Transition) -> Decision:
        """What the guard would answer; nothing is recorded."""
        return self._decided(unit, transition)[2]

    def to_sign(self, unit: Unit, transition: Transition) -> tuple[PolicyVersion, Basis | None, Decision]:
        """What a signature would cover now, and what everybody who is asked anywhere has said of it.

        A signature holds wherever the policy asks for it, so that a request shows all of them. Without a charter there
        is no basis.
        """
        policy, _, decision, basis = self._decided(unit, transition, circumstances=ordinary, anywhere=True)
        return policy, basis, decision

    def on_record(self, unit: Unit, transition: Transition, policy: PolicyVersion | None = None) -> Decision:
        """What gates and signatures come to, whatever holds at the target; nothing is recorded.

        Args:
            unit: The unit of work.
            transition: What would be asked.
            policy: By this one; by default the one in force.
        """
        return self._decided(unit, transition, policy, circumstances=ordinary)[2]

    def policy_of(self, unit: Unit, model: str) -> PolicyVersion:
        """The policy in force for a model: that of its charter's tier."""
        charter = self._repository.charter(unit.rows, unit.project, model)
        return self._in_force(unit, charter.charter.tier if charter else DEFAULT_TIER)

    def _decided(
        self,
        unit: Unit,
        transition: Transition,
        policy: PolicyVersion | None = None,
        *,
        circumstances: Circumstances | None = None,
        anywhere: bool = False,
    ) -> tuple[PolicyVersion, CharterVersion | None, Decision, Basis | None]:
        charter = self._repository.charter(unit.rows, unit.project, transition.model)
        policy = policy or self._in_force(unit, charter.charter.tier if charter else DEFAULT_TIER)
        alone = transition.action in OF_PEOPLE_ALONE
        results, basis = [] if alone else self._results(unit, transition, policy.policy, charter), None
        read = [digest for result in results for digest in result.evidence]
        if charter is not None and not _served(results) and not alone:
            basis = basis_of(transition, policy, charter.signing, results)
            results = _asked(results, transition, policy.policy)
            if transition.action is not Action.CHALLENGE:  # a shadow answers nobody, so that it needs no signature
                asked = [each for each in policy.policy.signoffs if anywhere or matches(each.at, transition.target)]
                results += self._signoffs(unit, transition, asked, basis)
        if not _served(results):
            results += self._said(unit, transition, policy, charter, read)
        if not alone:
            results += self._feasible(unit, transition)
        retired = self._phases.retired(unit, transition) if self._phases is not None else []
        results += retired + (circumstances or self._circumstances)(unit, transition)
        passes = (bool(results) or alone) and all(result.verdict.passes for result in results)
        decision = Decision(
            transition=transition,
            allowed=passes or (not retired and any(result.gate == BREAK_GLASS for result in results)),
            tier=policy.policy.tier,
            policy=policy.digest,
            gates=tuple(results),
        )
        return policy, charter, decision, basis

    def _signoffs(self, unit: Unit, transition: Transition, asked: Sequence[SignOff], basis: Basis) -> list[GateResult]:
        """What people signed."""
        if not asked:
            return []
        found = self._signed(unit, transition.model, transition.version)
        return list(judged(asked, basis, found.signatures, authors=found.authors, login=found.login, now=unit.now))

    def _said(
        self,
        unit: Unit,
        transition: Transition,
        policy: PolicyVersion,
        charter: CharterVersion | None,
        read: Sequence[str],
    ) -> list[GateResult]:
        """What people say in the phases that the transition passes through."""
        if not asks(policy.policy, transition.action):
            return []
        if charter is None:
            return [_no_charter(transition)] if transition.action in OF_PEOPLE_ALONE else []
        found = [self._repository.evidence(unit.rows, unit.project, digest) for digest in sorted(set(read))]
        evidence = [one for one in found if one is not None]
        return list(self.phases(unit, transition, policy, charter, evidence))

    @property
    def phases(self) -> PhaseGates:
        """What people are asked in the phases of a model's life."""
        if self._phases is None:
            raise Corrupted("The policy asks people in phases, and nobody can be asked here.")
        return self._phases

    def of_phase(
        self, unit: Unit, model: str, phase: Phase, subject: str | None = None, schema: str | None = None
    ) -> tuple[PolicyVersion, Basis | None, list[GateResult]]:
        """What a signature in a phase would cover now, and what people have said; no basis where nobody is asked."""
        charter, policy = self._repository.charter(unit.rows, unit.project, model), self.policy_of(unit, model)
        if charter is None or phase not in policy.policy.phases:
            return policy, None, []
        basis = self.phases.basis(phase, policy, charter, subject, schema)
        said = self.phases.said(unit, policy, basis)
        return policy, basis if said else None, said

    def read(self, text: str) -> Policy:
        """A policy file with everything written out; raises ``Invalid``."""
        return resolved(text, self._gates)

    def policy(self, unit: Unit, tier: str, version: int | None = None) -> PolicyVersion | None:
        """A tier's policy: of that number, or the one in force, which is the newest published, else the release's."""
        if version == 0:
            return built_in(tier, self._gates)
        found = self._repository.policy(unit.rows, unit.project, tier, version)
        return found if found is not None or version is not None else built_in(tier, self._gates)

    def _in_force(self, unit: Unit, tier: str) -> PolicyVersion:
        found = self.policy(unit, tier)
        if found is None:
            raise Corrupted(
                f"There is no policy for the tier {tier!r} any more.",
                remedy=f"Publish one that has `tier: {tier}`: modelwright policy publish policy.yaml",
            )
        return found

    def _results(
        self, unit: Unit, transition: Transition, policy: Policy, charter: CharterVersion | None
    ) -> list[GateResult]:
        if transition.action is Action.ROLLBACK and (served := self._allowed_before(unit, transition)):
            return [_served_before(transition, served[0])]
        if charter is None:
            return [_no_charter(transition)]
        everything = self._repository.evidence_of(unit.rows, unit.project, transition.model, transition.version)
        for evidence in everything:
            if not evidence.intact:
                raise Corrupted(
                    f"Evidence {evidence.digest[:12]}… is not what was recorded.",
                    remedy="Run `modelwright ledger verify`, and restore the control database from a backup.",
                )
        relied = self._relying(unit, transition)
        if relied is not None and relied.returning and not self._allowed_before(unit, transition):
            relied = replace(relied, returning=False)
        matter = Matter(
            transition=transition,
            charter=charter,
            evidence=tuple(everything),
            earlier=self._earlier(unit, charter),
            register=self._risks(unit, transition.model),
            relied=relied,
            now=unit.now,
        )
        return [self._judged(name, rule, matter) for name, rule in policy.gates.items()]

    def _allowed_before(self, unit: Unit, transition: Transition) -> list[Decided]:
        """The decisions that let these bytes answer there, newest first, but for those against the gates."""
        found = self._repository.decisions(
            unit.rows, unit.project, transition.model, served=transition, limit=_MOST_SERVED
        )
        return [decided for decided in found if not decided.decision.against_the_gates]

    def _judged(self, name: str, rule: Rule, matter: Matter) -> GateResult:
        gate = gate_of(name, self._gates)
        if gate is None:
            return GateResult(
                gate=name,
                verdict=Verdict.UNKNOWN,
                reason="This gate is not installed here.",
                remedy="Install the plugin that offers it and name it in MODELWRIGHT_PLUGINS, or publish a policy "
                "without it: modelwright policy publish policy.yaml",
            )
        return judge(name, gate, rule, matter)

    def _earlier(self, unit: Unit, charter: CharterVersion) -> CharterVersion | None:
        """The newest charter with another KPI or label under which results were seen before this one came."""
        seen = self._repository.charters_with_evidence(unit.rows, unit.project, charter.model)
        for known in self._repository.charters(unit.rows, unit.project, charter.model):
            moved = (known.charter.kpi, known.charter.label) != (charter.charter.kpi, charter.charter.label)
            if known.version < charter.version and moved and known.judging in seen:
                return known
        return None


def case_of(gate: Gate, rule: Rule, matter: Matter) -> Case:
    """What a gate gets to see: of everything on record, the evidence that counts."""
    counting = matching.bound(matter.transition, matter.charter, matter.evidence)
    chosen = matching.fresh(matching.newest(counting, matter.now), rule, matter.now)
    return Case(
        transition=matter.transition,
        charter=matter.charter,
        now=matter.now,
        evidence={kind: chosen[kind] for kind in gate.reads if kind in chosen},
        parameters=rule.parameters,
        earlier=matter.earlier,
        register=matter.register,
        relied=matter.relied,
        known=frozenset(one.digest for one in counting),
    )


def judge(name: str, gate: Gate, rule: Rule, matter: Matter) -> GateResult:
    """One gate's verdict.

    The order is the law: exempt, then missing is UNKNOWN, then the condition; a gate cannot pass by itself.
    """
    case = case_of(gate, rule, matter)
    if why := gate.exempt(case):  # what it would have read is named too: a signature holds wherever the gate is asked
        return GateResult(gate=name, verdict=Verdict.NOT_APPLICABLE, reason=why, evidence=_read(case))
    missing = next((kind for kind in gate.reads if kind not in case.evidence), None)
    if missing is not None or not gate.reads:
        reason, remedy = (
            absence(missing, rule, matter)
            if missing is not None
            else ("The gate reads no evidence.", "Mend the plugin that offers it.")
        )
        return GateResult(gate=name, verdict=Verdict.UNKNOWN, reason=reason, remedy=remedy)
    seen = gate.look(case)
    answer = holds(parse(rule.passes), _namespace(case, seen.values))
    verdict = Verdict.UNKNOWN if answer is None else Verdict.PASS if answer else Verdict.FAIL
    return GateResult(
        gate=name,
        verdict=verdict,
        reason=seen.reason if verdict.passes else f"{seen.reason} Asked: {rule.passes}",
        remedy="" if verdict.passes else seen.remedy,
        evidence=_read(case),
    )


def _namespace(case: Case, seen: Namespace) -> Namespace:
    kpi = case.charter.charter.kpi
    return {
        "e": seen,
        "p": dict(case.parameters),
        "kpi": {
            "threshold": kpi.threshold,
            "at_least": kpi.at_least,
            "at_most": kpi.at_most,
            "slice_floor": kpi.slice_floor,
        },
    }


def _asked(results: list[GateResult], transition: Transition, policy: Policy) -> list[GateResult]:
    """Those that the policy asks where the transition leads; a signature covers what all of them read."""
    asked = [result for result in results if matches(policy.gates[result.gate].at, transition.target)]
    if not asked:
        return [
            GateResult(
                gate="policy",
                verdict=Verdict.UNKNOWN,
                reason=f"No gate of the tier {policy.tier} is asked at {transition.target}.",
                remedy=f"Let one be asked there: `at: [{transition.target}]`, or leave `at` out.",
            )
        ]
    return asked


def _read(case: Case) -> tuple[str, ...]:
    """What a gate read, with what people judged where it reads that: a signature dies when somebody judges anew."""
    judged = (case.register.digest,) if case.register is not None and Kind.RISKS in case.evidence else ()
    return (*(evidence.digest for evidence in case.evidence.values()), *judged)


def _served(results: list[GateResult]) -> bool:
    return any(result.gate == _SERVED_BEFORE for result in results)


def _no_charter(transition: Transition) -> GateResult:
    return GateResult(
        gate="charter",
        verdict=Verdict.UNKNOWN,
        reason=f"{transition.model} has no charter, and without one nothing says what it must achieve.",
        remedy=f"Write charter.yaml and run: modelwright charter publish {transition.model} charter.yaml",
    )


def _served_before(transition: Transition, served: Decided) -> GateResult:
    return GateResult(
        gate=_SERVED_BEFORE,
        verdict=Verdict.PASS,
        reason=f"{transition.target} served {transition.model}@{transition.version}, the same bytes, under the allowed "
        f"decision of {served.at:%Y-%m-%d %H:%MZ}.",
    )
