"""Comparisons of an endpoint's versions over time."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, insert, select

from modelwright.core.unit import Rows
from modelwright.lifecycle.model import Age
from modelwright.store.tables import Body, control

ages = Table(
    "ages",
    control,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("project", String(128), nullable=False),
    Column("endpoint", String(128), nullable=False),
    Column("body", Body(Age), nullable=False),
    Index("ages_by_endpoint", "project", "endpoint", "seq"),
)


class LifecycleRepository:
    """Rows of this room."""

    def add_age(self, rows: Rows, project: str, age: Age) -> None:
        """Keep a comparison."""
        rows.execute(insert(ages).values(project=project, endpoint=age.endpoint, body=age))

    def newest_age(self, rows: Rows, project: str, endpoint: str) -> Age | None:
        """The comparison of an endpoint that was made last."""
        statement = (
            select(ages.c.body)
            .where(ages.c.project == project, ages.c.endpoint == endpoint)
            .order_by(ages.c.seq.desc())
            .limit(1)
        )
        found: Age | None = rows.execute(statement).scalar()
        return found
