"""The graph's rows."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Column, Index, String, Table, insert, literal, or_, select

from modelwright.core.unit import Rows
from modelwright.lineage.model import Edge
from modelwright.store.tables import Moment, control

edges = Table(
    "lineage",
    control,
    Column("project", String(128), primary_key=True),
    Column("source", String(300), primary_key=True),
    Column("target", String(300), primary_key=True),
    Column("relation", String(32), primary_key=True),
    Column("at", Moment, nullable=False),
    Index("lineage_by_target", "project", "target"),
)


class LineageRepository:
    """Edges of one home."""

    def add(self, rows: Rows, project: str, edge: Edge) -> None:
        """Write an edge; one that is there stays as it is."""
        key = {"project": project, "source": edge.source, "target": edge.target, "relation": edge.relation}
        there = select(edges.c.at).where(*(edges.c[name] == value for name, value in key.items())).exists()
        fresh = select(*(literal(value) for value in key.values()), literal(edge.at, Moment)).where(~there)
        rows.execute(insert(edges).from_select([*key, "at"], fresh))  # nobody comes between: a writer is alone

    def into(self, rows: Rows, project: str, targets: Collection[str]) -> list[Edge]:
        """Edges that end at these nodes."""
        return self._found(rows, project, edges.c.target, targets)

    def out_of(self, rows: Rows, project: str, sources: Collection[str]) -> list[Edge]:
        """Edges that begin at these nodes."""
        return self._found(rows, project, edges.c.source, sources)

    def knows(self, rows: Rows, project: str, node: str) -> bool:
        """Whether any edge touches the node."""
        touching = select(edges.c.source).where(
            edges.c.project == project, or_(edges.c.source == node, edges.c.target == node)
        )
        return rows.execute(touching.limit(1)).first() is not None

    def _found(self, rows: Rows, project: str, end: Column[str], nodes: Collection[str]) -> list[Edge]:
        statement = select(edges).where(edges.c.project == project, end.in_(list(nodes)))
        return sorted(
            Edge(source=row.source, target=row.target, relation=row.relation, at=row.at)
            for row in rows.execute(statement)
        )
