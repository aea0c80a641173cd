"""Questions of the past, each answered with what was known when it was asked. Rows in = rows out, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelwright.core.errors import Invalid
from modelwright.core.expressions import MICROSECOND
from modelwright.core.schema import DType
from modelwright.data.schema import arrow_type
from modelwright.features.functions import applied
from modelwright.features.functions import compiled as function_of
from modelwright.features.lines import Facts, Longs, Types, facts, query, ranked, values, windows
from modelwright.features.model import (
    Aggregation,
    Computed,
    Given,
    Label,
    Latest,
    Line,
    OnDemand,
    Stored,
    View,
    ViewVersion,
    Window,
)
from modelwright.predictions.model import microseconds
from modelwright.store.formula import Kind, Marks, compiled, quoted

ASKED_AT = "asked_at"
_TIME = pa.timestamp("us", "UTC")


class Frame(NamedTuple):
    """A dataset version at hand.

    Attributes:
        table: Its rows, or some of their columns.
        types: All its columns' types.
    """

    table: pa.Table
    types: Types


class Spine(NamedTuple):
    """The rows that ask.

    Attributes:
        frame: The dataset version.
        key: The column that names a row, if there is one.
        event_time: The column of times; asked then, unless the view says otherwise.
    """

    frame: Frame
    key: str | None
    event_time: str | None


class Period(NamedTuple):
    """Which questions, and as of when.

    Attributes:
        since: The first moment of asking.
        until: The first moment of asking that no longer belongs, and as of when labels are known; none for all.
    """

    since: datetime | None = None
    until: datetime | None = None


class Asked(NamedTuple):
    """A training set in the making.

    Attributes:
        table: Key, ``asked_at``, features, label, and when the label was known.
        excluded: Questions left out because their label was not known.
    """

    table: pa.Table
    excluded: int


def training_table(
    version: ViewVersion, spine: Spine, sources: Mapping[str, Frame], period: Period, *, keep_unlabelled: bool = False
) -> Asked:
    """The questions of a period with their features and labels.

    Args:
        version: The view.
        spine: The rows that ask.
        sources: Dataset -> rows, for every source.
        period: Which questions, and as of when.
        keep_unlabelled: Whether questions whose label is not known stay, with a label that is missing.

    Raises:
        Invalid: The spine lacks a column, or a feature cannot be computed.
    """
    _check_key(version, spine.key)
    questions, asked = _questions(version, spine, period)
    columns = features(version, questions, asked, sources)
    table = pa.table({**_names(spine.key, questions), ASKED_AT: pa.array(asked).cast(_TIME), **columns})
    if table.num_rows != questions.num_rows:
        raise AssertionError(f"{questions.num_rows} questions became {table.num_rows} rows")
    label = version.view.label
    if label is None:
        return Asked(table, 0)
    outcome, known = labels(label, questions, sources[label.source.dataset], period.until)
    table = table.append_column(label.name, outcome).append_column(f"{label.name}_known_at", known)
    if keep_unlabelled:
        return Asked(table, 0)
    kept = table.filter(outcome.is_valid())
    return Asked(kept, table.num_rows - kept.num_rows)


def features(
    version: ViewVersion, questions: pa.Table, asked: Longs, sources: Mapping[str, Frame]
) -> dict[str, pa.ChunkedArray]:
    """The vector of each question, by column.

    Args:
        version: The view.
        questions: Its request's columns.
        asked: When each is asked, in microseconds since 1970.
        sources: Dataset -> rows.
    """
    found: dict[str, pa.ChunkedArray] = {}
    for line in version.view.lines:
        frame = sources[line.source.dataset]
        found |= _looked_up(line, facts(line.source, frame.table, frame.types), questions, asked)
    columns: dict[str, pa.ChunkedArray] = {}
    for feature, column in zip(version.view.features, version.columns, strict=True):
        if isinstance(feature, Given):
            values = questions[feature.name]
        elif isinstance(feature, Computed):
            types = {each.name: each.dtype for each in version.columns if each.name in columns}
            values = _computed(feature.expression, columns, types, len(asked))
        elif isinstance(feature, OnDemand):
            given = {name: columns[name].to_pylist() for name in feature.inputs}
            values = pa.array(applied(feature, function_of(feature), given, len(asked)), arrow_type(column.dtype))
        else:
            values = found[feature.name]
        columns[feature.name] = _chunked(values).cast(arrow_type(column.dtype))
    return columns


def labels(
    label: Label, questions: pa.Table, frame: Frame, until: datetime | None
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """What each question turned out to be, as far as it was known and mature, and when it became known."""
    held = facts(label.source, frame.table, frame.types)
    by_rank = np.lexsort((np.arange(len(held.event)), held.known, held.event))
    by = label.source.entity
    marked = pa.table({f"k{i}": held.table[key].take(pa.array(by_rank)) for i, key in enumerate(by)})
    marked = marked.append_column("rank", pa.array(np.arange(len(by_rank))))
    event, known = held.event[by_rank], held.known[by_rank]
    if until is not None:
        moment = microseconds(until)
        seen = (known <= moment) & (event + label.matures_after // MICROSECOND <= moment)
        marked = marked.filter(pa.array(seen))
    keys = ", ".join(f"k{i}" for i in range(len(by)))
    on = " AND ".join(f"asking.k{i} = best.k{i}" for i in range(len(by)))
    sql = f"""
        SELECT place, rank FROM asking
        JOIN (SELECT {keys}, max(rank) AS rank FROM outcomes GROUP BY {keys}) AS best ON {on}
    """
    place = _placed(query(sql, {}, asking=_asking(by, questions), outcomes=marked), "rank", questions.num_rows)
    rows = pa.array(by_rank[np.maximum(place, 0)] if len(by_rank) else place, mask=place < 0)
    marks = Marks()
    value = compiled(label.expression, frame.types, marks)
    dtype = pa.int64() if value.kind is Kind.TRUTH else pa.float64()
    whole = query(f"SELECT {value.sql} AS v FROM facts", marks, facts=held.table)["v"]
    return whole.take(rows).cast(dtype), _chunked(pa.array(held.known).take(rows).cast(_TIME))


def _check_key(version: ViewVersion, key: str | None) -> None:
    """Pass silently unless the spine's key and another column of the training set would share a name."""
    label = version.view.label
    names = {feature.name for feature in version.view.features if not isinstance(feature, Given)} | {ASKED_AT}
    names |= set() if label is None else {label.name, f"{label.name}_known_at"}
    if key in names:
        raise Invalid(
            f"{key} is the spine's key, and {version.ref} has another column of that name.",
            remedy="Give the feature or the label another name: name=….",
            fields={"spine": f"{key} is there twice"},
        )


def _questions(version: ViewVersion, spine: Spine, period: Period) -> tuple[pa.Table, Longs]:
    """The spine's rows of the period, and when each is asked."""
    table, types = spine.frame
    needed = [column.name for column in version.request]
    if version.view.label is not None:
        needed += version.view.label.source.entity
    for name in needed:
        if name not in types:
            raise Invalid(
                f"The spine has no column {name}, which {version.ref} asks by.",
                remedy=f"It has: {', '.join(types)}.",
                fields={"spine": f"has no {name}"},
            )
    for column in version.request:
        held = types[column.name]
        if held is not column.dtype and (held, column.dtype) != (DType.INT64, DType.FLOAT64):
            raise Invalid(
                f"{column.name} is {held} in the spine, and {version.ref} is asked by {column.dtype}.",
                remedy="Declare it as it is: f.context(name=type).",
                fields={"spine": f"{column.name} is {held}"},
            )
    asked = _asked_at(version.view, spine)
    inside = asked.is_valid()
    if period.since is not None:
        inside = pc.and_(inside, pc.fill_null(pc.greater_equal(asked, _scalar(period.since)), False))
    if period.until is not None:
        inside = pc.and_(inside, pc.fill_null(pc.less(asked, _scalar(period.until)), False))
    return table.filter(inside), np.asarray(asked.filter(inside).to_numpy())


def _asked_at(view: View, spine: Spine) -> pa.ChunkedArray:
    table, types = spine.frame
    if view.ask_at is not None:
        marks = Marks()
        sql = compiled(view.ask_at, types, marks).sql
        return query(f"SELECT epoch_us({sql}) AS moment FROM spine", marks, spine=table)["moment"]
    if spine.event_time is None:
        raise Invalid(
            f"{view.name} does not say when its questions are asked, and the spine has no event time.",
            remedy="Give the view ask_at=…, or add the dataset with event_time=….",
        )
    return table[spine.event_time].cast(pa.int64())


def _looked_up(line: Line, found: Facts, questions: pa.Table, asked: Longs) -> dict[str, pa.ChunkedArray]:
    """A line's features for each question: the last change at or before it."""
    if line.over is None:
        changes, by_rank = ranked(line, found)
        place = _last(line, changes, questions, asked)
        rows = by_rank[np.maximum(place, 0)] if len(by_rank) else place
        return _aged(line, found, np.where(place < 0, -1, rows), asked)
    steps = windows(line, found)
    names = [feature.name for feature in line.features]
    changes = steps.drop_columns(names).append_column("rank", pa.array(np.arange(steps.num_rows)))
    place = _last(line, changes, questions, asked)
    taken = steps.select(names).take(pa.array(place, mask=place < 0))
    return {feature.name: _counted(feature, taken[feature.name]) for feature in line.features}


def _last(line: Line, changes: pa.Table, questions: pa.Table, asked: Longs) -> Longs:
    """The ``rank`` of the last change at or before each question, or -1."""
    asking = _asking(line.by, questions).append_column("moment", pa.array(asked))
    on = " AND ".join(f"asking.k{i} = changes.k{i}" for i in range(len(line.by)))
    sql = f"SELECT place, rank FROM asking ASOF JOIN changes ON {on} AND asking.moment >= changes.moment"
    return _placed(query(sql, {}, asking=asking, changes=changes), "rank", questions.num_rows)


def _aged(line: Line, found: Facts, rows: Longs, asked: Longs) -> dict[str, pa.ChunkedArray]:
    """The values of facts that are not too old, feature by feature."""
    columns: dict[str, pa.ChunkedArray] = {}
    by_age: dict[timedelta | None, list[Stored]] = {}
    for feature in line.features:
        by_age.setdefault(feature.max_age if isinstance(feature, Latest) else None, []).append(feature)
    for max_age, together in by_age.items():
        out = rows < 0
        if max_age is not None and len(found.event):
            out |= asked - found.event[rows] > max_age // MICROSECOND
        taken = values(tuple(together), found, pa.array(rows, mask=out))
        columns |= {feature.name: taken[feature.name] for feature in together}
    return columns


def _asking(by: tuple[str, ...], questions: pa.Table) -> pa.Table:
    keys = {f"k{i}": questions[key] for i, key in enumerate(by)}
    return pa.table({**keys, "place": pa.array(np.arange(questions.num_rows))})


def _placed(found: pa.Table, name: str, rows: int) -> Longs:
    """The column of an answer by each question's place, -1 where there is none."""
    placed = np.full(rows, -1, dtype=np.int64)
    placed[found["place"].to_numpy()] = found[name].to_numpy()
    return placed


def _counted(feature: Stored, column: pa.ChunkedArray) -> pa.ChunkedArray:
    counts = isinstance(feature, Window) and feature.function is Aggregation.COUNT
    return pc.fill_null(column, 0) if counts else column


def _computed(expression: str, columns: Mapping[str, pa.ChunkedArray], types: Types, rows: int) -> pa.ChunkedArray:
    marks = Marks()
    sql = compiled(expression, types, marks).sql
    used = {name: column for name, column in columns.items() if quoted(name) in sql}
    table = pa.table({**used, "__place": pa.array(np.arange(rows))})
    return query(f'SELECT {sql} AS v FROM vectors ORDER BY "__place"', marks, vectors=table)["v"]


def _names(key: str | None, questions: pa.Table) -> dict[str, pa.ChunkedArray]:
    return {} if key is None else {key: questions[key]}


def _scalar(moment: datetime) -> pa.Scalar:
    return pa.scalar(microseconds(moment), pa.int64())


def _chunked(values: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    return values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
