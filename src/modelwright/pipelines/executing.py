"""The use cases of whoever carries executions out: workers, their children, scripts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta
from msgspec.structs import replace

from modelwright.core import wire
from modelwright.core.errors import Conflict, Invalid
from modelwright.core.ids import Digest, Id, Name, new_id
from modelwright.core.operation import Service, operation
from modelwright.core.unit import Unit
from modelwright.pipelines.holding import LEASE, ended, existing, lease_name, lease_of, refuse_stranger, seen
from modelwright.pipelines.model import (
    INLINE_BYTES,
    Claim,
    Definition,
    Entry,
    Execution,
    ExecutionQueued,
    ExecutionResumed,
    Hit,
    Planned,
    Status,
    Step,
    Told,
    Value,
)

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.pipelines.repository import ExecutionRepository, PipelineRepository
    from modelwright.store.ports import Blobs, Queue

Owner = Annotated[str, Meta(min_length=1, max_length=200)]
Token = Annotated[int, Meta(ge=1)]
Error = Annotated[str, Meta(max_length=4000)]

MOST_CRASHES = 3
_MOST_STEPS = 1000
_LARGEST_PARAMETERS = 64 << 10


class ExecutionService(Service):
    """Take an execution up, report how it goes, end it: under a lease, so that no two do the same."""

    noun = "executions"

    def __init__(
        self,
        executions: ExecutionRepository,
        pipelines: PipelineRepository,
        *,
        queue: Queue,
        blobs: Blobs,
        lease: timedelta = LEASE,
    ) -> None:
        self._executions = executions
        self._pipelines = pipelines
        self._queue = queue
        self._blobs = blobs
        self._lease = lease

    @operation(permission="pipelines:write", kind="command")
    def open(self, unit: Unit, pipeline: Name, entry: Entry, parameters: dict[str, Any], owner: Owner) -> Claim:
        """Begin an execution that the caller carries out itself.

        Args:
            unit: The unit of work.
            pipeline: What is executed.
            entry: Where its function stands, for whoever resumes it.
            parameters: What it is called with, as JSON has it.
            owner: Who carries it out: a name that nobody else uses.
        """
        execution = Execution(
            id=new_id(),
            pipeline=pipeline,
            entry=entry,
            parameters=bounded(parameters),
            at=unit.now,
            status=Status.RUNNING,
            queued_at=unit.now,
            queued_by=unit.actor.id,
            started_at=unit.now,
        )
        self._executions.add(unit.rows, unit.project, execution)
        unit.emit(queued(execution))
        return self._held(unit, execution, owner)

    @operation(permission="pipelines:write", kind="command")
    def claim(self, unit: Unit, owner: Owner, execution_id: Id | None = None) -> Claim | None:
        """Take an execution up.

        Args:
            unit: The unit of work.
            owner: Who carries it out: a name that nobody else uses.
            execution_id: Which one. By default the oldest of a registered version that waits, or whose holder
                vanished; of one pipeline only one at a time.

        Returns:
            The execution with what earlier holders achieved; none where there is nothing to do.

        Raises:
            Conflict: The execution asked for is held by another one, has succeeded, or is for workers.
        """
        if execution_id is not None:
            return self._resumed(unit, owner, execution_id)
        unfinished = seen(self._queue, unit.rows, self._executions.unfinished(unit.rows, unit.project))
        busy = {one.pipeline for one in unfinished if one.status is Status.RUNNING}
        for one in unfinished:
            if one.status is Status.RUNNING or one.pipeline in busy:
                continue
            crashes = one.crashes + (one.status is Status.INTERRUPTED)
            if one.cancelling:
                ended(self._executions, unit, replace(one, status=Status.CANCELLED, ended_at=unit.now))
            elif crashes >= MOST_CRASHES:
                error = f"Whoever ran it vanished {crashes} times; see the logs of its steps."
                failed = replace(one, status=Status.FAILED, crashes=crashes, ended_at=unit.now, error=error)
                ended(self._executions, unit, failed)
            else:
                begun = replace(one, status=Status.RUNNING, crashes=crashes, started_at=one.started_at or unit.now)
                self._executions.save(unit.rows, begun)
                return self._held(unit, begun, owner)
        return None

    @operation(permission="pipelines:write", kind="command", idempotent=True)
    def record(
        self,
        unit: Unit,
        execution_id: Id,
        owner: Owner,
        token: Token,
        steps: tuple[Step, ...],
        plan: tuple[Planned, ...] | None = None,
    ) -> Told:
        """Note how steps are, and stay the holder; with no steps it is a heartbeat.

        Args:
            unit: The unit of work.
            execution_id: The execution.
            owner: Who holds it.
            token: From the claim.
            steps: Steps as they are now, at most 1,000.
            plan: Which steps there will be.

        Raises:
            Conflict: Another one holds it by now; nothing was noted.
        """
        execution = self._checked(unit, execution_id, owner, token, steps)
        self._executions.put(unit.rows, unit.project, execution_id, steps)
        if plan is not None:
            execution = replace(execution, plan=plan)
            self._executions.save(unit.rows, execution)
        return Told(cancelling=execution.cancelling)

    @operation(permission="pipelines:write", kind="command", idempotent=True)
    def finish(
        self,
        unit: Unit,
        execution_id: Id,
        owner: Owner,
        token: Token,
        status: Status,
        steps: tuple[Step, ...] = (),
        plan: tuple[Planned, ...] | None = None,
        result: Value | None = None,
        error: Error | None = None,
    ) -> Execution:
        """End an execution, or with ``interrupted`` let go of it: one of a registered version waits again.

        Args:
            unit: The unit of work.
            execution_id: The execution.
            owner: Who holds it.
            token: From the claim.
            status: ``succeeded``, ``failed``, ``cancelled`` or ``interrupted``.
            steps: Steps as they are now.
            plan: Which steps there were, where that was not said before.
            result: What the pipeline answered.
            error: Why it failed.

        Raises:
            Conflict: Another one holds it by now; nothing was noted.
        """
        if status in (Status.QUEUED, Status.RUNNING):
            raise Invalid(f"An execution does not end {status}.", fields={"status": "not an end"})
        execution = self._checked(unit, execution_id, owner, token, steps)
        if execution.over:
            return execution
        execution = execution if plan is None else replace(execution, plan=plan)
        self._check_kept([result] if result else [])
        self._executions.put(unit.rows, unit.project, execution_id, steps)
        self._queue.renew(unit.rows, lease_of(execution_id, owner, token), timedelta(0))
        if status is Status.INTERRUPTED:
            again = Status.INTERRUPTED if execution.version is None else Status.QUEUED
            waiting = replace(execution, status=again)
            self._executions.save(unit.rows, waiting)
            return waiting
        over = replace(execution, status=status, ended_at=unit.now, result=result, error=error)
        return ended(self._executions, unit, over)

    @operation(permission="pipelines:write", kind="command", idempotent=True)
    def abandon(self, unit: Unit, execution_id: Id, owner: Owner, token: Token) -> Execution:
        """Say that a holder has died: the next claim need not wait for its lease to end, and counts the death.

        Args:
            unit: The unit of work.
            execution_id: The execution.
            owner: Who held it.
            token: From the claim.
        """
        self._queue.renew(unit.rows, lease_of(execution_id, owner, token), timedelta(0))
        [found] = seen(self._queue, unit.rows, [existing(self._executions, unit, execution_id)])
        return found

    @operation(permission="pipelines:read", kind="query")
    def cached(self, unit: Unit, keys: tuple[Digest, ...]) -> tuple[Hit, ...]:
        """Results that are known already, each with the execution and step that it came from.

        Args:
            unit: The unit of work.
            keys: What the results depend on, at most 1,000.
        """
        if len(keys) > _MOST_STEPS:
            raise Invalid(f"{len(keys)} keys at once, not at most {_MOST_STEPS:,}.", fields={"keys": "too many"})
        return self._there(self._executions.known(unit.rows, unit.project, keys))

    def _resumed(self, unit: Unit, owner: str, execution_id: str) -> Claim:
        [execution] = seen(self._queue, unit.rows, [existing(self._executions, unit, execution_id)])
        if execution.version is not None:
            raise Conflict(
                f"Execution {execution_id} is of {execution.pipeline}@{execution.version}, which workers carry out.",
                remedy=f"Have them go on: modelwright pipeline resume {execution_id}",
            )
        if execution.status in (Status.RUNNING, Status.SUCCEEDED):
            raise Conflict(f"Execution {execution_id} is {execution.status}.", remedy="Start another one.")
        begun = replace(execution, status=Status.RUNNING, ended_at=None, error=None, cancelling=False)
        self._executions.save(unit.rows, begun)
        unit.emit(ExecutionResumed(execution_id=begun.id, pipeline=begun.pipeline))
        return self._held(unit, begun, owner)

    def _held(self, unit: Unit, execution: Execution, owner: str) -> Claim:
        lease = self._queue.take(unit.rows, lease_name(execution.id), owner, self._lease)
        if lease is None:
            raise Conflict(f"Execution {execution.id} is held by another process.", remedy="Wait for it, or cancel it.")
        return Claim(
            execution=execution,
            owner=owner,
            token=lease.token,
            seconds=self._lease.total_seconds(),
            definition=self._definition(unit, execution),
            steps=tuple(self._executions.steps(unit.rows, execution.id)),
            known=self._there(self._executions.success(unit.rows, unit.project, execution.pipeline)),
        )

    def _there(self, found: list[Hit]) -> tuple[Hit, ...]:
        gone = set(self._blobs.missing([hit.output.digest for hit in found if hit.output.data is None]))
        return tuple(hit for hit in found if hit.output.digest not in gone)

    def _definition(self, unit: Unit, execution: Execution) -> Definition | None:
        if execution.version is None:
            return None
        found = self._pipelines.version(unit.rows, unit.project, execution.pipeline, execution.version)
        return found.definition if found else None

    def _checked(self, unit: Unit, execution_id: str, owner: str, token: int, steps: tuple[Step, ...]) -> Execution:
        if len(steps) > _MOST_STEPS:
            raise Invalid(f"{len(steps)} steps at once, not at most {_MOST_STEPS:,}.", fields={"steps": "too many"})
        execution = existing(self._executions, unit, execution_id)
        refuse_stranger(self._queue, unit.rows, lease_of(execution_id, owner, token), duration=self._lease)
        self._check_kept([step.output for step in steps if step.output])
        return execution

    def _check_kept(self, values: list[Value]) -> None:
        for value in values:
            if value.data is not None and (
                len(value.data) > INLINE_BYTES
                or wire.sha256(value.data) != value.digest
                or len(value.data) != value.size
            ):
                raise Invalid(f"The bytes of the result {value.digest} are others, or more than {INLINE_BYTES:,}.")
        missing = self._blobs.missing([value.digest for value in values if value.data is None])
        if missing:
            raise Invalid(f"The result {missing[0]} has not been sent.", remedy="Send its bytes ahead.")


def bounded(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters, if they are few.

    Raises:
        Invalid: They are more than 64 kB.
    """
    size = len(wire.encode(parameters))
    if size > _LARGEST_PARAMETERS:
        raise Invalid(
            f"The parameters take {size:,} bytes, not at most {_LARGEST_PARAMETERS:,}.",
            remedy="Add large things as a dataset, and give its reference.",
            fields={"parameters": "too large"},
        )
    return parameters


def queued(execution: Execution) -> ExecutionQueued:
    """The event of a fresh execution."""
    return ExecutionQueued(
        execution_id=execution.id,
        pipeline=execution.pipeline,
        version=execution.version,
        cause=execution.cause,
        at=execution.at,
        parameters=wire.digest(execution.parameters),
    )
