"""The use cases of charters, policies, evidence and gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.core import wire
from modelwright.core.errors import Denied, Invalid, NotFound
from modelwright.core.guard import Action, Decision, Transition
from modelwright.core.ids import Name, Ref
from modelwright.core.operation import Service, limited, operation
from modelwright.core.unit import Unit
from modelwright.governance.charter import Charter, CharterVersion, no_charter
from modelwright.governance.evidence import EvidenceService
from modelwright.governance.model import (
    CharterPublished,
    Decided,
    Policy,
    PolicyPublished,
    PolicyVersion,
    Simulated,
    settled,
)
from modelwright.governance.phases.model import PhaseStanding
from modelwright.models.model import check_alias

__all__ = ["CharterService", "EvidenceService", "GateService", "PolicyService"]

if TYPE_CHECKING:  # weight: SQLAlchemy and yaml, which a remote client does without
    from modelwright.governance.decide import GovernanceGuard
    from modelwright.governance.repository import GovernanceRepository
    from modelwright.models.service import ModelService


_AT_ENDPOINTS = (Action.DEPLOY, Action.ROLLBACK, Action.CHALLENGE)


class CharterService(Service):
    """What models are for."""

    noun = "charters"

    def __init__(self, repository: GovernanceRepository, guard: GovernanceGuard) -> None:
        self._repository = repository
        self._guard = guard

    @operation(permission="charters:write", kind="command")
    def publish(self, unit: Unit, model: Name, charter: Charter) -> CharterVersion:
        """Put a charter in force; the one that is in force already stays the same version.

        Evidence counts while KPI, label, baseline, limits and tier stay as they are; signatures while question,
        decision, consumers and use do too. Gates say so when the KPI moved after results were seen.

        Args:
            unit: The unit of work.
            model: The model it is for, registered or not yet.
            charter: What it says.

        Raises:
            Invalid: There is no such metric or tier, the threshold points the metric's wrong way, or the value of
                outcomes leaves nothing to decide.
            Denied: The new tier asks fewer people than the one in force, and the caller does not answer for policies.
        """
        from modelwright.governance.policy import built_in_tiers  # weight: yaml

        kept = settled(charter, Charter)
        _check_kpi(kept)
        if self._repository.policy(unit.rows, unit.project, kept.tier) is None and kept.tier not in built_in_tiers():
            raise Invalid(
                f"There is no policy for the tier {kept.tier!r}.",
                remedy=f"Publish one with `tier: {kept.tier}`, or take one of: {', '.join(built_in_tiers())}.",
                fields={"tier": "has no policy"},
            )
        known = self._repository.charters(unit.rows, unit.project, model)
        digest = wire.digest(kept)
        if known and known[0].digest == digest:
            return known[0]
        if known:
            self._check_tier(unit, model, known[0].charter.tier, kept.tier)
        version = CharterVersion(
            model=model,
            version=known[0].version + 1 if known else 1,
            digest=digest,
            charter=kept,
            published_at=unit.now,
            by=unit.actor.id,
            judges_as=next((one.judging for one in known if one.charter.yardstick == kept.yardstick), None),
            signs_as=next((one.signing for one in known if one.charter.application == kept.application), None),
        )
        self._repository.add_charter(unit.rows, unit.project, version)
        unit.emit(CharterPublished(model=model, version=version.version, digest=digest, charter=kept))
        return version

    def _check_tier(self, unit: Unit, model: str, before: str, after: str) -> None:
        """Nobody takes a model away from those who are to sign it, but who decides what they are asked.

        Raises:
            Denied: The caller would.
        """
        strict, kept = self._guard.policy(unit, before), self._guard.policy(unit, after)
        if strict is None or kept is None or kept.policy.asks_no_fewer(strict.policy):
            return
        if not unit.caller.may("policies:write"):
            raise Denied(
                f"The tier of {model} is {before}, and {after} asks fewer people to sign.",
                remedy=f"Leave `tier: {before}`, or let an approver publish the charter.",
            )

    @operation(permission="charters:read", kind="query")
    def get(self, unit: Unit, model: Name, version: int | None = None) -> CharterVersion:
        """A model's charter: the one in force, or an earlier version.

        Args:
            unit: The unit of work.
            model: The model.
            version: Its number.

        Raises:
            NotFound: There is none.
        """
        found = self._repository.charter(unit.rows, unit.project, model, version)
        if found is None:
            raise no_charter(model, version)
        return found

    @operation(permission="charters:read", kind="query")
    def versions(self, unit: Unit, model: Name) -> tuple[CharterVersion, ...]:
        """A model's charters, newest first.

        Args:
            unit: The unit of work.
            model: The model.
        """
        return tuple(self._repository.charters(unit.rows, unit.project, model))


class PolicyService(Service):
    """What must hold."""

    noun = "policies"

    def __init__(self, repository: GovernanceRepository, guard: GovernanceGuard) -> None:
        self._repository = repository
        self._guard = guard

    @operation(permission="policies:write", kind="command")
    def publish(self, unit: Unit, text: str) -> PolicyVersion:
        """Put a policy in force for its tier; the one that is in force already stays the same version.

        Args:
            unit: The unit of work.
            text: ``policy.yaml``: the tier it extends, and what differs.

        Raises:
            Invalid: It is not a policy; the message names the line, the gate or the position.
        """
        policy = self.check(unit, text)
        digest = wire.digest(policy)
        before = self._repository.policy(unit.rows, unit.project, policy.tier)
        if before is not None and before.digest == digest:
            return before
        version = PolicyVersion(
            version=before.version + 1 if before else 1,
            digest=digest,
            policy=policy,
            text=text,
            published_at=unit.now,
            by=unit.actor.id,
        )
        self._repository.add_policy(unit.rows, unit.project, version)
        unit.emit(PolicyPublished(tier=policy.tier, version=version.version, digest=digest, policy=policy))
        return version

    @operation(permission="policies:read", kind="query")
    def simulate(self, unit: Unit, text: str) -> tuple[Simulated, ...]:
        """What a policy would make of what was asked last, of each model of its tier at each alias and endpoint.

        Of the newest 1,000 decisions, that is.
        It reads the evidence and signatures of now, and changes and records nothing. A signature covers the policy, so
        that all of them would have to be given anew.

        Args:
            unit: The unit of work.
            text: ``policy.yaml``.

        Raises:
            Invalid: It is not a policy; the message names the line, the gate or the position.
        """
        policy = self._guard.read(text)
        version = PolicyVersion(version=1, digest=wire.digest(policy), policy=policy, text=text)
        found, last = [], {}
        for decided in reversed(self._repository.decisions(unit.rows, unit.project, None, limit=1000)):
            move = decided.decision.transition
            action = Action.DEPLOY if move.action in _AT_ENDPOINTS else move.action  # not what is let through
            last[move.model, move.target, action] = replace(move, action=action)
        for transition in last.values():
            if self._guard.policy_of(unit, transition.model).policy.tier == policy.tier:
                present, other = (
                    self._guard.on_record(unit, transition),
                    self._guard.on_record(unit, transition, version),
                )
                found.append(
                    Simulated(
                        transition=transition,
                        allowed=present.allowed,
                        would=other.allowed,
                        reasons=tuple(other.reasons) if not other.allowed else (),
                    )
                )
        return tuple(found)

    @operation(permission="policies:read", kind="query")
    def check(self, unit: Unit, text: str) -> Policy:
        """What a policy file comes to, with everything written out; nothing is published.

        Args:
            unit: The unit of work.
            text: ``policy.yaml``.

        Raises:
            Invalid: It is not a policy; the message names the line, the gate or the position.
        """
        from modelwright.governance.checks.found import lately  # weight: SQLAlchemy
        from modelwright.governance.checks.own import require_known

        policy = self._guard.read(text)
        require_known(policy, lately(unit.rows, unit.project))
        return policy

    @operation(permission="policies:read", kind="query")
    def get(self, unit: Unit, tier: Name, version: int | None = None) -> PolicyVersion:
        """A tier's policy: the one in force, or an earlier version; 0 is the one of the release.

        Args:
            unit: The unit of work.
            tier: The tier.
            version: Its number.

        Raises:
            NotFound: There is none.
        """
        found = self._guard.policy(unit, tier, version)
        if found is None:
            raise NotFound(f"There is no such policy for the tier {tier!r}.", remedy="See: modelwright policy list")
        return found

    @operation(permission="policies:read", kind="query")
    def list(self, unit: Unit) -> tuple[PolicyVersion, ...]:
        """The policy in force for each tier, by tier."""
        from modelwright.governance.policy import built_in_tiers  # weight: yaml

        published = {found.policy.tier: found for found in self._repository.policies(unit.rows, unit.project)}
        tiers = sorted({*published, *built_in_tiers()})
        return tuple(found for tier in tiers if (found := self._guard.policy(unit, tier)) is not None)


class GateService(Service):
    """What the guard would say, and what it said."""

    noun = "gates"

    def __init__(self, repository: GovernanceRepository, guard: GovernanceGuard, models: ModelService) -> None:
        self._repository = repository
        self._guard = guard
        self._models = models

    @operation(permission="gates:read", kind="query")
    def check(self, unit: Unit, ref: Ref, alias: Name = "champion") -> Decision:
        """What the guard would answer if an alias were to point at a version. Nothing moves, nothing is recorded.

        Args:
            unit: The unit of work.
            ref: The version.
            alias: The alias.
        """
        check_alias(alias)
        version = self._models.get(unit, ref)
        try:
            current: int | None = self._models.get(unit, f"{version.model}@{alias}").version
        except NotFound:
            current = None
        return self._guard.decide(
            unit,
            Transition(
                action=Action.SET_ALIAS,
                model=version.model,
                version=version.version,
                package=version.package,
                target=alias,
                replaces=current,
            ),
        )

    @operation(permission="gates:read", kind="query")
    def phases(self, unit: Unit, model: Name) -> tuple[PhaseStanding, ...]:
        """How each phase of a model's life stands: who signed it, whom it waits for, or that nobody is asked.

        Args:
            unit: The unit of work.
            model: The model, registered or not yet.

        Raises:
            NotFound: It has no charter.
        """
        charter = self._repository.charter(unit.rows, unit.project, model)
        if charter is None:
            raise no_charter(model)
        return tuple(self._guard.phases.standing(unit, self._guard.policy_of(unit, model), charter))

    @operation(permission="gates:read", kind="query")
    def decisions(self, unit: Unit, model: Name, limit: int = 50) -> tuple[Decided, ...]:
        """What the guard answered about a model, refusals included, newest first.

        Args:
            unit: The unit of work.
            model: The model.
            limit: How many, 1 to 1,000.
        """
        return tuple(self._repository.decisions(unit.rows, unit.project, model, limit=limited(limit)))


def _check_kpi(charter: Charter) -> None:
    from modelwright.governance.effects.replay import terms  # weight: numpy
    from modelwright.stats.scores import metric

    kpi = charter.kpi
    if metric(kpi.metric).higher_is_better != kpi.higher_is_better:
        right = "at_most" if kpi.higher_is_better else "at_least"
        raise Invalid(
            f"The KPI asks {kpi}, but of {kpi.metric} {'less' if kpi.higher_is_better else 'more'} is better.",
            remedy=f"Write {right}: {kpi.threshold:g}.",
            fields={"kpi": f"needs {right}"},
        )
    terms(charter)
