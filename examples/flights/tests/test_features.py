"""The declared features say what the query written by hand says."""

from datetime import timedelta

import data
import numpy as np
import pyarrow as pa
import pytest
import train
from pyarrow import compute as pc

import features
import modelwright as mw

SINCE, UNTIL = data.midnight("2013-03-01"), data.midnight("2013-03-08")


def test_the_training_set_is_what_the_query_by_hand_writes_out(year: pa.Table, written_out: pa.Table) -> None:
    """Every question of the year, in the same columns, with the same values."""
    shared = [name for name in written_out.column_names if name in year.column_names]
    assert {"flight_id", "asked_at", "late", *train.COLUMNS} - set(shared) == {"carrier_delay_7d"}
    assert year.num_rows == written_out.num_rows
    for name in shared:
        assert year[name].combine_chunks().equals(written_out[name].cast(year[name].type).combine_chunks()), name


def test_labels_count_as_far_as_they_were_known(ws: mw.Workspace, written_out: pa.Table) -> None:
    """Asked on 8 March about the week before, flights in the air have none, and those of the last day neither."""
    made = ws.features.training_set(features.view, spine="flights@1", since=SINCE, until=UNTIL, unlabelled="keep")
    found = made.table.sort_by([("asked_at", "ascending"), ("flight_id", "ascending")])
    week = written_out.filter((pc.field("asked_at") >= SINCE) & (pc.field("asked_at") < UNTIL))
    mature = pc.less_equal(week["asked_at"], UNTIL - timedelta(hours=25))  # asked an hour before departure
    known = pc.and_(pc.less_equal(week["landed_at"], UNTIL), mature)
    assert found["flight_id"].equals(week["flight_id"])
    assert found["late"].to_pylist() == pc.if_else(known, week["late"], None).to_pylist()
    assert found["late"].null_count > week["late"].null_count


def test_the_mean_delay_is_of_flights_that_had_landed(ws: mw.Workspace, flights: pa.Table) -> None:
    """Against numpy over the raw rows."""
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


def test_the_endpoint_would_be_given_what_training_saw(ws: mw.Workspace) -> None:
    """A day's questions, each as of the moment it was asked, to the last bit."""
    made = ws.features.training_set(
        features.view, spine="flights@1", since=SINCE, until=SINCE + timedelta(days=1), unlabelled="keep"
    )
    asked = ["carrier", "origin", "dest", "hour", "weekday", "distance"]
    rows = made.table.select(asked).to_pylist()
    vectors = ws.features.online(features.view, rows, at=made.table["asked_at"].to_pylist())
    assert pa.Table.from_pylist(vectors, made.features.schema).equals(made.features)
