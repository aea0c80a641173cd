"""Deployments and challenges: every change of what answers or is in its shadow, one row a generation."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, func, insert, select

from modelwright.core.unit import Rows
from modelwright.models.model import Package
from modelwright.serving.model import Challenger, Closed, Deployment, Retirement, Route, RouteTable
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

challenges = Table(
    "challenges",
    control,
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("endpoint", String(128), nullable=False),
    Column("over", Boolean, nullable=False),
    Column("body", Body(Challenger), nullable=False),
    Index("challenges_by_endpoint", "endpoint", "generation"),
)

retirements = Table(
    "endpoint_retirements",
    control,
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("project", String(128), nullable=False),
    Column("endpoint", String(128), nullable=False),
    Column("over", Boolean, nullable=False),
    Column("body", Body(Retirement), nullable=False),
    Index("endpoint_retirements_by_endpoint", "project", "endpoint", "generation"),
)


class DeploymentRepository:
    """Deployments of one home. Generations count through the whole home, because one route table serves it."""

    def next_generation(self, rows: Rows) -> int:
        """The generation that the next change makes: of a deployment, a challenger or a retirement."""
        newest = (
            rows.execute(select(func.max(table.c.generation))).scalar() or 0
            for table in (deployments, challenges, retirements)
        )
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

    def challenge(self, rows: Rows, endpoint: str, challenger: Challenger) -> int:
        """Write who is in an endpoint's shadow from now on; the generation it makes. A deployment ends it."""
        return self._add_challenge(rows, endpoint, challenger, over=False)

    def leave(self, rows: Rows, endpoint: str) -> int:
        """Write that nobody is in an endpoint's shadow any more; the generation it makes."""
        newest = select(challenges.c.body).where(challenges.c.endpoint == endpoint)
        challenger = rows.execute(newest.order_by(challenges.c.generation.desc()).limit(1)).scalar_one()
        return self._add_challenge(rows, endpoint, challenger, over=True)

    def retire(self, rows: Rows, project: str, retirement: Retirement) -> None:
        """Write that an endpoint answers no more, or that it may be deployed again."""
        rows.execute(
            insert(retirements).values(
                generation=self.next_generation(rows),
                project=project,
                endpoint=retirement.endpoint,
                over=retirement.reopened_at is not None,
                body=retirement,
            )
        )

    def retired(self, rows: Rows, endpoint: str | None = None) -> dict[str, Retirement]:
        """Endpoint -> that it does not answer since it was retired, of one or all: it was not deployed since."""
        newest = select(func.max(retirements.c.generation)).group_by(retirements.c.endpoint)
        later = select(deployments.c.generation).where(
            deployments.c.endpoint == retirements.c.endpoint, deployments.c.generation > retirements.c.generation
        )
        statement = select(retirements.c.endpoint, retirements.c.body).where(
            retirements.c.generation.in_(newest), ~later.exists()
        )
        if endpoint is not None:
            statement = statement.where(retirements.c.endpoint == endpoint)
        return {row.endpoint: row.body for row in rows.execute(statement)}

    def began(self, rows: Rows, endpoint: str) -> int:
        """The generation since which an endpoint answers: that of its last reopening, 0 where it was never retired."""
        newest = select(func.max(retirements.c.generation)).where(retirements.c.endpoint == endpoint)
        return int(rows.execute(newest).scalar() or 0)

    def relying(self, rows: Rows, project: str, model: str) -> list[str]:
        """The endpoints that answer with a model, or have it in their shadow."""
        table = self.table(rows)
        return [
            route.endpoint
            for route in (table.routes if table is not None else ())
            if route.project == project and model in (route.model, route.challenger and route.challenger.model)
        ]

    def table(self, rows: Rows) -> RouteTable | None:
        """The route table of the home as it should be served now."""
        newest = select(func.max(deployments.c.generation)).group_by(deployments.c.endpoint)
        statement = select(deployments).where(deployments.c.generation.in_(newest)).order_by(deployments.c.endpoint)
        found = rows.execute(statement).all()
        if not found:
            return None
        challengers, closed = self._challengers(rows), self.retired(rows)
        return RouteTable(
            generation=self.next_generation(rows) - 1,
            routes=tuple(
                Route(
                    endpoint=row.endpoint,
                    model=row.model,
                    version=row.version,
                    package=row.package,
                    since=row.body.at,
                    challenger=_after(row.generation, challengers.get(row.endpoint)),
                    project=row.project,
                    guards=row.body.guards,
                )
                for row in found
                if row.endpoint not in closed
            ),
            retired=tuple(
                Closed(endpoint=row.endpoint, at=closed[row.endpoint].at, project=row.project)
                for row in found
                if row.endpoint in closed and closed[row.endpoint].reopened_at is None
            ),
        )

    def _add_challenge(self, rows: Rows, endpoint: str, challenger: Challenger, *, over: bool) -> int:
        generation = self.next_generation(rows)
        rows.execute(insert(challenges).values(generation=generation, endpoint=endpoint, over=over, body=challenger))
        return generation

    def _challengers(self, rows: Rows) -> dict[str, tuple[int, Challenger]]:
        """Endpoint -> the generation since which somebody is in its shadow, and who."""
        newest = select(func.max(challenges.c.generation)).group_by(challenges.c.endpoint)
        statement = select(challenges).where(challenges.c.generation.in_(newest), challenges.c.over.is_(False))
        return {row.endpoint: (row.generation, row.body) for row in rows.execute(statement)}


def _after(deployed: int, challenge: tuple[int, Challenger] | None) -> Challenger | None:
    """The challenger, unless the endpoint was moved after it came."""
    return challenge[1] if challenge is not None and challenge[0] > deployed else None
