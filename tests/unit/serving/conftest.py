"""One worker in this process: models that are functions, logs that are lists."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from modelwright.core.schema import Column, Contract, DType
from modelwright.core.signing import Envelope
from modelwright.inference.batching import Limits
from modelwright.inference.handler import Handler
from modelwright.inference.router import Router
from modelwright.models.model import Manifest, Package, Task
from modelwright.predictions.model import Kind, decode_predictions
from modelwright.serving.model import Challenger, Route, RouteTable

CONTRACT = Contract(
    columns=(
        Column(name="distance", dtype=DType.FLOAT64, nullable=True, minimum=0, maximum=10_000),
        Column(name="hour", dtype=DType.INT64),
        Column(name="carrier", dtype=DType.STRING, categories=("AA", "UA")),
        Column(name="night", dtype=DType.BOOL, nullable=True),
        Column(name="planned", dtype=DType.TIMESTAMP, nullable=True),
    )
)
ROW = {"distance": 187.5, "hour": 5, "carrier": "UA", "night": False, "planned": "2013-01-01T05:15:00-05:00"}
DATATYPES = {"distance": "FP64", "hour": "INT64", "carrier": "BYTES", "night": "BOOL", "planned": "BYTES"}
JSON = ((b"content-type", b"application/json"),)


def distance(columns):
    """A model whose answer tells which row it saw."""
    return np.array([-1.0 if value is None else value for value in columns["distance"]], dtype=np.float64)


class MemoryLog:
    """A log that can be told to fail."""

    def __init__(self):
        self.batches = []
        self.failure = None
        self.closed = False

    def append(self, *payloads):
        if self.failure:
            raise self.failure
        self.batches.extend(map(decode_predictions, payloads))

    def close(self):
        self.closed = True

    @property
    def ids(self):
        return [one for batch in self.batches for one in batch.ids]


def a_package(version, *, inputs=CONTRACT, digest=None):
    return Package(
        ref=f"flight-delay@{version}",
        digest=digest or f"{version:064x}",
        manifest=Manifest(model="flight-delay", flavour="test", task=Task.REGRESSION, inputs=inputs, files=()),
        signed=Envelope(payload_type="", payload="", signatures=()),
    )


def a_route(endpoint="delays", *, version=1, inputs=CONTRACT, digest=None, challenger=None):
    return Route(
        endpoint=endpoint,
        model="flight-delay",
        version=version,
        package=a_package(version, inputs=inputs, digest=digest),
        since=datetime(2013, 1, 1, tzinfo=UTC),
        challenger=challenger,
    )


def a_challenger(version=2, *, inputs=CONTRACT):
    return Challenger(model="flight-delay", version=version, package=a_package(version, inputs=inputs))


class Bench:
    """A handler with what it stands on.

    Args:
        model: The function that every package is.
        routes: What is deployed.
        limits: How much is taken on.
    """

    def __init__(self, model=distance, *, routes=None, limits=Limits()):  # noqa: B008 - immutable
        self.log, self.refusals = MemoryLog(), MemoryLog()
        self.shadows = MemoryLog()
        self.loaded = []
        self.model = model
        self.executor = ThreadPoolExecutor(1)
        self.router = Router(self._load, self._open, executor=self.executor, limits=limits)
        self.handler = Handler(self.router, worker="w1")
        self.deploy(1, *(routes if routes is not None else [a_route()]))

    def _open(self, route, kind):
        return {Kind.SHADOWS: self.shadows, Kind.REFUSALS: self.refusals}.get(kind, self.log)

    def _load(self, route):
        self.loaded.append(route.version)
        return self.model(route) if getattr(self.model, "per_route", False) else self.model

    def deploy(self, generation, *routes):
        self.router.swap(self.router.prepare(RouteTable(generation=generation, routes=routes)))

    def shadowed(self, count):
        """What the challenger of delays has said, once it has dealt with so many rows."""
        deadline = time.monotonic() + 20
        while (state := self.router.live.endpoints["delays"].shadow).scored + state.failed + state.dropped < count:
            assert time.monotonic() < deadline, state
            time.sleep(0.01)
        return state

    def close(self):
        self.router.close()
        self.executor.shutdown()

    async def ask(self, method, path, body=b"", headers=JSON):
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.handler.handle(method, path, headers, raw)

    def call(self, *args, **kwargs):
        return asyncio.run(self.ask(*args, **kwargs))

    def infer(self, *rows, **request):
        return self.call("POST", "/v2/models/delays/infer", oip(*rows, **request))

    def invoke(self, body, **kwargs):
        return self.call("POST", "/invocations", body, **kwargs)


def oip(*rows, **request):
    tensors = [
        {"name": name, "shape": [len(rows)], "datatype": DATATYPES[name], "data": [row[name] for row in rows]}
        for name in ROW
        if all(name in row for row in rows)
    ]
    return {"inputs": tensors, **request}


def read(response):
    return msgspec.json.decode(response.body)


@pytest.fixture
def bench():
    made = []

    def make(*args, **kwargs):
        made.append(Bench(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def worker(bench):
    return bench()


@pytest.fixture(scope="session")
def kit():
    """The words of these tests, for files that cannot import them."""
    return SimpleNamespace(
        Bench=Bench,
        CONTRACT=CONTRACT,
        JSON=JSON,
        MemoryLog=MemoryLog,
        ROW=ROW,
        challenger=a_challenger,
        oip=oip,
        read=read,
        route=a_route,
    )


@pytest.fixture
def make_bench():
    """Makes benches."""
    return Bench


@pytest.fixture
def a_route_of():
    """Makes routes."""
    return a_route
