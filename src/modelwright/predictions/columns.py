"""Batches as Arrow: the columns that parts and segments share."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import UNSET

from modelwright.predictions.model import Kind, LabelBatch, PredictionBatch, decode_labels, decode_predictions

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s, and a writer of segments needs none
    import pyarrow as pa

Batch = TypeVar("Batch", PredictionBatch, LabelBatch)

INPUT = "input."
"""What the names of input columns begin with."""

GUARDS = "guards"
"""The column of what guards did; left out where none acted."""

SAID = "said"
"""The column of what the model itself said where a guard answered in its place; left out where none did."""


def rows_of(kind: Kind, payloads: Iterable[bytes]) -> pa.Table:
    """The rows of frames of one kind of segments, in their order.

    Raises:
        Corrupted: A payload is no batch.
    """
    if kind is Kind.LABELS:
        tables = [label_table(some) for some in _chunks(map(decode_labels, payloads))]
    else:
        tables = [prediction_table(some) for some in _chunks(map(decode_predictions, payloads))]
    return joined(tables or [empty(kind)])


def _chunks(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """A few batches at a time, which die before the garbage collector has looked at them often.

    Measured for 200,000 rows in frames of 40: 0.26 s with 1,000 rows at a time, 0.5 s with 4,000 or more. For 40,000
    frames of one row: 0.57 s with 200 frames at a time, 1.1 s with 10,000.
    """
    some: list[Batch] = []
    rows = 0
    for batch in batches:
        some.append(batch)
        rows += len(batch.ids)
        if rows >= 1_000 or len(some) >= 200:
            yield some
            some, rows = [], 0
    if some:
        yield some


def empty(kind: Kind) -> pa.Table:
    """No rows, with the columns that every part has."""
    return label_table([]) if kind is Kind.LABELS else prediction_table([])


def prediction_table(batches: Sequence[PredictionBatch]) -> pa.Table:
    """The rows of prediction batches, in their order.

    Columns: ``prediction_id, model, version, package, generation, position`` (0 for the first row of a request)
    ``, event_at, received_at, latency_us, output``, ``input.<name>`` for each input that has a value somewhere, and
    ``guards`` where one acted, and ``said`` where one answered.
    """
    import numpy as np  # weight: 0.1 s
    import pyarrow as pa  # weight: 0.3 s

    lengths = np.array([len(batch.ids) for batch in batches], dtype=np.int64)
    owner = np.repeat(np.arange(len(batches)), lengths)
    moment = pa.timestamp("us", tz="UTC")

    def per_batch(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
        return pa.array(list(values), kind).take(pa.array(owner))

    def per_row(values: Iterable[list[Any]], kind: pa.DataType) -> pa.Array:
        return pa.array(list(chain.from_iterable(values)), kind)

    columns = {
        "prediction_id": per_row((batch.ids for batch in batches), pa.string()),
        "model": per_batch((batch.model for batch in batches), pa.string()),
        "version": per_batch((batch.version for batch in batches), pa.int64()),
        "package": per_batch((batch.package for batch in batches), pa.string()),
        "generation": per_batch((batch.generation for batch in batches), pa.int64()),
        "position": pa.array(np.arange(len(owner)) - (np.cumsum(lengths) - lengths)[owner], pa.int64()),
        "event_at": per_row((batch.event_at for batch in batches), moment),
        "received_at": per_batch((batch.received_at for batch in batches), moment),
        "latency_us": per_batch((batch.latency_us for batch in batches), pa.int64()),
        "output": per_row((batch.outputs for batch in batches), pa.float64()),
    }
    if any(batch.guards is not UNSET for batch in batches):
        marks = ([""] * len(batch.ids) if batch.guards is UNSET else batch.guards for batch in batches)
        columns[GUARDS] = per_row(marks, pa.string())
    if any(batch.said is not UNSET for batch in batches):
        said: Iterable[list[Any]] = (
            [None] * len(batch.ids) if batch.said is UNSET else batch.said for batch in batches
        )
        columns[SAID] = per_row(said, pa.float64())
    for name in dict.fromkeys(chain.from_iterable(batch.inputs for batch in batches)):
        parts = (batch.inputs.get(name) or [None] * len(batch.ids) for batch in batches)
        column = _input_column(list(chain.from_iterable(parts)))
        if column is not None:
            columns[INPUT + name] = column
    return pa.table(columns)


def joined(tables: Iterable[pa.Table]) -> pa.Table:
    """Tables one after another; a column that has several types becomes float64 if they are numbers, otherwise string.

    Raises:
        ValueError: There is no table.
    """
    import pyarrow as pa  # weight: 0.3 s

    found = list(tables)
    kinds: dict[str, set[pa.DataType]] = {}
    for field in chain.from_iterable(table.schema for table in found):
        kinds.setdefault(field.name, set()).add(field.type)
    numbers = {pa.int64(), pa.float64()}
    wider = {
        name: pa.float64() if several <= numbers else pa.string() for name, several in kinds.items() if len(several) > 1
    }
    if wider:
        schemas = [
            pa.schema([field.with_type(wider.get(field.name, field.type)) for field in table.schema]) for table in found
        ]
        found = [table.cast(schema, safe=False) for table, schema in zip(found, schemas, strict=True)]
    return pa.concat_tables(found, promote_options="default")


def label_table(batches: Sequence[LabelBatch]) -> pa.Table:
    """The rows of label batches, in their order: ``prediction_id, value, known_at, recorded_at``."""
    import pyarrow as pa  # weight: 0.3 s

    moment = pa.timestamp("us", tz="UTC")
    recorded = ([batch.recorded_at] * len(batch.ids) for batch in batches)
    return pa.table(
        {
            "prediction_id": pa.array(list(chain.from_iterable(batch.ids for batch in batches)), pa.string()),
            "value": pa.array(list(chain.from_iterable(batch.values for batch in batches)), pa.float64()),
            "known_at": pa.array(list(chain.from_iterable(batch.known_at for batch in batches)), moment),
            "recorded_at": pa.array(list(chain.from_iterable(recorded)), moment),
        }
    )


def parquet(table: pa.Table) -> bytes:
    """A table as the Parquet file of a part."""
    import pyarrow.parquet as pq  # weight: 0.1 s

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _input_column(values: list[Any]) -> pa.Array | None:
    """Values as bool, int64, float64 or string: the types that DuckDB can unite with each other, whatever comes later.

    A timestamp becomes text: united with a number of another version's column it would make the log unreadable. A
    column without any value has no type yet, and is left out.
    """
    import pyarrow as pa  # weight: 0.3 s

    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return None
    if len(kinds) == 1 and (plain := _plain().get(kinds.pop())) is not None:
        with suppress(OverflowError):  # an integer beyond 64 bits
            return pa.array(values, plain)
    if set(map(type, values)) <= {int, float, type(None)}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array(list(map(_text, values)), pa.string())


def _plain() -> dict[type, pa.DataType]:
    import pyarrow as pa  # weight: 0.3 s

    return {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, datetime) else json.dumps(value, default=str)
