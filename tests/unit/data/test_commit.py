"""Commits: what becomes a version, what is refused, and what a version says."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import Corrupted, Invalid, NotFound
from modelwright.core.operation import Upload
from modelwright.core.schema import Column, Contract, DType
from modelwright.data.contract import contract_of
from modelwright.data.ingest import table_of
from modelwright.data.model import content_digest
from modelwright.testing.faults import flip

ROWS = {"id": [1, 2, 3], "carrier": ["UA", "B6", None], "delay": [1.5, None, -3.0]}


def parquet(table):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def test_a_version_reads_as_one_line(data):
    assert str(data.add("flights", ROWS)).startswith("flights@1  3 rows  ")
    more = {name: values + values[:1] for name, values in ROWS.items()}
    assert str(data.add("flights", more)) == f"flights@2  4 rows  +1  {data.get('flights@2').digest[:6]}…  contract ok"


def test_the_first_version_gets_the_contract_its_columns_keep(data):
    version = data.add("flights", ROWS)
    assert version.contract == Contract(
        columns=(
            Column(name="id", dtype=DType.INT64),
            Column(name="carrier", dtype=DType.STRING, nullable=True),
            Column(name="delay", dtype=DType.FLOAT64, nullable=True),
        )
    )
    assert version.contract == contract_of(table_of(ROWS))
    assert (version.rows, version.rows_added, version.columns["id"]) == (3, None, DType.INT64)


def test_the_digest_is_of_columns_types_and_parts(data):
    version = data.add("flights", ROWS)
    assert version.digest == content_digest(version.columns, [part.digest for part in version.parts])
    assert version.digest != content_digest({**version.columns, "id": DType.FLOAT64}, [p.digest for p in version.parts])
    assert data.add("others", ROWS).digest == version.digest


def test_the_same_content_again_is_the_version_it_already_is(data, caller):
    first = data.add("flights", ROWS, key="id")
    stored, events = set(caller.blobs.digests()), len(caller.events)
    assert data.add("flights", ROWS) == data.add("flights", ROWS, key="id", note="again") == first
    uploads = tuple(Upload(digest=part.digest, size=part.size) for part in first.parts)
    assert data.commit("flights", uploads) == first
    assert (set(caller.blobs.digests()), len(caller.events)) == (stored, events)


def test_the_same_content_under_other_terms_is_a_new_version_of_the_same_parts(data, caller):
    first = data.add("flights", ROWS)
    stored = set(caller.blobs.digests())
    second = data.add("flights", ROWS, key="id")
    assert (second.version, second.key, second.digest, second.rows_added) == (2, "id", first.digest, 0)
    assert set(caller.blobs.digests()) == stored


def test_earlier_content_can_become_the_newest_again(data):
    first = data.add("flights", ROWS)
    data.add("flights", {**ROWS, "id": [4, 5, 6]})
    again = data.add("flights", ROWS)
    assert (again.version, again.digest) == (3, first.digest)


def test_an_event_tells_the_ledger(data, caller):
    version = data.add("flights", ROWS)
    (event,) = caller.events
    assert (event.name, event.version, event.digest, event.rows) == ("flights", 1, version.digest, 3)
    assert event.parts == tuple(part.digest for part in version.parts)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"delay": None}, "delay: is missing"),
        ({"id": ["1", "2", "3"]}, "id: is string, not int64"),
        ({"id": [1, 2, None]}, "id: has 1 rows without a value, and may have none"),
    ],
)
def test_a_break_of_the_contract_is_refused_and_the_column_named(data, change, problem):
    data.add("flights", ROWS)
    changed = {name: values for name, values in (ROWS | change).items() if values is not None}
    with pytest.raises(Invalid, match=problem) as refused:
        data.add("flights", changed)
    assert list(refused.value.fields) == list(change)
    assert data.get("flights@latest").version == 1
    allowed = data.add("flights", changed, contract="infer")
    assert allowed.contract_problems == (problem,)
    assert str(allowed).endswith("contract changed: 1 problem")


def test_whole_numbers_are_good_where_floats_were(data):
    data.add("flights", {"delay": [1.5]})
    assert data.add("flights", {"delay": [1]}).contract.columns[0].dtype == DType.FLOAT64


def test_ranges_and_categories_hold_once_a_person_wrote_them(data):
    contract = Contract(
        columns=(
            Column(name="delay", dtype=DType.FLOAT64, nullable=True, minimum=-10, maximum=100),
            Column(name="carrier", dtype=DType.STRING, nullable=True, categories=("UA", "B6")),
        )
    )
    data.add("flights", ROWS, contract=contract)
    for change, problem in (
        ({"delay": [1.0, -11.0, 0.0]}, "delay: goes down to -11.0, below the minimum -10"),
        ({"delay": [float("inf"), 0.0, 0.0]}, "delay: goes up to Infinity, above the maximum 100"),
        ({"carrier": ["UA", "XX", "B6"]}, "carrier: holds 'XX', not one of UA, B6"),
    ):
        with pytest.raises(Invalid, match=problem):
            data.add("flights", ROWS | change)
        with pytest.raises(Invalid, match="given with it"):
            data.add("others", ROWS | change, contract=contract)


def test_a_new_column_joins_the_contract_and_one_left_out_stays_out(data):
    data.add("flights", ROWS, contract=Contract(columns=(Column(name="id", dtype=DType.INT64),)))
    grown = data.add("flights", {**ROWS, "gate": ["A", "B", "C"]})
    assert grown.contract.names == ("id", "gate")


def test_a_key_names_every_row_and_is_kept(data):
    assert data.add("flights", ROWS, key="id").key == "id"
    assert data.add("flights", {**ROWS, "id": [4, 5, 6]}).key == "id"
    with pytest.raises(Invalid, match="'7' names 2 rows"):
        data.add("flights", {**ROWS, "id": [7, 7, 8]})
    for key, why in (("carrier", "1 rows have no value"), ("none", "no column 'none'")):
        with pytest.raises(Invalid, match=why):
            data.add("others", ROWS, key=key)


def test_times_are_columns_of_times(data):
    with pytest.raises(Invalid, match="'id' cannot be event_time: it is int64"):
        data.add("flights", ROWS, event_time="id")
    with pytest.raises(Invalid, match="no column"):
        data.add("flights", ROWS, known_at="landed")
    times = table_of({"at": ["2013-01-01T00:00:00Z"]}).set_column(0, "at", pa.array([0], pa.timestamp("us", "UTC")))
    version = data.add("times", times, event_time="at", known_at="at")
    assert (version.event_time, version.known_at) == ("at", "at")


def test_parts_are_checked_by_the_server_itself(data, caller):
    good = caller.upload(parquet(pa.table({"a": [1]})))
    for label, uploads in {
        "1 to 100,000 parts": (),
        "cannot be read as Parquet": (caller.upload(b"a,b\n1,2\n"),),
        "not been sent": (Upload(digest="0" * 64, size=1),),
        "no rows": (caller.upload(parquet(pa.table({"a": pa.array([], pa.int64())}))),),
        "type is int32": (caller.upload(parquet(pa.table({"a": pa.array([1], pa.int32())}))),),
        "other columns or types": (good, caller.upload(parquet(pa.table({"a": ["x"]})))),
        "only in case": (caller.upload(parquet(pa.table({"a": [1], "A": [1]}))),),
        "timestamp": (caller.upload(parquet(pa.table({"a": pa.array([0], pa.timestamp("us"))}))),),
    }.items():
        with pytest.raises(Invalid, match=label.replace("type is", "the type").replace("timestamp", "type timestamp")):
            data.commit("bad", uploads)
    with pytest.raises(NotFound):
        data.get("bad@latest")


def test_a_part_with_damaged_pages_is_refused_and_not_a_fault(data, caller):
    whole = bytearray(parquet(pa.table({"a": [f"{n}" for n in range(5000)]})))
    for place in range(200, 2000, 7):
        whole[place] ^= 0xFF
    with pytest.raises(Invalid, match="cannot be read"):
        data.commit("bad", (caller.upload(bytes(whole)),))


def test_an_altered_part_is_not_committed_again(data, caller):
    version = data.add("flights", ROWS)
    part = version.parts[0]
    flip(caller.folder / "blobs" / part.digest[:2] / part.digest[2:])
    with pytest.raises(Corrupted, match=part.digest):
        data.commit("others", (Upload(digest=part.digest, size=part.size),))
    assert data.add("flights", ROWS) == version
    assert data.verify("flights@1").intact


def test_an_append_stores_its_rows_and_the_last_part(data, caller):
    rows = list(range(30_000))
    first = data.add("numbers", {"a": rows}, key="a")
    second = data.add("numbers", {"a": [*rows, 30_000]})
    assert [part.digest for part in second.parts[:3]] == [part.digest for part in first.parts[:3]]
    assert len(set(caller.blobs.digests())) == 5


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.lists(st.integers(0, 5), min_size=1, max_size=4))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_committing_twice_is_committing_once(data, first, more):
    version = data.add("numbers", {"a": first + more})
    assert data.add("numbers", {"a": first + more}) == version
    assert data.table(version.ref)["a"].to_pylist() == first + more


def test_a_command_repeated_under_its_key_answers_the_first_version(data, caller):
    uploads = (caller.upload(parquet(pa.table({"a": [1]}))),)
    first = data.commit("numbers", uploads, idempotency_key="k")
    data.add("numbers", {"a": [2]})
    assert data.commit("numbers", uploads, idempotency_key="k") == first
    assert data.get("numbers@latest").version == 2


def test_datasets_and_versions_are_listed(data):
    for number in range(3):
        data.add("flights", {"a": [number]})
    data.add("weather", {"a": [1]})
    page = data.list(limit=1)
    (flights,) = page.items
    assert (flights.name, flights.version, flights.versions, flights.rows) == ("flights", 3, 3, 1)
    assert [dataset.name for dataset in data.list(after=page.next).items] == ["weather"]
    page = data.versions("flights", limit=2)
    assert [version.version for version in page.items] == [3, 2]
    assert [version.version for version in data.versions("flights", after=page.next).items] == [1]
    for ask in (lambda: data.versions("none"), lambda: data.get("none@1"), lambda: data.get("flights@9")):
        with pytest.raises(NotFound):
            ask()
