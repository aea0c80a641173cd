"""Runs, metrics, captures."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from modelwright.core.events import Event
from modelwright.core.ids import Digest, Id, Name, Pinned
from modelwright.core.shown import Shown
from modelwright.core.wire import Real, described

Key = Annotated[str, described(r"\A[^\x00-\x1f\x7f]+\Z", "1 to 250 printable characters", max_length=250)]
"""The name of a parameter, tag or metric: any printable text."""

LARGEST_STEP = 2**62
"""Steps and positions of metrics are whole numbers below it."""

Text = Annotated[str, Meta(max_length=6000)]
"""A parameter's or tag's value."""

ArtifactPath = Annotated[
    str,
    described(
        r"\A[A-Za-z0-9_][A-Za-z0-9 ._-]{0,99}(/[A-Za-z0-9_][A-Za-z0-9 ._-]{0,99}){0,9}\Z",
        "a relative path of plain names",
    ),
]
"""An artifact's name inside its run."""


LARGEST_STEP = 2**62
"""Steps and positions are smaller: every database holds them."""


class RunStatus(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    LOST = "lost"


class Capture(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code and surroundings of a run, as they were when it began.

    Attributes:
        commit: The commit checked out, if the script lies in a git repository.
        branch: The branch checked out.
        remote: Where the repository came from, without credentials.
        history: Digest of the newest commits to the project, with who made each.
        diff: Digest of the uncommitted changes, as ``git diff`` writes them; none when there are none.
        source: Digest of the source snapshot: every file of the project's code that the run had loaded.
        entry_point: The script or module, relative to the project.
        arguments: Its command line.
        environment: Digest of the lock: every installed distribution as ``name==version``.
        python: Version of the interpreter.
        seeds: Seeds in force, by generator.
        hardware: Machine, processor, cores, memory.
    """

    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    history: Digest | None = None
    diff: Digest | None = None
    source: Digest | None = None
    entry_point: str | None = None
    arguments: tuple[str, ...] = ()
    environment: Digest | None = None
    python: str = ""
    seeds: dict[str, int] = {}
    hardware: dict[str, str] = {}


class Cost(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run took.

    Attributes:
        wall_seconds: From start to finish.
        cpu_seconds: Of the process and its children.
        peak_memory_mb: The process's largest resident size.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_memory_mb: float


class Artifact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that a run kept."""

    path: ArtifactPath
    digest: Digest
    size: int


class Metric(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One point of a metric's history.

    Attributes:
        key: The metric.
        value: Its value.
        step: Where in training.
        at: Wall clock.
        seq: Position in the run's own stream of points: a point sent again under its position is the same point.
    """

    key: Key
    value: Real
    step: int = 0
    at: datetime
    seq: int


class Run(Shown, frozen=True, kw_only=True):
    """One run.

    Attributes:
        id: Its identifier.
        name: What it belongs to: runs of one name are compared with each other.
        status: How far it is; ``lost`` when its heartbeat stopped without a finish.
        started_at: Wall clock.
        finished_at: Wall clock.
        started_by: Who, opaque.
        parameters: By name.
        tags: By name.
        metrics: The newest value of each metric.
        capture: Code and surroundings.
        reads: Dataset versions it read, in the order of reading.
        writes: Dataset versions it made.
        artifacts: Files it kept, by path.
        cost: What it took; known when finished.
        error: The exception that ended it, in one line.
    """

    id: Id
    name: Name
    status: RunStatus
    started_at: datetime
    finished_at: datetime | None = None
    started_by: str
    parameters: dict[str, str] = {}
    tags: dict[str, str] = {}
    metrics: dict[str, Real] = {}
    capture: Capture = Capture()
    reads: tuple[Pinned, ...] = ()
    writes: tuple[Pinned, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    cost: Cost | None = None
    error: str | None = None

    def __str__(self) -> str:
        found = ", ".join(f"{key} {value}" for key, value in list(self.metrics.items())[:3])
        return f"{self.name} {self.id}  {self.status}{'  ' + found if found else ''}"


class RunStarted(Event, frozen=True, kw_only=True, tag="tracking.run_started"):
    """A run began."""

    run_id: Id
    name: Name
    source: Digest | None
    commit: str | None


class DatasetReadByRun(Event, frozen=True, kw_only=True, tag="tracking.dataset_read"):
    """A run read a dataset version."""

    run_id: Id
    read: Pinned


class DatasetWrittenByRun(Event, frozen=True, kw_only=True, tag="tracking.dataset_written"):
    """A run made a dataset version."""

    run_id: Id
    written: Pinned


class RunFinished(Event, frozen=True, kw_only=True, tag="tracking.run_finished"):
    """A run ended."""

    run_id: Id
    name: Name
    status: RunStatus
    parameters: Digest
    artifacts: tuple[Artifact, ...]
