"""Questions that carry keys and context alone: completed, checked, scored and logged as whole vectors."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression

from modelwright import features as f
from modelwright.app.connect import connect
from modelwright.core.schema import Column, Contract, DType
from modelwright.inference.handler import Handler
from modelwright.inference.router import Live, Router
from modelwright.inference.watch import Place
from modelwright.inference.worker import equip
from modelwright.predictions.model import PredictionBatch, microseconds
from modelwright.serving.model import Route
from support.features import NOON, hours
from support.homes import fresh_platform

UTC = pa.timestamp("us", "UTC")
JSON = [(b"content-type", b"application/json")]


@f.on_demand
def cold(temp: float | None) -> float:
    return 1.0 if temp is not None and temp < 2 else 0.0


def a_view():
    weather = f.source("weather", entity="station", event_time="at")
    return f.view(
        "context",
        [f.context(distance=float), weather.latest("temp", max_age="3h"), f.row("far", "distance / 100"), cold],
        ask_at="left - 1h",
    )


class Kept:
    """A log that keeps what is written."""

    def __init__(self):
        self.batches = []

    def append(self, *payloads):
        import msgspec

        self.batches += [msgspec.msgpack.decode(payload, type=PredictionBatch) for payload in payloads]

    def close(self):
        pass


class Endpoint:
    """One endpoint of a home, asked without a socket."""

    def __init__(self, folder, *, nullable=True, materialized=True, missing_context=False):
        self.log = Kept()
        with closing(fresh_platform(folder)), connect(folder) as ws:
            ws.data.add("weather", weather(0), event_time="at")
            self.version = ws.features.apply(a_view())
            if materialized:
                ws.features.materialize(self.version)
            model = LinearRegression().fit(np.eye(4), np.zeros(4))
            model.coef_, model.intercept_ = np.ones(4), 0.0
            example = pa.table({"distance": [100.0], "temp": [1.0], "far": [1.0], "cold": [1.0]})
            saved = ws.models.save(
                model, "sums", example=example, features=self.version, nullable=["distance"] * missing_context
            )
            assert saved.manifest.features == self.version.pinned
            assert saved.manifest.inputs.names == ("distance", "temp", "far", "cold")
            package = ws.models.package("sums@1")
            public = bytes.fromhex(ws.models.signer())
            assert "features:context@1" in ws.lineage.up("model:sums@1").nodes
        if not nullable:
            columns = tuple(Column(name=n, dtype=DType.FLOAT64) for n in package.manifest.inputs.names)
            package = package_with(package, Contract(columns=columns))
        route = Route(endpoint="e", model="sums", version=1, package=package, since=NOON)
        self.folder, self.route, self.equipment = folder, route, equip(Place(folder / ".modelwright", public, "w"))

    def ask(self, path, body, headers=JSON):
        async def asked():
            with ThreadPoolExecutor(1) as pool:

                def load(route):
                    return lambda c: np.nansum([np.array(v, float) for v in c.values()], axis=0)

                router = Router(
                    load, lambda _endpoint, _kind: self.log, executor=pool, open_vectors=self.equipment.open_vectors
                )
                router.swap(Live(generation=1, endpoints={"e": router._loaded(self.route, 1)}))
                payload = body if isinstance(body, bytes) else json.dumps(body).encode()
                answer = await Handler(router, worker="w").handle("POST", path, headers, payload)
                return answer.status, json.loads(answer.body)

        return asyncio.run(asked())


def package_with(package, contract):
    from msgspec.structs import replace

    return replace(package, manifest=replace(package.manifest, inputs=contract))


def weather(*at):
    return pa.table(
        {"station": ["a"] * len(at), "at": pa.array([hours(h) for h in at], UTC), "temp": [1.5 + h for h in at]}
    )


@pytest.fixture
def endpoint(tmp_path):
    return Endpoint(tmp_path)


def question(**more):
    return {"distance": 100.0, "station": "a", "left": (hours(2)).isoformat(), **more}


def test_a_question_is_completed_as_of_the_moment_it_is_asked_and_the_whole_vector_is_logged(endpoint):
    status, said = endpoint.ask("/endpoints/e/invocations", {"dataframe_records": [question(), question(station="z")]})
    assert (status, said["predictions"]) == (200, [100 + 1.5 + 1 + 1, 100 + 1])
    [batch] = endpoint.log.batches
    assert batch.inputs == {"distance": [100.0] * 2, "temp": [1.5, None], "far": [1.0] * 2, "cold": [1.0, 0.0]}
    assert batch.event_at == [microseconds(hours(1))] * 2


@pytest.mark.parametrize(("asked", "temp"), [(-1, None), (0, 1.5), (3, 1.5), (3.1, None)])
def test_event_at_says_when_it_is_asked(endpoint, asked, temp):
    """Before the fact, with it, at its greatest age, beyond."""
    moment = hours(asked).isoformat()
    body = {"inputs": {"distance": [1.0], "station": ["a"]}, "params": {"event_at": moment}}
    assert endpoint.ask("/endpoints/e/invocations", body)[0] == 200
    assert endpoint.log.batches[0].inputs["temp"] == [temp]
    assert endpoint.log.batches[0].event_at == [microseconds(hours(asked))]


def test_the_open_inference_protocol_takes_keys_too(endpoint):
    inputs = [
        {"name": "distance", "shape": [1], "datatype": "FP64", "data": [100.0]},
        {"name": "station", "shape": [1], "datatype": "BYTES", "data": ["a"]},
        {"name": "left", "shape": [1], "datatype": "BYTES", "data": [hours(2).isoformat()]},
    ]
    status, said = endpoint.ask("/v2/models/e/infer", {"inputs": inputs})
    assert (status, said["outputs"][0]["data"]) == (200, [103.5])


def test_csv_takes_keys_too(endpoint):
    body = f"distance,station,left\n100,a,{hours(2).isoformat()}\n".encode()
    status, said = endpoint.ask("/endpoints/e/invocations", body, [(b"content-type", b"text/csv")])
    assert (status, said["predictions"]) == (200, [103.5])


def test_a_whole_vector_is_taken_as_it_is(endpoint):
    body = {"inputs": {"distance": [1.0], "temp": [7.0], "far": [0.0], "cold": [0.0]}}
    assert endpoint.ask("/endpoints/e/invocations", body)[1]["predictions"] == [8.0]
    assert endpoint.log.batches[0].inputs["temp"] == [7.0]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"station": None, "drop": "station"}, 400, "lacks station"),
        ({"station": 5}, 400, "station: row 0 is 5, not string"),
        ({"distance": None}, 400, "distance: row 0 is missing"),
        ({"left": "yesterday"}, 400, "not an ISO 8601 time"),
        ({"drop": "left"}, 400, "does not say when it is asked"),
    ],
)
def test_what_is_wrong_with_a_question_is_said(endpoint, change, status, said):
    asked = question(**change)
    asked.pop(asked.pop("drop", ""), None)
    answered, body = endpoint.ask("/endpoints/e/invocations", {"dataframe_records": [asked]})
    assert (answered, said in body["message"]) == (status, True), body
    assert endpoint.log.batches == []


def test_an_unknown_entity_is_named_where_the_model_takes_no_missing_value(tmp_path):
    endpoint = Endpoint(tmp_path, nullable=False)
    status, body = endpoint.ask("/endpoints/e/invocations", {"dataframe_records": [question(station="z")]})
    assert status == 422
    assert "temp is not known of station='z'" in body["message"]


def test_before_anything_was_materialised_it_is_unavailable_and_says_what_to_do(tmp_path):
    endpoint = Endpoint(tmp_path, materialized=False)
    status, body = endpoint.ask("/endpoints/e/invocations", {"dataframe_records": [question()]})
    assert status == 503
    assert "modelwright feature materialize context@1" in body["message"]


def test_what_is_materialised_meanwhile_is_seen_without_a_restart(endpoint):
    later = {"dataframe_records": [question(left=hours(8).isoformat())]}
    endpoint.ask("/endpoints/e/invocations", later)
    with connect(endpoint.folder) as ws:
        ws.data.add("weather", weather(0, 6))
        ws.features.materialize("context@1")
    endpoint.ask("/endpoints/e/invocations", later)
    assert [batch.inputs["temp"] for batch in endpoint.log.batches] == [[None], [7.5]]


def test_context_may_be_missing_where_the_model_was_trained_so(tmp_path):
    """The model's contract decides, not the view's."""
    endpoint = Endpoint(tmp_path, missing_context=True)
    body = {"inputs": {"distance": [None], "station": ["a"], "left": [hours(2).isoformat()]}}
    assert endpoint.ask("/endpoints/e/invocations", body)[0] == 200
    assert endpoint.log.batches[0].inputs["distance"] == [None]
    assert endpoint.log.batches[0].inputs["far"] == [None]
