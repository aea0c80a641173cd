"""What is served: deployments, the routes they make, and what workers say they have loaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

from msgspec import Struct

from modelwright.core.errors import NotFound
from modelwright.core.events import Event
from modelwright.core.guard import Action, Decision
from modelwright.core.identity import DEFAULT_PROJECT
from modelwright.core.ids import Digest, Name
from modelwright.core.schema import Contract
from modelwright.core.shown import Shown
from modelwright.models.model import Package
from modelwright.risks.model import Guarded


class Challenger(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version that scores an endpoint's requests in the shadow of the one that answers them.

    Attributes:
        model: The registered model.
        version: The version.
        package: That version's package, signed as the answering version's is.
    """

    model: Name
    version: int
    package: Package


class Route(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one endpoint answers with.

    Attributes:
        endpoint: Its name; clients of the Open Inference Protocol know it as the model's name.
        model: The registered model.
        version: The version that answers.
        package: That version's package: its files by digest, its contract, and the signature over both.
        since: When the endpoint began to answer with this version.
        challenger: Who scores the same requests in its shadow, if anybody.
        project: Whose endpoint it is.
        guards: What is done with rows in situations of the model's risk register.
    """

    endpoint: Name
    model: Name
    version: int
    package: Package
    since: datetime
    challenger: Challenger | None = None
    project: Name = DEFAULT_PROJECT
    guards: tuple[Guarded, ...] = ()

    @property
    def inputs(self) -> Contract:
        """What a row must look like."""
        return self.package.manifest.inputs

    @property
    def ref(self) -> str:
        """``model@version``."""
        return f"{self.model}@{self.version}"

    @property
    def shadow(self) -> Route | None:
        """The challenger as if the endpoint answered with it, if there is one."""
        if self.challenger is None:
            return None
        return Route(
            endpoint=self.endpoint,
            model=self.challenger.model,
            version=self.challenger.version,
            package=self.challenger.package,
            since=self.since,
            project=self.project,
        )


class Closed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An endpoint that was retired: nothing answers there any more, and whoever asks is told so.

    Attributes:
        endpoint: Its name.
        at: When.
        project: Whose endpoint it was.
    """

    endpoint: Name
    at: datetime
    project: Name = DEFAULT_PROJECT

    @property
    def told(self) -> str:
        """What its callers are told."""
        return f"The endpoint {self.endpoint} was retired on {self.at:%Y-%m-%d %H:%M}Z. Nothing answers here any more."


class RouteTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Every route of a home at one moment. A later table replaces the whole of an earlier one.

    Attributes:
        generation: Grows by one with every change; a rollback is a change too.
        routes: The routes, one per endpoint.
        retired: The endpoints that were retired.
    """

    generation: int
    routes: tuple[Route, ...]
    retired: tuple[Closed, ...] = ()

    def __post_init__(self) -> None:
        if self.generation < 1:
            raise ValueError(f"generation {self.generation} is not positive")
        if len(self.by_endpoint) != len(self.routes):
            raise ValueError("an endpoint has two routes")

    @cached_property
    def by_endpoint(self) -> Mapping[str, Route]:
        """Endpoint -> its route."""
        return MappingProxyType({route.endpoint: route for route in self.routes})

    def lookup(self, endpoint: str) -> Route:
        """The route of an endpoint.

        Raises:
            NotFound: It is not deployed.
        """
        route = self.by_endpoint.get(endpoint)
        if route is None:
            raise NotFound(
                f"There is no endpoint {endpoint[:128]!r}.",
                remedy=f"Deployed are: {', '.join(sorted(self.by_endpoint)) or 'none yet'}.",
            )
        return route


class ShadowState(Struct, frozen=True, kw_only=True):
    """What a worker's challenger has done since the worker loaded it.

    Attributes:
        package: Digest of the challenger's package.
        problem: Why it is not loaded; none when it is.
        scored: Rows that it has scored, and that are logged.
        failed: Rows that it could not score.
        dropped: Rows that it never saw, because too many were waiting or the log took no more.
        last_failure: What was wrong when it last failed or dropped; empty when it never did.
    """

    package: Digest
    problem: str | None = None
    scored: int = 0
    failed: int = 0
    dropped: int = 0
    last_failure: str = ""


class Acknowledgement(Struct, frozen=True, kw_only=True):
    """What a worker last said of itself.

    Attributes:
        worker: The worker's name.
        pid: Its process.
        generation: Of the newest table it has taken; 0 before the first.
        routes: Endpoint -> digest of the package it answers with.
        error: Why a newer table is not taken; none when all is well.
        at: When it said so; older than a few seconds means that it is gone or stuck.
        problems: Endpoint -> why its package is not loaded. What answered before still answers, if anything did.
        shadows: Endpoint -> how its challenger fares, where there is one.
    """

    worker: Name
    pid: int
    generation: int
    routes: dict[str, Digest]
    error: str | None
    at: datetime
    problems: dict[str, str] = {}
    shadows: dict[str, ShadowState] = {}


class Deployment(Shown, frozen=True, kw_only=True):
    """One change of what an endpoint answers with.

    Attributes:
        endpoint: Its name.
        generation: Of the route table that the change made.
        model: The registered model.
        version: The version that answers from then on.
        package: Digest of that version's package.
        action: Deployed, or rolled back.
        policy: Digest of the policy that allowed it.
        reason: Why, in the words of whoever did it.
        at: When it was recorded.
        by: Who did it, by opaque id.
        guards: What is done with rows in situations of the model's risk register, as it stood then.
    """

    endpoint: Name
    generation: int
    model: Name
    version: int
    package: Digest
    action: Action
    policy: Digest
    reason: str
    at: datetime
    by: str
    guards: tuple[Guarded, ...] = ()


class Retirement(Shown, frozen=True, kw_only=True):
    """That an endpoint answers no more.

    Attributes:
        endpoint: Its name.
        generation: Of the route table without it.
        model: What it answered with last.
        version: And the version.
        policy: Digest of the policy that let it be retired.
        reason: Why, in the words of whoever did it.
        at: When it was recorded.
        by: Who did it, opaque.
        reopened_at: When its name was let be deployed again; it answers from its next deployment on.
        reopened_by: Who did that, opaque.
    """

    endpoint: Name
    generation: int
    model: Name
    version: int
    policy: Digest
    reason: str
    at: datetime
    by: str
    reopened_at: datetime | None = None
    reopened_by: str | None = None

    def __str__(self) -> str:
        return f"{self.endpoint} was retired on {self.at:%Y-%m-%d}: {self.reason}"


class Retiring(Shown, frozen=True, kw_only=True):
    """The outcome of an attempt to retire an endpoint.

    Attributes:
        decision: The guard's.
        retirement: What is on record; none if the guard refused.
    """

    decision: Decision
    retirement: Retirement | None


class EndpointRetired(Event, frozen=True, kw_only=True, tag="serving.endpoint_retired"):
    """An endpoint answers no more. The words are kept beside the ledger."""

    endpoint: Name
    generation: int
    model: Name
    version: int
    package: Digest
    policy: Digest


class EndpointReopened(Event, frozen=True, kw_only=True, tag="serving.endpoint_reopened"):
    """The name of a retired endpoint may be deployed again."""

    endpoint: Name
    generation: int


class EndpointMoved(Event, frozen=True, kw_only=True, tag="serving.endpoint_moved"):
    """An endpoint answers with another version now."""

    endpoint: Name
    generation: int
    model: Name
    version: int
    previous: int | None
    package: Digest
    action: Action
    policy: Digest
    reason: str
    guards: Digest | None = None


class Moved(Shown, frozen=True, kw_only=True):
    """The outcome of a deployment or a rollback.

    Attributes:
        decision: The guard's.
        generation: What workers will acknowledge; none if the guard refused.
    """

    decision: Decision
    generation: int | None


class WorkerState(Struct, frozen=True, kw_only=True):
    """A living worker, as one endpoint sees it.

    Attributes:
        worker: Its name.
        pid: Its process.
        generation: The generation it answers with.
        serving: Whether it answers with the endpoint's present package.
        error: Why it does not answer with the newest; none when all is well.
        seen_at: When it last said so.
    """

    worker: Name
    pid: int
    generation: int
    serving: bool
    error: str | None
    seen_at: datetime


class Endpoint(Shown, frozen=True, kw_only=True):
    """What an endpoint answers with, and who does.

    Attributes:
        name: Its name.
        current: The newest change.
        workers: The living workers.
        ready: Whether there are workers, and all answer with the present package.
        address: Where they answer, if a server has been started.
        retired: That it answers no more, if it was retired and not deployed since.
    """

    name: Name
    current: Deployment
    workers: tuple[WorkerState, ...]
    ready: bool
    address: str | None
    retired: Retirement | None = None

    @property
    def ended(self) -> str:
        """That it answers no more, in a word: ``retired``, or ``reopened``; empty while it answers."""
        if self.retired is None:
            return ""
        return "retired" if self.retired.reopened_at is None else "reopened"
