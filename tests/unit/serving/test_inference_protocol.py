"""The Open Inference Protocol: https://github.com/kserve/open-inference-protocol."""

from datetime import UTC, datetime

import msgspec
import pytest

from modelwright.core.ids import new_ids


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_server_names_itself(worker, kit, path):
    response = worker.call("GET", path)
    assert response.status == 200
    assert kit.read(response)["name"] == "modelwright"
    assert kit.read(response)["extensions"] == ["binary_tensor_data"]


def test_the_server_is_alive_and_ready(worker, kit):
    assert kit.read(worker.call("GET", "/v2/health/live")) == {"live": True}
    assert kit.read(worker.call("GET", "/v2/health/ready")) == {"ready": True}
    assert kit.read(worker.call("GET", "/v2/models/delays/ready")) == {"name": "delays", "ready": True}
    assert worker.call("GET", "/v2/models/delays/versions/1/ready").status == 200


def test_a_model_describes_its_tensors(worker, kit):
    said = kit.read(worker.call("GET", "/v2/models/delays"))
    assert said["name"] == "delays"
    assert said["versions"] == ["1"]
    assert [(tensor["name"], tensor["datatype"]) for tensor in said["inputs"]] == [
        ("distance", "FP64"),
        ("hour", "INT64"),
        ("carrier", "BYTES"),
        ("night", "BOOL"),
        ("planned", "BYTES"),
    ]
    assert said["outputs"] == [{"name": "output", "datatype": "FP64", "shape": [-1]}]


def test_an_inference_answers_one_number_per_row_in_order(worker, kit):
    response = worker.infer(kit.ROW, {**kit.ROW, "distance": 3}, id="r-1")
    said = kit.read(response)
    assert response.status == 200
    assert (said["model_name"], said["model_version"], said["id"]) == ("delays", "1", "r-1")
    assert said["outputs"] == [{"name": "output", "datatype": "FP64", "shape": [2], "data": [187.5, 3.0]}]
    assert said["parameters"]["prediction_ids"] == worker.log.ids


def test_an_answer_has_no_id_where_the_request_has_none(worker, kit):
    assert "id" not in kit.read(worker.infer(kit.ROW))


def test_columns_may_have_a_second_dimension_of_one(worker, kit):
    request = kit.oip(kit.ROW, kit.ROW)
    for index, tensor in enumerate(request["inputs"]):
        tensor["shape"] = [2, 1]
        tensor["data"] = [[value] for value in tensor["data"]] if index % 2 else tensor["data"]
    assert kit.read(worker.call("POST", "/v2/models/delays/infer", request))["outputs"][0]["data"] == [187.5] * 2


def test_a_missing_value_is_null_or_the_word(worker, kit):
    rows = [{**kit.ROW, "distance": value} for value in (None, "NaN", 1.0)]
    assert kit.read(worker.infer(*rows))["outputs"][0]["data"] == [-1.0, -1.0, 1.0]
    assert worker.log.batches[0].inputs["distance"] == [None, None, 1.0]


def test_a_missing_value_may_be_the_bare_word_that_clients_write(worker, kit):
    body = msgspec.json.encode(kit.oip(kit.ROW)).replace(b"187.5", b"NaN")
    response = worker.call("POST", "/v2/models/delays/infer", body)
    assert kit.read(response)["outputs"][0]["data"] == [-1.0]


def test_a_time_reaches_the_model_in_utc(bench, kit):
    seen = []

    def model(columns):
        seen.extend(columns["planned"])
        return [0.0]

    bench(model).infer(kit.ROW)
    assert seen == [datetime(2013, 1, 1, 10, 15, tzinfo=UTC)]


def test_tensors_beyond_the_contract_are_dropped(worker, kit):
    request = kit.oip(kit.ROW)
    request["inputs"].insert(0, {"name": "other", "shape": [3], "datatype": "FP16", "data": [1, 2, 3]})
    assert worker.call("POST", "/v2/models/delays/infer", request).status == 200
    assert set(worker.log.batches[0].inputs) == set(kit.ROW)


def test_outputs_that_are_no_numbers_keep_their_names(bench, kit):
    worker = bench(lambda columns: [float("nan"), float("inf")])
    assert kit.read(worker.infer(kit.ROW, kit.ROW))["outputs"][0]["data"] == ["NaN", "Infinity"]


def test_the_client_may_choose_ids_and_times(worker, kit):
    ids = new_ids(2)
    times = ["2013-01-01T00:00:00Z", "2013-01-01T01:00:00+01:00"]
    said = kit.read(worker.infer(kit.ROW, kit.ROW, parameters={"prediction_ids": ids, "event_at": times}))
    assert said["parameters"]["prediction_ids"] == ids
    assert worker.log.ids == ids
    assert worker.log.batches[0].event_at == [1_356_998_400_000_000] * 2


def test_one_time_holds_for_all_rows_and_no_time_means_now(worker, kit):
    worker.infer(kit.ROW, kit.ROW, parameters={"event_at": "2013-01-01T00:00:00Z", "whatever": 1})
    assert worker.log.batches[0].event_at == [1_356_998_400_000_000] * 2
    worker.infer(kit.ROW)
    assert worker.log.batches[1].event_at == [worker.log.batches[1].received_at]


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"prediction_ids": ["x"]}, "prediction_ids"),
        ({"prediction_ids": []}, "prediction_ids"),
        ({"prediction_ids": 1}, "prediction_ids"),
        ({"prediction_ids": ["0" * 32, "0" * 32]}, "prediction_ids"),
        ({"event_at": "2013-01-01T00:00:00"}, "event_at"),
        ({"event_at": "yesterday"}, "event_at"),
        ({"event_at": ["2013-01-01T00:00:00Z"] * 2}, "event_at"),
        ({"event_at": "0001-01-01T00:00:00+14:00"}, "event_at"),
        ({"event_at": 5}, "event_at"),
    ],
)
def test_wrong_parameters_are_named(worker, kit, parameters, word):
    response = worker.infer(kit.ROW, parameters=parameters)
    assert response.status == 400
    assert word in kit.read(response)["error"]
    assert worker.log.batches == []


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("distance", -1.0, "below the minimum 0"),
        ("distance", "far", "not float64"),
        ("distance", [1.0], "not float64"),
        ("hour", None, "may not be"),
        ("hour", 5.0, "not int64"),
        ("hour", True, "not int64"),
        ("hour", 2**63, "beyond 64 bits"),
        ("carrier", "ZZ", "not one of AA, UA"),
        ("night", 1, "not bool"),
        ("planned", "2013-01-01", None),
        ("planned", "2013-01-01T05:15:00", "names no time zone"),
        ("planned", "soon", "not an ISO 8601 time"),
        ("planned", "x" * 100, "not timestamp"),
        ("planned", 3, "not timestamp"),
    ],
)
def test_a_value_out_of_order_names_its_column(worker, kit, column, value, problem):
    response = worker.infer(kit.ROW, {**kit.ROW, column: value})
    if problem is None:
        assert response.status == 200
        return
    assert response.status == 400
    error = kit.read(response)["error"]
    assert column in error
    assert problem in error
    assert worker.log.batches == []


def test_a_missing_column_is_named(worker, kit):
    row = {name: value for name, value in kit.ROW.items() if name != "carrier"}
    response = worker.infer(row)
    assert response.status == 400
    assert "carrier: is missing" in kit.read(response)["error"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"datatype": "BYTES"}, "distance comes as BYTES"),
        ({"datatype": "fp64"}, "distance comes as fp64"),
        ({"shape": [2]}, "distance has the shape [2]"),
        ({"shape": [-1]}, "distance has the shape"),
        ({"shape": []}, "distance has the shape"),
        ({"shape": [1, 1, 1]}, "distance has the shape"),
        ({"shape": "1"}, "inputs[0].shape"),
        ({"data": 1.0}, "inputs[0].data"),
        ({"data": [1.0, 2.0]}, "distance"),
        ({"name": "hour"}, "hour comes"),
    ],
)
def test_a_tensor_out_of_form_is_named(worker, kit, change, word):
    request = kit.oip(kit.ROW)
    request["inputs"][0] |= change
    response = worker.call("POST", "/v2/models/delays/infer", request)
    assert response.status == 400
    assert word in kit.read(response)["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'{"inputs": []}', b'{"inputs": 1}', b'{"id": "x"}', b"\xff"])
def test_what_is_no_inference_request_is_refused(worker, kit, body):
    response = worker.call("POST", "/v2/models/delays/infer", body)
    assert response.status == 400
    assert set(kit.read(response)) == {"error"}


def test_no_rows_are_refused(worker, kit):
    request = kit.oip(kit.ROW)
    for tensor in request["inputs"]:
        tensor |= {"shape": [0], "data": []}
    assert "no rows" in kit.read(worker.call("POST", "/v2/models/delays/infer", request))["error"]


def test_a_tensor_without_data_is_named(worker, kit):
    request = kit.oip(kit.ROW)
    del request["inputs"][0]["data"]
    response = worker.call("POST", "/v2/models/delays/infer", request)
    assert response.status == 400
    assert "distance has no data" in kit.read(response)["error"]


def test_only_the_one_output_can_be_asked_for(worker, kit):
    assert worker.infer(kit.ROW, outputs=[{"name": "output"}]).status == 200
    assert "shap" in kit.read(worker.infer(kit.ROW, outputs=[{"name": "shap"}]))["error"]


@pytest.mark.parametrize(
    "path", ["/v2/models/other/infer", "/v2/models/delays/versions/2/infer", "/v2/models/delays/versions/1/nothing"]
)
def test_only_what_is_served_is_found(worker, kit, path):
    response = worker.call("POST", path, kit.oip(kit.ROW))
    assert response.status == 404
    assert set(kit.read(response)) == {"error"}


def test_the_version_that_is_served_can_be_named(worker, kit):
    assert worker.call("POST", "/v2/models/delays/versions/1/infer", kit.oip(kit.ROW)).status == 200
