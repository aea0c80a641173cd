"""Views over tables made by hand, and what features mean, written out row by row: as slow and as plain as can be."""

import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from modelwright.core.expressions import evaluate, parse_row
from modelwright.core.schema import DType
from modelwright.features.model import Latest, Source, View, ViewVersion, Window
from modelwright.features.resolve import resolved
from modelwright.features.training import Frame

NOON = datetime(2013, 1, 5, 12, tzinfo=UTC)

ARROW = {
    DType.STRING: pa.string(),
    DType.FLOAT64: pa.float64(),
    DType.INT64: pa.int64(),
    DType.BOOL: pa.bool_(),
    DType.TIMESTAMP: pa.timestamp("us", "UTC"),
}


def frame(rows, **types) -> Frame:
    """Rows as a dataset version; types by name, ``temp=float``."""
    kinds = {float: DType.FLOAT64, int: DType.INT64, str: DType.STRING, bool: DType.BOOL, datetime: DType.TIMESTAMP}
    columns = {name: kinds[kind] for name, kind in types.items()}
    schema = pa.schema([(name, ARROW[dtype]) for name, dtype in columns.items()])
    return Frame(pa.Table.from_pylist(rows, schema), columns)


def applied(view: View, **datasets: Frame) -> ViewVersion:
    """A view's first version."""
    columns, request = resolved(view, {name: found.types for name, found in datasets.items()})
    return ViewVersion(
        name=view.name,
        version=1,
        digest="0" * 64,
        view=view,
        columns=columns,
        request=request,
        space=f"default/{view.name}@1",
        applied_at=NOON,
        applied_by="me",
    )


def hours(number: float | None) -> datetime | None:
    """A moment so many hours after noon."""
    return None if number is None else NOON + timedelta(hours=number)


Row = dict[str, Any]


def known(source: Source, rows: list[Row], at) -> list[Row]:
    """The newest version of every fact that exists at a moment, in the order of event times."""
    facts: dict[tuple, tuple] = {}
    for place, row in enumerate(rows):
        event, seen = row[source.event_time], row[source.known_at or source.event_time]
        entity = tuple(row[key] for key in source.entity)
        if event is None or seen is None or None in entity or seen > at:
            continue
        fact = (*entity, event)
        if fact not in facts or (seen, place) >= facts[fact][:2]:
            facts[fact] = (seen, place, row)
    living = [each for each in facts.values() if each[2][source.event_time] <= at]
    return [row for *_, row in sorted(living, key=lambda each: (each[2][source.event_time], *each[:2]))]


def latest(feature: Latest, rows: list[Row], key: tuple, at) -> Any:
    mine = [r for r in known(feature.source, rows, at) if tuple(r[k] for k in feature.source.entity) == key]
    if not mine or (feature.max_age is not None and at - mine[-1][feature.source.event_time] > feature.max_age):
        return None
    return value(feature, mine[-1])


def window(feature: Window, rows: list[Row], key: tuple, at) -> Any:
    mine = [
        value(feature, r)
        for r in known(feature.source, rows, at)
        if None not in key
        and tuple(r[k] for k in feature.by) == key
        and r[feature.source.event_time] > at - feature.over
    ]
    there = [float(v) for v in mine if v is not None]
    if feature.function == "count":
        return len(there)
    if not there or (feature.function == "std" and len(there) < 2):
        return None
    return {"sum": sum, "mean": statistics.fmean, "min": min, "max": max, "std": statistics.stdev}[feature.function](
        there
    )


def value(feature, row: Row) -> Any:
    if feature.valid is not None and evaluate(parse_row(feature.valid), row) is not True:
        return None
    found = True if feature.column is None else row[feature.column]
    return None if found != found else found  # NaN is missing
