"""What can be done with a version: read it, export it, verify it, compare it."""

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import Conflict, Corrupted, Invalid, NotFound
from modelwright.data.parts import SMALLEST
from modelwright.testing.faults import flip

TABLE = pa.table(
    {
        "id": list(range(2 * SMALLEST + 5)),
        "word": [f"w{n % 7}" for n in range(2 * SMALLEST + 5)],
        "at": pa.array([datetime(2013, 1, 1, tzinfo=UTC)] * (2 * SMALLEST + 5), pa.timestamp("us", "UTC")),
    }
)


def blob(caller, part):
    return caller.folder / "blobs" / part.digest[:2] / part.digest[2:]


def test_a_version_comes_back_as_it_was_added(data):
    version = data.add("numbers", TABLE)
    assert len(version.parts) == 3
    assert data.table("numbers@1").equals(TABLE)
    assert data.table("numbers@latest", columns=["word"]).equals(TABLE.select(["word"]))
    with pytest.raises(Invalid, match="no column 'nope'"):
        data.table("numbers@1", columns=["nope"])


def test_a_part_is_offered_by_its_place(data):
    version = data.add("numbers", TABLE)
    handle = data.part("numbers@1", 2)
    assert (handle.digest, handle.size, handle.filename) == (
        version.parts[2].digest,
        version.parts[2].size,
        "numbers-1-00002.parquet",
    )
    for index in (-1, 3):
        with pytest.raises(NotFound):
            data.part("numbers@1", index)


def test_an_altered_part_is_not_handed_out(data, caller):
    version = data.add("numbers", TABLE)
    flip(blob(caller, version.parts[1]))
    with pytest.raises(Corrupted, match=version.parts[1].digest):
        data.table("numbers@1")


def test_verification_names_the_first_altered_part(data, caller):
    version = data.add("numbers", TABLE)
    sound = data.verify("numbers@1")
    assert (sound.intact, sound.parts, sound.size_bytes) == (True, 3, version.size_bytes)
    flip(blob(caller, version.parts[2]))
    flip(blob(caller, version.parts[1]))
    found = data.verify("numbers@1")
    assert (found.intact, found.first_altered) == (False, 1)
    assert version.parts[1].digest in found.problem
    blob(caller, version.parts[0]).unlink()
    assert data.verify("numbers@1").first_altered == 0


def test_verification_finds_an_altered_row(data, caller):
    data.add("numbers", TABLE)
    with caller.records.writing() as rows:
        rows.exec_driver_sql("UPDATE dataset_versions SET body = replace(body, 'word', 'wort')")
    with pytest.raises(Corrupted, match="DatasetVersion has been altered"):
        data.verify("numbers@1")


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
def test_an_export_is_whole_and_replaces_nothing(data, tmp_path, name):
    data.add("numbers", TABLE)
    target = data.export("numbers@1", tmp_path / name)
    back = pq.read_table(target) if name.endswith("parquet") else pc.read_csv(target)
    assert back["word"].equals(TABLE["word"])
    assert data.add("again", target).rows == TABLE.num_rows
    target.write_bytes(b"mine")
    with pytest.raises(Conflict):
        data.export("numbers@1", target)
    assert target.read_bytes() == b"mine"
    data.export("numbers@1", target, overwrite=True)
    assert target.stat().st_size > 1000
    with pytest.raises(Invalid):
        data.export("numbers@1", tmp_path / "out.xlsx")
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == [name]


def test_an_export_to_a_folder_that_is_not_there_is_not_found(data, tmp_path):
    data.add("numbers", {"a": [1]})
    with pytest.raises(NotFound, match="no folder"):
        data.export("numbers@1", tmp_path / "none" / "a.csv")


def test_the_same_version_has_no_difference(data):
    data.add("numbers", TABLE, key="id")
    found = data.diff("numbers@1", "numbers@latest")
    assert (found.same, found.columns, found.rows.parts_read, found.rows.changed) == (True, (), 0, 0)


def test_an_append_is_compared_by_reading_only_the_last_parts(data):
    data.add("numbers", TABLE, key="id")
    more = TABLE.slice(0, 1).set_column(0, "id", pa.array([10**6]))
    data.add("numbers", pa.concat_tables([TABLE, more]))
    found = data.diff("numbers@1", "numbers@2")
    assert (found.rows.added, found.rows.removed, found.rows.changed, found.rows.parts_read) == (1, 0, 0, 2)
    assert "1 rows added" in str(found)


def test_columns_types_and_contracts_are_compared(data):
    data.add("a", {"x": [1, 2], "gone": [True, True], "same": ["u", "v"]})
    data.add("a", {"x": ["1", None], "new": [1.5, 2.5], "same": ["u", "v"]}, contract="infer")
    found = data.diff("a@1", "a@2")
    assert (found.columns_added, found.columns_removed) == (("new",), ("gone",))
    assert found.columns_retyped == {"x": "int64 -> string"}
    assert [column.name for column in found.columns] == ["x"]
    assert found.contract == (
        "gone is no longer promised",
        "new is promised: float64, never missing",
        "x: int64, never missing -> string, may be missing",
    )
    assert (found.rows, found.no_rows_because) == (None, "a@1 has no key.")


keyed = st.dictionaries(
    st.integers(0, 12),
    st.tuples(st.none() | st.integers(0, 2), st.none() | st.floats(0, 1) | st.just(float("nan"))),
    min_size=1,
)


@given(keyed, keyed)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_are_compared_as_a_dictionary_would(data, before, after):
    for name, rows in (("before", before), ("after", after)):
        data.add(
            name,
            {
                "k": pa.array(list(rows), pa.int64()),
                "a": pa.array([row[0] for row in rows.values()], pa.int64()),
                "b": pa.array([row[1] for row in rows.values()], pa.float64()),
            },
            key="k",
            contract="infer",
        )
    found = data.diff("before@latest", "after@latest").rows
    both = before.keys() & after.keys()
    changed = {place: sum(str(before[k][place]) != str(after[k][place]) for k in both) for place in (0, 1)}
    assert (found.added, found.removed) == (len(after.keys() - both), len(before.keys() - both))
    assert found.changed == sum(any(str(before[k][p]) != str(after[k][p]) for p in (0, 1)) for k in both)
    assert found.changed_columns == {n: changed[p] for p, n in ((0, "a"), (1, "b")) if changed[p]}
