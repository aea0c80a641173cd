"""Columns as histograms that add up."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import Invalid
from modelwright.stats.histogram import MOST_CELLS, CategoryGrid, Grid, Histogram, NumericGrid
from modelwright.stats.profile import grid, grids, profile, profiles

NUMBERS = st.lists(
    st.one_of(st.floats(), st.integers(-5, 5).map(float), st.sampled_from([0.0, -0.0, 5e-324, 1.5])), max_size=60
)
TEXTS = st.lists(st.one_of(st.none(), st.sampled_from("abcde"), st.text(max_size=3)), max_size=60)


@given(reference=NUMBERS, rows=st.lists(NUMBERS, min_size=1, max_size=4))
@settings(deadline=None)
def test_profiles_of_parts_add_up_to_the_profile_of_the_whole(reference, rows):
    cells = grid(np.asarray(reference, float))
    parts = [profile(cells, np.asarray(part, float)) for part in rows]
    whole = profile(cells, np.concatenate([np.asarray(part, float) for part in rows]))
    forward = parts[0]
    for part in parts[1:]:
        forward = forward + part
    backward = parts[-1]
    for part in parts[-2::-1]:
        backward = part + backward
    assert forward == backward == whole
    assert msgspec.json.encode(forward) == msgspec.json.encode(whole)


@given(reference=TEXTS, rows=st.lists(TEXTS, min_size=2, max_size=2))
@settings(deadline=None)
def test_profiles_of_categories_add_up(reference, rows):
    cells = grid(pa.array(reference, pa.string()))
    found = [profile(cells, pa.array(part, pa.string())) for part in (*rows, rows[0] + rows[1])]
    assert found[0] + found[1] == found[1] + found[0] == found[2]
    assert found[2].n == found[2].counts().sum() + found[2].missing


@given(NUMBERS)
@settings(deadline=None)
def test_every_number_lies_in_the_cell_that_its_edges_say(numbers):
    cells = grid(np.asarray(numbers, float))
    for number in (each for each in numbers if not np.isnan(each)):
        counts = profile(cells, np.asarray([number])).counts()
        ends = [-np.inf, *cells.edges, np.inf]
        place = int(counts.argmax())
        assert counts.sum() == 1
        assert ends[place] < number <= ends[place + 1] or (number == -np.inf and place == 0)


@pytest.mark.parametrize("rows", [1, 2, 2047, 2048, 4096, 50_000])
@pytest.mark.parametrize("shape", ["smooth", "tied", "spiked"])
def test_a_grid_has_few_cells_and_none_of_them_large(rows, shape):
    rng = np.random.default_rng(rows)
    values = {
        "smooth": rng.normal(size=rows),
        "tied": rng.integers(0, 3000, rows).astype(float),
        "spiked": np.where(rng.random(rows) < 0.4, 0.0, rng.lognormal(size=rows)),
    }[shape]
    cells = grid(values)
    counts = profile(cells, values).counts()
    wide = np.diff(cells.edges) > 2 * np.spacing(np.abs(cells.edges[1:]))
    assert cells.size <= MOST_CELLS
    assert counts[1:-1][wide].max(initial=0) <= max(1, rows / 2000)
    assert counts[0] == counts[-1] == 0


def test_what_lies_beyond_the_reference_is_unseen():
    found = profile(grid([1.0, 2.0, 3.0]), [0.5, 1.0, 2.5, 4.0, np.inf, -np.inf, np.nan])
    assert (found.n, found.missing, found.unseen) == (7, 1, 4)
    assert (found.minimum, found.maximum) == (0.5, 4.0)


def test_categories_the_reference_lacks_share_a_cell():
    cells = grid(["UA", "UA", "B6"])
    assert cells == CategoryGrid(values=("UA", "B6"))
    found = profile(cells, ["B6", "AA", "DL", None])
    assert found.counts().tolist() == [0, 1, 2]
    assert (found.missing, found.unseen) == (1, 2)


def test_the_most_frequent_categories_get_the_cells():
    values = [f"c{place:04}" for place in range(1500)]
    cells = grid([*values, *values[1400:]])
    assert cells.values[:100] == tuple(values[1400:])
    assert len(cells.values) == 1000
    assert profile(cells, values).unseen == 500


def test_prose_gets_no_cell():
    assert grid(["a", "long " * 100]) == CategoryGrid(values=("a",))


@pytest.mark.parametrize(
    "values",
    [
        np.array(["a", "b", "a", None], object),
        ["a", "b", "a", None],
        pa.array(["a", "b", "a", None]),
        pa.array(["a", "b", "a", None], pa.large_string()),
        pa.array(["a", "b", "a", None], pa.string_view()),
        pa.array(["a", "b", "a", None]).dictionary_encode(),
        pa.chunked_array([["a", "b"], ["a", None]]),
        pa.DictionaryArray.from_arrays(pa.array([0, 2, 1, None]), ["a", "a", "b", "unused"]),
        pa.DictionaryArray.from_arrays(pa.array([0, 2, 0, 1]), ["a", None, "b"]),
        pa.chunked_array([pa.array(["b", None]).dictionary_encode(), pa.array(["a", "a"]).dictionary_encode()]),
    ],
    ids=[
        "objects",
        "list",
        "Arrow",
        "large",
        "view",
        "dictionary",
        "chunks",
        "repeated entries",
        "null as an entry",
        "chunks of dictionaries",
    ],
)
def test_text_is_counted_alike_in_every_form(values):
    cells = grid(values)
    assert cells == CategoryGrid(values=("a", "b"))
    assert profile(cells, values) == profile(cells, ["a", "b", None, "a"])


@pytest.mark.parametrize(
    "values",
    [
        np.array([3, 1, 2]),
        np.array([3, 1, 2], np.uint8),
        np.array([3, 1, 2], np.float32),
        [3, 1, 2],
        pa.array([3, 1, 2]),
        pa.array([3, 1, 2], pa.int16()).dictionary_encode(),
        pa.chunked_array([[3.0], [1.0, 2.0]]),
    ],
    ids=["int", "uint8", "float32", "list", "Arrow", "dictionary", "chunks"],
)
def test_numbers_are_counted_alike_in_every_form(values):
    cells = grid(values)
    assert cells == grid(np.array([1.0, 2.0, 3.0]))
    assert profile(cells, values) == profile(cells, np.array([1.0, 2.0, 3.0]))


@pytest.mark.parametrize(
    "values", [[], np.zeros(0), pa.array([], pa.string()), pa.chunked_array([], pa.dictionary(pa.int8(), pa.string()))]
)
def test_a_column_without_rows_has_a_profile_without_rows(values):
    assert profile(grid(values), values).n == 0
    assert profile(grid(["a"]), values).n == 0


def test_nulls_and_nan_are_missing():
    cells = grid(pa.array([1.0, None, float("nan")]))
    assert profile(cells, pa.array([1.0, None, float("nan")])).missing == 2
    assert profile(cells, [None, None]).missing == 2


def test_booleans_are_categories_and_both_are_known():
    cells = grid(np.array([True, True]))
    assert cells == CategoryGrid(values=("true", "false"))
    assert profile(cells, [True, False, None]).counts().tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    "values",
    [
        np.array(["1970-01-01T00:01", "NaT"], "datetime64[ns]"),
        [datetime(1970, 1, 1, 0, 1, tzinfo=UTC), None],
        pa.array([60, None], pa.timestamp("s", "America/New_York")),
    ],
    ids=["numpy", "list", "another zone"],
)
def test_times_are_seconds(values):
    assert grid(values).edges[-1] == 60.0
    assert profile(grid(values), values).missing == 1


def test_numbers_are_found_among_categories_that_are_their_text():
    cells = grid(["1", "2", "0.5"])
    assert profile(cells, np.array([1.0, 2.0, np.nan])).counts().tolist() == [0, 1, 1, 0]
    assert profile(cells, np.array([0.5, np.inf, 1.0])).counts().tolist() == [1, 1, 0, 1]
    assert profile(grid([str(2**40)]), [2.0**40, 0.5]).unseen == 1
    assert profile(cells, [1, 2]).counts().tolist() == [0, 1, 1, 0]


def test_text_where_numbers_were_is_refused():
    with pytest.raises(Invalid, match="hour has string values, and its reference has numbers"):
        profile(grid([1, 2]), ["a"], name="hour")


@pytest.mark.parametrize("values", [[1, "a"], [[1], [2]], np.zeros((2, 2)), [b"a"], [object()], 5])
def test_what_is_no_column_is_refused(values):
    with pytest.raises(Invalid, match=r"^odd "):
        grid(values, name="odd")


def test_columns_are_profiled_by_name():
    reference = {"hour": [1, 2], "carrier": ["UA", "B6"]}
    cells = grids(reference)
    found = profiles(cells, {**reference, "other": [0]})
    assert {name: each.n for name, each in found.items()} == {"hour": 2, "carrier": 2}
    with pytest.raises(Invalid, match="no column 'hour'"):
        profiles(cells, {"carrier": ["UA"]})


def test_grids_and_histograms_travel():
    rng = np.random.default_rng(0)
    for values in (rng.normal(size=9000), ["a", "b", None]):
        cells = grid(values)
        found = profile(cells, values)
        assert msgspec.json.decode(msgspec.json.encode(cells), type=Grid) == cells
        assert msgspec.json.decode(msgspec.json.encode(found), type=Histogram) == found
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Histogram) == found


def test_an_hour_of_few_rows_takes_few_bytes():
    rng = np.random.default_rng(0)
    cells = grid(rng.normal(size=100_000))
    assert len(profile(cells, rng.normal(size=200)).packed) <= 601
    assert len(profile(cells, rng.normal(size=100_000)).packed) <= 4096


def test_counts_beyond_four_bytes_stay_exact():
    cells = grid([0.0])
    many = Histogram.of(cells, np.array([0, 2**33, 1]))
    assert (many + many).counts().tolist() == [0, 2**34, 2]


@pytest.mark.parametrize(
    "packed", [b"", b"\x01", b"\x03\x00\x00\x00", b"\x01\x00\x00", b"\x11\x09\x00\x01", b"\x11\x01"]
)
def test_bytes_that_were_not_packed_here_are_refused(packed):
    with pytest.raises(Invalid, match="A histogram of 3 cells"):
        Histogram(size=3, packed=packed, n=1).counts()


def test_histograms_of_different_grids_do_not_add_up():
    with pytest.raises(Invalid, match="5 cells and one of 3"):
        profile(grid([1, 2]), [1]) + profile(grid([1]), [1])


@pytest.mark.parametrize(
    "edges", [(1.0, 1.0), (2.0, 1.0), (float("nan"),), (float("inf"),), tuple(map(float, range(4096)))]
)
def test_a_grid_that_is_none_cannot_be_made(edges):
    with pytest.raises(ValueError, match=r"edge"):
        NumericGrid(edges=edges)


def test_a_histogram_of_more_cells_than_any_grid_has_cannot_be_made():
    with pytest.raises(ValueError, match="1 to 4,096 cells"):
        Histogram(size=10**12, packed=b"\x11", n=0)
