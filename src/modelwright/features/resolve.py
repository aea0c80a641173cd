"""A view against the datasets it reads: whether everything is there, of which types, and what a question must bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from modelwright.core.errors import Invalid
from modelwright.core.expressions import names, parse_row
from modelwright.core.schema import Column, DType
from modelwright.features.functions import check
from modelwright.features.model import Aggregation, Computed, Feature, Given, Latest, OnDemand, Source, View, Window
from modelwright.store.formula import DTYPES, Kind, kind_of

MOST_FEATURES = 1000
_KEYS = (DType.STRING, DType.INT64, DType.BOOL)

Types = Mapping[str, DType]
"""Column -> type."""


class Resolved(NamedTuple):
    """What a view comes to.

    Attributes:
        columns: Its vector.
        request: What a question must bring.
    """

    columns: tuple[Column, ...]
    request: tuple[Column, ...]


def resolved(view: View, datasets: Mapping[str, Types]) -> Resolved:
    """The vector and the request of a view.

    Args:
        view: The definition.
        datasets: Dataset -> its columns' types, for every source.

    Raises:
        Invalid: A column is not there or of the wrong type, a name is there twice, or an expression means nothing.
    """
    if not 1 <= len(view.features) <= MOST_FEATURES:
        raise Invalid(f"{view.name} has {len(view.features)} features, not 1 to {MOST_FEATURES:,}.")
    for source in view.sources:
        _check_source(source, datasets[source.dataset])
    columns: dict[str, Column] = {}
    taken = {"asked_at"}  # a column of every training set; SQL does not see the case of letters
    for feature in view.features:
        if feature.name.lower() in taken:
            raise _wrong(feature.name, "is there twice", "Give one another name: name=…")
        taken.add(feature.name.lower())
        columns[feature.name] = _column(feature, columns, datasets)
    if view.label is not None:
        _check_label(view, datasets, columns)
    return Resolved(tuple(columns.values()), _request(view, datasets))


def _column(feature: Feature, before: Mapping[str, Column], datasets: Mapping[str, Types]) -> Column:
    if isinstance(feature, Given):
        return Column(name=feature.name, dtype=feature.dtype)
    if isinstance(feature, Latest | Window):
        dtype = _stored(feature, datasets[feature.source.dataset])
        return Column(name=feature.name, dtype=dtype, nullable=not _counts(feature))
    known = {column.name: column.dtype for column in before.values()}
    if isinstance(feature, Computed):
        kind = kind_of(feature.expression, known)
        if kind is Kind.DURATION:
            raise _wrong(feature.name, "is a duration", "Divide it by a unit to make it a number: (a - b) / 1h")
        return Column(name=feature.name, dtype=DTYPES[kind], nullable=True)
    _check_function(feature, known)
    return Column(name=feature.name, dtype=feature.dtype, nullable=True)


def _stored(feature: Latest | Window, types: Types) -> DType:
    dataset = feature.source.dataset
    if feature.valid is not None and (kind := kind_of(feature.valid, types)) is not Kind.TRUTH:
        raise _wrong(feature.name, f"is valid where {feature.valid!r}, which is {kind}", "Write a condition.")
    if isinstance(feature, Latest):
        return _type(types, feature.column, dataset)
    if not feature.by:
        raise _wrong(feature.name, "is asked by no column", "Say by which: by=…")
    for key in feature.by:
        _check_key(types, key, dataset)
    if feature.column is None and not _counts(feature):
        raise _wrong(feature.name, f"is the {feature.function} of no column", "Name one.")
    if feature.column is not None:
        dtype = _type(types, feature.column, dataset)
        if not _counts(feature) and dtype in (DType.STRING, DType.TIMESTAMP):
            raise _wrong(feature.name, f"is the {feature.function} of {dtype}", "Aggregate numbers, or count.")
    return DType.INT64 if _counts(feature) else DType.FLOAT64


def _counts(feature: Latest | Window) -> bool:
    return isinstance(feature, Window) and feature.function is Aggregation.COUNT


def _check_source(source: Source, types: Types) -> None:
    if not source.entity:
        raise _wrong(source.dataset, "is a source without an entity", "Say what its facts are about: entity=…")
    for key in source.entity:
        _check_key(types, key, source.dataset)
    for role, column in (("event_time", source.event_time), ("known_at", source.known_at)):
        if column is not None and _type(types, column, source.dataset) is not DType.TIMESTAMP:
            raise _wrong(
                column, f"is no time, so it cannot be the {role} of {source.dataset}", "Name a column of times."
            )


def _check_key(types: Types, key: str, dataset: str) -> None:
    if (dtype := _type(types, key, dataset)) not in _KEYS:
        raise _wrong(key, f"is {dtype} in {dataset}", f"A key is {' or '.join(_KEYS)}.")


def _check_function(feature: OnDemand, known: Types) -> None:
    check(feature)
    for name in feature.inputs:
        if name not in known:
            raise _wrong(
                feature.name,
                f"takes {name}, which is no feature before it",
                f"There are: {', '.join(known) or 'none'}.",
            )


def _check_label(view: View, datasets: Mapping[str, Types], columns: Mapping[str, Column]) -> None:
    label = view.label
    if label is None:
        return
    if {label.name, f"{label.name}_known_at"} & {"asked_at", *columns}:
        raise _wrong(label.name, "is a feature and the label", "Give one another name: name=…")
    kind = kind_of(label.expression, datasets[label.source.dataset])
    if kind not in (Kind.TRUTH, Kind.NUMBER):
        raise _wrong(label.name, f"is {kind}", "A label is a truth value or a number.")


def _request(view: View, datasets: Mapping[str, Types]) -> tuple[Column, ...]:
    wanted: dict[str, DType] = {}

    def want(name: str, dtype: DType) -> None:
        if wanted.setdefault(name, dtype) is not dtype:
            raise _wrong(name, f"is {wanted[name]} here and {dtype} there", "Give it one type in all sources.")

    for line in view.lines:
        for key in line.by:
            want(key, datasets[line.source.dataset][key])
    for feature in view.features:
        if isinstance(feature, Given):
            want(feature.name, feature.dtype)
    if view.ask_at is not None:
        for dotted in names(parse_row(view.ask_at)):
            wanted.setdefault(str(dotted), DType.TIMESTAMP)
        if (kind := kind_of(view.ask_at, wanted)) is not Kind.TIME:
            raise _wrong("ask_at", f"is {kind}", "Write when the question is asked: sched_dep - 1h")
    given = {feature.name for feature in view.features if isinstance(feature, Given)}
    return tuple(Column(name=name, dtype=dtype, nullable=name not in given) for name, dtype in wanted.items())


def _type(types: Types, column: str, dataset: str) -> DType:
    found = types.get(column)
    if found is None:
        raise _wrong(column, f"is not a column of {dataset}", f"It has: {', '.join(types)}.")
    return found


def _wrong(name: str, problem: str, remedy: str) -> Invalid:
    return Invalid(f"{name[:128]} {problem}.", remedy=remedy, fields={name[:128]: problem})
