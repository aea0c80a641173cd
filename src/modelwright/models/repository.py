"""The registry's rows."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Select,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from modelwright.core.signing import Envelope
from modelwright.core.unit import Rows
from modelwright.models.model import Model, ModelRetirement, ModelVersion
from modelwright.store.tables import Body, Moment, control

versions = Table(
    "model_versions",
    control,
    Column("project", String(128), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("package", String(64), nullable=False),
    Column("run_id", String(32)),
    Column("registered_at", Moment, nullable=False),
    Column("signed", Body(Envelope), nullable=False),
    Column("body", Body(ModelVersion), nullable=False),
    Index("model_versions_by_package", "project", "model", "package", unique=True),
    Index("model_versions_by_run", "project", "run_id"),
)

aliases = Table(
    "model_aliases",
    control,
    Column("project", String(128), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("alias", String(128), primary_key=True),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(
        ["project", "model", "version"], ["model_versions.project", "model_versions.model", "model_versions.version"]
    ),
)

retirements = Table(
    "model_retirements",
    control,
    Column("project", String(128), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("body", Body(ModelRetirement), nullable=False),
)


class ModelRepository:
    """Versions and aliases of one home."""

    def next_version(self, rows: Rows, project: str, model: str) -> int:
        """The number the next version gets; safe because a writing unit is alone."""
        newest = select(func.max(versions.c.version)).where(versions.c.project == project, versions.c.model == model)
        return int(rows.execute(newest).scalar() or 0) + 1

    def add(self, rows: Rows, project: str, version: ModelVersion, signed: Envelope) -> None:
        """Write a fresh version."""
        rows.execute(
            insert(versions).values(
                project=project,
                model=version.model,
                version=version.version,
                package=version.package,
                run_id=version.manifest.run_id,
                registered_at=version.registered_at,
                signed=signed,
                body=version,
            )
        )

    def version(self, rows: Rows, project: str, model: str, number: int) -> ModelVersion | None:
        """A version with the aliases it has now."""
        found = rows.execute(_versions(project, model).where(versions.c.version == number)).scalar()
        return None if found is None else self._with_aliases(rows, project, [found])[0]

    def by_package(self, rows: Rows, project: str, model: str, package: str) -> ModelVersion | None:
        """The version with this package, if the model has one."""
        found = rows.execute(_versions(project, model).where(versions.c.package == package)).scalar()
        return None if found is None else self._with_aliases(rows, project, [found])[0]

    def newest(self, rows: Rows, project: str, model: str, *, before: int | None, limit: int) -> list[ModelVersion]:
        """A model's versions below a number, newest first."""
        statement = _versions(project, model).order_by(versions.c.version.desc()).limit(limit)
        if before is not None:
            statement = statement.where(versions.c.version < before)
        return self._with_aliases(rows, project, list(rows.execute(statement).scalars()))

    def signed(self, rows: Rows, project: str, model: str, number: int) -> Envelope | None:
        """The signed manifest of a version."""
        statement = select(versions.c.signed).where(
            versions.c.project == project, versions.c.model == model, versions.c.version == number
        )
        found: Envelope | None = rows.execute(statement).scalar()
        return found

    def aliased(self, rows: Rows, project: str, model: str, alias: str) -> int | None:
        """The version an alias points at."""
        statement = select(aliases.c.version).where(
            aliases.c.project == project, aliases.c.model == model, aliases.c.alias == alias
        )
        found: int | None = rows.execute(statement).scalar()
        return found

    def point(self, rows: Rows, project: str, model: str, alias: str, version: int) -> None:
        """Let an alias point at a version."""
        here = (aliases.c.project == project, aliases.c.model == model, aliases.c.alias == alias)
        if rows.execute(update(aliases).where(*here).values(version=version)).rowcount == 0:
            rows.execute(insert(aliases).values(project=project, model=model, alias=alias, version=version))

    def retire(self, rows: Rows, project: str, retirement: ModelRetirement) -> None:
        """Write that a model is retired."""
        rows.execute(insert(retirements).values(project=project, model=retirement.model, body=retirement))

    def reinstate(self, rows: Rows, project: str, model: str) -> None:
        """Write that it is not; the ledger keeps that it was."""
        rows.execute(delete(retirements).where(retirements.c.project == project, retirements.c.model == model))

    def retired(self, rows: Rows, project: str, models: Sequence[str]) -> dict[str, ModelRetirement]:
        """Which of some models are retired."""
        statement = select(retirements.c.body).where(retirements.c.project == project, retirements.c.model.in_(models))
        return {found.model: found for found in rows.execute(statement).scalars()}

    def models(self, rows: Rows, project: str, *, after: str, limit: int) -> list[Model]:
        """Models behind a name, in the order of names."""
        statement = (
            select(
                versions.c.model,
                func.count().label("count"),
                func.max(versions.c.version).label("latest"),
                func.max(versions.c.registered_at, type_=Moment()).label("updated_at"),
            )
            .where(versions.c.project == project, versions.c.model > after)
            .group_by(versions.c.model)
            .order_by(versions.c.model)
            .limit(limit)
        )
        found = rows.execute(statement).all()
        names = [row.model for row in found]
        pointing, retired = self._aliases(rows, project, names), self.retired(rows, project, names)
        return [
            Model(
                name=row.model,
                versions=row.count,
                latest=row.latest,
                aliases=pointing.get(row.model, {}),
                updated_at=row.updated_at,
                retired=retired.get(row.model),
            )
            for row in found
        ]

    def _aliases(self, rows: Rows, project: str, models: list[str]) -> dict[str, dict[str, int]]:
        statement = select(aliases).where(aliases.c.project == project, aliases.c.model.in_(models))
        found: dict[str, dict[str, int]] = {}
        for row in rows.execute(statement.order_by(aliases.c.alias)):
            found.setdefault(row.model, {})[row.alias] = row.version
        return found

    def _with_aliases(self, rows: Rows, project: str, found: list[ModelVersion]) -> list[ModelVersion]:
        pointing = self._aliases(rows, project, [version.model for version in found])
        return [
            _replaced(version, tuple(a for a, to in pointing.get(version.model, {}).items() if to == version.version))
            for version in found
        ]


def _versions(project: str, model: str) -> Select[ModelVersion]:
    return select(versions.c.body).where(versions.c.project == project, versions.c.model == model)


def _replaced(version: ModelVersion, current: tuple[str, ...]) -> ModelVersion:
    return replace(version, aliases=current)
