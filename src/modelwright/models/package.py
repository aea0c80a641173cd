"""Packages: a model and everything that proves it is that model, as files; and back, verified before anything loads.

A package is an MLflow ``MLmodel`` folder. Beside the model's own files lie ``golden.json`` (rows with the answers the
author's process gave) and ``requirements.txt``. The manifest over all of it is signed by the home.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from modelwright.core import wire
from modelwright.core.errors import Corrupted, Invalid
from modelwright.core.registry import Shelf
from modelwright.core.schema import Column, Contract, DType
from modelwright.models.flavours.base import Flavour, Predictor
from modelwright.models.model import MANIFEST_TYPE, Manifest, Package, Task

FLAVOURS: Shelf[Flavour] = Shelf("modelwright.models.flavours", "flavour")
GOLDEN = "golden.json"
GOLDEN_ROWS = 64
_TOLERANCE = 1e-9

_MLFLOW_TYPES = {
    DType.BOOL: "boolean",
    DType.INT64: "long",
    DType.FLOAT64: "double",
    DType.STRING: "string",
    DType.TIMESTAMP: "datetime",
}


class Golden(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows and the answers they got when the model was packaged: what a loader compares and warms up with."""

    columns: dict[str, list[Any]]
    answers: list[float]


class Packed(Struct, frozen=True, kw_only=True):
    """A package before it is registered."""

    flavour: str
    task: Task
    inputs: Contract
    files: dict[str, bytes]


def pack(model: object, inputs: Contract, example: Mapping[str, Sequence[Any]], *, requirements: str) -> Packed:
    """A model as the files of a package.

    Args:
        model: An object that a flavour handles.
        inputs: The columns it takes.
        example: Rows to keep as golden, column -> values; the first 64 are taken.
        requirements: The environment, one ``name==version`` a line.

    Raises:
        Invalid: No flavour handles the object, or it cannot predict the example.
    """
    name, flavour = _flavour_of(model)
    task = flavour.task(model)
    files = flavour.save(model, inputs)
    golden = {column.name: list(example[column.name][:GOLDEN_ROWS]) for column in inputs.columns}
    inputs.require(golden)
    answers = flavour.load(files, inputs, task)(golden).tolist()
    described = {
        "flavors": flavour.mlmodel(model),
        "signature": _signature(inputs),
        "utc_time_created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
    files["MLmodel"] = msgspec.yaml.encode(described)
    files["requirements.txt"] = requirements.encode()
    files["python_env.yaml"] = msgspec.yaml.encode(
        {"python": sys.version.split()[0], "dependencies": ["-r requirements.txt"]}
    )
    files[GOLDEN] = wire.canonical({"columns": _without_nan(golden), "answers": answers})
    return Packed(flavour=name, task=task, inputs=inputs, files=files)


def verified(package: Package, public_key: bytes, read: Callable[[str], bytes]) -> dict[str, bytes]:
    """A package's files, after every byte has been checked against the signed manifest.

    Args:
        package: What it should be.
        public_key: The home's, 32 bytes.
        read: Fetches a file's bytes by digest.

    Raises:
        Corrupted: The signature, the manifest's digest or a file's bytes are not what was signed; it says which.
    """
    from modelwright.store.keys import opened  # weight: cryptography

    payload = opened(package.signed, public_key, MANIFEST_TYPE)
    if wire.sha256(payload) != package.digest or wire.decode(payload, Manifest) != package.manifest:
        raise Corrupted(f"The manifest of {package.ref} is not the one that was signed.")
    files = {}
    for file in package.manifest.files:
        data = read(file.digest)
        if len(data) != file.size or hashlib.sha256(data).hexdigest() != file.digest:
            raise Corrupted(f"{file.path} of {package.ref} has been altered.", remedy="Restore it from a backup.")
        files[file.path] = data
    return files


def loaded(manifest: Manifest, files: Mapping[str, bytes]) -> Predictor:
    """The predictor of verified files, once it has given the golden answers again; that also warms it up.

    Raises:
        Corrupted: It answers otherwise than it did when it was packaged.
        Refused: The bytes hold types that no allow-list names.
    """
    predictor = FLAVOURS.get(manifest.flavour).load(files, manifest.inputs, manifest.task)
    golden = wire.decode(files[GOLDEN], Golden) if GOLDEN in files else None
    if golden is not None and golden.answers:
        _compare(manifest.model, predictor(golden.columns).tolist(), golden.answers)
    return predictor


def _compare(model: str, answers: list[float], golden: list[float]) -> None:
    off = [abs(now - then) for now, then in zip(answers, golden, strict=False)]
    if len(answers) == len(golden) and all(each <= _TOLERANCE for each in off):  # a NaN is not within it
        return
    raise Corrupted(
        f"{model} answers its golden rows otherwise than when it was packaged (by up to {max(off, default=0):.3g}).",
        remedy="Serve it with the library versions of its requirements.txt.",
    )


def _flavour_of(model: object) -> tuple[str, Flavour]:
    for name in FLAVOURS.names():
        flavour = FLAVOURS.get(name)
        if flavour.handles(model):
            return name, flavour
    raise Invalid(
        f"No flavour keeps a {type(model).__module__}.{type(model).__qualname__}.",
        remedy=f"There are: {', '.join(FLAVOURS.names())}.",
    )


def _signature(inputs: Contract) -> dict[str, str]:
    def described(column: Column) -> dict[str, object]:
        return {"type": _MLFLOW_TYPES[column.dtype], "name": column.name, "required": not column.nullable}

    return {
        "inputs": wire.encode([described(column) for column in inputs.columns]).decode(),
        "outputs": '[{"type":"double","name":"output","required":true}]',
    }


def _without_nan(columns: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    return {
        name: [None if isinstance(value, float) and value != value else value for value in values]  # noqa: PLR0124  # NaN
        for name, values in columns.items()
    }
