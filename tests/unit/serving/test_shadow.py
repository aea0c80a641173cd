"""A challenger scores what was answered, and nothing that it does reaches the answers."""

import math
import threading
import time

import numpy as np
import pytest

from modelwright.core.errors import Corrupted, Unavailable
from modelwright.core.schema import Column, Contract, DType
from modelwright.inference import shadow as shadows
from modelwright.inference.batching import Limits

IDS = [f"{number:032x}" for number in range(1, 9)]


def versions(**models):
    """Every package's model by its version: ``v2=function``; the others answer with the distance."""

    def of(route):
        return models.get(f"v{route.version}", lambda columns: np.array(columns["distance"], dtype=float))

    of.per_route = True
    return of


def ten_times(columns):
    return np.array(columns["distance"], dtype=float) * 10


@pytest.fixture
def shadowed(bench, kit):
    """A worker with version 2 in the shadow of version 1."""

    def make(model=ten_times, **kwargs):
        inputs = kwargs.pop("inputs", kit.CONTRACT)
        routes = [kit.route(challenger=kit.challenger(inputs=inputs))]
        return bench(versions(v2=model), routes=routes, **kwargs)

    return make


def test_the_challenger_scores_the_same_requests_under_the_same_ids(shadowed, kit):
    worker = shadowed()
    options = {"prediction_ids": IDS[:2], "event_at": "2013-02-01T00:00:00Z"}
    assert worker.infer(kit.ROW, kit.ROW | {"distance": 2.0}, parameters=options).status == 200
    assert worker.shadowed(2).scored == 2
    [answered], [said] = worker.log.batches, worker.shadows.batches
    assert (said.ids, said.outputs) == (IDS[:2], [1875.0, 20.0])
    assert (said.model, said.version, said.package) == ("flight-delay", 2, f"{2:064x}")
    assert (said.event_at, said.inputs, said.received_at) == (answered.event_at, answered.inputs, answered.received_at)


def test_ids_made_by_the_worker_are_shared_too(shadowed, kit):
    worker = shadowed()
    for _ in range(3):
        worker.infer(kit.ROW)
    worker.shadowed(3)
    assert worker.shadows.ids == worker.log.ids


@pytest.mark.parametrize("rows", [1, 3, 300])
def test_answers_are_the_same_bytes_with_and_without_a_challenger(shadowed, bench, kit, rows):
    plain = bench(versions(), routes=[kit.route()], limits=Limits(large_rows=256))
    with_shadow = shadowed(limits=Limits(large_rows=256))
    ids = [f"{number:032x}" for number in range(rows)]
    given = [kit.ROW | {"distance": float(number)} for number in range(rows)]
    oip = {"parameters": {"prediction_ids": ids}}
    assert with_shadow.infer(*given, **oip) == plain.infer(*given, **oip)
    records = {"dataframe_records": given, "params": {"prediction_ids": ids}}
    assert with_shadow.invoke(records) == plain.invoke(records)
    assert with_shadow.call("GET", "/v2/models/delays") == plain.call("GET", "/v2/models/delays")
    assert with_shadow.shadowed(2 * rows).scored == 2 * rows


def raises(columns):
    raise RuntimeError("no")


FAULTS = {
    "raises": raises,
    "answers too few": lambda columns: np.zeros(len(columns["hour"]) + 1),
    "answers text": lambda columns: np.array(["a"] * len(columns["hour"])),
    "answers not a number": lambda columns: np.full(len(columns["hour"]), math.nan),
    "answers infinity": lambda columns: np.full(len(columns["hour"]), math.inf),
    "leaves": lambda columns: (_ for _ in ()).throw(MemoryError),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_challenger_that_fails_is_counted_and_harms_nobody(shadowed, kit, fault):
    worker = shadowed(FAULTS[fault])
    for _ in range(3):
        assert worker.infer(kit.ROW).status == 200
    state = worker.shadowed(3)
    assert (state.scored, state.failed, state.dropped) == (0, 3, 0)
    assert state.last_failure
    assert [output for batch in worker.shadows.batches for output in batch.outputs if math.isfinite(output)] == []
    assert worker.shadows.ids == worker.log.ids
    assert worker.call("GET", "/health").status == 200


def test_one_request_that_it_cannot_score_spoils_no_other(shadowed, kit):
    def picky(columns):
        if -1.0 in np.array(columns["distance"]):
            raise ValueError("a negative distance")
        return ten_times(columns)

    open_contract = Contract(columns=(Column(name="distance", dtype=DType.FLOAT64, maximum=1000),))
    worker = shadowed(picky, inputs=open_contract)
    for distance in (1.0, 9000.0, 2.0):
        worker.infer(kit.ROW | {"distance": distance})
    state = worker.shadowed(3)
    assert (state.scored, state.failed) == (2, 1)
    assert "distance" in state.last_failure


def test_a_challenger_with_fewer_columns_sees_its_own(shadowed, kit):
    worker = shadowed(inputs=Contract(columns=(Column(name="distance", dtype=DType.FLOAT64),)))
    worker.infer(kit.ROW)
    worker.shadowed(1)
    assert worker.shadows.batches[0].inputs == {"distance": [187.5]}


def test_a_challenger_that_needs_more_than_the_requests_bring_fails_and_says_what(shadowed, kit):
    wider = Contract(columns=(*kit.CONTRACT.columns, Column(name="wind", dtype=DType.FLOAT64)))
    worker = shadowed(inputs=wider)
    assert worker.infer(kit.ROW).status == 200
    state = worker.shadowed(1)
    assert (state.failed, "wind" in state.last_failure) == (1, True)


WIND = Column(name="wind", dtype=DType.FLOAT64)


def windy(columns):
    return np.array(columns["wind"], dtype=float) + 1


@pytest.mark.parametrize("body", ["oip", "records", "split", "inputs", "csv"])
def test_a_challenger_gets_the_columns_that_only_it_takes(shadowed, kit, body):
    worker = shadowed(windy, inputs=Contract(columns=(WIND, kit.CONTRACT.columns[0])))
    row = kit.ROW | {"wind": 4.0}
    names = list(row)
    if body == "oip":
        request = kit.oip(kit.ROW)
        request["inputs"].append({"name": "wind", "shape": [1], "datatype": "FP64", "data": [4.0]})
        answer = worker.call("POST", "/v2/models/delays/infer", request)
    elif body == "csv":
        lines = ",".join(names) + "\n" + ",".join(str(row[name]) for name in names)
        answer = worker.invoke(lines.encode(), headers=((b"content-type", b"text/csv"),))
    else:
        answer = worker.invoke(
            {
                "records": {"dataframe_records": [row]},
                "split": {"dataframe_split": {"columns": names, "data": [[row[name] for name in names]]}},
                "inputs": {"inputs": {name: [value] for name, value in row.items()}},
            }[body]
        )
    assert answer.status == 200
    assert worker.shadowed(1).scored == 1
    [said] = worker.shadows.batches
    assert (said.outputs, said.inputs) == ([5.0], {"wind": [4.0], "distance": [187.5]})
    assert "wind" not in worker.log.batches[0].inputs


@pytest.mark.parametrize("wind", [[4.0, 5.0], [[4.0]], ["strong"], [None], [{"a": [1]}], []])
def test_whatever_comes_in_such_a_column_fails_no_request(shadowed, kit, wind):
    worker = shadowed(windy, inputs=Contract(columns=(WIND,)))
    request = kit.oip(kit.ROW)
    request["inputs"].append({"name": "wind", "shape": [len(wind)], "datatype": "FP64", "data": wind})
    assert worker.call("POST", "/v2/models/delays/infer", request).status == 200
    columns = {name: [value] for name, value in kit.ROW.items()}
    assert worker.invoke({"inputs": columns | {"wind": wind}}).status == 200
    assert worker.invoke({"dataframe_records": [kit.ROW | {"wind": wind}]}).status == 200
    assert worker.shadowed(3).failed == 3


def test_a_slow_challenger_holds_nobody_up_and_drops_what_it_cannot_keep(shadowed, kit, monkeypatch):
    monkeypatch.setattr(shadows, "PENDING_ROWS", 4)
    free = threading.Event()

    def slow(columns):
        free.wait(20)
        return ten_times(columns)

    worker = shadowed(slow)
    began = time.monotonic()
    for _ in range(40):
        assert worker.infer(kit.ROW).status == 200
    assert time.monotonic() - began < 10
    assert worker.router.live.endpoints["delays"].shadow.dropped >= 30
    free.set()
    state = worker.shadowed(40)
    assert state.scored + state.dropped == 40
    assert "waiting" in state.last_failure


def test_a_shadow_log_that_takes_nothing_fails_no_request(shadowed, kit):
    worker = shadowed()
    worker.shadows.failure = Unavailable("The disk is full.")
    assert worker.infer(kit.ROW).status == 200
    state = worker.shadowed(1)
    assert (state.dropped, state.last_failure) == (1, "Its answers cannot be logged: The disk is full.")
    assert worker.call("GET", "/health").status == 200


def test_what_was_not_answered_is_not_mirrored(shadowed, kit):
    worker = shadowed()
    worker.log.failure = Unavailable("The disk is full.")
    assert worker.infer(kit.ROW).status == 503
    worker.log.failure = None
    assert worker.infer(kit.ROW).status == 200
    worker.shadowed(1)
    assert worker.shadows.ids == worker.log.ids


def test_a_challenger_that_does_not_load_only_casts_no_shadow(bench, kit):
    def loads(route):
        if route.version == 2:
            raise Corrupted("coefficients.bin of flight-delay@2 has been altered.")
        return ten_times

    loads.per_route = True
    worker = bench(loads, routes=[kit.route(challenger=kit.challenger())])
    assert worker.infer(kit.ROW).status == 200
    assert worker.router.live.problems == {}
    assert (
        worker.router.live.endpoints["delays"].shadow.problem == "coefficients.bin of flight-delay@2 has been altered."
    )


def test_a_challenger_goes_on_through_a_swap_that_is_not_its_own_and_ends_with_its_own(bench, kit):
    worker = bench(versions(v2=ten_times), routes=[kit.route(challenger=kit.challenger())])
    worker.infer(kit.ROW)
    worker.shadowed(1)
    worker.deploy(2, kit.route(challenger=kit.challenger()), kit.route("other", version=5))
    worker.infer(kit.ROW)
    assert worker.shadowed(2).scored == 2
    assert worker.loaded == [1, 2, 5]
    before = worker.router.live.endpoints["delays"].batcher.shadow
    worker.deploy(3, kit.route())
    worker.infer(kit.ROW)
    before.offer(None, [], 0)  # what was in flight when it ended
    assert worker.router.live.endpoints["delays"].shadow is None
    assert len(worker.shadows.ids) == 2
