"""The use cases of endpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.core import wire
from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.core.guard import Action, Guard, Transition, no_guard
from modelwright.core.ids import Name, Ref
from modelwright.core.operation import Page, Service, limited, operation, paged, position
from modelwright.core.unit import Unit
from modelwright.models.model import ModelVersion, Why
from modelwright.risks.model import Guarded, Standing
from modelwright.serving.model import (
    Acknowledgement,
    Deployment,
    Endpoint,
    EndpointMoved,
    EndpointReopened,
    EndpointRetired,
    Moved,
    Retirement,
    Retiring,
    WorkerState,
)

if TYPE_CHECKING:  # weight: SQLAlchemy and cryptography, which a remote client does without
    from modelwright.models.service import ModelService
    from modelwright.serving.publisher import Publisher
    from modelwright.serving.repository import DeploymentRepository

_SILENT = timedelta(seconds=5)


class EndpointService(Service):
    """Deploy versions to endpoints, roll back, and see what answers.

    Args:
        repository: Deployments.
        models: The registry.
        publisher: Brings routes to the workers.
        guard: Decides each move.
        risks: The model's risk register, whose guards go along.
        moved: Called in the unit of work in which somebody has moved an endpoint.
        retired: Called in the unit of work in which somebody has retired one, with the generation that it made.
    """

    noun = "endpoints"

    def __init__(
        self,
        repository: DeploymentRepository,
        *,
        models: ModelService,
        publisher: Publisher,
        guard: Guard = no_guard,
        risks: Callable[[Unit, str], Standing | None] = lambda *_: None,
        moved: Callable[[Unit, Deployment], None] = lambda *_: None,
        retired: Callable[[Unit, Deployment, int], None] = lambda *_: None,
    ) -> None:
        self._repository = repository
        self._models = models
        self._publisher = publisher
        self._guard = guard
        self._risks = risks
        self._moved = moved
        self._retired = retired

    @operation(permission="endpoints:write", kind="command")
    def deploy(self, unit: Unit, endpoint: Name, ref: Ref, reason: str = "") -> Moved:
        """Ask the guard to let an endpoint answer with a version; workers swap it in without a failed request.

        An alias is resolved now: the endpoint answers with that version until it is deployed or rolled back again. A
        rollout that runs there is stopped, because its challenger was compared with what answered before.

        Args:
            unit: The unit of work.
            endpoint: Its name; made with its first deployment.
            ref: The version, e.g. ``flight-delay@champion``.
            reason: Why, for the record.

        Returns:
            The guard's decision, and the generation that workers will acknowledge if it is allowed.

        Raises:
            Conflict: Another project has an endpoint of this name, or it was retired.
            Invalid: A guard of the model's risk register names a column that the version does not take.
        """
        owner = self._repository.owner(unit.rows, endpoint)
        if owner not in (None, unit.project):
            raise Conflict(f"The name {endpoint!r} is taken on this server.", remedy="Choose another name.")
        version = self._models.get(unit, ref)
        self._check_guards(unit, version)
        return self.switch(unit, endpoint, version, action=Action.DEPLOY, reason=reason)

    @operation(permission="endpoints:write", kind="command")
    def rollback(self, unit: Unit, endpoint: Name, version: int | None = None, reason: str = "") -> Moved:
        """Ask the guard to go back to a version that the endpoint answered with before; a rollout there is stopped.

        Args:
            unit: The unit of work.
            endpoint: Its name.
            version: The version; by default the one before the present one.
            reason: Why, for the record.

        Raises:
            NotFound: There is no such endpoint, or it never answered with that version.
            Conflict: It was retired.
        """
        current = self.answering(unit, endpoint)
        earlier = self._repository.newest(unit.rows, unit.project, endpoint, before=current.generation, limit=1000)
        began = self._repository.began(unit.rows, endpoint)
        wanted = [
            deployment
            for deployment in earlier
            if deployment.generation > began  # what was retired comes back by a deployment, gates and all
            and (deployment.model, deployment.version) != (current.model, current.version)
            and version in (None, deployment.version)
        ]
        if not wanted:
            asked = "another version" if version is None else f"version {version}"
            raise NotFound(
                f"{endpoint} never answered with {asked}.", remedy=f"See: modelwright endpoint show {endpoint}"
            )
        target = self._models.get(unit, f"{wanted[0].model}@{wanted[0].version}")
        return self.switch(unit, endpoint, target, action=Action.ROLLBACK, reason=reason)

    @operation(permission="endpoints:write", kind="command")
    def retire(self, unit: Unit, endpoint: Name, reason: Why) -> Retiring:
        """Ask the guard to let an endpoint answer no more: whoever asks there is told that it was retired.

        Its rollout ends, its alerts are resolved, and nothing is judged again. What it answered, when and with what,
        stays. Its name stays its own: nobody deploys to it until it is reopened.

        Args:
            unit: The unit of work.
            endpoint: Its name.
            reason: Why.

        Raises:
            NotFound: There is no such endpoint.
            Conflict: It was retired before.
        """
        current = self.answering(unit, endpoint)
        decision = self._guard(
            unit,
            Transition(
                action=Action.RETIRE,
                model=current.model,
                version=current.version,
                package=current.package,
                target=endpoint,
                replaces=current.version,
            ),
        )
        if not decision.allowed:
            return Retiring(decision=decision, retirement=None)
        retirement = Retirement(
            endpoint=endpoint,
            generation=self._repository.next_generation(unit.rows),
            model=current.model,
            version=current.version,
            policy=decision.policy,
            reason=reason,
            at=unit.now,
            by=unit.actor.id,
        )
        self._repository.retire(unit.rows, unit.project, retirement)
        unit.emit(
            EndpointRetired(
                endpoint=endpoint,
                generation=retirement.generation,
                model=current.model,
                version=current.version,
                package=current.package,
                policy=decision.policy,
            )
        )
        self._retired(unit, current, retirement.generation)
        self.hasten(unit)
        return Retiring(decision=decision, retirement=retirement)

    @operation(permission="endpoints:write", kind="command")
    def reopen(self, unit: Unit, endpoint: Name) -> Retirement:
        """Let the name of a retired endpoint be deployed again. It answers from its next deployment on, gates and all.

        Args:
            unit: The unit of work.
            endpoint: Its name.

        Raises:
            NotFound: There is no such endpoint.
            Conflict: It is not retired.
        """
        self.current(unit, endpoint)
        found = self.retirement(unit, endpoint)
        if found is None or found.reopened_at is not None:
            raise Conflict(f"{endpoint} is not retired.", remedy=f"See: modelwright endpoint show {endpoint}")
        generation = self._repository.next_generation(unit.rows)
        reopened = replace(found, generation=generation, reopened_at=unit.now, reopened_by=unit.actor.id)
        self._repository.retire(unit.rows, unit.project, reopened)
        unit.emit(EndpointReopened(endpoint=endpoint, generation=generation))
        self.hasten(unit)
        return reopened

    @operation(permission="endpoints:read", kind="query")
    def get(self, unit: Unit, endpoint: Name) -> Endpoint:
        """What an endpoint answers with, and which workers do so already.

        Args:
            unit: The unit of work.
            endpoint: Its name.
        """
        return self._seen(unit, self.current(unit, endpoint))

    @operation(permission="endpoints:read", kind="query")
    def list(self, unit: Unit, limit: int = 100, after: str = "") -> Page[Endpoint]:
        """Endpoints, by name.

        Args:
            unit: The unit of work.
            limit: Endpoints a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        found = self._repository.current(unit.rows, unit.project, after=after, limit=limited(limit) + 1)
        return paged([self._seen(unit, deployment) for deployment in found], limit, lambda endpoint: endpoint.name)

    @operation(permission="endpoints:read", kind="query")
    def history(self, unit: Unit, endpoint: Name, limit: int = 100, after: str | None = None) -> Page[Deployment]:
        """Every change of what an endpoint answers with, newest first.

        Args:
            unit: The unit of work.
            endpoint: Its name.
            limit: Changes a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        self.current(unit, endpoint)
        found = self._repository.newest(
            unit.rows, unit.project, endpoint, before=position(after), limit=limited(limit) + 1
        )
        return paged(found, limit, lambda deployment: deployment.generation)

    def move(self, unit: Unit, endpoint: str, version: ModelVersion, *, action: Action, reason: str) -> Moved:
        """Let an endpoint answer with a version if the guard allows it; whoever was in its shadow is there no more.

        The guards of the model's risk register go along, but for those that name a column which the version does not
        take: going back to an earlier version must not fail for a risk that was found since.
        """
        before = self._repository.newest(unit.rows, unit.project, endpoint)
        previous, closed = before[0] if before else None, self.retirement(unit, endpoint)
        if closed is not None and closed.reopened_at is None:
            raise _retired(closed)
        decision = self._guard(
            unit,
            Transition(
                action=action,
                model=version.model,
                version=version.version,
                package=version.package,
                target=endpoint,
                replaces=previous.version if previous else None,
            ),
        )
        if not decision.allowed:
            return Moved(decision=decision, generation=None)
        guards = tuple(self._guards(unit, version)[0])
        if previous and closed is None and (previous.package, previous.guards) == (version.package, guards):
            return Moved(decision=decision, generation=previous.generation)
        deployment = Deployment(
            endpoint=endpoint,
            generation=self._repository.next_generation(unit.rows),
            model=version.model,
            version=version.version,
            package=version.package,
            action=action,
            policy=decision.policy,
            reason=reason,
            at=unit.now,
            by=unit.actor.id,
            guards=guards,
        )
        self._repository.add(unit.rows, unit.project, deployment, self._models.package(unit, version.ref))
        unit.emit(
            EndpointMoved(
                endpoint=endpoint,
                generation=deployment.generation,
                model=version.model,
                version=version.version,
                previous=previous.version if previous else None,
                package=version.package,
                action=action,
                policy=decision.policy,
                reason=reason,
                guards=wire.digest(guards) if guards else None,
            )
        )
        self.hasten(unit)
        return Moved(decision=decision, generation=deployment.generation)

    def switch(self, unit: Unit, endpoint: str, version: ModelVersion, *, action: Action, reason: str) -> Moved:
        """As ``move``; a rollout that runs there is stopped."""
        moved = self.move(unit, endpoint, version, action=action, reason=reason)
        if moved.generation is not None:
            self._moved(unit, self.current(unit, endpoint))
        return moved

    def _guards(self, unit: Unit, version: ModelVersion) -> tuple[Sequence[Guarded], Sequence[Guarded]]:
        """The guards that the version's rows can be asked, and those that name a column it does not take."""
        standing = self._risks(unit, version.model)
        if standing is None or not standing.guarded:
            return [], []
        from modelwright.risks.guarding import readable  # weight: numpy

        return readable(standing.guarded, version.manifest.inputs)

    def _check_guards(self, unit: Unit, version: ModelVersion) -> None:
        cannot = [each.risk for each in self._guards(unit, version)[1]]
        if cannot:
            raise Invalid(
                f"The guards of {', '.join(cannot)} name columns that {version.ref} does not take.",
                remedy=f"Publish a register that fits it: modelwright risk publish risks.yaml. It takes: "
                f"{', '.join(version.manifest.inputs.names[:30])}.",
            )

    def current(self, unit: Unit, endpoint: str) -> Deployment:
        """What an endpoint answers with; raises ``NotFound``."""
        found = self._repository.newest(unit.rows, unit.project, endpoint)
        if not found:
            raise NotFound(
                f"There is no endpoint {endpoint!r}.",
                remedy=f"Deploy one: modelwright endpoint deploy {endpoint} MODEL@N",
            )
        return found[0]

    def answering(self, unit: Unit, endpoint: str) -> Deployment:
        """As ``current``; raises ``Conflict`` where it was retired."""
        current, closed = self.current(unit, endpoint), self.retirement(unit, endpoint)
        if closed is not None:
            raise _retired(closed)
        return current

    def retirement(self, unit: Unit, endpoint: str) -> Retirement | None:
        """That an endpoint was retired and was not deployed since; it may have been reopened."""
        return self._repository.retired(unit.rows, endpoint).get(endpoint)

    def living(self, unit: Unit) -> tuple[Acknowledgement, ...]:
        """What the living workers last said."""
        return tuple(said for said in self._publisher.acknowledgements() if unit.now - said.at < _SILENT)

    def hasten(self, unit: Unit) -> None:
        """Publish the routes as soon as the unit's work is durable."""
        unit.after_commit(self._publisher.hasten)

    def _seen(self, unit: Unit, deployment: Deployment) -> Endpoint:
        closed = self.retirement(unit, deployment.endpoint)
        workers = tuple(
            WorkerState(
                worker=said.worker,
                pid=said.pid,
                generation=said.generation,
                serving=said.routes.get(deployment.endpoint) == deployment.package,
                error=said.error or said.problems.get(deployment.endpoint),
                seen_at=said.at,
            )
            for said in self.living(unit)
        )
        return Endpoint(
            name=deployment.endpoint,
            current=deployment,
            workers=workers,
            ready=closed is None and bool(workers) and all(worker.serving for worker in workers),
            address=self._publisher.address(),
            retired=closed,
        )


def _retired(found: Retirement) -> Conflict:
    if found.reopened_at is not None:
        return Conflict(
            f"{found.endpoint} was retired and reopened, and answers nobody yet.",
            remedy=f"Deploy to it: modelwright endpoint deploy {found.endpoint} MODEL@VERSION",
        )
    return Conflict(
        f"{found.endpoint} was retired on {found.at:%Y-%m-%d}.",
        remedy=f"Choose another name, or reopen it: modelwright endpoint reopen {found.endpoint}",
    )
