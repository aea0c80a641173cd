"""Runs in the control database, metric histories in the telemetry database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import Column, Float, Index, Integer, String, Table, func, insert, select, update

from modelwright.core.unit import Rows
from modelwright.core.wire import real
from modelwright.store.tables import Body, Moment, control, telemetry
from modelwright.tracking.model import Metric, Run

runs = Table(
    "runs",
    control,
    Column("id", String(32), primary_key=True),
    Column("project", String(128), nullable=False),
    Column("name", String(128), nullable=False),
    Column("status", String(16), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("body", Body(Run), nullable=False),
    Index("runs_by_name", "project", "name", "id"),
)

points = Table(
    "metric_points",
    telemetry,
    Column("run_id", String(32), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("key", String(250), nullable=False),
    Column("step", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("value", Float),
    Column("special", String(16)),  # NaN and the infinities, which SQLite stores as NULL
    Index("metric_points_by_key", "run_id", "key", "step", "seq"),
    sqlite_with_rowid=False,
)

heartbeats = Table(
    "heartbeats",
    telemetry,
    Column("run_id", String(32), primary_key=True),
    Column("at", Moment, nullable=False),
)


class RunRepository:
    """Runs of one home; the control database's unit is given, telemetry comes as open rows."""

    def add(self, rows: Rows, project: str, run: Run) -> None:
        """Write a fresh run."""
        rows.execute(
            insert(runs).values(
                id=run.id, project=project, name=run.name, status=run.status, started_at=run.started_at, body=run
            )
        )

    def save(self, rows: Rows, run: Run) -> None:
        """Write a run's new state."""
        rows.execute(update(runs).where(runs.c.id == run.id).values(status=run.status, body=run))

    def get(self, rows: Rows, project: str, run_id: str) -> Run | None:
        """A run, without its metrics."""
        found: Run | None = rows.execute(
            select(runs.c.body).where(runs.c.project == project, runs.c.id == run_id)
        ).scalar()
        return found

    def newest(self, rows: Rows, project: str, *, name: str | None, before: str | None, limit: int) -> list[Run]:
        """A project's runs, newest first."""
        statement = select(runs.c.body).where(runs.c.project == project).order_by(runs.c.id.desc()).limit(limit)
        if name is not None:
            statement = statement.where(runs.c.name == name)
        if before is not None:
            statement = statement.where(runs.c.id < before)
        return list(rows.execute(statement).scalars())

    def count(self, rows: Rows, project: str) -> int:
        """How many runs a project has."""
        return int(rows.execute(select(func.count()).where(runs.c.project == project)).scalar() or 0)


class MetricRepository:
    """Metric histories and heartbeats in the telemetry database."""

    def add(self, rows: Rows, run_id: str, metrics: Sequence[Metric]) -> None:
        """Write points; a point already there under its position stays as it is."""
        span = points.c.seq.between(min(metric.seq for metric in metrics), max(metric.seq for metric in metrics))
        there = set(rows.execute(select(points.c.seq).where(points.c.run_id == run_id, span)).scalars())
        fresh = {metric.seq: metric for metric in reversed(metrics) if metric.seq not in there}  # the first of equals
        if not fresh:
            return
        rows.execute(
            insert(points),
            [
                {
                    "run_id": run_id,
                    "seq": metric.seq,
                    "key": metric.key,
                    "step": metric.step,
                    "at": metric.at,
                    "value": metric.value if isinstance(metric.value, float) else None,
                    "special": None if isinstance(metric.value, float) else metric.value,
                }
                for metric in fresh.values()
            ],
        )

    def history(self, rows: Rows, run_id: str, key: str, *, after: int | None, limit: int) -> list[Metric]:
        """A metric's points, in the order they were logged."""
        statement = (
            select(points).where(points.c.run_id == run_id, points.c.key == key).order_by(points.c.seq).limit(limit)
        )
        if after is not None:
            statement = statement.where(points.c.seq > after)
        return [
            Metric(key=row.key, value=row.special or row.value, step=row.step, at=row.at, seq=row.seq)
            for row in rows.execute(statement)
        ]

    def newest(self, rows: Rows, run_ids: Sequence[str]) -> dict[str, dict[str, float | str]]:
        """Run -> metric -> its value at the largest step, the last logged where steps are equal."""
        ranked = (
            select(
                points.c.run_id,
                points.c.key,
                points.c.value,
                points.c.special,
                func.row_number()
                .over(
                    partition_by=[points.c.run_id, points.c.key], order_by=[points.c.step.desc(), points.c.seq.desc()]
                )
                .label("place"),
            )
            .where(points.c.run_id.in_(run_ids))
            .subquery()
        )
        found: dict[str, dict[str, float | str]] = {}
        for row in rows.execute(select(ranked).where(ranked.c.place == 1).order_by(ranked.c.key)):
            found.setdefault(row.run_id, {})[row.key] = row.special or row.value
        return found

    def beat(self, rows: Rows, run_id: str, at: datetime) -> None:
        """Note that a run is alive."""
        if rows.execute(update(heartbeats).where(heartbeats.c.run_id == run_id).values(at=at)).rowcount == 0:
            rows.execute(insert(heartbeats).values(run_id=run_id, at=at))

    def beats(self, rows: Rows, run_ids: Sequence[str]) -> dict[str, datetime]:
        """When each run was last alive."""
        statement = select(heartbeats).where(heartbeats.c.run_id.in_(run_ids))
        return {row.run_id: row.at for row in rows.execute(statement)}


def with_metrics(run: Run, metrics: dict[str, float | str]) -> Run:
    """The run with the newest value of each metric."""
    return replace(
        run, metrics={key: real(value) if isinstance(value, float) else value for key, value in metrics.items()}
    )
