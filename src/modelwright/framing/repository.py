"""The rows of assumptions and of decisions on feasibility. Nothing here is ever updated."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, func, insert, select

from modelwright.core.ids import parse_ref
from modelwright.core.unit import Rows
from modelwright.framing.model import AssumptionVersion, Feasibility
from modelwright.store.tables import Body, control

assumptions = Table(
    "assumptions",
    control,
    Column("project", String(128), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("dataset", String(128), nullable=False),
    Column("view", String(128), nullable=False),
    Column("body", Body(AssumptionVersion), nullable=False),
)

decisions = Table(
    "feasibility",
    control,
    Column("project", String(128), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("body", Body(Feasibility), nullable=False),
    Index("feasibility_by_project", "project", "model", "number"),
)


class FramingRepository:
    """Assumptions and decisions of one home."""

    def add(self, rows: Rows, project: str, said: AssumptionVersion) -> None:
        """Write what somebody said."""
        data, view = said.assumption.data, said.assumption.view
        rows.execute(
            insert(assumptions).values(
                project=project,
                name=said.name,
                version=said.version,
                dataset=parse_ref(data.ref).name if data else "",
                view=parse_ref(view.ref).name if view else "",
                body=said,
            )
        )

    def assumption(self, rows: Rows, project: str, name: str, version: int | None = None) -> AssumptionVersion | None:
        """An assumption's version of that number, or the newest."""
        statement = select(assumptions.c.body).where(assumptions.c.project == project, assumptions.c.name == name)
        if version is not None:
            statement = statement.where(assumptions.c.version == version)
        statement = statement.order_by(assumptions.c.version.desc()).limit(1)
        found: AssumptionVersion | None = rows.execute(statement).scalar()
        return found

    def versions(self, rows: Rows, project: str, name: str) -> list[AssumptionVersion]:
        """What was said of an assumption, newest first, the last thousand."""
        statement = select(assumptions.c.body).where(assumptions.c.project == project, assumptions.c.name == name)
        return list(rows.execute(statement.order_by(assumptions.c.version.desc()).limit(1000)).scalars())

    def newest(
        self, rows: Rows, project: str, *, dataset: str | None = None, view: str | None = None, after: str, limit: int
    ) -> list[AssumptionVersion]:
        """The newest version of each assumption, by name: of a dataset, of a view, or of all."""
        last = (
            select(assumptions.c.name, func.max(assumptions.c.version).label("version"))
            .where(assumptions.c.project == project)
            .group_by(assumptions.c.name)
            .subquery()
        )
        statement = select(assumptions.c.body).join(
            last, (assumptions.c.name == last.c.name) & (assumptions.c.version == last.c.version)
        )
        statement = statement.where(assumptions.c.project == project, assumptions.c.name > after)
        if dataset is not None:
            statement = statement.where(assumptions.c.dataset == dataset)
        if view is not None:
            statement = statement.where(assumptions.c.view == view)
        return list(rows.execute(statement.order_by(assumptions.c.name).limit(limit)).scalars())

    def decide(self, rows: Rows, project: str, decision: Feasibility) -> None:
        """Write a fresh decision."""
        rows.execute(
            insert(decisions).values(project=project, model=decision.model, number=decision.number, body=decision)
        )

    def decision(self, rows: Rows, project: str, model: str) -> Feasibility | None:
        """The newest decision on a model."""
        found = self.decisions(rows, project, model, limit=1)
        return found[0] if found else None

    def decisions(self, rows: Rows, project: str, model: str, *, limit: int = 1000) -> list[Feasibility]:
        """What was decided of a model, newest first."""
        statement = select(decisions.c.body).where(decisions.c.project == project, decisions.c.model == model)
        return list(rows.execute(statement.order_by(decisions.c.number.desc()).limit(limit)).scalars())

    def standing(self, rows: Rows, project: str, *, after: str, limit: int) -> list[Feasibility]:
        """The newest decision on each model, by model."""
        last = (
            select(decisions.c.model, func.max(decisions.c.number).label("number"))
            .where(decisions.c.project == project)
            .group_by(decisions.c.model)
            .subquery()
        )
        statement = (
            select(decisions.c.body)
            .join(last, (decisions.c.model == last.c.model) & (decisions.c.number == last.c.number))
            .where(decisions.c.project == project, decisions.c.model > after)
            .order_by(decisions.c.model)
            .limit(limit)
        )
        return list(rows.execute(statement).scalars())
