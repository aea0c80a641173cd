"""What aliases point at, judged again: what `champion` means must pass as long as people rely on the word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.alerts.model import Rule
from modelwright.assurance.model import AliasFailed, AliasPassed, AliasRecheck
from modelwright.core.clock import duration
from modelwright.core.errors import Error, NotFound
from modelwright.core.guard import Action, Transition
from modelwright.core.unit import Unit
from modelwright.governance.model import After, OnFail

if TYPE_CHECKING:  # weight: SQLAlchemy and cryptography, which a remote client does without
    from modelwright.assurance.alarms import Alarms
    from modelwright.assurance.repository import AssuranceRepository
    from modelwright.governance.decide import GovernanceGuard
    from modelwright.models.model import Model, ModelVersion
    from modelwright.models.service import ModelService

_MOST_TRIED = 100


class Aliases:
    """Judges what aliases point at.

    Args:
        repository: How they stood.
        models: The registry.
        guard: What passes now.
        alarms: Where it tells.
    """

    def __init__(
        self, repository: AssuranceRepository, *, models: ModelService, guard: GovernanceGuard, alarms: Alarms
    ) -> None:
        self._repository = repository
        self._models = models
        self._guard = guard
        self._alarms = alarms

    def judged(self, unit: Unit, name: str | None) -> Iterator[AliasRecheck]:
        """Those that are due, or all of one model; see ``rechecks.run_aliases``."""
        for model in [*self._named(unit, name)]:
            if model.retired is not None:  # people decided that it ends: nothing of it passes, and nothing is told
                for alias in model.aliases:
                    self._alarms.resolved(unit, model.name, Rule.GATES, alias)
                continue
            policy = self._guard.policy_of(unit, model.name)
            after = policy.policy.after
            if after is None and name is None:
                continue
            for alias, number in sorted(model.aliases.items()):
                version = self._models.get(unit, f"{model.name}@{number}")
                before = self._repository.alias(unit.rows, unit.project, model.name, alias)
                if before is not None and before.package != version.package:  # somebody moved it
                    self._alarms.resolved(unit, model.name, Rule.GATES, alias)
                    before = None
                if name is None and after and before and unit.now < before.at + duration(after.recheck):
                    continue
                found = self._judged(unit, version, alias, policy.digest, before, after or After(recheck="1d"))
                self._repository.put_alias(unit.rows, unit.project, found)
                yield found

    def _named(self, unit: Unit, name: str | None) -> Iterator[Model]:
        found, after = False, ""
        while True:
            page = self._models.list(unit, limit=1000, after=after)
            for model in page.items:
                if name in (None, model.name):
                    found = True
                    yield model
            if page.next is None:
                break
            after = page.next
        if name is not None and not found:
            raise NotFound(f"There is no model {name!r}.", remedy="See: modelwright model list")

    def _judged(
        self,
        unit: Unit,
        version: ModelVersion,
        alias: str,
        policy: str,
        before: AliasRecheck | None,
        after: After,
    ) -> AliasRecheck:
        passes, reasons, gates = verdict(self._guard, unit, _pointing(version, alias))
        found = AliasRecheck(
            model=version.model,
            alias=alias,
            version=version.version,
            package=version.package,
            policy=policy,
            at=unit.now,
            passes=passes,
            reasons=reasons,
        )
        if passes:
            self._alarms.resolved(unit, found.model, Rule.GATES, alias)
            if before is not None and not before.passes:
                unit.emit(AliasPassed(model=found.model, alias=alias, version=found.version, policy=policy))
            return found
        if before is None or before.passes or before.reasons != reasons:
            unit.emit(
                AliasFailed(
                    model=found.model,
                    alias=alias,
                    version=found.version,
                    policy=policy,
                    gates=gates,
                    on_fail=after.on_fail,
                )
            )
        since = before.failing_since if before is not None and before.failing_since is not None else unit.now
        summary = f"{found.ref}, which is {alias}, would not be let through any more."
        self._alarms.raised(unit, found, Rule.GATES, summary, reasons)
        return self._done(unit, replace(found, failing_since=since, did="An alarm was raised."), after)

    def _done(self, unit: Unit, failed: AliasRecheck, after: After) -> AliasRecheck:
        """What the policy says about what fails."""
        if after.on_fail is OnFail.ROLLBACK:
            self._repository.put_alias(unit.rows, unit.project, failed)  # not frozen: the way back is open
            back = self._back(unit, failed)
            if back is not None:
                return replace(failed, did=f"It went back to {back}.")
            return replace(failed, frozen=True, did="No earlier version passes, so it was frozen.")
        if after.on_fail is OnFail.FREEZE:
            return replace(failed, frozen=True, did="It was frozen: nothing that runs by itself moves it.")
        return failed

    def _back(self, unit: Unit, failed: AliasRecheck) -> str | None:
        """Move the alias to the newest earlier version that passes every gate now; none where none does."""
        reason = f"{failed.ref} does not pass its gates any more."
        for earlier in self._models.versions(unit, failed.model, limit=_MOST_TRIED, after=str(failed.version)).items:
            if not verdict(self._guard, unit, _pointing(earlier, failed.alias))[0]:
                continue
            if self._models.set_alias(unit, earlier.ref, failed.alias, reason).allowed:
                self._alarms.resolved(unit, failed.model, Rule.GATES, failed.alias)
                return earlier.ref
        return None


def verdict(
    guard: GovernanceGuard, unit: Unit, transition: Transition
) -> tuple[bool, tuple[str, ...], tuple[str, ...]]:
    """Whether what is relied on would be let through now, why not, and the gates that do not pass.

    What cannot be judged, because its record was altered, does not pass; the others are judged.
    """
    try:
        decision = guard.on_record(unit, transition)
    except Error as error:
        return False, (f"It cannot be judged: {error.message}",), ("record",)
    lacking = tuple(gate.gate for gate in decision.gates if not gate.verdict.passes)
    return decision.allowed, tuple(decision.reasons), lacking


def _pointing(version: ModelVersion, alias: str) -> Transition:
    """What would let the alias point there."""
    return Transition(
        action=Action.SET_ALIAS,
        model=version.model,
        version=version.version,
        package=version.package,
        target=alias,
    )
