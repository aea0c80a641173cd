"""Flights and weather that never were, to see one rule at a time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

Rows = list[dict[str, Any]]
NOON = datetime(2013, 1, 5, 12, tzinfo=UTC)
"""When the made-up flight is asked about."""

READINGS = ("temp", "dewp", "humid", "wind_speed", "precip", "visib", "pressure")


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


def flights_of(rows: Rows) -> pa.Table:
    """Rows with the types of `data.raw`."""
    times, texts = ("sched_dep", "landed_at"), ("flight_id", "carrier", "origin", "dest")
    kinds = {name: pa.timestamp("us", "UTC") for name in times} | dict.fromkeys(texts, pa.string())
    return pa.Table.from_pylist(rows, pa.schema([(name, kinds.get(name, pa.int64())) for name in flight()]))


def weather_of(rows: Rows) -> pa.Table:
    """Rows with the types of `data.raw`."""
    kinds = [("origin", pa.string()), ("observed_at", pa.timestamp("us", "UTC"))]
    return pa.Table.from_pylist(rows, pa.schema(kinds + [(name, pa.float64()) for name in READINGS]))
