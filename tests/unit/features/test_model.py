"""A model keeps its view; a run keeps what its training set was made of."""

from contextlib import closing

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression

import modelwright as mw
from modelwright import features as f
from modelwright.app.connect import connect
from modelwright.core.errors import Invalid
from modelwright.core.ids import Pinned
from modelwright.core.schema import Column, Contract, DType
from modelwright.core.wire import decode
from modelwright.features.model import ViewVersion
from support.features import hours
from support.homes import fresh_platform


@pytest.fixture
def ws(tmp_path):
    with closing(fresh_platform(tmp_path)), connect(tmp_path) as opened:
        at = pa.array([hours(0), hours(2), hours(4)], pa.timestamp("us", "UTC"))
        opened.data.add(
            "trips", pa.table({"trip": [1, 2, 3], "left": at, "delay": [1, 20, 3]}), key="trip", event_time="left"
        )
        yield opened


def a_view():
    trips = f.source("trips", entity="trip", event_time="left")
    label = f.label(trips, "delay", name="late")
    return f.view("v", [f.context(delay=int), f.row("twice", "delay * 2")], label=label)


def fitted():
    return LinearRegression().fit(np.eye(2), np.arange(2.0))


def test_a_run_leaves_the_whole_way_from_data_to_model(ws):
    with mw.run("trips", workspace=ws) as run:
        training = run.training_set(a_view(), spine="trips@1")
        version = run.save_model(fitted(), "m", example=training.features, features=training.view)
    assert ws.runs.get(run.id).reads == (ws.data.get("trips@1").pinned,)
    assert version.manifest.features == training.view.pinned
    assert set(ws.lineage.up("model:m@1").nodes) >= {"data:trips@1", "features:v@1", f"run:{run.id}"}
    [record] = ws.features.training_sets("v@1").items
    assert (record.run_id, record.rows, record.reads) == (run.id, 3, training.reads)
    assert [(each.name, each.missing, each.minimum, each.maximum) for each in record.distributions] == [
        ("delay", 0, 1.0, 20.0),
        ("twice", 0, 2.0, 40.0),
    ]


def test_the_package_holds_the_view_as_it_was_published(ws):
    version = ws.features.apply(a_view())
    ws.models.save(fitted(), "m", example={"delay": [1], "twice": [2.0]}, features=version)
    assert decode(ws.models._fetch("download", "m@1", "features.json"), ViewVersion) == version


def test_a_column_that_was_missing_in_training_may_be_missing(ws):
    version = ws.features.apply(a_view())
    saved = ws.models.save(
        mw.Lookup(["delay"], {}, otherwise=1.0),
        "m",
        example={"delay": [1, None], "twice": [2.0, None]},
        features=version,
    )
    assert [column.nullable for column in saved.manifest.inputs.columns] == [True, True]


@pytest.mark.parametrize(
    ("example", "given", "said"),
    [
        ({"delay": [1]}, lambda ws: ws.features.apply(a_view()), "example has no column twice"),
        ({"delay": [1], "twice": [2.0]}, lambda ws: a_view(), "features is a View, not a version"),
    ],
)
def test_what_is_no_vector_of_the_view_is_refused(ws, example, given, said):
    with pytest.raises(Invalid, match=said):
        ws.models.save(fitted(), "m", example=example, features=given(ws))


def test_a_pin_without_its_file_is_refused(ws):
    pin = Pinned(ref="v@1", digest="0" * 64)
    inputs = Contract(columns=(Column(name="x", dtype=DType.FLOAT64),))
    sent = ws.models._caller.upload(b"{}")
    files = [{"path": "model.json", "digest": sent.digest, "size": sent.size}]
    with pytest.raises(Invalid, match=r"no file 'features\.json'"):
        ws.models.register("m", "lookup", "regression", inputs, files, features=pin)


def test_another_definition_is_another_version_and_the_same_is_the_same(ws):
    first = ws.features.apply(a_view())
    assert ws.features.apply(a_view()) == first
    other = f.view("v", [f.context(delay=int)])
    assert ws.features.apply(other).version == 2
    assert [version.version for version in ws.features.versions("v").items] == [2, 1]
    assert ws.features.get("v@1") == first
