"""Whatever people have becomes a table of five types, or a refusal that says what to do."""

import gzip
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelwright.core.errors import Invalid, NotFound
from modelwright.data.ingest import read_file, table_of

CSV = b'id,name,delay,day\n1,"NA",1.5,2013-01-01\n2,NA,,2013-01-02\n3,"a,b",NaN,2013-01-03\n'


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(CSV)
    return path


def test_csv_tells_a_missing_field_from_the_text_na(csv):
    table = table_of(csv)
    assert table.schema == pa.schema(
        {"id": pa.int64(), "name": pa.string(), "delay": pa.float64(), "day": pa.timestamp("us", "UTC")}
    )
    assert table["name"].to_pylist() == ["NA", None, "a,b"]
    assert table["delay"].to_pylist() == [1.5, None, None]
    assert table["day"][0].as_py() == datetime(2013, 1, 1, tzinfo=UTC)


def test_packed_files_hold_what_plain_ones_do(csv, tmp_path):
    with gzip.open(tmp_path / "a.csv.gz", "wb") as packed:
        packed.write(CSV)
    for name in ("a.csv.zip", "a.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("a.csv", CSV)
        assert table_of(str(tmp_path / name)).equals(table_of(csv))
    assert read_file(tmp_path / "a.csv.gz").equals(table_of(csv))


def test_parquet_and_json_lines_are_read(tmp_path):
    pq.write_table(pa.table({"a": pa.array([1, 2], pa.int8())}), tmp_path / "a.parquet")
    assert table_of(tmp_path / "a.parquet").to_pydict() == {"a": [1, 2]}
    (tmp_path / "a.jsonl").write_text('{"a": 1, "b": "x"}\n{"a": null, "b": "y"}\n')
    assert table_of(tmp_path / "a.jsonl").to_pydict() == {"a": [1, None], "b": ["x", "y"]}


def test_times_in_json_keep_their_offset(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"t": "2013-01-01T00:00:00-05:00"}\n{"t": "2013-01-01T05:00:00.25Z"}\n')
    assert table_of(tmp_path / "a.jsonl")["t"].to_pylist() == [
        datetime(2013, 1, 1, 5, tzinfo=UTC),
        datetime(2013, 1, 1, 5, 0, 0, 250_000, tzinfo=UTC),
    ]
    (tmp_path / "b.jsonl").write_text('{"t": "2013-01-01 00:00:00"}\n')
    with pytest.raises(Invalid, match="no time zone"):
        table_of(tmp_path / "b.jsonl")


def test_times_without_a_zone_are_refused_until_it_is_said():
    naive = {"t": [datetime(2013, 7, 1, 5, 0)]}  # noqa: DTZ001
    with pytest.raises(Invalid, match="'t' name no time zone") as refused:
        table_of(naive)
    assert "time_zone=" in refused.value.remedy
    assert table_of(naive, time_zone="America/New_York")["t"][0].as_py() == datetime(2013, 7, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("moment", [datetime(2013, 11, 3, 1, 30), datetime(2013, 3, 10, 2, 30)])  # noqa: DTZ001
def test_a_time_that_was_twice_or_never_is_refused(moment):
    with pytest.raises(Invalid, match="'t'") as refused:
        table_of({"t": [moment]}, time_zone="America/New_York")
    assert "offset" in refused.value.remedy


def test_a_zone_that_is_none_is_refused():
    with pytest.raises(Invalid, match="'t'"):
        table_of({"t": [datetime(2013, 1, 1)]}, time_zone="Mars/Olympus")  # noqa: DTZ001


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([1], pa.uint8()), pa.int64()),
        (pa.array([1.5], pa.float32()), pa.float64()),
        (np.array([1.5], np.float16), pa.float64()),
        (pa.array([Decimal("1.25")]), pa.float64()),
        (pa.array(["a"], pa.large_string()), pa.string()),
        (pa.array(["a"], pa.string_view()), pa.string()),
        (pa.array(["a"]).dictionary_encode(), pa.string()),
        (pa.array([5]).dictionary_encode(), pa.int64()),
        (pa.array([time(5, 15)]), pa.string()),
        (pa.array([None]), pa.float64()),
        (pa.array([True]), pa.bool_()),
        (pa.array([date(2013, 1, 1)]), pa.timestamp("us", "UTC")),
        (pa.array([0], pa.timestamp("ns", "Europe/Berlin")), pa.timestamp("us", "UTC")),
    ],
)
def test_a_type_becomes_one_of_five(values, kind):
    assert table_of({"a": values}).schema.field("a").type == kind


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1]]),
        pa.array([{"a": 1}]),
        pa.array([b"x"]),
        pa.array([timedelta(1)]),
        pa.array([2**64 - 1], pa.uint64()),
        pa.array([1], pa.timestamp("ns", "UTC")),
        pa.Array.from_buffers(pa.string(), 1, [None, pa.array([0, 1], pa.int32()).buffers()[1], pa.py_buffer(b"\xff")]),
        [1, "a"],
        [2**70],
        [object()],
    ],
    ids=[
        "list",
        "struct",
        "binary",
        "duration",
        "beyond 64 bits",
        "nanoseconds",
        "not UTF-8",
        "mixed",
        "huge",
        "objects",
    ],
)
def test_what_no_dataset_holds_is_refused(values):
    with pytest.raises(Invalid):
        table_of({"a": values})


def test_frames_come_in_by_the_arrow_protocols_without_their_library():
    table = pa.table({"a": [1, 2]})

    class Streamed:
        def __arrow_c_stream__(self, requested_schema=None):
            return table.__arrow_c_stream__(requested_schema)

    class Convertible:
        def to_arrow(self):
            return table

    for source in (table, table.to_batches()[0], Streamed(), Convertible(), {"a": [1, 2]}, [{"a": 1}, {"a": 2}]):
        assert table_of(source).equals(table)


@pytest.mark.parametrize("names", [["a", "a"], ["a", "A"], [""], ["a\nb"], ["x" * 251]])
def test_column_names_that_cannot_be_told_apart_are_refused(names):
    with pytest.raises(Invalid):
        table_of(pa.Table.from_arrays([pa.array([1])] * len(names), names=names))


@pytest.mark.parametrize("source", [{}, {"a": []}, [], {"a": [1], "b": [1, 2]}, 5, None])
def test_what_is_no_table_is_refused(source):
    with pytest.raises(Invalid):
        table_of(source)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.csv", b"a,b\n"),
        ("a.csv", b"a,b\n1\n"),
        ("a.csv", b"a\n\xff\xfe\n"),
        ("a.csv.gz", b"no gzip"),
        ("a.csv.zip", b"no zip"),
        ("a.parquet", b"PAR1"),
        ("a.jsonl", b"{"),
        ("a.jsonl", b'{"a": [1]}'),
        ("a.xlsx", b"x"),
        ("a", b"x"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Invalid):
        table_of(tmp_path / name)


def test_an_archive_of_two_files_is_refused_and_a_missing_file_not_found(tmp_path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", CSV)
        archive.writestr("b.csv", CSV)
    with pytest.raises(Invalid, match="2 files"):
        table_of(tmp_path / "two.zip")
    with pytest.raises(NotFound):
        table_of(tmp_path / "none.csv")
