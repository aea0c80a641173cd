"""Nodes and edges of the lineage graph."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from modelwright.core.wire import described


class NodeKind(StrEnum):
    """What a node stands for."""

    DATA = "data"
    FEATURES = "features"
    RUN = "run"
    SOURCE = "source"
    MODEL = "model"
    EVIDENCE = "evidence"
    ASSUMPTION = "assumption"
    ENDPOINT = "endpoint"


NodeId = Annotated[
    str,
    described(
        r"\A(data|features|run|source|model|evidence|assumption|endpoint):[A-Za-z0-9][A-Za-z0-9._@-]{0,270}\Z",
        "kind:id, e.g. model:flight-delay@3",
    ),
]
"""A node's name: its kind and what that kind is known by."""


def node(kind: NodeKind, name: object) -> str:
    """The node of a thing.

    Example:
        >>> node(NodeKind.MODEL, "flight-delay@3")
        'model:flight-delay@3'
    """
    return f"{kind}:{name}"


class Edge(Struct, frozen=True, kw_only=True, order=True):
    """Something came from something.

    Attributes:
        source: What was there before.
        target: What came of it.
        relation: How, as a past participle: ``read``, ``trained``, ``evaluated``, ``served``.
        at: When it was recorded.
    """

    source: NodeId
    target: NodeId
    relation: str
    at: datetime


class Graph(Struct, frozen=True, kw_only=True):
    """A part of the graph around one node.

    Attributes:
        root: The node asked about.
        nodes: All nodes in it, sorted.
        edges: All edges between them.
        complete: Whether nothing was left out for its size or the depth asked for.
    """

    root: NodeId
    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]
    complete: bool = True
