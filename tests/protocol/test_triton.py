"""NVIDIA's tritonclient asks a running server: it speaks the Open Inference Protocol with binary tensors by default."""

import pytest

from support import clients


@pytest.fixture(scope="module")
def said(asked, served):
    """What the client got."""
    return clients.answer("ask_triton.py", served.url, asked)


def test_tritonclient_finds_server_and_model_live_and_ready(said):
    """Health is what the protocol says, and a model that is not served is not ready."""
    assert said["live"] is said["ready"] is said["model_ready"] is said["version_ready"] is True
    assert said["others_ready"] == [False, False]


def test_tritonclient_reads_what_server_and_model_are(said):
    """Metadata names the extension that is spoken, and each column as a tensor."""
    assert said["server"]["name"] == "modelwright"
    assert said["server"]["extensions"] == ["binary_tensor_data"]
    described = [(tensor["name"], tensor["datatype"], tensor["shape"]) for tensor in said["metadata"]["inputs"]]
    assert described == [
        ("distance", "FP64", [-1]),
        ("hour", "INT64", [-1]),
        ("carrier", "BYTES", [-1]),
        ("night", "BOOL", [-1]),
    ]
    assert said["metadata"]["outputs"] == [{"name": "output", "datatype": "FP64", "shape": [-1]}]
    assert (said["metadata"]["name"], said["metadata"]["versions"]) == ("delays", ["1"])


@pytest.mark.parametrize(
    "form",
    [
        "json",
        "by_default",
        "json_to_bytes",
        "bytes_to_json",
        "both",
        "columns_of_width_one",
        "columns_of_width_one_in_json",
        "small_integers",
        "bytes_objects",
        "named",
    ],
)
def test_tritonclient_gets_the_models_answer_in_every_form(said, served, form):
    """JSON or bytes, in and out, wide or narrow: the numbers are those of the model in process, to the last bit."""
    found = said["answers"][form]
    assert found["values"] == served.expected
    assert found["model"] == ["delays", "1"]
    assert found["datatype"] == "FP64"
    assert found["as_bytes"] is (form not in {"json", "bytes_to_json"})


def test_tritonclients_requests_in_the_background_and_its_options_do_no_harm(said, served):
    """What Triton alone understands is ignored."""
    assert said["answers"]["asynchronous"] == said["answers"]["triton_options"] == served.expected
    assert said["compressed_answer_wanted"] == served.expected


def test_tritonclient_gets_its_request_id_back(said):
    """An id is echoed in either form, and none is invented."""
    assert [said["answers"][form]["id"] for form in ("json", "by_default", "both")] == ["r-1", "r-2", None]


def test_tritonclient_is_told_under_which_ids_its_predictions_are_logged(said):
    """The parameters of an answer lead to the log."""
    found = said["answers"]["by_default"]["parameters"]
    assert len(set(found["prediction_ids"])) == 3
    assert found["model"] == "delay@1"


@pytest.mark.parametrize("form", ["json", "bytes"])
def test_a_missing_number_is_nan_to_tritonclient(said, expected_without_distance, form):
    """As bytes it is a NaN; in JSON the client writes the bare word, which JSON does not have."""
    assert said["missing"][form] == expected_without_distance


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        ("unknown_model", "404", "There is no endpoint 'other'. Deployed are: delays."),
        ("unknown_version", "404", "delays answers with version 1"),
        ("unknown_metadata", "404", "There is no endpoint 'other'."),
        ("missing_tensor", "400", "distance: is missing"),
        ("missing_binary_tensor", "400", "distance: is missing"),
        ("wrong_dtype", "400", "hour comes as FP64, not as INT16 or"),
        ("wrong_binary_dtype", "400", "hour comes as FP64, not as INT16 or"),
        ("out_of_bounds", "400", "distance: row 0 is -1.0, below the minimum 0"),
        ("unknown_output", "400", "There is no output 'other'; there is 'output'."),
        ("compressed", "415", "Compressed bodies are not accepted."),
        ("repository", "404", "There is nothing at '/v2/repository/index'."),
    ],
)
def test_tritonclient_raises_our_words(said, request_, status, words):
    """A refusal arrives as InferenceServerException with the status and the message that name what is wrong."""
    found = said["refused"][request_]
    assert found["status"] == status
    assert words in found["message"]
