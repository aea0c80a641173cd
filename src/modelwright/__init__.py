"""Modelwright: from business question to governed production, and back from any prediction to its bytes.

Example:
    >>> import modelwright as mw
    >>> mw.NotFound.kind
    'not_found'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelwright.app.automation import pipeline
    from modelwright.app.connect import Workspace, connect
    from modelwright.app.sdk import Answer, Dataset, dataset, predict, run
    from modelwright.app.training import Trained, challenge, collect, train
    from modelwright.core.errors import Conflict, Corrupted, Denied, Error, Invalid, NotFound, Refused, Unavailable
    from modelwright.lifecycle.age import measure_age
    from modelwright.lifecycle.checking import check
    from modelwright.lifecycle.evaluate import evaluate
    from modelwright.lifecycle.reproducing import reproduce
    from modelwright.models.lookup import Lookup
    from modelwright.pipelines.define import step
    from modelwright.pipelines.progress import progress

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Conflict",
    "Corrupted",
    "Dataset",
    "Denied",
    "Error",
    "Invalid",
    "Lookup",
    "NotFound",
    "Refused",
    "Trained",
    "Unavailable",
    "Workspace",
    "challenge",
    "check",
    "collect",
    "connect",
    "dataset",
    "evaluate",
    "measure_age",
    "pipeline",
    "predict",
    "progress",
    "reproduce",
    "run",
    "step",
    "train",
]

_HOMES = {
    "modelwright.app.automation": ("pipeline",),
    "modelwright.app.connect": ("Workspace", "connect"),
    "modelwright.app.sdk": ("Answer", "Dataset", "dataset", "predict", "run"),
    "modelwright.app.training": ("Trained", "challenge", "collect", "train"),
    "modelwright.core.errors": (
        "Conflict",
        "Corrupted",
        "Denied",
        "Error",
        "Invalid",
        "NotFound",
        "Refused",
        "Unavailable",
    ),
    "modelwright.lifecycle.age": ("measure_age",),
    "modelwright.lifecycle.checking": ("check",),
    "modelwright.lifecycle.evaluate": ("evaluate",),
    "modelwright.lifecycle.reproducing": ("reproduce",),
    "modelwright.models.lookup": ("Lookup",),
    "modelwright.pipelines.define": ("step",),
    "modelwright.pipelines.progress": ("progress",),
}
_PLACES = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that ``import modelwright`` costs nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module 'modelwright' has no attribute {name!r}")
    found = getattr(import_module(_PLACES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
