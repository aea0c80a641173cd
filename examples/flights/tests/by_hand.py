"""The join of `features`, written out by hand in SQL: what the declared features are held to."""

from datetime import datetime

import duckdb
import pyarrow as pa

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


def _query(sql: str, parameters: dict[str, datetime], /, **tables: pa.Table) -> pa.Table:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(sql, params=parameters).to_arrow_table()
