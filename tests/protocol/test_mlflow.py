"""MLflow loads a package, and its scoring client asks a running server, beside MLflow's own for the same package."""

import pytest

import modelwright as mw
from support import clients


@pytest.fixture(scope="module")
def loaded(environment, served):
    """What MLflow makes of the package."""
    return clients.answer("load_package.py", served.package)


@pytest.fixture(scope="module")
def said(asked, served):
    """What the scoring client got."""
    return clients.answer("ask_mlflow.py", served.url, asked, served.package)


def test_mlflow_loads_a_package_and_gives_the_golden_answers(loaded):
    """A package is a model folder of MLflow's: what was downloaded predicts there what it predicted here."""
    assert len(loaded["golden"]) == 64
    assert loaded["predicted"] == loaded["reordered"] == pytest.approx(loaded["golden"], abs=1e-9)
    assert loaded["warned"] == []


def test_mlflow_reads_the_contract_as_its_signature(loaded):
    """Columns, types and what may be missing are MLflow's too."""
    assert loaded["inputs"] == [
        ["distance", "double", False],
        ["hour", "long", True],
        ["carrier", "string", True],
        ["night", "boolean", True],
    ]


def test_mlflows_scoring_client_gets_the_models_answer(said, served):
    """Its client needs no change, with params or without."""
    assert said["client"] == said["client_params"] == served.expected


def test_ping_health_and_version_are_there(said):
    """The three paths beside /invocations."""
    assert said["health"] == {"ping": 200, "health": 200}
    assert said["version"] == said["own_version"]


@pytest.mark.parametrize(
    "form",
    [
        "dataframe_split",
        "dataframe_split_example",
        "dataframe_records",
        "instances",
        "inputs",
        "csv",
        "csv_with_index",
        "charset",
        "reordered",
        "superfluous",
    ],
)
def test_every_documented_form_gets_what_mlflows_server_answers(said, served, form):
    """Each form, written by MLflow's own helpers where there are some, is answered with the same numbers."""
    found = said["forms"][form]
    assert found["ours"] == found["theirs"] == {"status": 200, "values": served.expected}


@pytest.mark.parametrize("form", ["missing_values_example", "missing_values_client", "missing_values_csv"])
def test_missing_numbers_get_what_mlflows_server_answers(said, expected_without_distance, form):
    """MLflow's helpers write the bare word NaN into JSON, and an empty cell into CSV."""
    found = said["forms"][form]
    assert found["ours"] == found["theirs"] == {"status": 200, "values": expected_without_distance}


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ("missing_column", 400, "hour: is missing"),
        ("wrong_type", 400, "hour: row 0 is 'early', not int64"),
        ("wrong_type_csv", 400, "hour: row 0 is 'early', not int64"),
        ("two_forms", 400, "exactly one of dataframe_split"),
        ("no_form", 400, "exactly one of dataframe_split"),
        ("a_list", 400, "Expected `object`"),
        ("no_json", 400, "truncated"),
        ("other_media", 415, "send application/json or text/csv"),
        ("other_charset", 415, "UTF-8"),
    ],
)
def test_what_mlflows_server_refuses_is_refused_with_the_same_status(said, form, status, words):
    """The status is MLflow's, the words are ours, and they are where MLflow's clients look for them."""
    found = said["forms"][form]
    assert found["ours"]["status"] == found["theirs"]["status"] == status
    assert words in found["ours"]["message"]
    assert found["ours"]["error_code"]


def test_a_missing_value_that_must_be_there_is_refused_where_mlflows_server_scores_it(said):
    """MLflow lets a NaN pass for a string; the contract does not."""
    found = said["forms"]["missing_required_value"]
    assert (found["ours"]["status"], found["theirs"]["status"]) == (400, 200)
    assert "carrier: row 0 is missing" in found["ours"]["message"]


def test_the_projects_own_client_speaks_the_same_protocol(served):
    """``mw.predict`` is one more client of /invocations."""
    answer = mw.predict("delays", served.asked, url=served.url)
    assert answer.predictions == served.expected
    assert (answer.model, answer.version) == ("delay", 1)
