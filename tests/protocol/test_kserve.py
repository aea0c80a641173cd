"""KServe's InferenceRESTClient asks a running server."""

import pytest

from support import clients


@pytest.fixture(scope="module")
def said(asked, served):
    """What the client got; without the client, the tests are left out."""
    found = clients.answer("ask_kserve.py", served.url, asked)
    if "left_out" in found:
        pytest.skip(f"kserve cannot be had for this Python: {found['left_out']}")
    return found


def test_kserve_finds_server_and_model_live_and_ready(said):
    """It reads ``live`` and ``ready`` from the bodies, which the protocol leaves empty."""
    assert said["live"] is said["ready"] is said["model_ready"] is True
    assert said["other_ready"] is False


@pytest.mark.parametrize("form", ["json", "bytes", "bytes_both_ways", "plain"])
def test_kserve_gets_the_models_answer_in_every_form(said, served, form):
    """The numbers are those of the model in process, to the last bit."""
    found = said["answers"][form]
    assert found["values"] == served.expected
    assert found["model"] == "delays"
    assert len(found["parameters"]["prediction_ids"]) == 3


def test_kserve_gets_its_request_id_back(said):
    """An id is echoed in either form, and none is invented."""
    assert [said["answers"][form]["id"] for form in ("json", "bytes", "plain")] == ["r-1", "r-2", None]


def test_a_missing_number_is_nan_to_kserve(said, expected_without_distance):
    """As bytes it is a NaN, in JSON a null."""
    assert said["missing"] == {"json": expected_without_distance, "bytes": expected_without_distance}


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        ("unknown_model", 404, "There is no endpoint 'other'. Deployed are: delays."),
        ("missing_tensor", 400, "distance: is missing"),
        ("wrong_dtype", 400, "distance comes as BYTES, not as"),
    ],
)
def test_kserve_raises_our_words(said, request_, status, words):
    """A refusal arrives as HTTPStatusError with the message that names what is wrong."""
    assert said["refused"][request_]["status"] == status
    assert words in said["refused"][request_]["message"]
