"""The use cases of rechecks and emergencies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta
from msgspec.structs import replace

from modelwright.alerts.model import Rule
from modelwright.assurance.alarms import Alarms
from modelwright.assurance.aliases import Aliases, verdict
from modelwright.assurance.model import (
    AliasRecheck,
    Emergency,
    EmergencyBegun,
    EmergencyEnded,
    Ending,
    LiveVersionFailed,
    LiveVersionPassed,
    Recheck,
)
from modelwright.core.clock import duration
from modelwright.core.errors import Conflict, Denied, NotFound
from modelwright.core.events import ActorKind
from modelwright.core.guard import Action, Transition
from modelwright.core.ids import Id, Name, Ref, new_id
from modelwright.core.operation import Page, Service, limited, operation, paged
from modelwright.core.unit import Unit
from modelwright.governance.model import After, OnFail
from modelwright.serving.model import Deployment

if TYPE_CHECKING:  # weight: SQLAlchemy and cryptography, which a remote client does without
    from modelwright.assurance.repository import AssuranceRepository
    from modelwright.governance.decide import GovernanceGuard
    from modelwright.models.service import ModelService
    from modelwright.serving.service import EndpointService

Why = Annotated[str, Meta(min_length=1, max_length=2000)]


class Ways:
    """Ways back.

    Args:
        endpoints: What has answered.
        models: The registry.
        guard: What passes now.
    """

    def __init__(self, endpoints: EndpointService, models: ModelService, guard: GovernanceGuard) -> None:
        self._endpoints = endpoints
        self._models = models
        self._guard = guard

    def back(self, unit: Unit, current: Deployment, reason: str) -> str | None:
        """Go back to the newest version before that passes every gate now, and say which; none where none does."""
        tried = {(current.model, current.version)}
        for earlier in self._endpoints.history(unit, current.endpoint, limit=1000).items:
            if (earlier.model, earlier.version) in tried:
                continue
            tried.add((earlier.model, earlier.version))
            if not verdict(self._guard, unit, _deploying(earlier))[0]:
                continue
            version = self._models.get(unit, f"{earlier.model}@{earlier.version}")
            moved = self._endpoints.switch(unit, current.endpoint, version, action=Action.ROLLBACK, reason=reason)
            if moved.generation is not None:
                return version.ref
        return None


class RecheckService(Service):
    """Judge what answers by the policy in force, again and again."""

    noun = "rechecks"

    def __init__(
        self,
        repository: AssuranceRepository,
        *,
        endpoints: EndpointService,
        guard: GovernanceGuard,
        alarms: Alarms,
        ways: Ways,
        aliases: Aliases,
    ) -> None:
        self._aliases = aliases
        self._repository = repository
        self._endpoints = endpoints
        self._guard = guard
        self._alarms = alarms
        self._ways = ways

    @operation(permission="rechecks:read", kind="query")
    def list(self, unit: Unit) -> tuple[Recheck, ...]:
        """How what endpoints answer with stood when it was judged last, by endpoint."""
        return tuple(self._repository.rechecks(unit.rows, unit.project))

    @operation(permission="rechecks:write", kind="command", idempotent=True)
    def run(self, unit: Unit, endpoint: Name | None = None) -> tuple[Recheck, ...]:
        """Judge what endpoints answer with by the policy in force; do what the policy says about what fails.

        The job worker asks this each minute, so that everything is judged as often as its policy says.

        Args:
            unit: The unit of work.
            endpoint: This one, now; by default every one that is due.

        Raises:
            NotFound: There is no such endpoint.
            Conflict: It was retired.
        """
        if endpoint is not None:
            return tuple(self._judged(unit, self._endpoints.answering(unit, endpoint), due=False))
        return tuple(found for current in self._answering(unit) for found in self._judged(unit, current, due=True))

    @operation(permission="rechecks:read", kind="query")
    def aliases(self, unit: Unit) -> tuple[AliasRecheck, ...]:
        """How what aliases point at stood when it was judged last, by model and alias."""
        return tuple(self._repository.aliases(unit.rows, unit.project))

    @operation(permission="rechecks:write", kind="command", idempotent=True)
    def run_aliases(self, unit: Unit, model: Name | None = None) -> tuple[AliasRecheck, ...]:
        """Judge what aliases point at by the policy in force, and do what it says about what fails.

        As with endpoints: an alarm is raised; `freeze` lets nothing that runs by itself move the alias; `rollback`
        moves it to the newest earlier version that passes. The job worker asks this each minute.

        Args:
            unit: The unit of work.
            model: Those of this one, now; by default every one that is due.

        Raises:
            NotFound: There is no such model.
        """
        return tuple(self._aliases.judged(unit, model))

    def _answering(self, unit: Unit) -> Iterator[Deployment]:
        after = ""
        while True:
            page = self._endpoints.list(unit, limit=1000, after=after)
            yield from (endpoint.current for endpoint in page.items if endpoint.retired is None)
            if page.next is None:
                return
            after = page.next

    def _judged(self, unit: Unit, current: Deployment, *, due: bool) -> Iterator[Recheck]:
        policy = self._guard.policy_of(unit, current.model)
        after = policy.policy.after or After(recheck="1d")
        before = self._repository.recheck(unit.rows, unit.project, current.endpoint)
        if before is not None and before.package != current.package:
            before = None
        last = current.at if before is None else before.at
        if due and (policy.policy.after is None or unit.now < last + duration(after.recheck)):
            return
        emergency = self._repository.present(unit.rows, unit.project, current.endpoint)
        if emergency is not None and emergency.package == current.package:
            return  # it is known not to pass, and somebody has answered for that
        passes, reasons, gates = verdict(self._guard, unit, _deploying(current))
        found = Recheck(
            endpoint=current.endpoint,
            model=current.model,
            version=current.version,
            package=current.package,
            policy=policy.digest,
            at=unit.now,
            passes=passes,
            reasons=reasons,
        )
        kept = self._passed(unit, found, before) if passes else self._failed(unit, found, before, gates, after)
        self._repository.put(unit.rows, unit.project, kept)
        yield kept

    def _passed(self, unit: Unit, found: Recheck, before: Recheck | None) -> Recheck:
        self._alarms.resolved(unit, found.endpoint, Rule.GATES)
        if before is not None and not before.passes:
            unit.emit(
                LiveVersionPassed(
                    endpoint=found.endpoint, model=found.model, version=found.version, policy=found.policy
                )
            )
        return found

    def _failed(
        self, unit: Unit, found: Recheck, before: Recheck | None, gates: tuple[str, ...], after: After
    ) -> Recheck:
        current = self._endpoints.current(unit, found.endpoint)
        since = before.failing_since if before is not None and before.failing_since is not None else unit.now
        if before is None or before.passes or before.reasons != found.reasons:
            unit.emit(
                LiveVersionFailed(
                    endpoint=found.endpoint,
                    model=found.model,
                    version=found.version,
                    policy=found.policy,
                    gates=gates,
                    on_fail=after.on_fail,
                )
            )
        summary = f"{found.model}@{found.version} would not be let through any more."
        self._alarms.raised(unit, current, Rule.GATES, summary, found.reasons)
        failed = replace(found, failing_since=since, did="An alarm was raised.")
        if after.on_fail is OnFail.ROLLBACK:
            reason = f"{current.model}@{current.version} does not pass its gates any more."
            back = self._ways.back(unit, current, reason)
            if back is not None:
                return replace(failed, did=f"It went back to {back}.")
            return replace(failed, frozen=True, did="No earlier version passes, so it was frozen.")
        if after.on_fail is OnFail.FREEZE:
            return replace(failed, frozen=True, did="It was frozen: nothing that runs by itself moves it.")
        return failed


class EmergencyService(Service):
    """Go against the gates in an emergency, for a while."""

    noun = "emergencies"

    def __init__(
        self,
        repository: AssuranceRepository,
        *,
        endpoints: EndpointService,
        models: ModelService,
        guard: GovernanceGuard,
        alarms: Alarms,
        ways: Ways,
    ) -> None:
        self._repository = repository
        self._endpoints = endpoints
        self._models = models
        self._guard = guard
        self._alarms = alarms
        self._ways = ways

    @operation(permission="emergencies:write", kind="command")
    def deploy(self, unit: Unit, endpoint: Name, ref: Ref, reason: Why) -> Emergency:
        """Let an endpoint answer with a version that the gates refuse, until the policy's time is up.

        It is on record with what the gates said, an alarm says so as long as it lasts, and then the endpoint goes back
        to what answered before, unless the version passes the gates by then.

        Args:
            unit: The unit of work.
            endpoint: The endpoint; it must answer with something already.
            ref: The version.
            reason: Why.

        Raises:
            Denied: The policy of the model's tier knows no emergency, or the caller is no person with a credential of
                their own.
            Conflict: The version passes the gates, or answers already, an emergency lasts there, or it was retired.
            NotFound: There is no such endpoint or version.
        """
        if unit.actor.kind is ActorKind.SERVICE or not unit.caller.own:
            raise Denied(
                "Only a person, with a credential of their own, breaks the glass.",
                remedy="Sign in, or make a token of your own: modelwright token create PURPOSE",
            )
        current = self._endpoints.answering(unit, endpoint)
        version = self._models.get(unit, ref)
        policy = self._guard.policy_of(unit, version.model).policy
        if policy.emergency is None:
            raise Denied(
                f"The policy of the tier {policy.tier} knows no emergency.",
                remedy="Pass the gates, or publish a policy with `emergency: {expires: 72h}`.",
            )
        if version.package == current.package:
            raise Conflict(f"{endpoint} answers with {version.ref} already.", remedy="Nothing is to be done.")
        if self._repository.present(unit.rows, unit.project, endpoint) is not None:
            raise Conflict(
                f"An emergency lasts at {endpoint} already.", remedy=f"End it: modelwright emergency end {endpoint}"
            )
        would = self._guard.on_record(unit, _moving(endpoint, version.model, version.version, version.package))
        if would.allowed:
            raise Conflict(
                f"{version.ref} passes the gates, and needs no emergency.",
                remedy=f"Deploy it: modelwright endpoint deploy {endpoint} {version.ref}",
            )
        emergency = Emergency(
            id=new_id(),
            endpoint=endpoint,
            model=version.model,
            version=version.version,
            package=version.package,
            instead_of=f"{current.model}@{current.version}",
            reason=reason,
            refused=tuple(would.reasons),
            by=unit.actor.id,
            at=unit.now,
            expires_at=unit.now + duration(policy.emergency.expires),
        )
        self._repository.begin(unit.rows, unit.project, emergency)
        unit.emit(
            EmergencyBegun(
                emergency_id=emergency.id,
                endpoint=endpoint,
                model=version.model,
                version=version.version,
                package=version.package,
                expires_at=emergency.expires_at,
            )
        )
        why = f"Emergency {emergency.id}"
        self._endpoints.switch(unit, endpoint, version, action=Action.DEPLOY, reason=why).decision.require()
        summary = f"{version.ref} answers against the gates until {emergency.expires_at:%Y-%m-%d %H:%M}Z."
        self._alarms.raised(
            unit, self._endpoints.current(unit, endpoint), Rule.EMERGENCY, summary, (reason, *would.reasons)
        )
        return emergency

    @operation(permission="emergencies:write", kind="command")
    def end(self, unit: Unit, endpoint: Name) -> Emergency:
        """End an emergency now: the endpoint goes back to what answered before.

        Args:
            unit: The unit of work.
            endpoint: The endpoint.

        Raises:
            NotFound: There is none.
        """
        found = self._repository.present(unit.rows, unit.project, endpoint)
        if found is None:
            raise NotFound(f"There is no emergency at {endpoint}.", remedy="See: modelwright emergency list")
        return self._ended(unit, found, Ending.ENDED)

    @operation(permission="emergencies:write", kind="command", idempotent=True)
    def settle(self, unit: Unit) -> tuple[Emergency, ...]:
        """End every emergency that is over: its time is up, or the endpoint was moved. The job worker asks this.

        Returns:
            Those that ended.
        """
        return tuple(
            self._ended(unit, found, Ending.EXPIRED)
            for found in self._repository.lasting(unit.rows, unit.project)
            if unit.now >= found.expires_at or self._moved(unit, found)
        )

    @operation(permission="emergencies:read", kind="query")
    def list(
        self, unit: Unit, which: Literal["open", "all"] = "all", limit: int = 100, after: Id | None = None
    ) -> Page[Emergency]:
        """Emergencies, newest first.

        Args:
            unit: The unit of work.
            which: Those that last, or all.
            limit: Emergencies a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        if which == "open":
            return Page(items=self._repository.lasting(unit.rows, unit.project), next=None)
        found = self._repository.page(unit.rows, unit.project, before=after, limit=limited(limit) + 1)
        return paged(found, limit, lambda emergency: emergency.id)

    def _ended(self, unit: Unit, emergency: Emergency, ending: Ending) -> Emergency:
        """Write that it is over, then undo it: the guard must not see it any more."""
        current = self._endpoints.current(unit, emergency.endpoint)
        over = replace(emergency, ended_at=unit.now)
        self._repository.change(unit.rows, over)
        if self._moved(unit, emergency):
            ending = Ending.MOVED
        elif ending is Ending.EXPIRED and verdict(self._guard, unit, _deploying(current))[0]:
            ending = Ending.PASSED
        elif not self._undone(unit, emergency, current):
            ending = Ending.STUCK
        over = replace(over, ending=ending)
        self._repository.change(unit.rows, over)
        self._alarms.resolved(unit, emergency.endpoint, Rule.EMERGENCY)
        unit.emit(
            EmergencyEnded(
                emergency_id=emergency.id,
                endpoint=emergency.endpoint,
                model=emergency.model,
                version=emergency.version,
                ending=ending,
            )
        )
        return over

    def _moved(self, unit: Unit, emergency: Emergency) -> bool:
        """Whether the endpoint answers with something else by now, or was retired."""
        if self._endpoints.retirement(unit, emergency.endpoint) is not None:
            return True
        return self._endpoints.current(unit, emergency.endpoint).package != emergency.package

    def _undone(self, unit: Unit, emergency: Emergency, current: Deployment) -> bool:
        """Go back to what answered before, else to the newest before that passes now; whether there was one."""
        before = self._models.get(unit, emergency.instead_of)
        reason = f"Emergency {emergency.id} is over."
        moved = self._endpoints.switch(unit, emergency.endpoint, before, action=Action.ROLLBACK, reason=reason)
        if moved.generation is not None or self._ways.back(unit, current, reason) is not None:
            return True
        summary = f"The emergency is over, and nothing that answered before may answer again, {before.ref} neither."
        self._alarms.raised(unit, current, Rule.GATES, summary, moved.decision.reasons)
        return False


def _moving(endpoint: str, model: str, version: int, package: str) -> Transition:
    return Transition(action=Action.DEPLOY, model=model, version=version, package=package, target=endpoint)


def _deploying(deployment: Deployment) -> Transition:
    """What would let the endpoint answer with what it answers, or answered, with."""
    return _moving(deployment.endpoint, deployment.model, deployment.version, deployment.package)
