"""Training sets and online reads beside their floors: raw DuckDB, Polars if it is there, and raw SQLite, in one run.

Point in time: 100,000 and 1,000,000 questions, three views of 1,000,000 facts (100,000 keys, 10 moments each) with ten
numbers each. Ours counts rows in and out, resolves ties and is checked against DuckDB's sums. Online: 1 and 100
entities by key, 100,000 keys with 30 numbers each.
"""

import sqlite3
import statistics
import struct
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from modelwright import features as f
from modelwright.core.schema import DType
from modelwright.features.model import ViewVersion
from modelwright.features.resolve import resolved
from modelwright.features.training import Frame, Period, Spine, training_table
from modelwright.features.vectors import Vectors, entry_bytes, key_bytes
from modelwright.predictions.model import microseconds
from modelwright.store.adapters.sqlite_keyvalue import SqliteKeyValue

try:
    import polars as pl
except ModuleNotFoundError:
    pl = None

KEYS, MOMENTS, WIDTH, VIEWS = 100_000, 10, 10, 3
START = datetime(2026, 1, 1, tzinfo=UTC)
TIME = pa.timestamp("us", "UTC")
RANDOM = np.random.default_rng(1)
REPEATS = 3


def facts(number: int) -> pa.Table:
    """One view's source."""
    rows = KEYS * MOMENTS
    at = microseconds(START) + RANDOM.integers(0, 100 * 86_400, rows) * 1_000_000
    columns = {f"v{number}_{i}": RANDOM.normal(size=rows) for i in range(WIDTH)}
    return pa.table({"key": np.repeat(np.arange(KEYS), MOMENTS), "at": pa.array(at).cast(TIME), **columns})


def questions(rows: int) -> pa.Table:
    at = microseconds(START) + RANDOM.integers(0, 100 * 86_400, rows) * 1_000_000
    return pa.table({"id": np.arange(rows), "key": RANDOM.integers(0, KEYS, rows), "asked": pa.array(at).cast(TIME)})


def types(table: pa.Table) -> dict[str, DType]:
    kinds = {pa.int64(): DType.INT64, pa.float64(): DType.FLOAT64, TIME: DType.TIMESTAMP}
    return {field.name: kinds[field.type] for field in table.schema}


def version(view: f.view, datasets: dict[str, Frame]) -> ViewVersion:
    columns, request = resolved(view, {name: frame.types for name, frame in datasets.items()})
    facts_of = {"name": view.name, "version": 1, "digest": "0" * 64, "space": "bench", "applied_by": "bench"}
    return ViewVersion(view=view, columns=columns, request=request, applied_at=START, **facts_of)


def best(work, repeats: int = REPEATS) -> tuple[float, object]:
    took, answer = [], None
    for _ in range(repeats):
        began = time.perf_counter()
        answer = work()
        took.append(time.perf_counter() - began)
    return min(took), answer


def by_duckdb(asking: pa.Table, sources: list[pa.Table]) -> pa.Table:
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("asking", asking)
        joins = ""
        for number, source in enumerate(sources):
            connection.register(f"s{number}", source)
            joins += f" ASOF LEFT JOIN s{number} ON asking.key = s{number}.key AND asking.asked >= s{number}.at"
        wanted = ", ".join(f"v{number}_{i}" for number in range(VIEWS) for i in range(WIDTH))
        return connection.sql(f"SELECT id, {wanted} FROM asking{joins}").to_arrow_table()


def by_polars(asking: pa.Table, sources: list[pa.Table]) -> object:
    joined = pl.from_arrow(asking).sort("asked")
    for source in sources:
        right = pl.from_arrow(source).sort("at")
        joined = joined.join_asof(right, left_on="asked", right_on="at", by="key", check_sortedness=False).drop("at")
    return joined


def point_in_time() -> None:
    sources = [facts(number) for number in range(VIEWS)]
    frames = {f"s{number}": Frame(source, types(source)) for number, source in enumerate(sources)}
    declared = [
        f.source(f"s{number}", entity="key", event_time="at").latest(f"v{number}_{i}")
        for number in range(VIEWS)
        for i in range(WIDTH)
    ]
    view = version(f.view("bench", declared), frames)
    for rows in (100_000, 1_000_000):
        asking = questions(rows)
        spine = Spine(Frame(asking, types(asking)), "id", "asked")
        ours, made = best(lambda s=spine: training_table(view, s, frames, Period()))
        raw, wanted = best(lambda a=asking: by_duckdb(a, sources))
        line = f"{rows:>9,} x {VIEWS * WIDTH}: ours {ours:.2f} s  DuckDB {raw:.2f} s  ratio {ours / raw:.2f}"
        if pl is not None:
            polars, _ = best(lambda a=asking: by_polars(a, sources))
            line += f"  Polars {polars:.2f} s  ratio {ours / polars:.2f}"
        print(line, flush=True)
        assert made.table.num_rows == rows
        for name in ("v0_0", f"v{VIEWS - 1}_{WIDTH - 1}"):  # ties are rare here, and DuckDB leaves them open
            one, other = (np.nansum(table[name].to_numpy()) for table in (made.table, wanted))
            assert abs(one - other) < 1e-3 * rows**0.5, (name, one, other)


def online() -> None:
    with tempfile.TemporaryDirectory() as folder, closing(SqliteKeyValue(Path(folder) / "online.db")) as store:
        names = [f"v{i}" for i in range(30)]
        table = pa.table({"key": [0], "at": pa.array([START], TIME), **{name: [0.0] for name in names}})
        source = f.source("s", entity="key", event_time="at")
        view = version(
            f.view("bench", [source.latest(name, max_age="7d") for name in names]), {"s": Frame(table, types(table))}
        )
        at = microseconds(START)
        numbers = RANDOM.normal(size=(KEYS, 30))
        store.replace(
            "bench/0", None, ((key_bytes((key,)), at, entry_bytes((at, *numbers[key].tolist()))) for key in range(KEYS))
        )
        raw = sqlite3.connect(Path(folder) / "raw.db", isolation_level=None)
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("CREATE TABLE vectors (key INTEGER PRIMARY KEY, value BLOB)")
        raw.execute("BEGIN")
        raw.executemany(
            "INSERT INTO vectors VALUES (?, ?)", ((k, struct.pack("<30d", *numbers[k])) for k in range(KEYS))
        )
        raw.execute("COMMIT")
        vectors = Vectors(view, store)
        later = at + timedelta(hours=1) // timedelta(microseconds=1)

        def ours(keys: list[int]) -> None:
            vectors.complete({"key": keys}, [later] * len(keys))

        def floor(keys: list[int]) -> None:
            for key in keys:
                struct.unpack("<30d", raw.execute("SELECT value FROM vectors WHERE key = ?", (key,)).fetchone()[0])

        for count in (1, 100):
            asked = [RANDOM.integers(0, KEYS, count).tolist() for _ in range(1000)]
            mine, theirs = (milliseconds(read, asked) for read in (ours, floor))
            print(
                f"{count:>3} entities x 30: ours p50 {mine[0]:.3f} p99 {mine[1]:.3f} ms"
                f"  SQLite p50 {theirs[0]:.3f} p99 {theirs[1]:.3f} ms  ratio {mine[0] / theirs[0]:.1f}"
            )
        raw.close()


def milliseconds(read, asked: list[list[int]]) -> tuple[float, float]:
    took = []
    for keys in asked:
        began = time.perf_counter()
        read(keys)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took), statistics.quantiles(took, n=100)[98]


if __name__ == "__main__":
    if "online" not in sys.argv[1:]:
        point_in_time()
    online()
