"""Facts as lines: per key, the moments at which values change, and what holds from each on.

Every question is answered by the last change at or before it, whether a training set asks (an ASOF join) or an endpoint
(one look-up in the online store). Both read what is made here, so they cannot differ.

- Of latest values a change is a fact that is later than all known before it; the answer is that fact's row.
- Of a window, a fact counts from when it is known until it is replaced or leaves the window, so the window changes
  there alone. Sums run over whole numbers of 128 bits, steps of 2**-56 of what they sum (2**-20 for deviations), and
  are exact: it does not matter from where they are counted. Smallest and largest come from one pass with a heap.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from modelwright.core.errors import Invalid, Unavailable, first_line
from modelwright.core.expressions import MICROSECOND
from modelwright.core.schema import DType
from modelwright.features.model import Aggregation, Line, Source, Stored, Window, columns_read
from modelwright.store.formula import Marks, compiled, quoted

THREADS = 2
_FINE, _COARSE = 2.0**56, 2.0**20
_SAFE = 2**62
_threads = threading.local()
_SUMS = (Aggregation.COUNT, Aggregation.SUM, Aggregation.MEAN, Aggregation.STD)

Longs = NDArray[np.int64]
Types = Mapping[str, DType]
Statistic = tuple[str | None, str | None]
"""A column and the condition under which it is valid: features that share both share their sums."""


class Facts(NamedTuple):
    """A source's rows that can be known at all.

    Attributes:
        table: Its columns.
        types: Their types.
        event: When each happened, in microseconds since 1970 ``(n_rows,)``.
        known: When each became known.
    """

    table: pa.Table
    types: Types
    event: Longs
    known: Longs

    @property
    def start(self) -> Longs:
        """From when on each is a fact."""
        return np.maximum(self.event, self.known)


class Changes(NamedTuple):
    """A line: what holds from each moment on, sorted by key and moment.

    Attributes:
        keys: The key columns.
        at: The moments, in microseconds since 1970.
        event: When the fact happened, for latest values; else none.
        values: One column per feature.
    """

    keys: pa.Table
    at: Longs
    event: Longs | None
    values: pa.Table


def columns_of(source: Source, line: Line | None = None) -> list[str]:
    """The columns of a source that its facts, or one line of them, need."""
    named = [*source.entity, source.event_time, *([source.known_at] if source.known_at else [])]
    if line is not None:
        named += line.by
    return list(dict.fromkeys(named))


def facts(source: Source, table: pa.Table, types: Types, *, until: int | None = None) -> Facts:
    """The rows of a source that have an entity and both times.

    Args:
        source: The source.
        table: Its rows, in the dataset's order.
        types: The columns' types.
        until: Only what was a fact by then, in microseconds since 1970.
    """
    known_at = source.known_at or source.event_time
    there = pc.and_(table[source.event_time].is_valid(), table[known_at].is_valid())
    for key in source.entity:
        there = pc.and_(there, table[key].is_valid())
    if until is not None:
        limit = pa.scalar(until, pa.int64())
        for column in {source.event_time, known_at}:
            there = pc.and_(there, pc.fill_null(pc.less_equal(table[column].cast(pa.int64()), limit), False))
    kept = table if pc.all(there).as_py() is not False else table.filter(there)
    return Facts(kept, types, _microseconds(kept[source.event_time]), _microseconds(kept[known_at]))


def changes(line: Line, found: Facts) -> Changes:
    """The whole line of some facts."""
    if line.over is None:
        return _latest_changes(line, found)
    steps = windows(line, found)
    order = steps.sort_by([*((f"k{i}", "ascending") for i in range(len(line.by))), ("moment", "ascending")])
    keys = order.select([f"k{i}" for i in range(len(line.by))]).rename_columns(list(line.by))
    values = order.select([feature.name for feature in line.features])
    return Changes(keys, order["moment"].to_numpy(), None, values)


def ranked(line: Line, found: Facts) -> tuple[pa.Table, Longs]:
    """The changes of latest values as ``k0…, moment, rank``, and the row that each rank means.

    Ranks sort facts by event time, then by when they were known, then by their place in the dataset. Where facts are
    known at once, those of one moment differ by their place alone, and no sorting is needed.
    """
    rows = len(found.event)
    by_rank = rank = np.arange(rows)
    if line.source.known_at is not None:
        by_rank = np.lexsort((rank, found.known, found.event))
        rank = np.empty(rows, dtype=np.int64)
        rank[by_rank] = np.arange(rows)
    keys = {f"k{i}": found.table[key] for i, key in enumerate(line.by)}
    marked = pa.table({**keys, "moment": found.start, "rank": rank})
    names = ", ".join(keys)
    best = f"SELECT {names}, moment, max(rank) AS rank FROM facts GROUP BY {names}, moment"
    if line.source.known_at is not None:  # what is known later may have happened earlier
        best = f"SELECT {names}, moment, max(rank) OVER (PARTITION BY {names} ORDER BY moment) AS rank FROM ({best})"
    return query(best, {}, facts=marked), by_rank


def values(features: tuple[Stored, ...], found: Facts, rows: Longs | pa.Array) -> pa.Table:
    """The columns of latest values at some rows; a row that is null has none."""
    wanted = columns_read(features, found.types)
    taken = found.table.select(wanted).take(pa.array(rows))
    columns = [_value(feature, taken, found.types) for feature in features]
    return pa.table(dict(zip((feature.name for feature in features), columns, strict=True)))


def windows(line: Line, found: Facts) -> pa.Table:
    """The changes of windows as ``k0…, moment`` and one column per feature, in no order."""
    features = tuple(feature for feature in line.features if isinstance(feature, Window))
    statistics = list(dict.fromkeys((feature.column, feature.valid) for feature in features))
    spans = _spans(line, found, statistics)
    steps = _sums(line, spans, features, statistics, found.types)
    extremes = [feature for feature in features if feature.function not in _SUMS]
    if extremes:
        keys = [f"k{i}" for i in range(len(line.by))]
        sorting = [(name, "ascending") for name in [*keys, "moment"]]
        steps = steps.sort_by(sorting)
        spans = spans.sort_by(sorting)
        for feature in extremes:
            place = statistics.index((feature.column, feature.valid))
            column = _extremes(
                steps.select([*keys, "moment"]), spans.select([*keys, "moment", "ending", f"v{place}"]), feature
            )
            steps = steps.append_column(feature.name, column)
    return steps


def query(sql: str, parameters: Mapping[str, Any], **tables: pa.Table) -> pa.Table:
    """Run one SELECT of this code base over Arrow tables, in UTC."""
    with _translated():
        connection = _mine()
        try:
            for name, table in tables.items():
                connection.register(name, table)
            return connection.sql(sql, params=dict(parameters)).to_arrow_table()
        finally:
            for name in tables:
                connection.unregister(name)


def _mine() -> duckdb.DuckDBPyConnection:
    """This thread's database, in memory and empty between queries: to open one takes longer than most queries."""
    found: duckdb.DuckDBPyConnection | None = getattr(_threads, "connection", None)
    if found is None:
        found = _threads.connection = duckdb.connect(":memory:", config={"threads": THREADS})
        found.execute("SET TimeZone = 'UTC'")
    return found


def _latest_changes(line: Line, found: Facts) -> Changes:
    best, by_rank = ranked(line, found)
    names = [f"k{i}" for i in range(len(line.by))]
    best = best.sort_by([*((name, "ascending") for name in names), ("moment", "ascending")])
    rows = by_rank[best["rank"].to_numpy()]
    keys = best.select(names).rename_columns(list(line.by))
    return Changes(keys, best["moment"].to_numpy(), found.event[rows], values(line.features, found, rows))


def _value(feature: Stored, taken: pa.Table, types: Types) -> pa.ChunkedArray:
    """A feature's value of facts: missing where the condition does not hold, and where a number is NaN."""
    if feature.column is None:
        raise TypeError(f"{feature.name} counts facts and has no value")
    column = taken[feature.column]
    if types[feature.column] is DType.FLOAT64 and pc.any(pc.is_nan(column)).as_py():
        column = pc.if_else(pc.is_nan(column), None, column)
    if feature.valid is not None:
        marks = Marks()
        held = query(
            f'SELECT {compiled(feature.valid, types, marks).sql} AS v FROM facts ORDER BY "__place"',
            marks,
            facts=taken.append_column("__place", pa.array(np.arange(taken.num_rows))),
        )["v"]
        column = pc.if_else(pc.fill_null(held, False), column, None)
    return column


def _spans(line: Line, found: Facts, statistics: list[Statistic]) -> pa.Table:
    """When each version of a fact counts: ``k0…, moment, ending`` and its value for each statistic, ``v0…``."""
    marks = Marks()
    over = (line.over or MICROSECOND) // MICROSECOND
    keys = ", ".join(f"{quoted(key)} AS k{i}" for i, key in enumerate(line.by))
    held = ", ".join(f"{_statistic(each, found.types, marks)} AS v{i}" for i, each in enumerate(statistics))
    entity = ", ".join(map(quoted, line.source.entity))
    times = found.table.append_column("__event", pa.array(found.event)).append_column("__known", pa.array(found.known))
    times = times.append_column("__place", pa.array(np.arange(len(found.event))))
    there = " AND ".join(f"{quoted(key)} IS NOT NULL" for key in line.by)
    sql = f"""
        WITH versions AS (
            SELECT *, lead("__known") OVER (PARTITION BY {entity}, "__event" ORDER BY "__known", "__place") AS "__next"
            FROM facts
        ), spans AS (
            SELECT {keys}, greatest("__event", "__known") AS moment,
                least(coalesce("__next", 9223372036854775807), "__event" + {over}) AS ending, {held}
            FROM versions WHERE {there}
        )
        SELECT * FROM spans WHERE moment < ending
    """
    return query(sql, marks, facts=times)


def _statistic(statistic: Statistic, types: Types, marks: Marks) -> str:
    column, valid = statistic
    if column is None:
        sql = "true"
    elif types[column] is DType.FLOAT64:
        sql = f"CASE WHEN isfinite({quoted(column)}) THEN {quoted(column)} END"
    else:
        sql = quoted(column)
    return sql if valid is None else f"CASE WHEN {compiled(valid, types, marks).sql} THEN {sql} END"


def _sums(
    line: Line, spans: pa.Table, features: tuple[Window, ...], statistics: list[Statistic], types: Types
) -> pa.Table:
    """The changes, with every feature that sums make; the others follow."""
    keys = ", ".join(f"k{i}" for i in range(len(line.by)))
    kinds = [types[column] if column is not None else DType.BOOL for column, _ in statistics]
    parts = {
        f"{name}{i}": _total(name, i, kind)
        for i, (statistic, kind) in enumerate(zip(statistics, kinds, strict=True))
        for name in _needed(statistic, features)
    }
    sums = "".join(f", {sql} AS {name}" for name, sql in parts.items())
    minus = "".join(f", -{name}" for name in parts)
    both = "".join(f", sum({name}) AS {name}" for name in parts)
    running = "".join(f", sum({name}) OVER so_far AS {name}" for name in parts)
    answers = [
        f"{_answer(feature.function, place, kinds[place])} AS {quoted(feature.name)}"
        for feature in features
        if feature.function in _SUMS
        for place in [statistics.index((feature.column, feature.valid))]
    ]
    sql = f"""
        WITH entering AS (SELECT {keys}, moment{sums} FROM spans GROUP BY ALL),
        leaving AS (SELECT {keys}, ending AS moment{sums} FROM spans GROUP BY ALL),
        moves AS (SELECT * FROM entering UNION ALL SELECT {keys}, moment{minus} FROM leaving),
        steps AS (SELECT {keys}, moment{both} FROM moves GROUP BY {keys}, moment),
        total AS (SELECT {keys}, moment{running} FROM steps
            WINDOW so_far AS (PARTITION BY {keys} ORDER BY moment ROWS UNBOUNDED PRECEDING))
        SELECT {", ".join([keys, "moment", *answers])} FROM total
    """
    return query(sql, {}, spans=spans)


def _needed(statistic: Statistic, features: tuple[Window, ...]) -> str:
    """Which totals: the number, the sum, and for a deviation the sums of coarse values and of their squares."""
    asked = {each.function for each in features if (each.column, each.valid) == statistic}
    sums = "s" if asked & {Aggregation.SUM, Aggregation.MEAN} else ""
    return f"n{sums}rq" if Aggregation.STD in asked else f"n{sums}"


def _total(name: str, place: int, kind: DType) -> str:
    if name == "n":
        return f"count(v{place})"
    if kind is not DType.FLOAT64:
        whole = f"CAST(CAST(v{place} AS BIGINT) AS HUGEINT)"
    else:
        whole = f"CAST(round(v{place} * {_FINE if name == 's' else _COARSE}) AS HUGEINT)"
    return f"coalesce(sum({f'{whole} * {whole}' if name == 'q' else whole}), 0)"


def _answer(function: Aggregation, place: int, kind: DType) -> str:
    n, r, q = f"n{place}", f"r{place}", f"q{place}"
    fine, coarse = (_FINE, _COARSE) if kind is DType.FLOAT64 else (1.0, 1.0)
    total = f"(CAST(s{place} AS DOUBLE) / {fine})"
    if function is Aggregation.COUNT:
        return f"CAST({n} AS BIGINT)"
    if function is Aggregation.SUM:
        return f"CASE WHEN {n} > 0 THEN {total} END"
    if function is Aggregation.MEAN:
        return f"CASE WHEN {n} > 0 THEN {total} / CAST({n} AS DOUBLE) END"
    number = f"CAST({n} AS DOUBLE)"
    exact = f"CAST({n} * {q} - {r} * {r} AS DOUBLE) / {number}"
    rounded = f"greatest(CAST({q} AS DOUBLE) - CAST({r} AS DOUBLE) * CAST({r} AS DOUBLE) / {number}, 0.0)"
    fits = f"abs({r}) < {_SAFE} AND {q} < {_SAFE}::HUGEINT * {_SAFE} // {n}"
    spread = f"CASE WHEN {fits} THEN {exact} ELSE {rounded} END"
    return f"CASE WHEN {n} > 1 THEN sqrt(({spread}) / ({number} - 1.0)) / {coarse} END"


def _extremes(steps: pa.Table, spans: pa.Table, feature: Window) -> pa.Array:
    """The smallest or largest value that counts at each change; both tables sorted by key and moment."""
    sign = -1.0 if feature.function is Aggregation.MAX else 1.0
    *starts, untils, found = spans.columns
    entering = list(zip(*(column.to_pylist() for column in starts), strict=True))
    leaving, held = untils.to_pylist(), found.to_pylist()
    answers: list[float | None] = []
    waiting: list[tuple[float, int]] = []
    at, key = 0, None
    for change in zip(*(column.to_pylist() for column in steps.columns), strict=True):
        if change[:-1] != key:
            key, waiting = change[:-1], []
        while at < len(entering) and entering[at] <= change:
            if entering[at][:-1] == key and held[at] is not None:
                heapq.heappush(waiting, (sign * float(held[at]), leaving[at]))
            at += 1
        while waiting and waiting[0][1] <= change[-1]:
            heapq.heappop(waiting)
        answers.append(sign * waiting[0][0] if waiting else None)
    return pa.array(answers, pa.float64())


def _microseconds(times: pa.ChunkedArray) -> Longs:
    return np.asarray(times.cast(pa.int64()).to_numpy())


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException):
        raise  # the SQL is this code base's own
    except duckdb.OutOfMemoryException as error:
        raise Unavailable(f"There is not enough memory: {first_line(error)}") from error
    except duckdb.Error as error:
        raise Invalid(
            f"The features cannot be computed: {first_line(error)}",
            remedy="Sums take totals below 1e21, deviations numbers below 8e12; times lie within the calendar.",
        ) from error
