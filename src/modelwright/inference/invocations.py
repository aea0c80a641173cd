"""MLflow's scoring protocol: https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/.

Columns go by name: in any order, superfluous ones are dropped, missing ones are refused.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.core.schema import Column, DType
from modelwright.inference.response import JSON, Response
from modelwright.inference.rows import NO_OPTIONS, Intake, Options, Rows, without_nan
from modelwright.inference.scoring import Scored

Records = list[dict[str, Any]]


class Split(Struct, frozen=True):
    """A data frame as pandas' ``orient="split"``; an index is accepted and ignored."""

    columns: list[str]
    data: list[list[Any]]


class Scoring(Struct, frozen=True):
    """The body of ``POST /invocations``: exactly one of the first four."""

    dataframe_split: Split | UnsetType = UNSET
    dataframe_records: Records | UnsetType = UNSET
    instances: Records | UnsetType = UNSET
    inputs: dict[str, list[Any]] | UnsetType = UNSET
    params: Options | None = None


class Predictions(Struct, frozen=True):
    """The answer; MLflow's clients read ``predictions`` and ignore the rest."""

    predictions: Sequence[wire.Real]
    prediction_ids: list[str]
    model: str
    guards: dict[str, list[int]] | UnsetType = UNSET


_decode = msgspec.json.Decoder(Scoring).decode
_encode = msgspec.json.Encoder().encode


def read_json(body: bytes, intake: Intake) -> Rows:
    """The rows of a JSON request.

    Raises:
        Invalid: It is not a scoring request, or its rows break the contract.
    """
    try:
        request = _decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        request = wire.decode(without_nan(body), Scoring)  # again, for NaN, or the error that names the field
    options = request.params or NO_OPTIONS
    split, records, instances, inputs = (
        request.dataframe_split,
        request.dataframe_records,
        request.instances,
        request.inputs,
    )
    if [split, records, instances, inputs].count(UNSET) != 3:
        raise Invalid("Send exactly one of dataframe_split, dataframe_records, instances and inputs.")
    if split is not UNSET:
        return intake.rows(_from_split(split), len(split.data), options=options)
    if inputs is not UNSET:
        count = len(next((inputs[name] for name in intake.names if name in inputs), ()))
        return intake.rows(inputs, count, options=options)
    rows: Records = instances if records is UNSET else records  # type: ignore[assignment]  # one of both is set
    return intake.rows(_from_records(rows, intake.names), len(rows), options=options)


def read_csv(body: bytes, intake: Intake) -> Rows:
    """The rows of a CSV request with a header, in UTF-8; an empty cell is a missing value.

    Raises:
        Invalid: It is not such a table, or its rows break the contract.
    """
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"The body is not CSV in UTF-8: {error}.") from None
    lines = [line for line in lines if line]
    if not lines:
        raise Invalid("The CSV has no header.", remedy="Name the columns in its first line.")
    texts = _from_split(Split(lines[0], lines[1:]))
    return intake.rows(_typed(texts, (*intake.accepts, *intake.beyond)), len(lines) - 1)


def write(scored: Scored, *, model: str) -> Response:
    """The answer to a scoring request."""
    return Response(200, (JSON,), _encode(Predictions(scored.outputs, scored.ids, model, scored.guards)))


def _from_split(split: Split) -> dict[str, list[Any]]:
    width = len(split.columns)
    if len(set(split.columns)) != width:
        raise Invalid("A column is named twice.", fields={"columns": "not unique"})
    for row, cells in enumerate(split.data):
        if len(cells) != width:
            raise Invalid(f"Row {row} has {len(cells)} cells for {width} columns.", fields={"data": f"row {row}"})
    if not split.data:
        return {name: [] for name in split.columns}
    return dict(zip(split.columns, map(list, zip(*split.data, strict=True)), strict=True))


def _from_records(rows: Records, names: tuple[str, ...]) -> dict[str, list[Any]]:
    try:
        return {name: [row[name] for row in rows] for name in names}
    except KeyError:  # a key that some rows lack is a missing value, one that all lack a missing column
        known = {name for row in rows for name in row}
        return {name: [row.get(name) for row in rows] for name in names if name in known}


def _typed(texts: Mapping[str, list[str]], columns: Sequence[Column]) -> dict[str, list[Any]]:
    return {
        column.name: [_cell(text, _READERS[column.dtype]) for text in texts[column.name]]
        for column in columns
        if column.name in texts
    }


def _cell(text: str, reader: Callable[[str], Any]) -> Any:
    if text == "":
        return None
    try:
        return reader(text) if "_" not in text else text  # 1_000 is a number to Python alone
    except ValueError:
        return text  # the contract says what is wrong with it


_WORDS = {"true": True, "false": False, "1": True, "0": False}

_READERS: Mapping[DType, Callable[[str], Any]] = {
    DType.BOOL: lambda text: _WORDS.get(text.lower(), text),
    DType.INT64: int,
    DType.FLOAT64: float,
    DType.STRING: lambda text: text,
    DType.TIMESTAMP: lambda text: text,
}
