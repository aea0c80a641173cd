"""The binary tensor data extension of the Open Inference Protocol.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

import struct
from math import isnan

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import Invalid
from modelwright.core.schema import Column, Contract, DType
from modelwright.inference import binary

INFER = "/v2/models/delays/infer"
OCTETS = (b"content-type", b"application/octet-stream")
DTYPES = {
    "BOOL": "?",
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}


def raw(values, datatype):
    """The bytes as another implementation writes them: numpy's, and struct's for texts."""
    if datatype == "BYTES":
        return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in values)
    return np.array(values, DTYPES[datatype]).tobytes()


def tensor(name, datatype, values, **more):
    data = raw(values, datatype)
    said = {"name": name, "shape": [len(values)], "datatype": datatype, "parameters": {"binary_data_size": len(data)}}
    return {**said, **more}, data


def send(worker, tensors, *, length=None, headers=(OCTETS,), **request):
    """A request with tensors after its JSON; ``tensors`` are pairs of a description and its bytes or none."""
    said = msgspec.json.encode({"inputs": [described for described, _ in tensors], **request})
    told = (b"inference-header-content-length", b"%d" % len(said) if length is None else length)
    return worker.call("POST", INFER, said + b"".join(data or b"" for _, data in tensors), headers=(*headers, told))


def a_row(**changes):
    values = {
        "distance": ("FP64", [187.5, 3.0]),
        "hour": ("INT64", [5, 6]),
        "carrier": ("BYTES", ["UA", "AA"]),
        "night": ("BOOL", [False, True]),
        "planned": ("BYTES", ["2013-01-01T05:15:00-05:00"] * 2),
        **changes,
    }
    return [tensor(name, *value) for name, value in values.items()]


def test_binary_inputs_are_answered_as_json_ones_are(worker, kit):
    response = send(worker, a_row())
    assert response.status == 200
    assert kit.read(response)["outputs"][0]["data"] == [187.5, 3.0]
    inputs = worker.log.batches[0].inputs
    assert inputs["hour"] == [5, 6]
    assert inputs["carrier"] == ["UA", "AA"]
    assert inputs["night"] == [False, True]


@pytest.mark.parametrize("headers", [(), ((b"content-type", b"application/json"),), (OCTETS,)])
def test_the_media_type_of_binary_requests_may_be_any_that_clients_send(worker, headers):
    assert send(worker, a_row(), headers=headers).status == 200


def test_octets_without_the_length_of_their_json_are_refused(worker, kit):
    assert worker.call("POST", INFER, kit.oip(kit.ROW), headers=(OCTETS,)).status == 415


def test_json_and_binary_tensors_go_together(worker, kit):
    hour, _ = tensor("hour", "INT64", [5, 6])
    del hour["parameters"]
    tensors = [a_row()[0], ({**hour, "data": [5, 6]}, None), *a_row()[2:]]
    assert kit.read(send(worker, tensors))["outputs"][0]["data"] == [187.5, 3.0]


def test_a_binary_tensor_beyond_the_contract_is_stepped_over(worker, kit):
    response = send(worker, [tensor("other", "FP16", [1.0] * 7), *a_row()])
    assert kit.read(response)["outputs"][0]["data"] == [187.5, 3.0]


def test_nan_in_a_binary_tensor_is_a_missing_value(worker, kit):
    response = send(worker, a_row(distance=("FP32", [float("nan"), 3.0])))
    assert kit.read(response)["outputs"][0]["data"] == [-1.0, 3.0]
    assert worker.log.batches[0].inputs["distance"] == [None, 3.0]


@pytest.mark.parametrize(
    "request_",
    [
        {"parameters": {"binary_data_output": True}},
        {"outputs": [{"name": "output", "parameters": {"binary_data": True}}]},
    ],
)
def test_the_output_comes_as_bytes_where_that_is_asked(worker, kit, request_):
    response = worker.infer(kit.ROW, {**kit.ROW, "distance": 3}, id="r-1", **request_)
    headers = dict(response.headers)
    assert headers[b"content-type"] == b"application/octet-stream"
    end = int(headers[b"inference-header-content-length"])
    said = msgspec.json.decode(response.body[:end])
    parameters = {"binary_data_size": 16}
    assert said["outputs"] == [{"name": "output", "datatype": "FP64", "shape": [2], "parameters": parameters}]
    assert said["id"] == "r-1"
    assert np.frombuffer(response.body[end:], "<f8").tolist() == [187.5, 3.0]


def test_what_an_output_says_goes_before_what_its_request_says(worker, kit):
    wanted = {"name": "output", "parameters": {"binary_data": False}}
    response = worker.infer(kit.ROW, outputs=[wanted], parameters={"binary_data_output": True})
    assert kit.read(response)["outputs"][0]["data"] == [187.5]


def test_outputs_that_are_no_numbers_are_so_in_bytes_too(bench, kit):
    worker = bench(lambda columns: [float("nan"), float("-inf")])
    response = worker.infer(kit.ROW, kit.ROW, parameters={"binary_data_output": True})
    found = np.frombuffer(response.body[-16:], "<f8").tolist()
    assert isnan(found[0])
    assert found[1] == float("-inf")


@pytest.mark.parametrize("length", [b"-1", b"", b"x", b"1" * 30, b"99999", "²".encode(), b"+5", b"0x10"])
def test_a_length_that_is_none_of_the_body_is_refused(worker, kit, length):
    response = send(worker, a_row(), length=length)
    assert response.status == 400
    assert "error" in kit.read(response)


def _changed(position, **changes):
    tensors = a_row()
    described, data = tensors[position]
    tensors[position] = ({**described, **changes}, data)
    return tensors


@pytest.mark.parametrize(
    ("tensors", "word"),
    [
        (_changed(0, parameters={"binary_data_size": 8}), "carrier ends inside its element 1"),
        (_changed(0, parameters={"binary_data_size": 15}), "FP64 takes 8"),
        (_changed(0, parameters={"binary_data_size": 10**30}), "binary_data_size"),
        (_changed(0, parameters={"binary_data_size": -8}), "binary_data_size"),
        (_changed(0, parameters={"binary_data_size": "16"}), "binary_data_size"),
        (_changed(0, parameters={}), "distance has no data"),
        (_changed(0, shape=[3]), "distance has the shape [3]"),
        (_changed(0, datatype="BYTES"), "distance comes as BYTES"),
        (_changed(0, datatype="BF16"), "distance comes as BF16"),
        (_changed(0, name="hour"), "hour comes"),
        (_changed(0, data=[1.0, 2.0]), "data and a binary_data_size"),
        (_changed(4, parameters={"binary_data_size": 29}), "29 bytes after the tensors"),
        (_changed(4, parameters={"binary_data_size": 100}), "planned has a binary_data_size of 100"),
        ([*a_row(), ({"name": "other", "shape": [], "datatype": "FP64", "data": []}, b"123")], "3 bytes after"),
    ],
)
def test_a_binary_tensor_out_of_form_is_named(worker, kit, tensors, word):
    response = send(worker, tensors)
    assert response.status == 400
    assert word in kit.read(response)["error"]
    assert worker.log.batches == []


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"\x01", "ends inside its element 0"),
        (b"\x00\x00\x00\x00\x05\x00\x00\x00UA", "ends inside its element 1"),
        (b"\xff\xff\xff\xffUA", "ends inside its element 0"),
        (b"\x01\x00\x00\x00\xff", "element 0 is not UTF-8"),
        (b"\x03\x00\x00\x00\xed\xa0\x80", "element 0 is not UTF-8"),
    ],
)
def test_texts_out_of_form_are_named(data, word):
    with pytest.raises(Invalid, match=word) as raised:
        binary.values(memoryview(data), "BYTES", "carrier")
    assert set(raised.value.fields) == {"carrier"}


NUMBERS = {
    name: st.booleans()
    if name == "BOOL"
    else st.floats(width=int(name[2:]), allow_nan=False)
    if name.startswith("FP")
    else st.integers(np.iinfo(dtype).min, np.iinfo(dtype).max)
    for name, dtype in DTYPES.items()
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
TENSORS = st.sampled_from([*NUMBERS, "BYTES"]).flatmap(
    lambda name: st.tuples(st.just(name), st.lists(NUMBERS.get(name, TEXTS), max_size=5))
)


@given(TENSORS)
def test_what_is_written_is_read_again(case):
    datatype, values = case
    found = binary.values(memoryview(raw(values, datatype)), datatype, "x")
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.fixture(scope="module")
def shared(kit):
    one = kit.Bench()
    yield one
    one.close()


@pytest.fixture(scope="module")
def numbers(kit):
    """An endpoint that takes any numbers."""
    contract = Contract(columns=(Column(name="distance", dtype=DType.FLOAT64, nullable=True),))
    one = kit.Bench(routes=[kit.route(inputs=contract)])
    yield one
    one.close()


@settings(max_examples=100)
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=5))
def test_numbers_go_through_a_model_and_back_bit_by_bit(numbers, values):
    response = send(numbers, [tensor("distance", "FP64", values)], parameters={"binary_data_output": True})
    assert response.status == 200
    assert response.body.endswith(raw(values, "FP64"))


@settings(max_examples=200)
@given(
    st.sampled_from(range(5)),
    st.fixed_dictionaries(
        {},
        optional={
            "shape": st.lists(st.integers(-1, 3), max_size=3),
            "datatype": st.sampled_from([*DTYPES, "BYTES", "BF16", ""]),
            "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": st.integers(-1, 200)}),
            "name": st.sampled_from(["hour", "other"]),
        },
    ),
    st.binary(max_size=40),
    st.none() | st.integers(0, 500).map(b"%d".__mod__) | st.binary(max_size=5),
)
def test_any_bytes_are_answered_or_the_clients_fault(shared, position, changes, data, length):
    tensors = _changed(position, **changes)
    tensors[position] = (tensors[position][0], data)
    assert send(shared, tensors, length=length).status in {200, 400}
