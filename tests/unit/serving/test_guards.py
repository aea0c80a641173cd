"""Guards: what an endpoint does with rows in a situation of the risk register, before and instead of the model."""

import asyncio
import math
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from modelwright.core.expressions import holds, parse_row
from modelwright.core.ids import new_ids
from modelwright.core.schema import Column, Contract, DType
from modelwright.inference.batching import Limits
from modelwright.predictions.columns import prediction_table
from modelwright.risks.guarding import Guards
from modelwright.risks.model import Fallback, Guarded

FAR, NIGHT, LATE = "distance > 1000", "hour >= 22 || hour < 5", 'carrier == "AA"'


def guard(risk, when, act):
    return Guarded(risk=risk, when=when, guard=act)


@pytest.fixture
def guarded(bench, kit):
    """A worker whose route carries these guards."""

    def made(*guards, **more):
        return bench(routes=[replace(kit.route(), guards=guards)], **more)

    return made


def rows(kit, *distances):
    return [{**kit.ROW, "distance": distance} for distance in distances]


def answered(response):
    return msgspec.json.decode(response.body)["outputs"][0]["data"]


def test_a_flag_leaves_the_answer_and_marks_it_and_the_log_keeps_it(guarded, kit):
    worker = guarded(guard("far", FAR, "flag"))
    response = worker.infer(*rows(kit, 5.0, 2000.0, 3.0))
    said = msgspec.json.decode(response.body)
    assert said["outputs"][0]["data"] == [5.0, 2000.0, 3.0]
    assert said["parameters"]["guards"] == {"far": [1]}
    assert worker.log.batches[0].guards == ["", "far:flag", ""]


def test_a_fallback_answers_instead_of_the_model_and_is_logged_as_such(guarded, kit):
    worker = guarded(guard("far", FAR, Fallback(fallback=0.5)))
    response = worker.infer(*rows(kit, 5.0, 2000.0))
    assert answered(response) == [5.0, 0.5]
    [batch] = worker.log.batches
    assert batch.outputs == [5.0, 0.5]
    assert batch.guards == ["", "far:fallback"]
    assert batch.said == [None, 2000.0]
    assert prediction_table([batch])["said"].to_pylist() == [None, 2000.0]


def test_both_protocols_say_which_guard_acted_on_which_row(guarded, kit):
    worker = guarded(guard("far", FAR, Fallback(fallback=0.5)), guard("night", NIGHT, "flag"))
    body = {"dataframe_records": [{**kit.ROW, "distance": 2000.0}, {**kit.ROW, "hour": 23}]}
    said = msgspec.json.decode(worker.invoke(body).body)
    assert said["predictions"] == [0.5, 187.5]
    assert said["guards"] == {"far": [0], "night": [1]}


def test_an_answer_says_nothing_of_guards_where_none_acted(guarded, kit):
    worker = guarded(guard("far", FAR, "flag"))
    assert b"guards" not in worker.infer(*rows(kit, 5.0)).body
    assert worker.log.batches[0].guards is msgspec.UNSET


@pytest.mark.parametrize("path", ["/v2/models/delays/infer", "/invocations"])
def test_a_refusal_is_a_clear_error_of_the_protocol_and_asks_no_model_and_logs_no_answer(guarded, kit, path):
    asked = []
    worker = guarded(
        guard("far", FAR, "refuse"), model=lambda columns: asked.append(1) or np.array(columns["distance"])
    )
    body = kit.oip(*rows(kit, 5.0, 2000.0)) if path.startswith("/v2") else {"instances": rows(kit, 5.0, 2000.0)}
    response = worker.call("POST", path, body)
    said = msgspec.json.decode(response.body)
    assert response.status == 422
    message = said.get("error") or said["message"]
    assert "'far' (distance > 1000)" in message
    assert "1 of 2, the first are 1" in message
    assert asked == worker.log.batches == []
    [kept] = worker.refusals.batches
    assert (kept.guards, kept.inputs["distance"]) == (["far:refuse"], [2000.0])
    assert (kept.model, kept.version, kept.endpoint) == ("flight-delay", 1, "delays")
    assert math.isnan(kept.outputs[0])
    assert worker.infer(*rows(kit, 5.0)).status == 200


def test_of_a_refused_request_the_rows_in_the_situation_are_logged_under_the_ids_of_the_client(guarded, kit):
    worker = guarded(guard("far", FAR, "refuse"), guard("night", NIGHT, "refuse"), guard("aa", LATE, "flag"))
    ids = new_ids(4)
    asked = [{**kit.ROW, "distance": 2000.0, "hour": 23, "carrier": "AA"}, kit.ROW, {**kit.ROW, "hour": 2}]
    asked.append({**kit.ROW, "carrier": "AA"})
    times = [f"2026-01-0{day}T00:00:00Z" for day in range(1, 5)]
    body = {**kit.oip(*asked), "parameters": {"prediction_ids": ids, "event_at": times}}
    assert worker.call("POST", "/v2/models/delays/infer", body).status == 422
    [kept] = worker.refusals.batches
    assert kept.ids == [ids[0], ids[2]]
    assert kept.guards == ["far:refuse,night:refuse", "night:refuse"]
    assert [at // 86_400_000_000 for at in kept.event_at] == [20454, 20456]


def test_what_is_refused_and_cannot_be_logged_is_told_and_health_says_so(guarded, kit):
    worker = guarded(guard("far", FAR, "refuse"))
    worker.refusals.failure = worker.log.failure = OSError("no space")
    assert worker.infer(*rows(kit, 2000.0)).status == 503
    assert worker.call("GET", "/health").status == 503
    worker.refusals.failure = worker.log.failure = None
    assert worker.infer(*rows(kit, 2000.0)).status == 422
    assert worker.call("GET", "/health").status == 200


def test_only_a_route_that_refuses_opens_a_log_for_it(guarded, kit):
    for act, opened in (("flag", False), (Fallback(fallback=0.5), False), ("refuse", True)):
        worker = guarded(guard("far", FAR, act))
        assert (worker.router.live.endpoints["delays"].batcher.scorer._refusals is not None) is opened


def test_a_refused_request_takes_no_other_that_arrives_with_it_along(guarded, kit):
    worker = guarded(guard("far", FAR, "refuse"))

    async def together():
        path = "/v2/models/delays/infer"
        return await asyncio.gather(*(worker.ask("POST", path, kit.oip(*rows(kit, d))) for d in (1.0, 2000.0, 3.0)))

    assert [response.status for response in asyncio.run(together())] == [200, 422, 200]
    assert len(worker.log.batches) == 2


def test_requests_that_are_scored_together_keep_their_own_marks(guarded, kit):
    worker = guarded(guard("far", FAR, Fallback(fallback=0.5)))

    async def together():
        path = "/v2/models/delays/infer"
        return await asyncio.gather(
            *(worker.ask("POST", path, kit.oip(*rows(kit, *d))) for d in ((1.0,), (2000.0, 2.0)))
        )

    first, second = asyncio.run(together())
    assert (answered(first), answered(second)) == ([1.0], [0.5, 2.0])


def test_a_large_request_in_a_thread_is_guarded_too(guarded, kit):
    worker = guarded(guard("far", FAR, Fallback(fallback=0.5)), limits=Limits(large_rows=4))
    assert answered(worker.infer(*rows(kit, 1.0, 2000.0, 3.0, 4.0, 5.0))) == [1.0, 0.5, 3.0, 4.0, 5.0]


def test_where_a_value_is_missing_the_guard_acts(guarded, kit):
    worker = guarded(guard("far", FAR, Fallback(fallback=0.5)))
    response = worker.infer(*rows(kit, None, 1.0))
    assert answered(response) == [0.5, 1.0]
    assert worker.log.batches[0].guards == ["far:fallback", ""]


def test_of_two_fallbacks_the_first_by_name_answers_and_both_are_told(guarded, kit):
    worker = guarded(guard("a", FAR, Fallback(fallback=0.1)), guard("b", FAR, Fallback(fallback=0.2)))
    assert answered(worker.infer(*rows(kit, 2000.0))) == [0.1]
    assert worker.log.batches[0].guards == ["a:fallback,b:fallback"]


def test_times_texts_and_truths_are_asked_as_they_are(guarded, kit):
    worker = guarded(
        guard("aa", LATE, "flag"), guard("dark", "night", "flag"), guard("long", "planned - planned > 1h", "flag")
    )
    body = kit.oip({**kit.ROW, "carrier": "AA"}, {**kit.ROW, "night": True}, {**kit.ROW, "planned": None})
    said = msgspec.json.decode(worker.call("POST", "/v2/models/delays/infer", body).body)
    assert said["parameters"]["guards"] == {"aa": [0], "dark": [1], "long": [2]}


def test_a_route_with_other_guards_asks_the_same_loaded_model(guarded, kit):
    worker = guarded(guard("far", FAR, "flag"))
    worker.deploy(2, replace(kit.route(), guards=(guard("far", FAR, Fallback(fallback=0.5)),)))
    assert worker.loaded == [1]
    assert answered(worker.infer(*rows(kit, 2000.0))) == [0.5]


def test_a_route_without_guards_compiles_and_asks_none(bench, kit):
    worker = bench(routes=[kit.route()])
    scorer = worker.router.live.endpoints["delays"].batcher.scorer
    assert scorer._guards is None
    said = SimpleNamespace(count=1, columns={}, acts=None)
    scorer.look(said)
    assert said.acts is None


def test_the_table_of_the_log_has_marks_only_where_a_guard_acted(guarded, kit):
    worker = guarded(guard("far", FAR, "flag"))
    worker.infer(*rows(kit, 1.0))
    assert "guards" not in prediction_table(worker.log.batches).column_names
    worker.infer(*rows(kit, 2000.0))
    assert prediction_table(worker.log.batches)["guards"].to_pylist() == ["", "far:flag"]


_X = Contract(columns=(Column(name="x", dtype=DType.FLOAT64, nullable=True),))


@given(st.lists(st.none() | st.floats(-5, 5), min_size=1, max_size=20))
@settings(deadline=None)
def test_a_fallback_answers_exactly_the_rows_that_are_not_certainly_outside(values):
    """LAW: the model answers where the predicate is false, and nowhere else."""
    guards = Guards([guard("r", "x > 1 || x < -1", Fallback(fallback=9.0))], _X)
    acts = guards.over({"x": values}, len(values))
    outputs = np.zeros(len(values))
    found = outputs if acts is None else acts.answered(outputs)
    expression = parse_row("x > 1 || x < -1")
    outside = [holds(expression, {"x": value}) is False for value in values]
    assert [answer == 0.0 for answer in found.tolist()] == outside
