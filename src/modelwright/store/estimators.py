"""Fitted scikit-learn estimators as bytes: skops files, no pickle; only types of an allow-list are built at load."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from modelwright.core.errors import Corrupted, Refused

TRUSTED = frozenset(
    {
        "numpy.dtype",
        "sklearn._loss.link.IdentityLink",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogLink",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.loss.AbsoluteError",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfPoissonLoss",
        "sklearn._loss.loss.HalfSquaredError",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer._RemainderColsList",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
    }
)
"""Types beyond skops' own list that fitted estimators hold: numbers, arrays and other estimators, and no functions.

A tree walks its nodes without looking where they point, so bytes that somebody else wrote could make it read beyond
them. That is why nothing is loaded before the home's signature over the bytes has been verified.
"""

_SCHEMA = "schema.json"


def dumped(model: object) -> bytes:
    """The estimator's bytes, after checking that they can be loaded again.

    The same estimator has the same bytes in every process: skops writes memory addresses and the time of day, which
    are replaced.

    Raises:
        Refused: It holds a type that is not on the allow-list.
    """
    from skops.io import dumps  # weight: scikit-learn

    data = _without_accidents(dumps(model))
    check(data, "The model")
    return data


def loaded(data: bytes, what: str) -> Any:
    """The estimator.

    Args:
        data: What ``dumped`` made.
        what: What the bytes are called, for messages.

    Raises:
        Corrupted: The bytes are no skops file.
        Refused: They hold a type that is not on the allow-list.
    """
    from skops.io import loads  # weight: scikit-learn

    check(data, what)
    return loads(data, trusted=sorted(TRUSTED))


def check(data: bytes, what: str) -> None:
    """Refuse bytes that are no skops file, or that name a type beyond the allow-list; raises as ``loaded``."""
    from skops.io import get_untrusted_types  # weight: scikit-learn

    try:
        unknown = sorted(set(get_untrusted_types(data=data)) - TRUSTED)
    except Exception as error:  # skops lets zipfile's, json's and its own errors through
        raise Corrupted(f"{what} is not a skops file: {type(error).__name__}: {error}.") from error
    if unknown:
        raise Refused(
            f"The model holds types that are not on the allow-list: {', '.join(unknown[:5])}.",
            remedy="Use scikit-learn's own transformers and losses, without functions of your own.",
        )


def _without_accidents(data: bytes) -> bytes:
    """The same file with addresses counted from 1 in the order of their appearance, and no dates."""
    with zipfile.ZipFile(io.BytesIO(data)) as before:
        schema = json.loads(before.read(_SCHEMA))
        numbers: dict[int, int] = {}
        files: dict[str, str] = {}
        _count(schema, numbers, files)
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as after:
            after.writestr(zipfile.ZipInfo(_SCHEMA), json.dumps(schema))
            for name, renamed in files.items():
                after.writestr(zipfile.ZipInfo(renamed), before.read(name))
    return written.getvalue()


def _count(node: Any, numbers: dict[int, int], files: dict[str, str]) -> None:
    if isinstance(node, list):
        for item in node:
            _count(item, numbers, files)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("__id__"), int):
        # whether two equal numbers or texts are one object is an accident of the process: each counts by itself
        address = -len(numbers) - 1 if node.get("is_json") else node["__id__"]
        node["__id__"] = numbers.setdefault(address, len(numbers) + 1)
    if isinstance(node.get("file"), str):
        _, dot, ending = node["file"].partition(".")
        node["file"] = files.setdefault(node["file"], f"{len(files) + 1}{dot}{ending}")
    for name, item in node.items():
        if name not in ("__id__", "file"):
            _count(item, numbers, files)
