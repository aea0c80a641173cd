"""What the columns of a version hold, counted by DuckDB in two scans: aggregates, then the frequent values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from modelwright.core.schema import Column, Contract, DType
from modelwright.core.wire import real
from modelwright.data.model import QUANTILES, TOP_DISTINCT, TOP_VALUES, ColumnProfile, TopValue
from modelwright.data.schema import quoted

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    from modelwright.store.ports import Frames

_NUMBERS = (DType.INT64, DType.FLOAT64)
_CUT = 200
EXACT_ROWS = 1_000_000
"""So many rows are counted and sorted (flights: 0.3 s, as fast as estimating); more would take memory by the row."""

_HUGE = 1e140
"""The square of a larger number, summed, leaves float64; such columns have no mean and no deviation."""


def profile(
    frames: Frames, parts: Sequence[str], columns: Mapping[str, DType], *, rows: int
) -> tuple[ColumnProfile, ...]:
    """Profile every column of parts that rest as Parquet.

    Args:
        frames: Reads them.
        parts: Their digests.
        columns: Column -> type, in order.
        rows: How many there are; beyond a million, distinct values and quantiles are estimated.

    Raises:
        Invalid: A part cannot be read as a table.
    """
    dtypes = list(columns.values())
    exact = rows <= EXACT_ROWS
    source = ", ".join(f"{_value(quoted(name), dtype)} AS c{i}" for i, (name, dtype) in enumerate(columns.items()))
    wanted = ", ".join(text for i, dtype in enumerate(dtypes) for text in _aggregates(i, dtype, exact=exact))
    sql = f"SELECT count(*) AS n, {wanted} FROM (SELECT {source} FROM data)"
    (found,) = frames.query(sql, {"data": parts}).to_pylist()
    few = [
        i
        for i, dtype in enumerate(dtypes)
        if dtype in (DType.STRING, DType.BOOL) and found[f"distinct{i}"] <= TOP_DISTINCT
    ]
    top: dict[str, Any] = {}
    if few:
        frequent = ", ".join(_frequent(i) for i in few)
        (top,) = frames.query(f"SELECT {frequent} FROM (SELECT {source} FROM data)", {"data": parts}).to_pylist()
    return tuple(
        replace(_column(name, dtype, i, found, top.get(f"top{i}") or []), approximate=not exact)
        for i, (name, dtype) in enumerate(columns.items())
    )


def _value(column: str, dtype: DType) -> str:
    return f"CASE WHEN isnan({column}) THEN NULL ELSE {column} END" if dtype == DType.FLOAT64 else column


def _aggregates(i: int, dtype: DType, *, exact: bool) -> Iterator[str]:
    yield f"count(c{i}) AS held{i}"
    yield f"{f'count(DISTINCT c{i})' if exact else f'approx_count_distinct(c{i})'} AS distinct{i}"
    if dtype == DType.STRING:
        yield f"left(min(c{i}), {_CUT}) AS low{i}"
        yield f"left(max(c{i}), {_CUT}) AS high{i}"
        return
    yield f"min(c{i}) AS low{i}"
    yield f"max(c{i}) AS high{i}"
    if dtype == DType.BOOL:
        yield f"avg(c{i}::DOUBLE) AS mean{i}"
    if dtype in _NUMBERS:
        number = f"c{i}::DOUBLE"
        tame = f"FILTER (abs({number}) < {_HUGE})"
        yield f"count(*) FILTER (isfinite({number}) AND abs({number}) >= {_HUGE}) AS huge{i}"
        yield f"avg({number}) {tame} AS mean{i}"
        yield f"stddev_samp({number}) {tame} AS std{i}"
        quantile = "quantile_cont" if exact else "approx_quantile"
        yield f"{quantile}({number}, {list(QUANTILES)}) FILTER (isfinite({number})) AS quantiles{i}"


def _frequent(i: int) -> str:
    counted = f"list_transform(map_entries(histogram(c{i})), lambda e: {{'n': -e.value::BIGINT, 'v': e.key::VARCHAR}})"
    return f"list_slice(list_sort({counted}), 1, {TOP_VALUES}) AS top{i}"


def _column(name: str, dtype: DType, i: int, found: dict[str, Any], top: list[dict[str, Any]]) -> ColumnProfile:
    measured = dtype in _NUMBERS and not found[f"huge{i}"]
    mean, std = found.get(f"mean{i}"), found.get(f"std{i}")
    return ColumnProfile(
        name=name,
        dtype=dtype,
        rows=found["n"],
        missing=found["n"] - found[f"held{i}"],
        distinct=min(found[f"distinct{i}"], found[f"held{i}"]),
        minimum=_edge(found[f"low{i}"]),
        maximum=_edge(found[f"high{i}"]),
        mean=real(mean) if mean is not None and (measured or dtype == DType.BOOL) else None,
        std=real(std) if std is not None and measured else None,
        quantiles=tuple(found.get(f"quantiles{i}") or ()),
        top=tuple(TopValue(value=entry["v"][:_CUT], count=-entry["n"]) for entry in top),
    )


def _edge(value: Any) -> int | float | str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return real(value) if isinstance(value, float) else value


def strangers(frames: Frames, parts: Sequence[str], contract: Contract, columns: Mapping[str, DType]) -> dict[str, str]:
    """Column -> a value beyond the categories that the contract names; only columns that have one."""
    asked = [column for column in contract.columns if column.categories is not None and _is_text(column, columns)]
    found = {}
    for column in asked:
        name = quoted(column.name)
        sql = f"SELECT min({name}) AS v FROM data WHERE {name} IS NOT NULL AND NOT list_contains($allowed, {name})"
        value = frames.query(sql, {"data": parts}, {"allowed": list(column.categories or ())})["v"][0].as_py()
        if value is not None:
            found[column.name] = value[:_CUT]
    return found


def _is_text(column: Column, columns: Mapping[str, DType]) -> bool:
    return columns.get(column.name) == DType.STRING


def repeated_key(frames: Frames, parts: Sequence[str], key: str) -> tuple[str, int] | None:
    """A value that names more than one row, and how many; none when every row has its own."""
    name = quoted(key)
    sql = f"SELECT {name}::VARCHAR AS v, count(*) AS n FROM data GROUP BY {name} HAVING count(*) > 1 LIMIT 1"
    found = frames.query(sql, {"data": parts}).to_pylist()
    return (str(found[0]["v"])[:_CUT], found[0]["n"]) if found else None
