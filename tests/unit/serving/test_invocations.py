"""MLflow's scoring protocol, as its own server answers it."""

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.ids import new_ids
from modelwright.inference.rows import without_nan


def forms(rows):
    names = list(rows[0])
    return {
        "dataframe_split": {"columns": names, "data": [list(row.values()) for row in rows], "index": [7, 8]},
        "dataframe_records": rows,
        "instances": rows,
        "inputs": {name: [row[name] for row in rows] for name in names},
    }


@pytest.mark.parametrize("form", ["dataframe_split", "dataframe_records", "instances", "inputs"])
def test_every_form_answers_the_same(worker, kit, form):
    rows = [{**kit.ROW, "extra": 1}, {**kit.ROW, "distance": None, "extra": 2}]
    said = kit.read(worker.invoke({form: forms(rows)[form]}))
    assert said["predictions"] == [187.5, -1.0]
    assert said["prediction_ids"] == worker.log.ids
    assert set(worker.log.batches[0].inputs) == set(kit.ROW)


def test_csv_with_a_header_answers_the_same(worker, kit):
    text = (
        "extra,planned,night,carrier,hour,distance\r\n"
        '"a, b",2013-01-01T05:15:00Z,true,UA,5,187.5\r\n'
        ",,,AA,6,\r\n"
        "\r\n"
        ",,0,AA,7,nan\r\n"
    )
    response = worker.invoke(text.encode(), headers=((b"content-type", b"text/csv; charset=utf-8"),))
    assert kit.read(response)["predictions"] == [187.5, -1.0, -1.0]
    assert worker.log.batches[0].inputs["night"] == [True, None, False]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "header"),
        ("distance\n1\n", "hour: is missing"),
        ("distance,distance\n1,2\n", "twice"),
        ("distance,hour\n1\n", "Row 0 has 1 cells"),
        ("distance,hour,carrier,night,planned\n1,x,UA,,\n", "hour"),
        ("distance,hour,carrier,night,planned\n1,1_0,UA,,\n", "hour"),
        ("distance,hour,carrier,night,planned\n1,5,UA,maybe,\n", "night"),
        ("distance,hour,carrier,night,planned\n", "no rows"),
        ('"distance', "CSV"),
        ("distance\x00,hour\n1,2", "missing"),
    ],
)
def test_csv_out_of_form_is_named(worker, kit, text, word):
    response = worker.invoke(text.encode(), headers=((b"content-type", b"text/csv"),))
    assert response.status == 400
    assert word in kit.read(response)["message"]


def test_csv_must_be_utf_8(worker):
    assert worker.invoke(b"\xff\xfe", headers=((b"content-type", b"text/csv"),)).status == 400
    assert worker.invoke(b"a", headers=((b"content-type", b"text/csv; charset=latin-1"),)).status == 415


def test_a_missing_value_may_be_the_bare_word_that_clients_write(worker, kit):
    body = msgspec.json.encode({"instances": [kit.ROW, {**kit.ROW, "distance": 1}]}).replace(b"187.5", b"NaN")
    assert kit.read(worker.invoke(body))["predictions"] == [-1.0, 1.0]


@pytest.mark.parametrize("word", [b"Infinity", b"-Infinity", b"-NaN", b"NaNo", b"nan", b'"\\"NaN'])
def test_other_words_that_json_lacks_are_refused(worker, kit, word):
    body = msgspec.json.encode({"instances": [kit.ROW]}).replace(b"187.5", word)
    assert worker.invoke(body).status == 400


@given(st.recursive(st.none() | st.text(st.characters(codec="utf-8")), st.lists))
def test_nan_within_a_text_stays_as_it_is(tree):
    body = msgspec.json.encode([tree, "NaN", '\\"NaN'])
    assert without_nan(body) == body


@pytest.mark.parametrize("text", [b'"', b'"\\', b'\\"', b'NaN"\\"', b"NaN\\"])
def test_text_without_an_end_is_looked_through_once(text):
    body = text * 200_000 + b"NaN\\"
    began = time.process_time()
    without_nan(body)
    assert time.process_time() - began < 2


def test_params_carry_ids_and_times(worker, kit):
    ids = new_ids(1)
    params = {"prediction_ids": ids, "event_at": "2013-01-01"}
    assert kit.read(worker.invoke({"instances": [kit.ROW], "params": params}))["prediction_ids"] == ids
    assert worker.log.batches[0].event_at == [1_356_998_400_000_000]


def test_a_key_that_some_records_lack_is_a_missing_value(worker, kit):
    rows = [kit.ROW, {name: value for name, value in kit.ROW.items() if name != "distance"}]
    assert kit.read(worker.invoke({"instances": rows}))["predictions"] == [187.5, -1.0]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "exactly one"),
        ({"instances": [], "inputs": {}}, "exactly one"),
        ({"columns": ["distance"], "data": [[1]]}, "exactly one"),
        ({"instances": []}, "no rows"),
        ({"instances": [[1, 2]]}, "instances"),
        ({"inputs": [[1, 2]]}, "inputs"),
        ({"inputs": {"distance": 1}}, "inputs"),
        ({"inputs": {"distance": [1, 2], "hour": [1], "carrier": [], "night": [], "planned": []}}, "values, not 2"),
        ({"dataframe_split": {"columns": ["a", "a"], "data": []}}, "twice"),
        ({"dataframe_split": {"columns": ["a", "b"], "data": [[1]]}}, "Row 0 has 1 cells"),
        ({"dataframe_split": {"data": [[1]]}}, "columns"),
        ({"dataframe_records": [{"distance": 1}]}, "hour: is missing"),
    ],
)
def test_a_body_out_of_form_is_named(worker, kit, body, word):
    response = worker.invoke(body)
    assert response.status == 400
    assert kit.read(response)["error_code"] == "INVALID_PARAMETER_VALUE"
    assert word in kit.read(response)["message"]


def test_a_contract_violation_names_the_field(worker, kit):
    response = worker.invoke({"instances": [{**kit.ROW, "carrier": "ZZ"}]})
    assert response.status == 400
    assert "carrier: row 0 is 'ZZ', not one of AA, UA" in kit.read(response)["message"]


def test_an_endpoint_can_be_named(worker, kit):
    body = {"instances": [kit.ROW]}
    assert worker.call("POST", "/endpoints/delays/invocations", body).status == 200
    response = worker.call("POST", "/endpoints/other/invocations", body)
    assert response.status == 404
    assert kit.read(response)["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_invocations_mean_the_only_endpoint(bench, kit):
    two = bench(routes=[kit.route(), kit.route("arrivals", version=2)])
    body = {"instances": [kit.ROW]}
    assert two.invoke(body).status == 404
    assert two.call("POST", "/endpoints/arrivals/invocations", body).status == 200
    assert bench(routes=[]).invoke(body).status == 404


def test_ping_and_version_answer_as_mlflow_does(worker):
    assert worker.call("GET", "/ping").status == 200
    assert worker.call("GET", "/version").body
