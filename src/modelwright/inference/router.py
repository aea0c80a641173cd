"""What is live: an immutable table of loaded models, replaced by one assignment.

Whoever took the table before keeps it, so requests in flight finish with the model they began with.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

from msgspec import Struct

from modelwright.core.errors import Error
from modelwright.core.schema import Column
from modelwright.inference.batching import DEFAULT_LIMITS, Batcher, Limits
from modelwright.inference.completion import CompletingIntake
from modelwright.inference.oip import Codec
from modelwright.inference.ports import Load, Log, OpenLog, OpenVectors, Predictor, no_vectors
from modelwright.inference.response import MAX_MESSAGE
from modelwright.inference.rows import Intake
from modelwright.inference.scoring import Scorer
from modelwright.inference.shadow import Shadow
from modelwright.predictions.model import Kind
from modelwright.serving.model import Closed, Route, RouteTable, ShadowState

_log = logging.getLogger(__name__)


class Loaded(Struct, frozen=True, kw_only=True):
    """One endpoint, ready to answer.

    Attributes:
        route: What it answers with.
        predictor: The loaded model.
        intake: The contract's door.
        codec: The Open Inference Protocol for it.
        batcher: The queue in front of the model.
        unshadowed: Why its challenger is not loaded; empty when it is, or when there is none.
    """

    route: Route
    predictor: Predictor
    intake: Intake
    codec: Codec
    batcher: Batcher
    unshadowed: str = ""

    @property
    def shadow(self) -> ShadowState | None:
        """How its challenger fares, if there is one."""
        if self.batcher.shadow is not None:
            return self.batcher.shadow.state
        if self.route.challenger is None:
            return None
        return ShadowState(package=self.route.challenger.package.digest, problem=self.unshadowed)


class Live(Struct, frozen=True, kw_only=True):
    """Every endpoint of one generation.

    Attributes:
        generation: Of the route table; 0 before the first.
        endpoints: Endpoint -> what is loaded for it.
        routes: The table's routes, loaded or not.
        problems: Endpoint -> why its package is not loaded. In ``endpoints`` it then has what answered before, or
            nothing.
        retired: Endpoint -> that it was retired.
    """

    generation: int
    endpoints: Mapping[str, Loaded]
    routes: Mapping[str, Route] = {}
    problems: Mapping[str, str] = {}
    retired: Mapping[str, Closed] = {}

    @property
    def complete(self) -> bool:
        """Whether everything that the table names is loaded."""
        return not self.problems and not any(loaded.unshadowed for loaded in self.endpoints.values())


class Router:
    """Holds the live table, and makes the next one.

    Args:
        load: Loads a package.
        open_log: Opens a log of an endpoint.
        executor: Runs large requests.
        limits: How much each endpoint takes on.
        open_vectors: Opens what completes questions.
    """

    def __init__(
        self,
        load: Load,
        open_log: OpenLog,
        *,
        executor: Executor,
        limits: Limits = DEFAULT_LIMITS,
        open_vectors: OpenVectors = no_vectors,
    ) -> None:
        self.live = Live(generation=0, endpoints={})
        self._load = load
        self._open_log = open_log
        self._logs: dict[tuple[str, Kind], Log] = {}
        self._executor = executor
        self._limits = limits
        self._open_vectors = open_vectors

    def prepare(self, table: RouteTable) -> Live:
        """Load what the table names; called in a thread, one call at a time. What is live stays as it is.

        A package that is live already is not loaded again. One that does not load keeps nobody else from being served:
        its endpoint goes on with what answered before, and a challenger that does not load only casts no shadow.
        """
        endpoints: dict[str, Loaded] = {}
        problems: dict[str, str] = {}
        for route in table.routes:
            try:
                endpoints[route.endpoint] = self._loaded(route, table.generation)
            except Exception as error:  # noqa: BLE001 - a package may raise anything
                known = self.live.problems.get(route.endpoint)
                problems[route.endpoint] = _told(error, f"{route.ref} of {route.endpoint}", known)
                if route.endpoint in self.live.endpoints:
                    endpoints[route.endpoint] = self.live.endpoints[route.endpoint]
        return Live(
            generation=table.generation,
            endpoints=endpoints,
            routes=table.by_endpoint,
            problems=problems,
            retired={one.endpoint: one for one in table.retired},
        )

    def swap(self, live: Live) -> None:
        """Answer from this table from now on."""
        before, self.live = self.live, live
        shadows = {id(shadow): shadow for shadow in _shadows(live)}
        for shadow in shadows.values():
            shadow.start()
        for shadow in _shadows(before):
            if id(shadow) not in shadows:
                shadow.stop()

    def close(self) -> None:
        """Finish the logs; nothing may be in flight."""
        for shadow in _shadows(self.live):
            shadow.close()
        for log in self._logs.values():
            log.close()

    def _loaded(self, route: Route, generation: int) -> Loaded:
        predictor = self._live_predictor(route) or self._load(route)
        log = self._log(route, Kind.PREDICTIONS)
        refusals = self._log(route, Kind.REFUSALS) if any(each.guard == "refuse" for each in route.guards) else None
        scorer = Scorer(route, generation=generation, predictor=predictor, log=log, refusals=refusals)
        shadow, unshadowed = self._shadow(route, generation)
        intake = self._intake(route, also=shadow.intake.accepts if shadow is not None else ())
        return Loaded(
            route=route,
            predictor=predictor,
            intake=intake,
            codec=Codec(route, intake),
            batcher=Batcher(scorer, executor=self._executor, limits=self._limits, shadow=shadow),
            unshadowed=unshadowed,
        )

    def _shadow(self, route: Route, generation: int) -> tuple[Shadow | None, str]:
        """The challenger, the live one if it is the same; or why there is none."""
        challenger = route.shadow
        if challenger is None:
            return None, ""
        before = self.live.endpoints.get(route.endpoint)
        live = before.batcher.shadow if before is not None else None
        if live is not None and live.route.package.digest == challenger.package.digest:
            return live, ""
        try:
            predictor = self._load(challenger)
            log = self._log(route, Kind.SHADOWS)
            intake = self._intake(challenger)
        except Exception as error:  # noqa: BLE001 - a package may raise anything
            known = before.unshadowed if before is not None else None
            return None, _told(error, f"{challenger.ref}, the challenger of {route.endpoint},", known)
        return Shadow(challenger, generation=generation, predictor=predictor, log=log, intake=intake), ""

    def _intake(self, route: Route, also: Sequence[Column] = ()) -> Intake:
        """The door of a route: with a feature view, one that completes questions."""
        vectors = self._open_vectors(route)
        if vectors is None:
            return Intake(route.inputs, also=also)
        return CompletingIntake(route.inputs, vectors, also=also)

    def _log(self, route: Route, kind: Kind) -> Log:
        found = self._logs.get((route.endpoint, kind))
        return found or self._logs.setdefault((route.endpoint, kind), self._open_log(route, kind))

    def _live_predictor(self, route: Route) -> Predictor | None:
        for loaded in self.live.endpoints.values():
            if loaded.route.package.digest == route.package.digest:
                return loaded.predictor
        return None


def _shadows(live: Live) -> list[Shadow]:
    return [loaded.batcher.shadow for loaded in live.endpoints.values() if loaded.batcher.shadow is not None]


def _told(error: Exception, what: str, known: str | None) -> str:
    message = (error.message if isinstance(error, Error) else f"{type(error).__name__}: {error}")[:MAX_MESSAGE]
    if message != known:  # it is tried again every few seconds
        _log.error("%s is not loaded: %s", what, message, exc_info=not isinstance(error, Error))
    return message
