"""The rows of rechecks and emergencies."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, String, Table, delete, insert, select, update

from modelwright.assurance.model import AliasRecheck, Emergency, Recheck
from modelwright.core.unit import Rows
from modelwright.store.tables import Body, control

rechecks = Table(
    "rechecks",
    control,
    Column("project", String(128), primary_key=True),
    Column("endpoint", String(128), primary_key=True),
    Column("body", Body(Recheck), nullable=False),
)
alias_rechecks = Table(
    "alias_rechecks",
    control,
    Column("project", String(128), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("alias", String(128), primary_key=True),
    Column("body", Body(AliasRecheck), nullable=False),
)
emergencies = Table(
    "emergencies",
    control,
    Column("id", String(32), primary_key=True),
    Column("project", String(128), nullable=False),
    Column("endpoint", String(128), nullable=False),
    Column("over", Boolean, nullable=False),
    Column("body", Body(Emergency), nullable=False),
    Index("emergencies_by_endpoint", "project", "endpoint", "over", "id"),
)


class AssuranceRepository:
    """Rechecks and emergencies of one home."""

    def put(self, rows: Rows, project: str, recheck: Recheck) -> None:
        """Write how an endpoint stands, in place of what was known."""
        rows.execute(delete(rechecks).where(rechecks.c.project == project, rechecks.c.endpoint == recheck.endpoint))
        rows.execute(insert(rechecks).values(project=project, endpoint=recheck.endpoint, body=recheck))

    def recheck(self, rows: Rows, project: str, endpoint: str) -> Recheck | None:
        """How an endpoint stood last."""
        statement = select(rechecks.c.body).where(rechecks.c.project == project, rechecks.c.endpoint == endpoint)
        found: Recheck | None = rows.execute(statement).scalar()
        return found

    def rechecks(self, rows: Rows, project: str) -> list[Recheck]:
        """How endpoints stood last, by name."""
        statement = select(rechecks.c.body).where(rechecks.c.project == project).order_by(rechecks.c.endpoint)
        return list(rows.execute(statement).scalars())

    def put_alias(self, rows: Rows, project: str, recheck: AliasRecheck) -> None:
        """Write how an alias stands, in place of what was known."""
        key = {"project": project, "model": recheck.model, "alias": recheck.alias}
        rows.execute(delete(alias_rechecks).filter_by(**key))
        rows.execute(insert(alias_rechecks).values(**key, body=recheck))

    def alias(self, rows: Rows, project: str, model: str, alias: str) -> AliasRecheck | None:
        """How an alias stood last."""
        key = {"project": project, "model": model, "alias": alias}
        found: AliasRecheck | None = rows.execute(select(alias_rechecks.c.body).filter_by(**key)).scalar()
        return found

    def aliases(self, rows: Rows, project: str) -> list[AliasRecheck]:
        """How aliases stood last, by model and alias."""
        statement = select(alias_rechecks.c.body).where(alias_rechecks.c.project == project)
        return list(rows.execute(statement.order_by(alias_rechecks.c.model, alias_rechecks.c.alias)).scalars())

    def begin(self, rows: Rows, project: str, emergency: Emergency) -> None:
        """Write a fresh emergency."""
        rows.execute(
            insert(emergencies).values(
                id=emergency.id, project=project, endpoint=emergency.endpoint, over=False, body=emergency
            )
        )

    def change(self, rows: Rows, emergency: Emergency) -> None:
        """Write an emergency as it is now."""
        rows.execute(
            update(emergencies)
            .where(emergencies.c.id == emergency.id)
            .values(over=emergency.ended_at is not None, body=emergency)
        )

    def present(self, rows: Rows, project: str, endpoint: str) -> Emergency | None:
        """The emergency of an endpoint that is not over."""
        statement = select(emergencies.c.body).where(
            emergencies.c.project == project, emergencies.c.endpoint == endpoint, ~emergencies.c.over
        )
        found: Emergency | None = rows.execute(statement.order_by(emergencies.c.id.desc()).limit(1)).scalar()
        return found

    def lasting(self, rows: Rows, project: str) -> list[Emergency]:
        """Those that are not over, newest first."""
        statement = select(emergencies.c.body).where(emergencies.c.project == project, ~emergencies.c.over)
        return list(rows.execute(statement.order_by(emergencies.c.id.desc())).scalars())

    def page(self, rows: Rows, project: str, *, before: str | None, limit: int) -> list[Emergency]:
        """Emergencies, newest first."""
        statement = select(emergencies.c.body).where(emergencies.c.project == project)
        if before is not None:
            statement = statement.where(emergencies.c.id < before)
        return list(rows.execute(statement.order_by(emergencies.c.id.desc()).limit(limit)).scalars())
