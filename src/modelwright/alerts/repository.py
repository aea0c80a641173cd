"""The rows of alerts."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, func, insert, select, update

from modelwright.alerts.model import Alert, AlertState
from modelwright.core.unit import Rows
from modelwright.store.tables import Body, control

alerts = Table(
    "alerts",
    control,
    Column("id", String(32), primary_key=True),
    Column("project", String(128), nullable=False),
    Column("endpoint", String(128), nullable=False),
    Column("fingerprint", String(300), nullable=False),
    Column("state", String(16), nullable=False),
    Column("body", Body(Alert), nullable=False),
    Index("alerts_by_state", "project", "state", "id"),
    Index("alerts_by_fingerprint", "project", "endpoint", "fingerprint", "id"),
)

_OF_ALIASES = alerts.c.fingerprint.like("%/%/%")
"""Theirs alone have the alias behind the rule, and no name has a slash."""


class AlertRepository:
    """Alerts of one home."""

    def put(self, rows: Rows, project: str, alert: Alert) -> None:
        """Write an alert as it is now."""
        given = {"fingerprint": alert.fingerprint, "state": alert.state.value, "body": alert}
        if rows.execute(update(alerts).where(alerts.c.id == alert.id).values(**given)).rowcount == 0:
            rows.execute(insert(alerts).values(id=alert.id, project=project, endpoint=alert.endpoint, **given))

    def get(self, rows: Rows, project: str, alert: str) -> Alert | None:
        """One alert."""
        found: Alert | None = rows.execute(
            select(alerts.c.body).where(alerts.c.project == project, alerts.c.id == alert)
        ).scalar()
        return found

    def newest(self, rows: Rows, project: str, endpoint: str) -> list[Alert]:
        """The newest alert of each fingerprint of an endpoint."""
        ids = (
            select(func.max(alerts.c.id))
            .where(alerts.c.project == project, alerts.c.endpoint == endpoint)
            .group_by(alerts.c.fingerprint)
        )
        return list(rows.execute(select(alerts.c.body).where(alerts.c.id.in_(ids)).order_by(alerts.c.id)).scalars())

    def found(
        self, rows: Rows, project: str, endpoint: str | None, *, unresolved: bool, alias: str | None = None
    ) -> list[Alert]:
        """Alerts of a project, or of one endpoint: those that are not over, or the newest thousand of all.

        With an alias, of that alias alone: its model stands as the endpoint, which may share its name.
        """
        statement = select(alerts.c.body).where(alerts.c.project == project)
        if endpoint is not None:
            of_alias = _OF_ALIASES & alerts.c.fingerprint.endswith(f"/{alias}", autoescape=True)
            statement = statement.where(alerts.c.endpoint == endpoint, of_alias if alias else ~_OF_ALIASES)
        if unresolved:
            statement = statement.where(alerts.c.state != AlertState.RESOLVED.value)
        return list(rows.execute(statement.order_by(alerts.c.id.desc()).limit(1000)).scalars())
