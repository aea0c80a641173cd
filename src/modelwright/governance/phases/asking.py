"""Which phases a transition passes through, and what people say there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.core import wire
from modelwright.core.guard import PHASE, Action, GateResult, Transition, Verdict
from modelwright.core.ids import Pinned, parse_ref
from modelwright.core.unit import Unit
from modelwright.data.model import DatasetVersion
from modelwright.governance.charter import CharterVersion
from modelwright.governance.model import Evidence, Phase, Policy, PolicyVersion, SignOff, matches
from modelwright.governance.phases.model import PhaseStanding
from modelwright.governance.signoffs import Basis, OfPhase, Standing, counting, judged

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.data.repository import DatasetRepository
    from modelwright.governance.phases.repository import AnsweredRepository
    from modelwright.models.repository import ModelRepository

RETIRED = "retired"

_RELYING = (Phase.CHARTER, Phase.DATA, Phase.APPLICATION)

ASKED: Mapping[Action, tuple[Phase, ...]] = {
    Action.REGISTER: (Phase.CHARTER, Phase.DATA, Phase.TRAINING),
    Action.SET_ALIAS: _RELYING,
    Action.DEPLOY: _RELYING,
    Action.ROLLBACK: _RELYING,
    Action.CHALLENGE: (Phase.CHARTER, Phase.DATA),  # a shadow answers nobody, so that it is no application
    Action.RETIRE: (Phase.RETIREMENT,),
    Action.RETIRE_MODEL: (Phase.RETIREMENT,),
}
"""Which phases each kind of transition passes through. What answers passes through those of its making again, so that
nothing slips by that was registered before the policy asked."""

OF_PEOPLE_ALONE = frozenset({Action.REGISTER, Action.RETIRE, Action.RETIRE_MODEL})
"""Transitions that no evidence speaks for or against, and no signature of a version."""


def nobody_of_a_phase(_unit: Unit, _basis: Basis) -> Standing:
    """Where nobody can sign."""
    return Standing()


def schema_of(version: DatasetVersion) -> str:
    """Digest of a dataset version's columns and types, whatever their order."""
    return wire.digest(version.columns)


class PhaseGates:
    """What a policy's phases ask of a transition, and what people say.

    Args:
        data: The columns of what a version was made of.
        models: What that was.
        answered: Where a model has answered.
        signed: What people signed in a phase, and whose work it is.
    """

    def __init__(
        self,
        data: DatasetRepository,
        models: ModelRepository,
        answered: AnsweredRepository,
        *,
        signed: OfPhase = nobody_of_a_phase,
    ) -> None:
        self._data = data
        self._models = models
        self._answered = answered
        self._signed = signed

    def __call__(
        self,
        unit: Unit,
        transition: Transition,
        policy: PolicyVersion,
        charter: CharterVersion,
        evidence: Iterable[Evidence] = (),
    ) -> Iterator[GateResult]:
        """What people say in the phases that a transition passes through.

        Args:
            unit: The unit of work.
            transition: What somebody wants to move.
            policy: What asks.
            charter: The charter in force.
            evidence: What was read of the version: it was judged on that data.
        """
        for phase in ASKED[transition.action]:
            if not policy.policy.phases.get(phase):
                continue
            if phase is Phase.DATA:
                yield from self._use(unit, transition, policy, charter, evidence)
            elif phase is Phase.APPLICATION:
                if not self._answered.at(unit.rows, unit.project, transition):
                    yield from self.said(unit, policy, self.basis(phase, policy, charter, transition.target))
            else:
                subject = transition.target if transition.action is Action.RETIRE else None
                yield from self.said(unit, policy, self.basis(phase, policy, charter, subject))

    def retired(self, unit: Unit, transition: Transition) -> list[GateResult]:
        """That the model is retired, if it is: nothing of it goes anywhere, glass or no glass."""
        name = transition.model
        found = self._models.retired(unit.rows, unit.project, [name]).get(name)
        if found is None or transition.action in (Action.RETIRE, Action.RETIRE_MODEL):
            return []
        return [
            GateResult(
                gate=RETIRED,
                verdict=Verdict.FAIL,
                reason=f"{name} was retired on {found.at:%Y-%m-%d}.",
                remedy=f"Undo that, if it was wrong: modelwright model reinstate {name}",
            )
        ]

    def said(self, unit: Unit, policy: PolicyVersion, basis: Basis) -> list[GateResult]:
        """What people say of a phase, role by role; nothing where nobody is asked."""
        lines = lines_of(policy.policy, basis)
        if not lines:
            return []
        found = self._signed(unit, basis)
        return list(judged(lines, basis, found.signatures, authors=found.authors, login=found.login, now=unit.now))

    def basis(
        self,
        phase: Phase,
        policy: PolicyVersion,
        charter: CharterVersion,
        subject: str | None = None,
        schema: str | None = None,
    ) -> Basis:
        """What a signature in a phase would cover now."""
        return Basis(
            model=charter.model,
            policy=policy.digest,
            charter=charter.signing,
            phase=phase,
            subject=subject,
            schema=schema,
        )

    def standing(self, unit: Unit, policy: PolicyVersion, charter: CharterVersion) -> Iterator[PhaseStanding]:
        """How each phase of a model's life stands, as far as it has come."""
        newest = self._models.newest(unit.rows, unit.project, charter.model, before=None, limit=1)
        pins = newest[0].manifest.data if newest else ()
        used: list[tuple[str | None, str | None]] = sorted(self._columns(unit, pins), key=str)
        asked = self._answered.targets(unit.rows, unit.project, charter.model)
        for phase in Phase:
            if phase is Phase.APPLICATION:
                yield from self._applications(unit, policy, charter, asked)
                continue
            for subject, schema in used if phase is Phase.DATA and used else [(None, None)]:
                named = phase is not Phase.DATA or schema is not None
                basis = self.basis(phase, policy, charter, subject, schema)
                yield self._stands(unit, policy, basis) if named else _ahead(policy, phase, subject)

    def _applications(
        self, unit: Unit, policy: PolicyVersion, charter: CharterVersion, asked: Sequence[Transition]
    ) -> Iterator[PhaseStanding]:
        for move in asked:
            found = self._stands(unit, policy, self.basis(Phase.APPLICATION, policy, charter, move.target))
            if found.asked and self._answered.at(unit.rows, unit.project, move):
                reason = f"{charter.model} has answered as {move.target} before."
                before = GateResult(gate=f"{PHASE}-{Phase.APPLICATION}", verdict=Verdict.PASS, reason=reason)
                found = replace(found, gates=(before,))
            yield found
        if not asked:
            yield _ahead(policy, Phase.APPLICATION)

    def _stands(self, unit: Unit, policy: PolicyVersion, basis: Basis) -> PhaseStanding:
        lines = lines_of(policy.policy, basis)
        signed = self._signed(unit, basis) if lines else Standing()
        good = [one for line in lines for one in counting(line, basis, signed.signatures, unit.now)[0]]
        return PhaseStanding(
            phase=basis.phase or Phase.CHARTER,
            subject=basis.subject,
            asked=bool(lines),
            gates=tuple(self.said(unit, policy, basis)),
            signatures=tuple(one for one in good if signed.authors.keys().isdisjoint(one.people)),
        )

    def schema(self, unit: Unit, dataset: str) -> str | None:
        """Digest of the columns of a dataset's newest version; none where there is no such dataset."""
        newest = self._data.newest(unit.rows, unit.project, dataset)
        return schema_of(newest) if newest is not None else None

    def used(self, unit: Unit, transition: Transition, evidence: Iterable[Evidence]) -> set[tuple[str, str | None]]:
        """Datasets that it learnt from or was judged on, and digests of the columns they had; none where unknown."""
        return self._columns(unit, (*self._made_of(unit, transition), *(one.dataset for one in evidence)))

    def _columns(self, unit: Unit, pins: Iterable[Pinned]) -> set[tuple[str, str | None]]:
        found: set[tuple[str, str | None]] = set()
        for pinned in pins:
            wanted = parse_ref(pinned.ref)
            version = self._data.version(unit.rows, unit.project, wanted.name, wanted.version or 0)
            known = version is not None and version.digest == pinned.digest
            found.add((wanted.name, schema_of(version) if version is not None and known else None))
        return found

    def _use(
        self,
        unit: Unit,
        transition: Transition,
        policy: PolicyVersion,
        charter: CharterVersion,
        evidence: Iterable[Evidence],
    ) -> Iterator[GateResult]:
        ref = f"{transition.model}@{transition.version}"
        if not self._made_of(unit, transition):
            yield _unknown(f"It is not on record which data {ref} was made of.")
        for dataset, schema in sorted(self.used(unit, transition, evidence), key=str):
            if schema is None:
                yield _unknown(f"{ref} was made of a version of {dataset} that is not here.")
            else:
                yield from self.said(unit, policy, self.basis(Phase.DATA, policy, charter, dataset, schema))

    def _made_of(self, unit: Unit, transition: Transition) -> Sequence[Pinned]:
        if transition.action is Action.REGISTER:
            return transition.data
        version = self._models.version(unit.rows, unit.project, transition.model, transition.version)
        return version.manifest.data if version is not None else ()


def _unknown(reason: str) -> GateResult:
    return GateResult(
        gate=f"{PHASE}-{Phase.DATA}",
        verdict=Verdict.UNKNOWN,
        reason=reason,
        remedy="Register it in a run that reads its data: mw.run(...), mw.dataset(...), run.save_model(...).",
    )


def _ahead(policy: PolicyVersion, phase: Phase, subject: str | None = None) -> PhaseStanding:
    """What nothing has come to yet."""
    return PhaseStanding(phase=phase, subject=subject, asked=bool(policy.policy.phases.get(phase)))


def lines_of(policy: Policy, basis: Basis) -> list[SignOff]:
    """What a policy asks of people there."""
    if basis.phase is None:
        return []
    return [line for line in policy.phases.get(basis.phase, ()) if matches(line.at, basis.subject or basis.model)]


def asks(policy: Policy, action: Action) -> bool:
    """Whether a policy asks anybody about such a transition."""
    return any(policy.phases.get(phase) for phase in ASKED[action])
