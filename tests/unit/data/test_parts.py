"""A table becomes parts and comes back; the same rows are the same bytes; an append leaves parts alone."""

import math
from datetime import UTC, datetime
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.data.parts import LARGEST, SMALLEST, bounds, decoded, encoded

moments = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
COLUMNS = {
    pa.bool_(): st.booleans(),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(),
    pa.string(): st.text(),
    pa.timestamp("us", "UTC"): moments,
}


@st.composite
def tables(draw):
    rows = draw(st.integers(1, 30))
    kinds = draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=4))
    return pa.table(
        {
            f"c{place}": pa.array(draw(st.lists(COLUMNS[kind] | st.none(), min_size=rows, max_size=rows)), kind)
            for place, kind in enumerate(kinds)
        }
    )


def plain(table):
    return [
        [("NaN" if isinstance(v, float) and math.isnan(v) else v) for v in column.to_pylist()]
        for column in table.columns
    ]


@given(tables())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_table_comes_back_from_its_parts(table):
    back = decoded(data for _, data in encoded(table))
    assert back.schema == table.schema
    assert plain(back) == plain(table)


@given(tables(), st.integers(1, 10))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_the_same_rows_are_the_same_bytes_however_they_were_cut(table, size):
    pieces = [table.slice(start, size) for start in range(0, table.num_rows, size)]
    cut = pa.concat_tables([pa.table({n: p[n].combine_chunks() for n in p.column_names}) for p in pieces])
    assert list(encoded(cut)) == list(encoded(table))
    assert list(encoded(table.replace_schema_metadata({"pandas": "{}"}))) == list(encoded(table))


@given(st.integers(1, 10**9), st.integers(0, 10**7))
@settings(max_examples=50)
def test_an_append_keeps_every_full_part(rows, more):
    before, after = list(bounds(rows)), list(bounds(rows + more))
    assert after[: len(before) - 1] == before[:-1]


@given(st.integers(1, 10**9))
@settings(max_examples=50)
def test_parts_cover_every_row_once_and_are_neither_tiny_nor_huge(rows):
    cut = list(bounds(rows))
    assert cut[0][0] == 0
    assert cut[-1][1] == rows
    assert all(stop == start for (_, stop), (start, _) in pairwise(cut))
    assert all(SMALLEST <= stop - start <= LARGEST for start, stop in cut[:-1])
    assert all(stop - start <= max(SMALLEST, start // 64) for start, stop in cut)
    assert len(cut) <= 400 + rows // LARGEST


@pytest.mark.parametrize("rows", [336_776, 1_000_000, 10_000_000])
def test_an_append_of_one_percent_stores_little_more_than_that(rows):
    stored = []
    for start in range(rows, rows + 200_000, 7_919):
        more = start // 100
        kept = set(bounds(start))
        stored.append(sum(stop - begin for begin, stop in bounds(start + more) if (begin, stop) not in kept) / start)
    assert sum(stored) / len(stored) < 0.025
    assert max(stored) < 0.04


def test_parts_of_another_process_are_the_same_bytes():
    """Nothing of the machine or the moment goes into a part; this one was written on another day."""
    table = pa.table({"a": [1, None], "b": ["x", "y"]})
    ((rows, data),) = encoded(table)
    assert rows == 2
    assert data == next(data for _, data in encoded(decoded([data])))
