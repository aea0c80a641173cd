"""SQL over versions: it answers, and it reaches nothing but the versions it names."""

import time
from pathlib import Path

import pytest

from modelwright.core.errors import Invalid
from modelwright.data.query import Limits
from modelwright.testing.faults import flip


@pytest.fixture
def flights(data):
    data.add("flights", {"carrier": ["UA", "B6"], "delay": [1.5, float("nan")], "n": [2**62, 2**62]})
    data.add("flights", {"carrier": ["UA", "B6", None], "delay": [1.5, 2.5, 3.5], "n": [1, 2, 3]}, contract="infer")
    return data


def answer(data, sql, **kwargs):
    return [list(row) for row in data.query(sql, **kwargs).rows]


def test_a_name_is_the_newest_version_and_a_quoted_reference_any(flights):
    assert answer(flights, "SELECT count(*) FROM flights") == [[3]]
    found = flights.query('SELECT count(*) AS n FROM "flights@1"')
    assert (found.rows, found.columns[0].name, found.columns[0].type) == (((2,),), "n", "BIGINT")
    assert [read.ref for read in found.reads] == ["flights@1"]


def test_two_versions_are_joined_and_both_are_named_as_read(flights):
    sql = 'WITH old AS (SELECT * FROM "flights@1") SELECT count(*) FROM old JOIN flights USING (carrier)'
    found = flights.query(sql)
    assert found.rows == ((2,),)
    assert {read.ref for read in found.reads} == {"flights@1", "flights@2"}


def test_rows_come_in_order_and_beyond_the_limit_the_answer_says_so(flights):
    found = flights.query("SELECT range AS a FROM range(10) ORDER BY a DESC", limit=3)
    assert (found.rows, found.truncated) == (((9,), (8,), (7,)), True)
    assert not flights.query("SELECT 1", limit=1).truncated
    for limit in (0, 10_001):
        with pytest.raises(Invalid, match="limit"):
            flights.query("SELECT 1", limit=limit)


def test_every_value_travels(flights):
    sql = """SELECT true, 1, 1.5::DOUBLE, 'nan'::DOUBLE, 'inf'::FLOAT, 0.25, 'x', NULL, sum(n), DATE '2013-01-01',
        TIMESTAMPTZ '2013-01-01 00:00:00-05', TIMESTAMP '2013-01-01 05:00:00', '\\x41'::BLOB, [1, 2] FROM "flights@1" """
    assert answer(flights, sql) == [
        [True, 1, 1.5, "NaN", "Infinity", 0.25, "x", None, str(2**63), "2013-01-01",
         "2013-01-01T05:00:00Z", "2013-01-01T05:00:00", "41", "[1, 2]"]
    ]  # fmt: skip


def test_columns_of_one_name_stay_apart(flights):
    found = flights.query("SELECT 1 AS a, 2 AS a")
    assert ([column.name for column in found.columns], found.rows) == (["a", "a"], ((1, 2),))


@pytest.mark.parametrize(
    "sql", ["DESCRIBE flights", "SUMMARIZE flights", "FROM flights", "VALUES (1)", "SELECT 1;", "SELECT 1 -- so"]
)
def test_what_reads_only_is_a_select(flights, sql):
    assert flights.query(sql).rows


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_blob('/proc/self/environ')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM parquet_scan('https://example.com/a.parquet')",
        "SELECT * FROM query('COPY (SELECT 1) TO ''/tmp/x''')",
        "SELECT getenv('HOME')",
        "SELECT * FROM duckdb_secrets()",
        "COPY (SELECT 1) TO '/tmp/modelwright-copied.csv'",
        "COPY flights TO '/tmp/modelwright-copied.csv'",
        "ATTACH '/tmp/modelwright-attached.db' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "SET threads = 64",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "CREATE TABLE a AS SELECT 1",
        "DROP VIEW flights",
        "EXPORT DATABASE '/tmp/modelwright-exported'",
        "EXPLAIN ANALYZE SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT 1; COPY (SELECT 1) TO '/tmp/modelwright-copied.csv'",
        "",
        ";",
        "-- nothing",
        "SELECT",
        "SELECT * FROM nothing",
        "SELECT nope FROM flights",
        "SELECT 1 / 'a'",
        "SELECT * FROM flights_frame",
        "\x00",
    ],
)
def test_anything_else_is_refused_in_one_line(flights, sql):
    with pytest.raises(Invalid) as refused:
        flights.query(sql)
    assert "\n" not in refused.value.message
    assert refused.value.remedy
    assert not any(Path("/tmp", name).exists() for name in ("modelwright-exported", "modelwright-copied.csv"))


def test_a_version_that_is_not_named_cannot_be_read(flights, caller):
    other = flights.add("secrets", {"word": ["hidden"]})
    part = other.parts[0].digest
    path = caller.folder / "blobs" / part[:2] / part[2:]
    with pytest.raises(Invalid, match="disabled by configuration"):
        flights.query(f"SELECT * FROM flights, read_parquet('{path}')")


def test_the_environment_does_not_reach_the_query(flights, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden-in-the-environment")
    found = answer(flights, "SELECT count(*) FROM duckdb_settings() WHERE value LIKE '%hidden%'")
    assert found == [[0]]


def test_a_query_that_takes_too_long_is_ended(flights, caller):
    caller.limits = Limits(seconds=1.5)
    started = time.monotonic()
    with pytest.raises(Invalid, match=r"longer than 1\.5 s"):
        flights.query("SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = 7")
    assert time.monotonic() - started < 10


def test_a_query_that_takes_too_much_memory_is_refused(flights, caller):
    caller.limits = Limits(memory_mb=64)
    with pytest.raises(Invalid, match=r"(?i)memory"):
        flights.query("SELECT list(range) FROM range(100000000)")


def test_an_answer_that_is_too_large_is_refused(flights, caller):
    caller.limits = Limits(answer_mb=1)
    with pytest.raises(Invalid, match="over 1 MB"):
        flights.query("SELECT repeat('x', 100000) FROM range(1000)")


def test_deep_nesting_ends_the_child_and_not_the_parent(flights):
    with pytest.raises(Invalid):
        flights.query("SELECT " + "(" * 40_000 + "1" + ")" * 40_000)
    with pytest.raises(Invalid, match="characters"):
        flights.query("SELECT " + "1" * 200_000)


def test_names_that_differ_only_in_case_are_told_apart_or_refused(flights):
    flights.add("FLIGHTS", {"a": [1]})
    assert answer(flights, "SELECT count(*) FROM FLIGHTS") == [[1]]
    with pytest.raises(Invalid, match="two spellings"):
        flights.query("SELECT 1 FROM FLIGHTS, flights")


def test_altered_bytes_are_not_asked(flights, caller):
    part = flights.get("flights@1").parts[0].digest
    flip(caller.folder / "blobs" / part[:2] / part[2:])
    with pytest.raises(Exception, match="altered"):
        flights.query('SELECT * FROM "flights@1"')
