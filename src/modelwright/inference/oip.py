"""The Open Inference Protocol v2 over REST: https://github.com/kserve/open-inference-protocol.

One input tensor per column of the contract, of shape ``[n]`` or ``[n, 1]``, in JSON or as bytes after it (``binary``);
one output tensor, ``output``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.core.schema import Contract, DType
from modelwright.inference import binary
from modelwright.inference.response import JSON, Response
from modelwright.inference.rows import NO_OPTIONS, Intake, Options, Rows, without_nan
from modelwright.inference.scoring import Scored
from modelwright.serving.model import Route

OUTPUT = "output"
_WHOLE = frozenset({"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"})
_CARRIES: Mapping[DType, frozenset[str]] = {
    DType.BOOL: frozenset({"BOOL"}),
    DType.INT64: _WHOLE,
    DType.FLOAT64: _WHOLE | {"FP16", "FP32", "FP64"},
    DType.STRING: frozenset({"BYTES"}),
    DType.TIMESTAMP: frozenset({"BYTES"}),
}
_DATATYPES: Mapping[DType, str] = {
    DType.BOOL: "BOOL",
    DType.INT64: "INT64",
    DType.FLOAT64: "FP64",
    DType.STRING: "BYTES",
    DType.TIMESTAMP: "BYTES",
}


class Extent(Struct, frozen=True):
    """The parameters of a tensor whose bytes follow the JSON."""

    binary_data_size: int | UnsetType = UNSET


class Tensor(Struct, frozen=True):
    """A request's tensor. ``data`` is absent when its bytes follow the JSON."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | UnsetType = UNSET
    parameters: Extent | None = None


class Form(Struct, frozen=True):
    """The parameters of an output: whether it comes as bytes; unless it says, the request decides."""

    binary_data: bool | UnsetType = UNSET


class Wanted(Struct, frozen=True):
    """An output the client asks for."""

    name: str
    parameters: Form | None = None


class Inference(Struct, frozen=True):
    """The body of ``POST …/infer``."""

    inputs: list[Tensor]
    id: str | UnsetType = UNSET
    parameters: Options | None = None
    outputs: list[Wanted] | None = None


class OutputTensor(Struct, frozen=True):
    """The answer's tensor."""

    name: str
    datatype: str
    shape: list[int]
    data: Sequence[wire.Real] | UnsetType = UNSET
    parameters: Extent | UnsetType = UNSET


class Details(Struct, frozen=True):
    """The parameters of the answer: what an auditor needs to find these predictions again, and what guards did."""

    prediction_ids: list[str]
    model: str
    package: str
    guards: dict[str, list[int]] | UnsetType = UNSET


class Inferred(Struct, frozen=True):
    """The answer to ``POST …/infer``."""

    model_name: str
    model_version: str
    parameters: Details
    outputs: tuple[OutputTensor, ...]
    id: str | UnsetType = UNSET


class Asked(NamedTuple):
    """What a request asks.

    Attributes:
        rows: Its rows.
        id: Its id, which the answer repeats.
        as_bytes: Whether the output shall follow the JSON as bytes.
    """

    rows: Rows
    id: str | UnsetType
    as_bytes: bool


_decode = msgspec.json.Decoder(Inference).decode
_encode = msgspec.json.Encoder().encode


class Codec:
    """Reads and writes the protocol for one endpoint.

    Args:
        route: What it answers with.
        intake: The endpoint's door.
    """

    __slots__ = ("_beyond", "_carried", "_intake", "_model", "_name", "_package", "_version")

    def __init__(self, route: Route, intake: Intake) -> None:
        self._intake = intake
        self._name, self._version = route.endpoint, str(route.version)
        self._model, self._package = route.ref, route.package.digest
        self._carried = {column.name: _CARRIES[column.dtype] for column in intake.accepts}
        self._beyond = frozenset(column.name for column in intake.beyond)

    def read(self, body: bytes, *, json_length: bytes | None = None) -> Asked:
        """What a request asks.

        Args:
            body: All of it.
            json_length: Where its JSON ends, when tensors follow as bytes.

        Raises:
            Invalid: It is not an inference request, or its rows break the contract.
        """
        tail = None
        if json_length is not None:
            body, tail = binary.split(body, json_length)
        try:
            request = _decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            request = wire.decode(without_nan(body), Inference)  # again, for NaN, or the error that names the field
        tensors = request.inputs if tail is None else self._filled(request.inputs, binary.Tail(tail))
        options = request.parameters or NO_OPTIONS
        as_bytes = options.binary_data_output
        for wanted in request.outputs or ():
            as_bytes = _as_bytes(wanted, as_bytes)
        count = self._count(tensors)
        rows = self._intake.rows(self._columns(tensors, [count]), count, options=options)
        return Asked(rows, request.id, as_bytes)

    def _filled(self, tensors: list[Tensor], tail: binary.Tail) -> list[Tensor]:
        """The tensors, each with the values that follow the JSON."""
        filled = []
        for tensor in tensors:
            name, size = tensor.name, UNSET if tensor.parameters is None else tensor.parameters.binary_data_size
            if size is UNSET and tensor.data is UNSET:
                raise _no_data(name)
            if size is UNSET:
                filled.append(tensor)
                continue
            if tensor.data is not UNSET:
                raise Invalid(f"{name[:80]} has data and a binary_data_size.", fields={name: "comes twice"})
            raw = tail.take(size, name)
            if name in self._carried:
                filled.append(replace(tensor, data=binary.values(raw, self._datatype(tensor), name)))
            elif name in self._beyond:
                with suppress(Invalid):  # a challenger's own column is its own affair
                    filled.append(replace(tensor, data=binary.values(raw, tensor.datatype, name)))
        tail.finish()
        return filled

    def _datatype(self, tensor: Tensor) -> str:
        carried = self._carried[tensor.name]
        if tensor.datatype not in carried:
            raise Invalid(
                f"{tensor.name} comes as {tensor.datatype[:40]}, not as {' or '.join(sorted(carried))}.",
                fields={tensor.name: "has another datatype"},
            )
        return tensor.datatype

    def _count(self, tensors: list[Tensor]) -> int:
        for tensor in tensors:
            if tensor.data is not UNSET and tensor.name in self._carried:
                return len(tensor.data)
        return 0

    def _columns(self, tensors: list[Tensor], usual: list[int]) -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = {}
        for tensor in tensors:
            name, data = tensor.name, tensor.data
            carried = self._carried.get(name)
            if carried is None:
                if name in self._beyond and data is not UNSET and tensor.shape == usual:
                    columns[name] = data
                continue
            if name in columns:
                raise Invalid(f"{name} comes twice.", fields={name: "comes twice"})
            if data is UNSET or tensor.datatype not in carried or tensor.shape != usual:
                data = self._values(tensor)
            columns[name] = data
        return columns

    def _values(self, tensor: Tensor) -> list[Any]:
        data = tensor.data
        if data is UNSET:
            raise _no_data(tensor.name)
        self._datatype(tensor)
        count = len(data)
        if tensor.shape == [count]:
            return data
        if tensor.shape == [count, 1]:
            return [cell[0] if type(cell) is list and len(cell) == 1 else cell for cell in data]
        raise Invalid(
            f"{tensor.name} has the shape {tensor.shape[:8]} and {count} values.",
            remedy="Each column is a tensor of its own, of shape [n] or [n, 1].",
            fields={tensor.name: "has another shape"},
        )

    def write(self, scored: Scored, asked: Asked) -> Response:
        """The answer to a request."""
        count = len(scored.ids)
        details = Details(scored.ids, self._model, self._package, scored.guards)
        if asked.as_bytes:
            sized = OutputTensor(OUTPUT, "FP64", [count], parameters=Extent(count * binary.FLOAT64_SIZE))
            said = _encode(Inferred(self._name, self._version, details, (sized,), asked.id))
            return binary.response(said, scored.outputs)
        tensor = OutputTensor(OUTPUT, "FP64", [count], scored.outputs)
        return Response(200, (JSON,), _encode(Inferred(self._name, self._version, details, (tensor,), asked.id)))


def metadata(route: Route) -> dict[str, Any]:
    """The answer to ``GET /v2/models/<name>``."""
    return {
        "name": route.endpoint,
        "versions": [str(route.version)],
        "platform": "modelwright",
        "inputs": _described(route.inputs),
        "outputs": [{"name": OUTPUT, "datatype": "FP64", "shape": [-1]}],
        "properties": {"model": route.ref, "package": route.package.digest},
    }


def _described(contract: Contract) -> list[dict[str, Any]]:
    return [{"name": column.name, "datatype": _DATATYPES[column.dtype], "shape": [-1]} for column in contract.columns]


def _as_bytes(wanted: Wanted, otherwise: bool) -> bool:  # noqa: FBT001 - what holds unless the output says
    if wanted.name != OUTPUT:
        raise Invalid(f"There is no output {wanted.name[:80]!r}; there is {OUTPUT!r}.", fields={"outputs": "unknown"})
    said = UNSET if wanted.parameters is None else wanted.parameters.binary_data
    return otherwise if said is UNSET else said


def _no_data(name: str) -> Invalid:
    return Invalid(
        f"{name[:80]} has no data.",
        remedy="Send data, or binary_data_size with the header Inference-Header-Content-Length.",
        fields={name: "has no data"},
    )
