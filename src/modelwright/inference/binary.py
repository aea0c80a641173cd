"""Tensors as bytes after the JSON: the binary tensor data extension of the Open Inference Protocol.

Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md. The header
``Inference-Header-Content-Length`` tells where the JSON ends; each tensor without ``data`` then takes
``binary_data_size`` bytes, in the order of the inputs: values in little-endian order one after another, a BOOL in one
byte, a BYTES element as its length in four bytes and then itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct as Layout
from typing import Any

import numpy as np

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.inference.response import Response

EXTENSION = "binary_tensor_data"
LENGTH = b"inference-header-content-length"
OCTETS = (b"content-type", b"application/octet-stream")
FLOAT64_SIZE = 8

_NUMBERS: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype("u1"),
    **{f"UINT{size * 8}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
    **{f"INT{size * 8}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"FP{size * 8}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
}
_PREFIX = Layout("<I")


def split(body: bytes, length: bytes) -> tuple[bytes, memoryview]:
    """The JSON of a body, and the bytes that follow it.

    Args:
        body: All of it.
        length: The header's value.

    Raises:
        Invalid: It is not the length of a part of the body.
    """
    end = int(length) if length.isdigit() and len(length) < 12 else -1
    if not 0 <= end <= len(body):
        said = ascii(length[:40].decode("latin-1"))
        raise Invalid(f"Inference-Header-Content-Length is {said}, and the body has {len(body)} bytes.")
    return body[:end], memoryview(body)[end:]


class Tail:
    """The bytes after the JSON, taken tensor by tensor.

    Args:
        data: The bytes.
    """

    __slots__ = ("_data", "_taken")

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._taken = 0

    def take(self, size: int, name: str) -> memoryview:
        """The next bytes.

        Args:
            size: How many the tensor says it has.
            name: The tensor.

        Raises:
            Invalid: There are not so many.
        """
        left = len(self._data) - self._taken
        if not 0 <= size <= left:
            raise Invalid(
                f"{name[:80]} has a binary_data_size of {size}, and {left} bytes are left.",
                fields={name: "has another size"},
            )
        self._taken += size
        return self._data[self._taken - size : self._taken]

    def finish(self) -> None:
        """Pass silently when every byte has been taken.

        Raises:
            Invalid: Some belong to no tensor.
        """
        if left := len(self._data) - self._taken:
            raise Invalid(f"{left} bytes after the tensors belong to none.", remedy="Send binary_data_size with each.")


def values(raw: memoryview, datatype: str, name: str) -> list[Any]:
    """A tensor's bytes as plain values.

    Args:
        raw: The bytes.
        datatype: ``FP32``, ``BYTES`` ….
        name: The tensor.

    Raises:
        Invalid: They are not values of that type.
    """
    if datatype == "BYTES":
        return _texts(raw, name)
    dtype = _NUMBERS[datatype]
    if len(raw) % dtype.itemsize:
        raise Invalid(
            f"{name} has {len(raw)} bytes, and a {datatype} takes {dtype.itemsize}.", fields={name: "is cut off"}
        )
    numbers = np.frombuffer(raw, dtype)
    found: list[Any] = (numbers != 0).tolist() if datatype == "BOOL" else numbers.tolist()
    return found


def _texts(raw: memoryview, name: str) -> list[str]:
    found: list[str] = []
    start, size = 0, len(raw)
    while start < size:
        begin = start + _PREFIX.size
        end = begin + _PREFIX.unpack_from(raw, start)[0] if begin <= size else size + 1
        if end > size:
            raise Invalid(f"{name} ends inside its element {len(found)}.", fields={name: "is cut off"})
        try:
            found.append(str(raw[begin:end], "utf-8"))
        except UnicodeDecodeError:
            raise Invalid(f"{name}: element {len(found)} is not UTF-8.", fields={name: "is not UTF-8"}) from None
        start = end
    return found


def response(said: bytes, outputs: Sequence[wire.Real]) -> Response:
    """An answer with its output as FP64 after the JSON.

    Args:
        said: The JSON.
        outputs: One number per row.
    """
    data = np.array(list(map(float, outputs)), "<f8").tobytes()
    return Response(200, (OCTETS, (LENGTH, b"%d" % len(said))), said + data)
