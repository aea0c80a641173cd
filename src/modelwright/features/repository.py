"""The rows of views, training sets and the online store's progress."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Select, String, Table, delete, func, insert, select

from modelwright.core.unit import Rows
from modelwright.features.model import FeatureView, Freshness, TrainingRecord, ViewVersion
from modelwright.store.tables import Body, Moment, control

views = Table(
    "feature_views",
    control,
    Column("project", String(128), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("applied_at", Moment, nullable=False),
    Column("body", Body(ViewVersion), nullable=False),
)

training = Table(
    "training_sets",
    control,
    Column("project", String(128), primary_key=True),
    Column("id", String(32), primary_key=True),
    Column("view", String(260), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("body", Body(TrainingRecord), nullable=False),
    Index("training_sets_by_view", "project", "view", "id"),
)

materialized = Table(
    "feature_freshness",
    control,
    Column("project", String(128), primary_key=True),
    Column("view", String(260), primary_key=True),
    Column("body", Body(Freshness), nullable=False),
)


class FeatureRepository:
    """Views of one home."""

    def add(self, rows: Rows, project: str, version: ViewVersion) -> None:
        """Write a fresh version."""
        rows.execute(
            insert(views).values(
                project=project,
                name=version.name,
                version=version.version,
                digest=version.digest,
                applied_at=version.applied_at,
                body=version,
            )
        )

    def version(self, rows: Rows, project: str, name: str, number: int) -> ViewVersion | None:
        """One version."""
        found: ViewVersion | None = rows.execute(_versions(project, name).where(views.c.version == number)).scalar()
        return found

    def newest(
        self, rows: Rows, project: str, name: str, *, before: int | None = None, limit: int = 1
    ) -> list[ViewVersion]:
        """A view's versions below a number, newest first."""
        statement = _versions(project, name).order_by(views.c.version.desc()).limit(limit)
        if before is not None:
            statement = statement.where(views.c.version < before)
        return list(rows.execute(statement).scalars())

    def views(self, rows: Rows, project: str, *, after: str, limit: int) -> list[FeatureView]:
        """Views behind a name, in the order of names, as their newest versions stand."""
        newest = (
            select(views.c.name, func.max(views.c.version).label("latest"))
            .where(views.c.project == project, views.c.name > after)
            .group_by(views.c.name)
            .order_by(views.c.name)
            .limit(limit)
            .subquery()
        )
        statement = (
            select(views.c.body)
            .join(newest, (views.c.name == newest.c.name) & (views.c.version == newest.c.latest))
            .where(views.c.project == project)
            .order_by(views.c.name)
        )
        return [_as_listed(found) for found in rows.execute(statement).scalars()]

    def add_training(self, rows: Rows, project: str, record: TrainingRecord) -> None:
        """Write down a training set that was made."""
        rows.execute(
            insert(training).values(
                project=project, id=record.id, view=record.view, made_at=record.made_at, body=record
            )
        )

    def training_sets(
        self, rows: Rows, project: str, view: str, *, before: str | None, limit: int
    ) -> list[TrainingRecord]:
        """Training sets of a view's version, newest first."""
        statement = (
            select(training.c.body)
            .where(training.c.project == project, training.c.view == view)
            .order_by(training.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            statement = statement.where(training.c.id < before)
        return list(rows.execute(statement).scalars())

    def freshness(self, rows: Rows, project: str, view: str) -> Freshness | None:
        """How far the online store is with a view's version."""
        found: Freshness | None = rows.execute(
            select(materialized.c.body).where(materialized.c.project == project, materialized.c.view == view)
        ).scalar()
        return found

    def refresh(self, rows: Rows, project: str, freshness: Freshness) -> None:
        """Say how far the online store is now."""
        here = (materialized.c.project == project, materialized.c.view == freshness.view)
        rows.execute(delete(materialized).where(*here))
        rows.execute(insert(materialized).values(project=project, view=freshness.view, body=freshness))


def _versions(project: str, name: str) -> Select[ViewVersion]:
    return select(views.c.body).where(views.c.project == project, views.c.name == name)


def _as_listed(found: ViewVersion) -> FeatureView:
    return FeatureView(
        name=found.name,
        version=found.version,
        digest=found.digest,
        features=tuple(feature.name for feature in found.view.features),
        sources=tuple(dict.fromkeys(source.dataset for source in found.view.sources)),
        applied_at=found.applied_at,
    )
