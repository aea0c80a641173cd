"""Where a function stands: its file, and the module under which another process can import it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from modelwright.core.errors import Invalid
from modelwright.pipelines.define import Pipeline
from modelwright.pipelines.tracing import Graph


class Place(NamedTuple):
    """A module's place.

    Attributes:
        file: Its file.
        base: The folder in which Python finds it.
        module: Its name there.
    """

    file: Path
    base: Path
    module: str


def place_of(pipeline: Pipeline[..., Any]) -> Place:
    """Where a pipeline's function stands.

    Raises:
        Invalid: It was defined at a prompt or inside a function, so that no other process can find it.
    """
    file = script_of(pipeline.function)
    if file is None or "<locals>" in pipeline.function.__qualname__:
        raise Invalid(
            f"{pipeline.name} is defined at a prompt or inside a function, where a worker cannot find it.",
            remedy="Write it at the top of a file.",
        )
    parts = pipeline.function.__module__.split(".")
    stem = file.with_suffix("")
    if stem.name == "__init__":
        stem = stem.parent
    if list(stem.parts[-len(parts) :]) == parts:
        return Place(file, Path(*stem.parts[: -len(parts)]), ".".join(parts))
    return Place(file, file.parent, file.stem)  # a script: Python looks for modules in its folder


def script_of(function: Callable[..., Any]) -> Path | None:
    """The file of the module in which a function stands, if it is one."""
    found = getattr(sys.modules.get(function.__module__), "__file__", None)
    return Path(found).resolve() if found and Path(found).exists() else None


def only_here(graph: Graph) -> str | None:
    """A step of the graph that no other process can find; none where all can be found."""
    for node in graph.nodes.values():
        function = node.step.function
        if "<locals>" in function.__qualname__ or script_of(function) is None:
            return node.id
    return None
