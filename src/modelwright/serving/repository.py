"""Deployments: every change of what an endpoint answers with, one row a generation. Rollouts: its challengers."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, func, insert, select, update

from modelwright.core.unit import Rows
from modelwright.models.model import Package
from modelwright.serving.model import Challenger, Deployment, Route, RouteTable
from modelwright.serving.rollout import Rollout
from modelwright.store.tables import Body, control

deployments = Table(
    "deployments",
    control,
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("project", String(128), nullable=False),
    Column("endpoint", String(128), nullable=False),
    Column("model", String(128), nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Body(Deployment), nullable=False),
    Column("package", Body(Package), nullable=False),
    Index("deployments_by_endpoint", "project", "endpoint", "generation"),
)

rollouts = Table(
    "rollouts",
    control,
    Column("id", String(32), primary_key=True),
    Column("project", String(128), nullable=False),
    Column("endpoint", String(128), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("running", Boolean, nullable=False),
    Column("body", Body(Rollout), nullable=False),
    Column("package", Body(Package), nullable=False),
    Index("rollouts_by_endpoint", "project", "endpoint", "id"),
)
Index(
    "rollouts_running",
    rollouts.c.endpoint,
    unique=True,
    sqlite_where=rollouts.c.running.is_(True),
    postgresql_where=rollouts.c.running.is_(True),
)


class DeploymentRepository:
    """Deployments of one home. Generations count through the whole home, because one route table serves it."""

    def next_generation(self, rows: Rows) -> int:
        """The generation that the next change makes: of a deployment, or of a challenger that comes or goes."""
        newest = (rows.execute(select(func.max(table.c.generation))).scalar() or 0 for table in (deployments, rollouts))
        return int(max(newest)) + 1

    def add(self, rows: Rows, project: str, deployment: Deployment, package: Package) -> None:
        """Write a change."""
        rows.execute(
            insert(deployments).values(
                generation=deployment.generation,
                project=project,
                endpoint=deployment.endpoint,
                model=deployment.model,
                version=deployment.version,
                body=deployment,
                package=package,
            )
        )

    def newest(
        self, rows: Rows, project: str, endpoint: str, *, before: int | None = None, limit: int = 1
    ) -> list[Deployment]:
        """An endpoint's changes before a generation, newest first."""
        statement = (
            select(deployments.c.body)
            .where(deployments.c.project == project, deployments.c.endpoint == endpoint)
            .order_by(deployments.c.generation.desc())
            .limit(limit)
        )
        if before is not None:
            statement = statement.where(deployments.c.generation < before)
        return list(rows.execute(statement).scalars())

    def owner(self, rows: Rows, endpoint: str) -> str | None:
        """The project that an endpoint's name belongs to."""
        found: str | None = rows.execute(
            select(deployments.c.project).where(deployments.c.endpoint == endpoint).limit(1)
        ).scalar()
        return found

    def current(self, rows: Rows, project: str, *, after: str = "", limit: int = 1000) -> list[Deployment]:
        """What each endpoint of a project answers with now, by name."""
        newest = (
            select(func.max(deployments.c.generation))
            .where(deployments.c.project == project, deployments.c.endpoint > after)
            .group_by(deployments.c.endpoint)
        )
        statement = (
            select(deployments.c.body)
            .where(deployments.c.generation.in_(newest))
            .order_by(deployments.c.endpoint)
            .limit(limit)
        )
        return list(rows.execute(statement).scalars())

    def table(self, rows: Rows) -> RouteTable | None:
        """The route table of the home as it should be served now."""
        newest = select(func.max(deployments.c.generation)).group_by(deployments.c.endpoint)
        statement = select(deployments).where(deployments.c.generation.in_(newest)).order_by(deployments.c.endpoint)
        found = rows.execute(statement).all()
        if not found:
            return None
        running = rows.execute(select(rollouts).where(rollouts.c.running)).all()
        challengers = {
            row.endpoint: Challenger(
                model=row.body.challenger.model, version=row.body.challenger.version, package=row.package
            )
            for row in running
        }
        return RouteTable(
            generation=self.next_generation(rows) - 1,
            routes=tuple(
                Route(
                    endpoint=row.endpoint,
                    model=row.model,
                    version=row.version,
                    package=row.package,
                    since=row.body.at,
                    challenger=challengers.get(row.endpoint),
                )
                for row in found
            ),
        )


class RolloutRepository:
    """Rollouts of one home; an endpoint has at most one that runs."""

    def add(self, rows: Rows, project: str, rollout: Rollout, package: Package, *, generation: int) -> None:
        """Write one that begins; the challenger's package goes to the workers."""
        rows.execute(
            insert(rollouts).values(
                id=rollout.id,
                project=project,
                endpoint=rollout.endpoint,
                generation=generation,
                running=True,
                body=rollout,
                package=package,
            )
        )

    def change(self, rows: Rows, rollout: Rollout, *, generation: int | None = None) -> None:
        """Write how it goes on, or how it ended, which makes a generation."""
        values = {} if generation is None else {"generation": generation}
        rows.execute(
            update(rollouts)
            .where(rollouts.c.id == rollout.id)
            .values(body=rollout, running=rollout.outcome is None, **values)
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
