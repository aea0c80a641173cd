"""Pipelines, executions, steps."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from modelwright.core.errors import Error
from modelwright.core.events import Event
from modelwright.core.ids import Digest, Id, Name
from modelwright.core.shown import Shown
from modelwright.core.wire import described

Entry = Annotated[
    str,
    described(
        r"\A[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*\Z", "module:function, e.g. pipeline:retrain", max_length=250
    ),
]
"""Where a pipeline's function stands in its project."""

StepId = Annotated[
    str, described(r"\A[A-Za-z_]\w*(#[1-9][0-9]{0,5})?\Z", "a step, e.g. train or train#2", max_length=140)
]
"""A step of one execution: the function's name, from the second call on with its number."""

SourceFolder = Annotated[
    str,
    described(
        r"\A(\.|[A-Za-z0-9_][A-Za-z0-9 ._-]{0,99}(/[A-Za-z0-9_][A-Za-z0-9 ._-]{0,99}){0,9})\Z",
        "a folder of plain names",
    ),
]
"""A folder inside a source snapshot; ``.`` is its top."""

ParameterName = Annotated[str, described(r"\A[A-Za-z_]\w*\Z", "a parameter's name", max_length=100)]
Words = Annotated[str, Meta(max_length=500)]
INLINE_BYTES = 4096
"""Results up to here lie in the step's own row; larger ones are blobs."""


class CauseKind(StrEnum):
    """What starts an execution."""

    MANUAL = "manual"
    ALARM = "alarm"
    DATA = "data"
    CRON = "cron"
    COMMIT = "commit"


class Cause(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an execution was started.

    Attributes:
        kind: What kind of occasion.
        subject: The endpoint, dataset, calendar expression or commit.
        detail: More of it: the alert's id, the dataset's version, a person's words.
    """

    kind: CauseKind = CauseKind.MANUAL
    subject: Words = ""
    detail: Words = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.kind, self.subject, self.detail) if part)


class Status(StrEnum):
    """How far an execution is. ``interrupted``: whoever ran it is gone, and it can be resumed."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class StepStatus(StrEnum):
    """How far a step is. ``cached``: another execution had done the same, and its result was taken."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    CACHED = "cached"
    FAILED = "failed"

    @property
    def done(self) -> bool:
        """Whether it has a result."""
        return self in (StepStatus.SUCCEEDED, StepStatus.CACHED)


class Value(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A result at rest.

    Attributes:
        digest: SHA-256 of its bytes.
        size: Their number.
        what: What it is, for people: ``table 300 x 4``.
        data: The bytes themselves where they are few; else they are a blob.
    """

    digest: Digest
    size: int
    what: Words = ""
    data: bytes | None = None


class StepRef(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of an execution."""

    execution: Id
    step: StepId


class Planned(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step as the pipeline's function called it.

    Attributes:
        id: The step.
        after: The steps whose results it takes.
    """

    id: StepId
    after: tuple[StepId, ...] = ()


class Attempt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A try of a step that failed."""

    started_at: datetime
    ended_at: datetime
    error: Annotated[str, Meta(max_length=2000)]


class Progress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a step says it is."""

    done: float
    total: float | None = None
    note: Words = ""


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of an execution, as far as it came.

    Attributes:
        id: The step.
        status: How far it is.
        key: Digest of all that its result depends on; none for steps that are not remembered.
        reused: The step of another execution whose result was taken.
        failed: Earlier tries.
        started_at: Of the last try, on the wall clock.
        ended_at: Of the last try.
        cpu_seconds: Processor time of the last try.
        output: Its result.
        error: Why the last try failed.
        progress: What it said of itself last.
        log: The end of what it wrote.
        log_size: Bytes that it wrote.
        log_kept: Digest of the log, where it is longer than ``log``.
    """

    id: StepId
    status: StepStatus
    key: Digest | None = None
    reused: StepRef | None = None
    failed: tuple[Attempt, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cpu_seconds: float = 0.0
    output: Value | None = None
    error: Annotated[str, Meta(max_length=2000)] | None = None
    progress: Progress | None = None
    log: Annotated[str, Meta(max_length=20_000)] = ""
    log_size: int = 0
    log_kept: Digest | None = None


class Hit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A result that is known already, and whose it is."""

    key: Digest
    source: StepRef
    output: Value


class Parameter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter of a pipeline's function.

    Attributes:
        name: Its name.
        kind: Its annotation, as it is written.
        required: Whether it has no default.
    """

    name: ParameterName
    kind: Words = ""
    required: bool = True


class Definition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a version of a pipeline consists of.

    Attributes:
        entry: Where its function stands in the source.
        folder: The folder of the source in which modules are looked for.
        source: Digest of the source snapshot.
        environment: Digest of the environment lock.
        commit: The commit that was checked out, if any.
        parameters: What the function takes.
        triggers: When it starts by itself: ``alarm:<endpoint>``, ``data:<dataset>``, ``cron:<expression>``, ``commit``.
        cooldown_seconds: How long after a start, on event time, triggers start nothing.
        budget: How many starts by triggers there may be in 365 days of event time; none for as many as come.
    """

    entry: Entry
    folder: SourceFolder = "."
    source: Digest
    environment: Digest
    commit: Words | None = None
    parameters: tuple[Parameter, ...] = ()
    triggers: tuple[Words, ...] = ()
    cooldown_seconds: Annotated[float, Meta(ge=0, le=1e10)] = 0.0
    budget: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class PipelineVersion(Shown, frozen=True, kw_only=True):
    """One immutable version of a pipeline.

    Attributes:
        pipeline: Its name.
        version: Its number, from 1.
        digest: SHA-256 of the definition.
        definition: What it consists of.
        registered_at: Wall clock.
        registered_by: Who, opaque.
    """

    pipeline: Name
    version: int
    digest: Digest
    definition: Definition
    registered_at: datetime
    registered_by: str

    def __str__(self) -> str:
        on = f"  on {', '.join(self.definition.triggers)}" if self.definition.triggers else ""
        return f"{self.pipeline}@{self.version}  {self.definition.entry}{on}  {self.digest[:6]}…"


class Execution(Shown, frozen=True, kw_only=True):
    """One execution of a pipeline.

    Attributes:
        id: Its identifier.
        pipeline: What is executed.
        version: The registered version; none where a script ran its own function.
        entry: Where the function stands.
        parameters: What it is called with, as JSON has it.
        cause: Why it was started.
        at: The moment it is about, on event time.
        status: How far it is.
        queued_at: When it was asked for, on the wall clock.
        queued_by: Who, opaque.
        started_at: When it was taken up first.
        ended_at: When it ended.
        plan: Its steps, once the function has been traced.
        result: What the function answered.
        error: Why it failed.
        crashes: How often whoever ran it vanished.
        cancelling: Whether it shall end.
    """

    id: Id
    pipeline: Name
    version: int | None = None
    entry: Entry
    parameters: dict[str, Any] = {}
    cause: Cause = Cause()
    at: datetime
    status: Status = Status.QUEUED
    queued_at: datetime
    queued_by: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    plan: tuple[Planned, ...] = ()
    result: Value | None = None
    error: str | None = None
    crashes: int = 0
    cancelling: bool = False

    @property
    def over(self) -> bool:
        """Whether it has ended for good, until somebody resumes it."""
        return self.status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)

    def __str__(self) -> str:
        said = f": {self.error}" if self.error else ""
        return f"{self.pipeline} {self.id}  {self.status}{said}"


class Claim(Struct, frozen=True, kw_only=True):
    """An execution in somebody's hands.

    Attributes:
        execution: The execution.
        owner: Who holds it.
        token: Work done under an older one is refused.
        seconds: For how long it is held without a word.
        definition: The version's, where it is a registered one.
        steps: How far earlier holders came.
        known: The results of the pipeline's last success, which this one is likely to ask for.
    """

    execution: Execution
    owner: str
    token: int
    seconds: float
    definition: Definition | None = None
    steps: tuple[Step, ...] = ()
    known: tuple[Hit, ...] = ()


class Told(Struct, frozen=True, kw_only=True):
    """What a holder is told when it reports.

    Attributes:
        cancelling: Whether the execution shall end.
    """

    cancelling: bool


class Pipeline(Shown, frozen=True, kw_only=True):
    """A pipeline: its newest version, and how its newest execution went.

    Attributes:
        name: Its name.
        newest: Its newest version; none where it was never registered and only run by scripts.
        last: Its newest execution.
    """

    name: Name
    newest: PipelineVersion | None = None
    last: Execution | None = None


class Declined(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trigger that started nothing.

    Attributes:
        seq: Position among all.
        pipeline: What it would have started.
        cause: What happened.
        at: When, on event time.
        reason: Why nothing was started.
        declined_at: Wall clock.
    """

    seq: int = 0
    pipeline: Name
    cause: Cause
    at: datetime
    reason: str
    declined_at: datetime


class Triggered(Struct, frozen=True, kw_only=True):
    """What came of a trigger.

    Attributes:
        started: Executions that it queued.
        declined: Pipelines that it did not start, and why.
    """

    started: tuple[Execution, ...] = ()
    declined: tuple[Declined, ...] = ()


class Schedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A calendar expression of a pipeline's newest version.

    Attributes:
        pipeline: The pipeline.
        expression: Five cron fields, in UTC.
        next_at: When it is due.
        last_at: When it was due last.
    """

    pipeline: Name
    expression: str
    next_at: datetime
    last_at: datetime | None = None


class StepLog(Struct, frozen=True, kw_only=True):
    """What a step wrote.

    Attributes:
        step: The step.
        text: The log; where it was longer than what is kept, its beginning and its end.
        size: Bytes that it wrote in all.
    """

    step: StepId
    text: str
    size: int


class Failed(Error):
    """An execution ended without a result."""


class PipelineRegistered(Event, frozen=True, kw_only=True, tag="pipelines.pipeline_registered"):
    """A version of a pipeline came to be."""

    pipeline: Name
    version: int
    digest: Digest
    source: Digest
    environment: Digest
    triggers: tuple[str, ...]


class ExecutionQueued(Event, frozen=True, kw_only=True, tag="pipelines.execution_queued"):
    """An execution was asked for."""

    execution_id: Id
    pipeline: Name
    version: int | None
    cause: Cause
    at: datetime
    parameters: Digest


class ExecutionResumed(Event, frozen=True, kw_only=True, tag="pipelines.execution_resumed"):
    """An execution that had ended or been interrupted goes on."""

    execution_id: Id
    pipeline: Name


class ExecutionEnded(Event, frozen=True, kw_only=True, tag="pipelines.execution_ended"):
    """An execution ended: succeeded, failed or cancelled. Why is not said: an error may quote somebody's data."""

    execution_id: Id
    pipeline: Name
    status: Status
    result: Digest | None


class TriggerDeclined(Event, frozen=True, kw_only=True, tag="pipelines.trigger_declined"):
    """A trigger started nothing, and why."""

    pipeline: Name
    cause: Cause
    at: datetime
    reason: str
