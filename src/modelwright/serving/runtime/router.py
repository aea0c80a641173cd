"""What is live: an immutable table of loaded models, replaced by one assignment.

Whoever took the table before keeps it, so requests in flight finish with the model they began with.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor

from msgspec import Struct

from modelwright.serving.model import Route, RouteTable
from modelwright.serving.runtime.batching import DEFAULT_LIMITS, Batcher, Limits
from modelwright.serving.runtime.oip import Codec
from modelwright.serving.runtime.ports import Load, Log, OpenLog, Predictor
from modelwright.serving.runtime.rows import Intake
from modelwright.serving.runtime.scoring import Scorer


class Loaded(Struct, frozen=True, kw_only=True):
    """One endpoint, ready to answer.

    Attributes:
        route: What it answers with.
        predictor: The loaded model.
        intake: The contract's door.
        codec: The Open Inference Protocol for it.
        batcher: The queue in front of the model.
    """

    route: Route
    predictor: Predictor
    intake: Intake
    codec: Codec
    batcher: Batcher


class Live(Struct, frozen=True, kw_only=True):
    """Every endpoint of one generation.

    Attributes:
        generation: Of the route table; 0 before the first.
        endpoints: Endpoint -> what is loaded for it.
    """

    generation: int
    endpoints: Mapping[str, Loaded]


class Router:
    """Holds the live table, and makes the next one.

    Args:
        load: Loads a package.
        open_log: Opens the log of an endpoint.
        executor: Runs large requests.
        limits: How much each endpoint takes on.
    """

    def __init__(self, load: Load, open_log: OpenLog, *, executor: Executor, limits: Limits = DEFAULT_LIMITS) -> None:
        self.live = Live(generation=0, endpoints={})
        self._load = load
        self._open_log = open_log
        self._logs: dict[str, Log] = {}
        self._executor = executor
        self._limits = limits

    def prepare(self, table: RouteTable) -> Live:
        """Load what the table names; called in a thread, one call at a time. What is live stays as it is.

        A package that is live already is not loaded again.
        """
        return Live(
            generation=table.generation,
            endpoints={route.endpoint: self._loaded(route, table.generation) for route in table.routes},
        )

    def swap(self, live: Live) -> None:
        """Answer from this table from now on."""
        self.live = live

    def close(self) -> None:
        """Finish the logs; nothing may be in flight."""
        for log in self._logs.values():
            log.close()

    def _loaded(self, route: Route, generation: int) -> Loaded:
        predictor = self._live_predictor(route) or self._load(route)
        log = self._logs.get(route.endpoint) or self._logs.setdefault(route.endpoint, self._open_log(route.endpoint))
        scorer = Scorer(route, generation=generation, predictor=predictor, log=log)
        intake = Intake(route.inputs)
        return Loaded(
            route=route,
            predictor=predictor,
            intake=intake,
            codec=Codec(route, intake),
            batcher=Batcher(scorer, executor=self._executor, limits=self._limits),
        )

    def _live_predictor(self, route: Route) -> Predictor | None:
        for loaded in self.live.endpoints.values():
            if loaded.route.package.digest == route.package.digest:
                return loaded.predictor
        return None
