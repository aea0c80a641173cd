"""Asking the graph."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from modelwright.core.errors import Invalid, NotFound
from modelwright.core.operation import Service, operation
from modelwright.core.unit import Unit
from modelwright.lineage.model import Edge, Graph, NodeId

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.lineage.repository import LineageRepository

_MOST_NODES = 2000
_AT_ONCE = 500


class LineageService(Service):
    """Where something came from, and what came of it."""

    noun = "lineage"

    def __init__(self, repository: LineageRepository) -> None:
        self._repository = repository

    @operation(permission="lineage:read", kind="query")
    def up(self, unit: Unit, node: NodeId, depth: int = 20) -> Graph:
        """Everything a node came from.

        Args:
            unit: The unit of work.
            node: ``model:flight-delay@3``, ``data:flights@1``, ``run:…``, ``endpoint:delays``.
            depth: How many steps to follow, 1 to 100.

        Raises:
            NotFound: Nothing is known of such a node.
        """
        return self._walk(unit, node, depth, self._repository.into, lambda edge: edge.source)

    @operation(permission="lineage:read", kind="query")
    def down(self, unit: Unit, node: NodeId, depth: int = 20) -> Graph:
        """Everything that came of a node: what breaks if it goes.

        Args:
            unit: The unit of work.
            node: As for ``up``.
            depth: How many steps to follow, 1 to 100.

        Raises:
            NotFound: Nothing is known of such a node.
        """
        return self._walk(unit, node, depth, self._repository.out_of, lambda edge: edge.target)

    def _walk(
        self,
        unit: Unit,
        node: str,
        depth: int,
        step: Callable[..., Collection[Edge]],
        other: Callable[[Edge], str],
    ) -> Graph:
        if not 1 <= depth <= 100:
            raise Invalid(f"depth is {depth}, not 1 to 100.", fields={"depth": "not 1 to 100"})
        if not self._repository.knows(unit.rows, unit.project, node):
            raise NotFound(f"Nothing is known of {node}.", remedy="Write kind:id, e.g. model:flight-delay@1.")
        nodes, found, fresh = {node}, set[Edge](), [node]
        while fresh and depth and len(nodes) < _MOST_NODES:
            edges = [edge for part in _parts(fresh) for edge in step(unit.rows, unit.project, part)]
            found.update(edges)
            fresh = sorted({other(edge) for edge in edges} - nodes)
            nodes.update(fresh)
            depth -= 1
        beyond = {edge for part in _parts(fresh) for edge in step(unit.rows, unit.project, part)} - found
        return Graph(root=node, nodes=tuple(sorted(nodes)), edges=tuple(sorted(found)), complete=not beyond)


def _parts(nodes: list[str]) -> list[list[str]]:
    return [nodes[start : start + _AT_ONCE] for start in range(0, len(nodes), _AT_ONCE)]
