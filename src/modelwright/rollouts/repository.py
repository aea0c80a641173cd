"""Rollouts: one row each, from the start to the end."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, String, Table, insert, select, update

from modelwright.core.unit import Rows
from modelwright.rollouts.model import Rollout
from modelwright.store.tables import Body, control

rollouts = Table(
    "rollouts",
    control,
    Column("id", String(32), primary_key=True),
    Column("project", String(128), nullable=False),
    Column("endpoint", String(128), nullable=False),
    Column("running", Boolean, nullable=False),
    Column("body", Body(Rollout), nullable=False),
    Index("rollouts_by_endpoint", "project", "endpoint", "id"),
)
Index(
    "rollouts_running",
    rollouts.c.endpoint,
    unique=True,
    sqlite_where=rollouts.c.running.is_(True),
    postgresql_where=rollouts.c.running.is_(True),
)


class RolloutRepository:
    """Rollouts of one home; an endpoint has at most one that runs."""

    def add(self, rows: Rows, project: str, rollout: Rollout) -> None:
        """Write one that begins."""
        rows.execute(
            insert(rollouts).values(
                id=rollout.id, project=project, endpoint=rollout.endpoint, running=True, body=rollout
            )
        )

    def change(self, rows: Rows, rollout: Rollout) -> None:
        """Write how it goes on, or how it ended."""
        rows.execute(
            update(rollouts).where(rollouts.c.id == rollout.id).values(body=rollout, running=rollout.outcome is None)
        )

    def newest(
        self, rows: Rows, project: str, endpoint: str | None = None, *, before: str | None = None, limit: int = 1
    ) -> list[Rollout]:
        """An endpoint's rollouts, or every endpoint's, newest first."""
        statement = select(rollouts.c.body).where(rollouts.c.project == project)
        if endpoint is not None:
            statement = statement.where(rollouts.c.endpoint == endpoint)
        if before is not None:
            statement = statement.where(rollouts.c.id < before)
        return list(rows.execute(statement.order_by(rollouts.c.id.desc()).limit(limit)).scalars())

    def get(self, rows: Rows, project: str, rollout: str) -> Rollout | None:
        """One rollout."""
        statement = select(rollouts.c.body).where(rollouts.c.project == project, rollouts.c.id == rollout)
        found: Rollout | None = rows.execute(statement).scalar()
        return found

    def running(self, rows: Rows) -> list[tuple[str, str]]:
        """Project and endpoint of each that runs."""
        statement = select(rollouts.c.project, rollouts.c.endpoint).where(rollouts.c.running)
        return [(row.project, row.endpoint) for row in rows.execute(statement.order_by(rollouts.c.id))]
