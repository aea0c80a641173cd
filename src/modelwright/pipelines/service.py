"""The use cases of pipelines: register, start, trigger, look, cancel, resume."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from modelwright.core import wire
from modelwright.core.clock import as_utc
from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.core.ids import Id, Name, new_id
from modelwright.core.operation import Download, Page, Service, limited, operation, paged, position
from modelwright.core.unit import Unit
from modelwright.pipelines.executing import bounded, queued
from modelwright.pipelines.holding import ended, existing, seen
from modelwright.pipelines.model import (
    Cause,
    CauseKind,
    Declined,
    Definition,
    Execution,
    ExecutionResumed,
    Pipeline,
    PipelineRegistered,
    PipelineVersion,
    Schedule,
    Status,
    Step,
    StepId,
    StepLog,
    StepStatus,
    TriggerDeclined,
    Triggered,
    Words,
)
from modelwright.pipelines.triggers import YEAR, checked, due, last_due, matches, refusal

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.pipelines.repository import ExecutionRepository, PipelineRepository
    from modelwright.store.ports import Blobs, Queue


Held = Callable[[Unit, Cause], str | None]
"""Why, as other rooms know, nothing shall start by itself because of this now; none where it may."""


class PipelineService(Service):
    """Register pipelines, have them executed, see how it went."""

    noun = "pipelines"

    def __init__(
        self,
        pipelines: PipelineRepository,
        executions: ExecutionRepository,
        *,
        queue: Queue,
        blobs: Blobs,
        held: Held,
    ) -> None:
        self._pipelines = pipelines
        self._executions = executions
        self._queue = queue
        self._blobs = blobs
        self._held = held

    @operation(permission="pipelines:write", kind="command")
    def define(self, unit: Unit, name: Name, definition: Definition) -> PipelineVersion:
        """Make a definition the pipeline's next version; the same definition is the version it already is.

        Workers run its code as their own user: whoever may define pipelines may do what the workers may.

        A pipeline that waits for ``commit`` starts when a version of another commit than the one before is defined.

        Args:
            unit: The unit of work.
            name: The pipeline; made with its first version.
            definition: What it consists of; source and environment have been sent ahead.

        Raises:
            Invalid: A trigger is none, or the source or environment has not been sent.
        """
        for trigger in definition.triggers:
            checked(trigger)
        missing = self._blobs.missing([definition.source, definition.environment])
        if missing:
            raise Invalid(f"The bytes {missing[0]} have not been sent.", remedy="Send them ahead of the operation.")
        digest = wire.digest(definition)
        [*_, newest] = [None, *self._pipelines.newest(unit.rows, unit.project, name, before=None, limit=1)]
        if newest is not None and newest.digest == digest:
            return newest
        version = PipelineVersion(
            pipeline=name,
            version=newest.version + 1 if newest else 1,
            digest=digest,
            definition=definition,
            registered_at=unit.now,
            registered_by=unit.actor.id,
        )
        self._pipelines.add(unit.rows, unit.project, version)
        calendar = [one.partition(":")[2] for one in definition.triggers if one.startswith(f"{CauseKind.CRON}:")]
        due_at = {expression: due(expression, unit.now) for expression in calendar}
        self._pipelines.schedule(unit.rows, unit.project, name, due_at)
        unit.emit(
            PipelineRegistered(
                pipeline=name,
                version=version.version,
                digest=digest,
                source=definition.source,
                environment=definition.environment,
                triggers=definition.triggers,
            )
        )
        commit = definition.commit
        if newest and commit and commit != newest.definition.commit and matches(definition, CauseKind.COMMIT, commit):
            self._offer(unit, version, Cause(kind=CauseKind.COMMIT, subject=commit), unit.now)
        return version

    @operation(permission="pipelines:write", kind="command")
    def start(
        self, unit: Unit, name: Name, parameters: dict[str, Any] | None = None, cause: Cause | None = None
    ) -> Execution:
        """Queue an execution of a pipeline's newest version; a worker takes it up.

        Args:
            unit: The unit of work.
            name: The pipeline.
            parameters: What to call it with, as JSON has it.
            cause: Why; by default ``manual``.

        Raises:
            NotFound: There is no such pipeline.
            Invalid: A parameter is missing or unknown.
        """
        version = self._newest(unit, name)
        given = bounded(dict(parameters or {}))
        known = {one.name: one for one in version.definition.parameters}
        wrong = [key for key in given if key not in known]
        missing = [one.name for one in known.values() if one.required and one.name not in given]
        if wrong or missing:
            what = f"does not take {wrong[0]!r}" if wrong else f"needs {missing[0]!r}"
            raise Invalid(
                f"{version.pipeline}@{version.version} {what}.",
                remedy=f"It takes: {', '.join(known) or 'nothing'}.",
                fields={(wrong or missing)[0]: "unknown" if wrong else "missing"},
            )
        return self._queued(unit, version, given, cause or Cause(), unit.now)

    @operation(permission="pipelines:write", kind="command")
    def trigger(self, unit: Unit, kind: CauseKind, subject: Words, at: datetime, cause: Words = "") -> Triggered:
        """Start every pipeline that waits for something, unless loop protection says no; a refusal is recorded.

        Nothing is started while an execution of the same pipeline waits or runs, within the cooldown after the last
        start, or beyond the budget of starts in 365 days, all of this on event time; nor by an alarm of an endpoint
        that has a challenger already.

        Args:
            unit: The unit of work.
            kind: What happened.
            subject: To what: the endpoint, the dataset, the commit.
            at: When it happened, on event time; a pipeline with a parameter ``until`` gets it.
            cause: What tells more, e.g. the alert's id.
        """
        moment = as_utc(at, field="at")
        because = Cause(kind=kind, subject=subject, detail=cause)
        waiting = [
            version
            for version in self._pipelines.every(unit.rows, unit.project)
            if matches(version.definition, kind, subject)
        ]
        outcomes = [self._offer(unit, version, because, moment) for version in waiting]
        return Triggered(
            started=tuple(one for one in outcomes if isinstance(one, Execution)),
            declined=tuple(one for one in outcomes if isinstance(one, Declined)),
        )

    @operation(permission="pipelines:write", kind="command", idempotent=True)
    def fire(self, unit: Unit) -> Triggered:
        """Trigger what the calendar says is due; of moments that were missed, the last one.

        Args:
            unit: The unit of work.
        """
        outcomes: list[Execution | Declined] = []
        for schedule in self._pipelines.schedules(unit.rows, unit.project, due=unit.now):
            last, following = last_due(schedule.expression, unit.now), due(schedule.expression, unit.now)
            self._pipelines.fired(unit.rows, unit.project, schedule, next_at=following, last_at=last)
            version = self._newest(unit, schedule.pipeline)
            cause = Cause(kind=CauseKind.CRON, subject=schedule.expression)
            outcomes.append(self._offer(unit, version, cause, last))
        return Triggered(
            started=tuple(one for one in outcomes if isinstance(one, Execution)),
            declined=tuple(one for one in outcomes if isinstance(one, Declined)),
        )

    @operation(permission="pipelines:write", kind="command")
    def cancel(self, unit: Unit, execution_id: Id) -> Execution:
        """End an execution: at once where it waits; where it runs, its holder kills what is under way.

        Args:
            unit: The unit of work.
            execution_id: The execution.

        Raises:
            Conflict: It has ended.
        """
        [execution] = seen(self._queue, unit.rows, [existing(self._executions, unit, execution_id)])
        if execution.over:
            raise Conflict(f"Execution {execution_id} has ended: {execution.status}.")
        if execution.status is Status.RUNNING:
            asked = replace(execution, cancelling=True)
            self._executions.save(unit.rows, asked)
            return asked
        over = replace(execution, status=Status.CANCELLED, ended_at=unit.now)
        return ended(self._executions, unit, over)

    @operation(permission="pipelines:write", kind="command")
    def resume(self, unit: Unit, execution_id: Id) -> Execution:
        """Have workers go on with an execution that failed, was cancelled or interrupted; what succeeded is kept.

        Args:
            unit: The unit of work.
            execution_id: The execution.

        Raises:
            Conflict: It waits, runs or has succeeded; or a script ran it, which resumes it itself.
        """
        [execution] = seen(self._queue, unit.rows, [existing(self._executions, unit, execution_id)])
        if execution.version is None:
            raise Conflict(
                f"Execution {execution_id} was run by a script, and no worker has its source.",
                remedy="In the project's folder: modelwright pipeline resume takes it up there.",
            )
        if execution.status in (Status.QUEUED, Status.RUNNING, Status.SUCCEEDED):
            raise Conflict(f"Execution {execution_id} is {execution.status}.", remedy="Start another one.")
        again = replace(execution, status=Status.QUEUED, ended_at=None, error=None, crashes=0, cancelling=False)
        self._executions.save(unit.rows, again)
        unit.emit(ExecutionResumed(execution_id=again.id, pipeline=again.pipeline))
        return again

    @operation(permission="pipelines:read", kind="query")
    def get(self, unit: Unit, name: Name) -> PipelineVersion:
        """A pipeline's newest version.

        Args:
            unit: The unit of work.
            name: The pipeline.
        """
        return self._newest(unit, name)

    @operation(permission="pipelines:read", kind="query")
    def versions(self, unit: Unit, name: Name, limit: int = 100, after: str | None = None) -> Page[PipelineVersion]:
        """A pipeline's versions, newest first.

        Args:
            unit: The unit of work.
            name: The pipeline.
            limit: Versions a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        before = position(after)
        found = self._pipelines.newest(unit.rows, unit.project, name, before=before, limit=limited(limit) + 1)
        return paged(found, limit, lambda version: version.version)

    @operation(permission="pipelines:read", kind="query")
    def list(self, unit: Unit, limit: int = 100, after: str = "") -> Page[Pipeline]:
        """Pipelines by name, each with its newest version and its newest execution.

        Args:
            unit: The unit of work.
            limit: Pipelines a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        newest = {version.pipeline: version for version in self._pipelines.every(unit.rows, unit.project)}
        last = self._executions.last(unit.rows, unit.project)
        names = [name for name in sorted({*newest, *last}) if name > after][: limited(limit) + 1]
        now = {
            one.pipeline: one for one in seen(self._queue, unit.rows, [last[name] for name in names if name in last])
        }
        found = [Pipeline(name=name, newest=newest.get(name), last=now.get(name)) for name in names]
        return paged(found, limit, lambda pipeline: pipeline.name)

    @operation(permission="pipelines:read", kind="query")
    def executions(
        self, unit: Unit, name: Name | None = None, limit: int = 50, after: Id | None = None
    ) -> Page[Execution]:
        """Executions, newest first.

        Args:
            unit: The unit of work.
            name: Only those of this pipeline.
            limit: Executions a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        found = self._executions.newest(unit.rows, unit.project, pipeline=name, before=after, limit=limited(limit) + 1)
        return paged(seen(self._queue, unit.rows, found), limit, lambda execution: execution.id)

    @operation(permission="pipelines:read", kind="query")
    def execution(self, unit: Unit, execution_id: Id) -> Execution:
        """One execution.

        Args:
            unit: The unit of work.
            execution_id: The execution.
        """
        [found] = seen(self._queue, unit.rows, [existing(self._executions, unit, execution_id)])
        return found

    @operation(permission="pipelines:read", kind="query")
    def steps(self, unit: Unit, execution_id: Id) -> tuple[Step, ...]:
        """The steps of an execution in the order of its plan; those that have not begun are ``waiting``.

        Args:
            unit: The unit of work.
            execution_id: The execution.
        """
        execution = existing(self._executions, unit, execution_id)
        begun = {step.id: step for step in self._executions.steps(unit.rows, execution_id)}
        planned = tuple(begun.pop(one.id, Step(id=one.id, status=StepStatus.WAITING)) for one in execution.plan)
        return (*planned, *sorted(begun.values(), key=lambda step: step.id))

    @operation(permission="pipelines:read", kind="query")
    def logs(self, unit: Unit, execution_id: Id, step: StepId) -> StepLog:
        """What a step wrote so far, within bounds.

        Args:
            unit: The unit of work.
            execution_id: The execution.
            step: The step.
        """
        found = _begun(self._executions, unit, execution_id, step)
        kept = self._blobs.read(found.log_kept).decode(errors="replace") if found.log_kept else found.log
        return StepLog(step=step, text=kept, size=found.log_size)

    @operation(permission="pipelines:read", kind="query")
    def output(self, unit: Unit, execution_id: Id, step: StepId | None = None) -> Download:
        """The bytes of a step's result, or of what the pipeline answered; small ones lie in the step itself.

        Args:
            unit: The unit of work.
            execution_id: The execution.
            step: The step; none for the pipeline's answer.
        """
        execution = existing(self._executions, unit, execution_id)
        value = execution.result if step is None else _begun(self._executions, unit, execution_id, step).output
        if value is None or value.data is not None:
            raise NotFound(
                f"{step or 'The execution'} has no result that is kept as a blob.",
                remedy="A small result lies in `data` of the step or of the execution.",
            )
        return Download(digest=value.digest, size=value.size, filename=f"{execution_id}.msgpack")

    @operation(permission="pipelines:read", kind="query")
    def declined(self, unit: Unit, name: Name, limit: int = 50, after: str | None = None) -> Page[Declined]:
        """Triggers that started nothing, newest first, with the reasons.

        Args:
            unit: The unit of work.
            name: The pipeline.
            limit: How many a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        before = position(after)
        found = self._pipelines.declined(unit.rows, unit.project, name, before=before, limit=limited(limit) + 1)
        return paged(found, limit, lambda one: one.seq)

    @operation(permission="pipelines:read", kind="query")
    def schedules(self, unit: Unit) -> tuple[Schedule, ...]:
        """What the calendar will start, the next first.

        Args:
            unit: The unit of work.
        """
        return tuple(self._pipelines.schedules(unit.rows, unit.project))

    def _newest(self, unit: Unit, name: str) -> PipelineVersion:
        found = self._pipelines.newest(unit.rows, unit.project, name, before=None, limit=1)
        if not found:
            raise NotFound(
                f"There is no pipeline {name!r}.", remedy="Register one: modelwright pipeline register FILE:FUNCTION"
            )
        return found[0]

    def _offer(self, unit: Unit, version: PipelineVersion, cause: Cause, at: datetime) -> Execution | Declined:
        """Start a pipeline for a trigger, or record why not."""
        name, definition = version.pipeline, version.definition
        active = next(iter(self._executions.unfinished(unit.rows, unit.project, pipeline=name)), None)
        window = max(YEAR, timedelta(seconds=definition.cooldown_seconds))
        starts = self._executions.starts(unit.rows, unit.project, name, after=_before(at, window), until=at)
        reason = self._held(unit, cause) or refusal(definition, at, active, starts)
        if reason is None:
            until = {"until": at.isoformat()} if any(one.name == "until" for one in definition.parameters) else {}
            return self._queued(unit, version, until, cause, at)
        unit.emit(TriggerDeclined(pipeline=name, cause=cause, at=at, reason=reason))
        found = Declined(pipeline=name, cause=cause, at=at, reason=reason, declined_at=unit.now)
        return self._pipelines.decline(unit.rows, unit.project, found)

    def _queued(
        self, unit: Unit, version: PipelineVersion, parameters: dict[str, Any], cause: Cause, at: datetime
    ) -> Execution:
        execution = Execution(
            id=new_id(),
            pipeline=version.pipeline,
            version=version.version,
            entry=version.definition.entry,
            parameters=parameters,
            cause=cause,
            at=at,
            queued_at=unit.now,
            queued_by=unit.actor.id,
        )
        self._executions.add(unit.rows, unit.project, execution)
        unit.emit(queued(execution))
        return execution


def _before(moment: datetime, window: timedelta) -> datetime:
    try:
        return moment - window
    except OverflowError:  # a window longer than the calendar
        return datetime.min.replace(tzinfo=moment.tzinfo)


def _begun(repository: ExecutionRepository, unit: Unit, execution_id: str, step: str) -> Step:
    existing(repository, unit, execution_id)
    found = repository.step(unit.rows, execution_id, step)
    if found is None:
        raise NotFound(
            f"Execution {execution_id} has begun no step {step}.",
            remedy=f"See its steps: modelwright pipeline show {execution_id}",
        )
    return found
