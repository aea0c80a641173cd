"""No input gets a server error, and every refusal says what would be right."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import Unavailable

PATHS = [
    "/health",
    "/ping",
    "/version",
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/delays",
    "/v2/models/delays/ready",
    "/v2/models/delays/infer",
    "/v2/models/delays/versions/1/infer",
    "/endpoints/delays/invocations",
    "/invocations",
]
POSTED = [path for path in PATHS if path.endswith(("infer", "invocations"))]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"]
TYPES = [b"application/json", b"text/csv", b"", b"application/octet-stream", b"Application/JSON ; charset=UTF-8"]

CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5)
)
TREES = st.recursive(
    CELLS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
NAMES = st.sampled_from(["distance", "hour", "carrier", "night", "planned", "other"])
TENSOR = st.fixed_dictionaries(
    {
        "name": NAMES,
        "shape": st.lists(st.integers(-1, 3), max_size=3),
        "datatype": st.sampled_from(["FP64", "INT64", "BYTES", "BOOL", "FP16", "X"]),
    },
    optional={"data": st.lists(CELLS | st.lists(CELLS, max_size=2), max_size=3)},
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "inputs": st.lists(TENSOR, max_size=6) | st.dictionaries(NAMES, st.lists(CELLS, max_size=2) | TREES),
        "instances": st.lists(st.dictionaries(NAMES, TREES), max_size=3) | TREES,
        "dataframe_records": st.lists(st.dictionaries(NAMES, CELLS), max_size=3),
        "dataframe_split": st.fixed_dictionaries(
            {"columns": st.lists(NAMES, max_size=6), "data": st.lists(st.lists(CELLS, max_size=6), max_size=2)}
        )
        | TREES,
        "id": st.text(max_size=3) | TREES,
        "parameters": TREES,
        "params": st.fixed_dictionaries({}, optional={"prediction_ids": TREES, "event_at": TREES}) | TREES,
        "outputs": TREES,
    },
)


@pytest.fixture(scope="module")
def shared(kit):
    one = kit.Bench()
    yield one
    one.close()


@settings(max_examples=60)
@given(st.sampled_from(METHODS), st.sampled_from(PATHS), st.binary(max_size=60), st.sampled_from(TYPES))
def test_any_bytes_on_any_path_are_the_clients_fault(shared, method, path, body, media):
    assert shared.call(method, path, body, headers=((b"content-type", media),)).status < 500


@settings(max_examples=150)
@given(st.sampled_from(POSTED), TREES | NEARLY)
def test_any_json_is_answered_or_refused(shared, path, body):
    response = shared.call("POST", path, body)
    assert response.status in {200, 400, 415}


@settings(max_examples=60)
@given(st.sampled_from(METHODS), st.text(max_size=30), st.lists(st.tuples(st.binary(), st.binary()), max_size=3))
def test_any_path_and_headers_are_the_clients_fault(shared, method, tail, headers):
    for path in (tail, f"/{tail}", f"/v2/models/{tail}", f"/v2/models/delays/{tail}", f"/endpoints/{tail}"):
        assert shared.call(method, path, b"", headers=tuple(headers)).status < 500


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_any_csv_is_answered_or_refused(shared, text):
    body = text.encode("utf-8", "surrogatepass")
    assert shared.call("POST", "/invocations", body, headers=((b"content-type", b"text/csv"),)).status in {200, 400}


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"inputs":' * 100_000,
        b'{"inputs":[{"name":"distance","shape":[1],"datatype":"FP64","data":[' + b"[" * 900 + b"]" * 900 + b"]}]}",
        b'{"instances":[{"distance":' + b"[" * 980 + b"]" * 980 + b"}]}",
        b'{"instances":[{"hour":' + b"9" * 4_299 + b"}]}",
        b'{"instances":[{"hour":' + b"9" * 4_301 + b"}]}",
        b'{"instances":[{"distance":1e999}]}',
        b'{"instances":[{"carrier":"\\ud800"}]}',
        b'{"instances":[{"carrier":"\\ud83d\\u0041"}]}',
        b'{"instances":[{"carrier":"\xed\xa0\x80"}]}',
        b'{"instances":[{"distance":NaN}]}',
    ],
)
def test_hostile_json_is_refused(shared, kit, path, body):
    response = shared.call("POST", path, body)
    assert response.status == 400
    assert len(response.body) < 10_000
    assert b"Traceback" not in response.body


@pytest.mark.parametrize("path", PATHS)
def test_the_wrong_method_is_told_the_right_ones(worker, path):
    response = worker.call("PATCH", path)
    assert response.status == 405
    assert dict(response.headers)[b"allow"] in {b"GET, HEAD", b"POST"}


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize(
    "headers",
    [
        ((b"content-type", b"text/plain"),),
        ((b"content-type", b"application/x-www-form-urlencoded"),),
        ((b"content-type", b"multipart/form-data"),),
        ((b"content-type", b"application/jsonx"),),
        ((b"content-type", b"application/json; charset=utf-16"),),
        ((b"content-type", b"application/json"), (b"content-encoding", b"gzip")),
    ],
)
def test_another_media_type_is_refused(worker, path, headers):
    assert worker.call("POST", path, b"{}", headers=headers).status == 415


def test_a_body_without_a_media_type_is_read_as_json(worker, kit):
    assert worker.call("POST", "/v2/models/delays/infer", kit.oip(kit.ROW), headers=()).status == 200


@pytest.mark.parametrize("path", ["/", "", "/v2/models", "/v2/models/", "/V2", "/v2/models/delays/", "/endpoints/"])
def test_an_unknown_path_is_not_found(worker, path):
    assert worker.call("GET", path).status == 404


def test_health_says_which_generation_answers(worker, kit):
    response = worker.call("GET", "/health")
    assert response.status == 200
    said = kit.read(response)
    assert (said["status"], said["generation"], said["worker"]) == ("ready", 1, "w1")
    assert said["endpoints"] == {"delays": "flight-delay@1"}


@pytest.mark.parametrize("path", ["/health", "/v2/health/ready", "/ping", "/v2/models/delays/ready"])
def test_a_worker_that_stops_is_not_ready_but_answers(worker, kit, path):
    worker.handler.draining = True
    assert worker.call("GET", path).status == 503
    assert worker.infer(kit.ROW).status == 200
    assert worker.call("GET", "/v2/health/live").status == 200


def test_a_prediction_that_cannot_be_logged_is_not_answered(worker, kit):
    worker.log.failure = Unavailable("The disk is full.")
    response = worker.infer(kit.ROW)
    assert response.status == 503
    assert dict(response.headers)[b"retry-after"]
    assert b"187.5" not in response.body
    assert worker.call("GET", "/health").status == 503
    worker.log.failure = None
    assert worker.infer(kit.ROW).status == 200
    assert worker.call("GET", "/health").status == 200


def test_a_prediction_is_logged_before_it_is_answered(bench, kit):
    one = bench()
    answered = []

    def append(*payloads):
        assert answered == []
        type(one.log).append(one.log, *payloads)

    one.log.append = append

    async def ask():
        response = await one.ask("POST", "/v2/models/delays/infer", kit.oip(kit.ROW))
        answered.append(response)

    asyncio.run(ask())
    assert kit.read(answered[0])["parameters"]["prediction_ids"] == one.log.ids


def test_the_log_knows_who_answered_what(worker, kit):
    worker.deploy(7, kit.route(version=3))
    worker.infer(kit.ROW)
    batch = worker.log.batches[0]
    assert (batch.endpoint, batch.model, batch.version, batch.generation) == ("delays", "flight-delay", 3, 7)
    assert batch.package == f"{3:064x}"
    assert batch.outputs == [187.5]
    assert batch.inputs["carrier"] == ["UA"]
    assert batch.latency_us >= 0


def test_a_row_the_model_cannot_score_is_the_clients_fault_without_a_trace(bench, kit):
    def model(columns):
        raise ValueError("secret " + str(columns))

    response = bench(model).infer(kit.ROW)
    assert response.status == 422
    assert b"secret" not in response.body
    assert b"ValueError" in response.body
