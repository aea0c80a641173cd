"""Vectors out of the online store: what an endpoint needs to answer a question that carries keys and context alone.

Imports no pandas, pyarrow or duckdb: an inference worker loads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from modelwright.core.clock import EPOCH
from modelwright.core.errors import Corrupted, Invalid, Unavailable
from modelwright.core.expressions import MICROSECOND, Expression, evaluate, parse_row
from modelwright.core.schema import Column, DType
from modelwright.features.functions import applied, compiled
from modelwright.features.model import Aggregation, Computed, Given, Latest, Line, OnDemand, ViewVersion, Window
from modelwright.predictions.model import microseconds
from modelwright.store.ports import KeyValue

Columns = Mapping[str, Sequence[Any]]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Any]).decode


class _Group(NamedTuple):
    """Features of one line that grow too old together.

    Attributes:
        max_age: How old the fact may be, in microseconds.
        blank: The entry that holds where there is none, or one that is too old.
        fields: Their names, places in the entry, and whether they are times.
    """

    max_age: int | None
    blank: tuple[int | None, ...]
    fields: tuple[tuple[str, int, bool], ...]


class _Reader(NamedTuple):
    space: str
    by: tuple[str, ...]
    groups: tuple[_Group, ...]


class Vectors:
    """Completes questions about one view.

    Args:
        version: The view.
        store: The online store; none where ``stored`` is asked of somebody else.

    Attributes:
        request: What a question brings, by name.
    """

    def __init__(self, version: ViewVersion, store: KeyValue | None = None) -> None:
        self.version = version
        self.request: Mapping[str, Column] = {column.name: column for column in version.request}
        self._store = store
        dtypes = {column.name: column.dtype for column in version.columns}
        self._readers = tuple(
            _reader(line, f"{version.space}/{place}", dtypes) for place, line in enumerate(version.view.lines)
        )
        self._steps: tuple[tuple[str, Any], ...] | None = None
        self._ask_at = None if version.view.ask_at is None else parse_row(version.view.ask_at)
        self._ready = False

    def prepare(self) -> None:
        """Compile the view's expressions and functions: who only looks up, as the server does, never runs them.

        Raises:
            Invalid: A function may not be run.
        """
        self._steps = tuple(map(_step, self.version.view.features, self.version.columns))

    def asked_at(self, given: Columns, count: int) -> list[int] | None:
        """When each question is asked by its own columns, in microseconds since 1970; none where the view says nothing.

        Raises:
            Invalid: A question does not say.
        """
        expression = self._ask_at
        if expression is None:
            return None
        moments = []
        for row in range(count):
            found = evaluate(expression, {name: values[row] for name, values in given.items()})
            if not isinstance(found, datetime):
                raise Invalid(
                    f"Row {row} does not say when it is asked: {self.version.view.ask_at} has no value.",
                    remedy="Send its columns, or event_at.",
                    fields={"event_at": f"row {row} has none"},
                )
            moments.append(microseconds(found))
        return moments

    def complete(self, given: Columns, asked: Sequence[int]) -> dict[str, list[Any]]:
        """The vectors, column by column, in the view's order.

        Args:
            given: The request's columns, times as ``datetime``; those that only ``ask_at`` names may be absent.
            asked: When each question is asked, in microseconds since 1970.

        Raises:
            Unavailable: Nothing was materialised yet.
            Invalid: An on-demand function failed.
        """
        return self.finish(given, self.stored(given, asked), len(asked))

    def stored(self, given: Columns, asked: Sequence[int]) -> dict[str, list[Any]]:
        """The stored features alone, as of the questions' moments; raises ``Unavailable`` as ``complete`` does."""
        store = self._store
        if store is None:
            raise TypeError("these vectors have no store")
        if not self._ready:
            self._require_materialized(store)
        found: dict[str, list[Any]] = {}
        for space, by, groups in self._readers:
            keys = [_encode(key) for key in zip(*(given[name] for name in by), strict=True)]
            entries = store.read(space, list(zip(keys, asked, strict=True)))
            opened = [None if entry is None else _opened(entry) for entry in entries]
            for group in groups:
                _fill(found, opened, asked, group)
        return found

    def finish(self, given: Columns, stored: Mapping[str, list[Any]], count: int) -> dict[str, list[Any]]:
        """The whole vectors, from what the question brings and what was looked up."""
        if self._steps is None:
            self.prepare()
        columns: dict[str, list[Any]] = {}
        for name, step in self._steps or ():
            columns[name] = list(
                given[name] if step is Given else stored[name] if step is None else step(columns, count)
            )
        return columns

    def _require_materialized(self, store: KeyValue) -> None:
        for reader in self._readers:
            if not store.knows(reader.space):
                raise Unavailable(
                    f"Nothing of {self.version.ref} is in the online store yet.",
                    remedy=f"Put it there: modelwright feature materialize {self.version.ref}",
                )
        self._ready = True


def key_bytes(values: tuple[Any, ...]) -> bytes:
    """A key as the store has it."""
    return _encode(values)


def entry_bytes(values: tuple[Any, ...]) -> bytes:
    """An entry as the store has it: for latest values the event time first; times are microseconds."""
    return _encode(values)


def _opened(entry: bytes) -> list[Any]:
    try:
        return _decode(entry)
    except msgspec.DecodeError as error:
        raise Corrupted(
            "An entry of the online store is damaged.",
            remedy="Stop the server, remove online.db and materialise again.",
        ) from error


def _reader(line: Line, space: str, dtypes: Mapping[str, DType]) -> _Reader:
    latest = line.over is None
    blank: list[int | None] = [None] * latest
    by_age: dict[int | None, list[tuple[str, int, bool]]] = {}
    for place, feature in enumerate(line.features, start=len(blank)):
        counts = isinstance(feature, Window) and feature.function is Aggregation.COUNT
        blank.append(0 if counts else None)
        age = feature.max_age if isinstance(feature, Latest) else None
        field = feature.name, place, dtypes[feature.name] is DType.TIMESTAMP
        by_age.setdefault(None if age is None else age // MICROSECOND, []).append(field)
    groups = tuple(_Group(age, tuple(blank), tuple(fields)) for age, fields in by_age.items())
    return _Reader(space, line.by, groups)


def _fill(found: dict[str, list[Any]], entries: list[list[Any] | None], asked: Sequence[int], group: _Group) -> None:
    max_age, blank, fields = group
    rows: list[Sequence[Any]]
    if max_age is None:
        rows = [blank if entry is None else entry for entry in entries]
    else:
        rows = [
            blank if entry is None or moment - entry[0] > max_age else entry
            for entry, moment in zip(entries, asked, strict=True)
        ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(blank)
    for name, place, is_time in fields:
        values = list(columns[place])
        found[name] = [None if value is None else _moment(value) for value in values] if is_time else values


def _moment(value: int) -> datetime:
    return EPOCH + value * MICROSECOND


Step = Callable[[Mapping[str, list[Any]], int], list[Any]]


def _step(feature: Any, column: Column) -> tuple[str, Any]:
    if isinstance(feature, Given):
        return feature.name, Given
    if isinstance(feature, Computed):
        return feature.name, _computing(parse_row(feature.expression))
    if isinstance(feature, OnDemand):
        function = compiled(feature)
        return feature.name, lambda columns, count: applied(feature, function, columns, count)
    return column.name, None


def _computing(expression: Expression) -> Step:
    def compute(columns: Mapping[str, list[Any]], count: int) -> list[Any]:
        return [evaluate(expression, {name: values[row] for name, values in columns.items()}) for row in range(count)]

    return compute
