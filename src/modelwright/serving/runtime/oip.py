"""The Open Inference Protocol v2 over REST, in JSON: https://github.com/kserve/open-inference-protocol.

One input tensor per column of the contract, of shape ``[n]`` or ``[n, 1]``; one output tensor, ``output``. The binary
tensor extension is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.core.schema import Contract, DType
from modelwright.serving.model import Route
from modelwright.serving.runtime.response import JSON, Problem, Response
from modelwright.serving.runtime.rows import NO_OPTIONS, Intake, Options, Rows

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


class Tensor(Struct, frozen=True):
    """A request's tensor. ``data`` is absent when its bytes follow the JSON."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | UnsetType = UNSET


class Wanted(Struct, frozen=True):
    """An output the client asks for."""

    name: str
    parameters: dict[str, Any] | None = None


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
    data: Sequence[wire.Real]


class Details(Struct, frozen=True):
    """The parameters of the answer: what an auditor needs to find these predictions again."""

    prediction_ids: list[str]
    model: str
    package: str


class Inferred(Struct, frozen=True):
    """The answer to ``POST …/infer``."""

    model_name: str
    model_version: str
    parameters: Details
    outputs: tuple[OutputTensor, ...]
    id: str | UnsetType = UNSET


_decode = msgspec.json.Decoder(Inference).decode
_encode = msgspec.json.Encoder().encode


class Codec:
    """Reads and writes the protocol for one endpoint.

    Args:
        route: What it answers with.
        intake: The contract's door.
    """

    __slots__ = ("_carried", "_intake", "_model", "_name", "_package", "_version")

    def __init__(self, route: Route, intake: Intake) -> None:
        self._intake = intake
        self._name, self._version = route.endpoint, str(route.version)
        self._model, self._package = route.ref, route.package.digest
        self._carried = {column.name: _CARRIES[column.dtype] for column in route.inputs.columns}

    def read(self, body: bytes) -> tuple[Rows, str | UnsetType]:
        """The rows of a request, and its id.

        Raises:
            Invalid: It is not an inference request, or its rows break the contract.
            Problem: It wants binary tensors.
        """
        try:
            request = _decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            request = wire.decode(body, Inference)  # again, for the error that names the field
        options = request.parameters or NO_OPTIONS
        if options.binary_data_output:
            raise no_binary()
        for wanted in request.outputs or ():
            _check_wanted(wanted)
        count = self._count(request.inputs)
        return self._intake.rows(self._columns(request.inputs, [count]), count, options=options), request.id

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
                continue
            if name in columns:
                raise Invalid(f"{name} comes twice.", fields={name: "comes twice"})
            if data is UNSET or tensor.datatype not in carried or tensor.shape != usual:
                data = _values(tensor, carried)
            columns[name] = data
        return columns

    def write(self, outputs: Sequence[wire.Real], ids: list[str], *, request_id: str | UnsetType) -> Response:
        """The answer to a request."""
        tensor = OutputTensor(OUTPUT, "FP64", [len(ids)], outputs)
        details = Details(ids, self._model, self._package)
        return Response(200, (JSON,), _encode(Inferred(self._name, self._version, details, (tensor,), request_id)))


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


def _values(tensor: Tensor, carried: frozenset[str]) -> list[Any]:
    data = tensor.data
    if data is UNSET:
        raise no_binary()
    if tensor.datatype not in carried:
        raise Invalid(
            f"{tensor.name} comes as {tensor.datatype[:40]}, not as {' or '.join(sorted(carried))}.",
            fields={tensor.name: "has another datatype"},
        )
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


def _check_wanted(wanted: Wanted) -> None:
    if wanted.name != OUTPUT:
        raise Invalid(f"There is no output {wanted.name[:80]!r}; there is {OUTPUT!r}.", fields={"outputs": "unknown"})
    if wanted.parameters and wanted.parameters.get("binary_data"):
        raise no_binary()


def no_binary() -> Problem:
    """The answer to binary tensors."""
    return Problem(
        415, "Binary tensors are not spoken here: send JSON data, and do not ask for binary_data or binary_data_output."
    )
