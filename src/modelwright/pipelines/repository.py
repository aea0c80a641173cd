"""The rows of pipelines, executions and steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import Column, Index, Integer, String, Table, delete, func, insert, select, update

from modelwright.core.unit import Rows
from modelwright.pipelines.model import (
    Declined,
    Execution,
    Hit,
    PipelineVersion,
    Schedule,
    Status,
    Step,
    StepRef,
    StepStatus,
)
from modelwright.store.tables import Body, Moment, control

versions = Table(
    "pipeline_versions",
    control,
    Column("project", String(128), primary_key=True),
    Column("pipeline", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("body", Body(PipelineVersion), nullable=False),
    Index("pipeline_versions_by_digest", "project", "pipeline", "digest"),
)

executions = Table(
    "pipeline_executions",
    control,
    Column("id", String(32), primary_key=True),
    Column("project", String(128), nullable=False),
    Column("pipeline", String(128), nullable=False),
    Column("version", Integer),
    Column("status", String(16), nullable=False),
    Column("cause", String(16), nullable=False),
    Column("at", Moment, nullable=False),
    Column("body", Body(Execution), nullable=False),
    Index("pipeline_executions_by_pipeline", "project", "pipeline", "id"),
    Index("pipeline_executions_by_status", "project", "status", "id"),
    Index("pipeline_executions_by_time", "project", "pipeline", "at"),
)

steps = Table(
    "pipeline_steps",
    control,
    Column("execution", String(32), primary_key=True),
    Column("step", String(140), primary_key=True),
    Column("project", String(128), nullable=False),
    Column("known", String(64)),  # the key, where the result may be taken by others
    Column("body", Body(Step), nullable=False),
    Index("pipeline_steps_by_key", "project", "known", "execution"),
)

declined = Table(
    "pipeline_declined",
    control,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("project", String(128), nullable=False),
    Column("pipeline", String(128), nullable=False),
    Column("body", Body(Declined), nullable=False),
    Index("pipeline_declined_by_pipeline", "project", "pipeline", "seq"),
)

schedules = Table(
    "pipeline_schedules",
    control,
    Column("project", String(128), primary_key=True),
    Column("pipeline", String(128), primary_key=True),
    Column("expression", String(500), primary_key=True),
    Column("next_at", Moment, nullable=False),
    Column("last_at", Moment),
)


_MOST_KNOWN = 500


class PipelineRepository:
    """Versions, schedules, and triggers that were declined."""

    def add(self, rows: Rows, project: str, version: PipelineVersion) -> None:
        """Write a fresh version."""
        key = {"project": project, "pipeline": version.pipeline, "version": version.version}
        rows.execute(insert(versions).values(**key, digest=version.digest, body=version))

    def newest(
        self, rows: Rows, project: str, pipeline: str, *, before: int | None, limit: int
    ) -> list[PipelineVersion]:
        """A pipeline's versions below a number, the newest first."""
        statement = select(versions.c.body).where(versions.c.project == project, versions.c.pipeline == pipeline)
        if before is not None:
            statement = statement.where(versions.c.version < before)
        return list(rows.execute(statement.order_by(versions.c.version.desc()).limit(limit)).scalars())

    def version(self, rows: Rows, project: str, pipeline: str, number: int) -> PipelineVersion | None:
        """One version."""
        here = (versions.c.project == project, versions.c.pipeline == pipeline, versions.c.version == number)
        found: PipelineVersion | None = rows.execute(select(versions.c.body).where(*here)).scalar()
        return found

    def every(self, rows: Rows, project: str) -> list[PipelineVersion]:
        """The newest version of every pipeline, by name."""
        newest = (
            select(versions.c.pipeline, func.max(versions.c.version).label("version"))
            .where(versions.c.project == project)
            .group_by(versions.c.pipeline)
            .subquery()
        )
        statement = (
            select(versions.c.body)
            .join(newest, (versions.c.pipeline == newest.c.pipeline) & (versions.c.version == newest.c.version))
            .where(versions.c.project == project)
            .order_by(versions.c.pipeline)
        )
        return list(rows.execute(statement).scalars())

    def decline(self, rows: Rows, project: str, found: Declined) -> Declined:
        """Note a trigger that started nothing; the note with its position."""
        done = rows.execute(insert(declined).values(project=project, pipeline=found.pipeline, body=found))
        return replace(found, seq=done.inserted_primary_key[0])

    def declined(self, rows: Rows, project: str, pipeline: str, *, before: int | None, limit: int) -> list[Declined]:
        """What was declined, the newest first."""
        statement = select(declined.c.seq, declined.c.body).where(
            declined.c.project == project, declined.c.pipeline == pipeline
        )
        if before is not None:
            statement = statement.where(declined.c.seq < before)
        found = rows.execute(statement.order_by(declined.c.seq.desc()).limit(limit))
        return [replace(row.body, seq=row.seq) for row in found]

    def schedule(self, rows: Rows, project: str, pipeline: str, due: dict[str, datetime]) -> None:
        """Put a pipeline's calendar expressions in place of earlier ones; one that stays keeps its moments."""
        here = (schedules.c.project == project, schedules.c.pipeline == pipeline)
        rows.execute(delete(schedules).where(*here, schedules.c.expression.not_in(due)))
        there = set(rows.execute(select(schedules.c.expression).where(*here)).scalars())
        for expression, next_at in due.items():
            if expression not in there:
                key = {"project": project, "pipeline": pipeline, "expression": expression}
                rows.execute(insert(schedules).values(**key, next_at=next_at))

    def fired(self, rows: Rows, project: str, schedule: Schedule, *, next_at: datetime, last_at: datetime) -> None:
        """Move a schedule on."""
        here = (schedules.c.project == project, schedules.c.pipeline == schedule.pipeline)
        statement = update(schedules).where(*here, schedules.c.expression == schedule.expression)
        rows.execute(statement.values(next_at=next_at, last_at=last_at))

    def schedules(self, rows: Rows, project: str, *, due: datetime | None = None) -> list[Schedule]:
        """Every schedule, or those due by a moment, the next first."""
        statement = select(schedules).where(schedules.c.project == project)
        if due is not None:
            statement = statement.where(schedules.c.next_at <= due)
        return [
            Schedule(pipeline=row.pipeline, expression=row.expression, next_at=row.next_at, last_at=row.last_at)
            for row in rows.execute(
                statement.order_by(schedules.c.next_at, schedules.c.pipeline, schedules.c.expression)
            )
        ]


class ExecutionRepository:
    """Executions and their steps."""

    def add(self, rows: Rows, project: str, execution: Execution) -> None:
        """Write a fresh one."""
        rows.execute(insert(executions).values(id=execution.id, project=project, **_columns(execution)))

    def save(self, rows: Rows, execution: Execution) -> None:
        """Write a changed one."""
        rows.execute(update(executions).where(executions.c.id == execution.id).values(**_columns(execution)))

    def get(self, rows: Rows, project: str, execution_id: str) -> Execution | None:
        """One of them."""
        here = (executions.c.project == project, executions.c.id == execution_id)
        found: Execution | None = rows.execute(select(executions.c.body).where(*here)).scalar()
        return found

    def newest(
        self, rows: Rows, project: str, *, pipeline: str | None, before: str | None, limit: int
    ) -> list[Execution]:
        """Those before an id, the newest first."""
        statement = select(executions.c.body).where(executions.c.project == project)
        if pipeline is not None:
            statement = statement.where(executions.c.pipeline == pipeline)
        if before is not None:
            statement = statement.where(executions.c.id < before)
        return list(rows.execute(statement.order_by(executions.c.id.desc()).limit(limit)).scalars())

    def last(self, rows: Rows, project: str) -> dict[str, Execution]:
        """Each pipeline's newest one, by pipeline."""
        newest = select(func.max(executions.c.id)).where(executions.c.project == project)
        statement = select(executions.c.body).where(executions.c.id.in_(newest.group_by(executions.c.pipeline)))
        return {execution.pipeline: execution for execution in rows.execute(statement).scalars()}

    def unfinished(self, rows: Rows, project: str, *, pipeline: str | None = None) -> list[Execution]:
        """Those of registered versions that wait or run, the oldest first."""
        statement = select(executions.c.body).where(
            executions.c.project == project,
            executions.c.status.in_((Status.QUEUED.value, Status.RUNNING.value)),
            executions.c.version.is_not(None),
        )
        if pipeline is not None:
            statement = statement.where(executions.c.pipeline == pipeline)
        return list(rows.execute(statement.order_by(executions.c.id)).scalars())

    def starts(self, rows: Rows, project: str, pipeline: str, *, after: datetime, until: datetime) -> list[datetime]:
        """Moments that executions of a pipeline's versions are about, within a window, the newest first."""
        statement = select(executions.c.at).where(
            executions.c.project == project,
            executions.c.pipeline == pipeline,
            executions.c.version.is_not(None),
            executions.c.at > after,
            executions.c.at <= until,
        )
        return list(rows.execute(statement.order_by(executions.c.at.desc())).scalars())

    def put(self, rows: Rows, project: str, execution_id: str, changed: Sequence[Step]) -> None:
        """Write steps as they are now."""
        if not changed:
            return
        names = [step.id for step in changed]
        rows.execute(delete(steps).where(steps.c.execution == execution_id, steps.c.step.in_(names)))
        rows.execute(
            insert(steps),
            [
                {
                    "execution": execution_id,
                    "step": step.id,
                    "project": project,
                    "known": step.key if step.status is StepStatus.SUCCEEDED else None,
                    "body": step,
                }
                for step in changed
            ],
        )

    def steps(self, rows: Rows, execution_id: str) -> list[Step]:
        """Its steps that have begun, in no order."""
        return list(rows.execute(select(steps.c.body).where(steps.c.execution == execution_id)).scalars())

    def step(self, rows: Rows, execution_id: str, step: str) -> Step | None:
        """One step that has begun."""
        here = (steps.c.execution == execution_id, steps.c.step == step)
        found: Step | None = rows.execute(select(steps.c.body).where(*here)).scalar()
        return found

    def success(self, rows: Rows, project: str, pipeline: str) -> list[Hit]:
        """The remembered results of a pipeline's newest success, each with the execution that it first came from."""
        newest = select(func.max(executions.c.id)).where(
            executions.c.project == project,
            executions.c.pipeline == pipeline,
            executions.c.status == Status.SUCCEEDED.value,
        )
        statement = select(steps.c.execution, steps.c.body).where(steps.c.execution == newest.scalar_subquery())
        statement = statement.order_by(steps.c.step).limit(_MOST_KNOWN)
        found = []
        for row in rows.execute(statement):
            step: Step = row.body
            if step.key is not None and step.output is not None and step.status.done:
                own = StepRef(execution=row.execution, step=step.id)
                found.append(Hit(key=step.key, source=step.reused or own, output=step.output))
        return found

    def known(self, rows: Rows, project: str, keys: Sequence[str]) -> list[Hit]:
        """The newest result of each key that has one."""
        statement = select(steps.c.execution, steps.c.body).where(steps.c.project == project, steps.c.known.in_(keys))
        found: dict[str, Hit] = {}
        for row in rows.execute(statement.order_by(steps.c.execution, steps.c.step)):
            step: Step = row.body
            if step.key is not None and step.output is not None:
                source = StepRef(execution=row.execution, step=step.id)
                found[step.key] = Hit(key=step.key, source=source, output=step.output)
        return list(found.values())


def _columns(execution: Execution) -> dict[str, object]:
    return {
        "pipeline": execution.pipeline,
        "version": execution.version,
        "status": execution.status.value,
        "cause": execution.cause.kind.value,
        "at": execution.at,
        "body": execution,
    }
