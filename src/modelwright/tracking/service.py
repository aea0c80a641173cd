"""The use cases of runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.core import wire
from modelwright.core.clock import as_utc
from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.core.ids import Id, Name, Pinned, new_id
from modelwright.core.operation import Download, Page, Service, Upload, limited, operation, paged, position
from modelwright.core.source import History
from modelwright.core.unit import Unit
from modelwright.tracking.model import (
    LARGEST_STEP,
    Artifact,
    ArtifactPath,
    Capture,
    Cost,
    DatasetReadByRun,
    DatasetWrittenByRun,
    Key,
    Metric,
    Run,
    RunFinished,
    RunStarted,
    RunStatus,
    Text,
)

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.store.ports import Blobs, Records
    from modelwright.tracking.repository import MetricRepository, RunRepository

LOST_AFTER = timedelta(minutes=2)
"""A running run whose heartbeat is older than this is lost until it writes again."""


class RunService(Service):
    """Start runs, log into them, find and read them."""

    noun = "runs"

    def __init__(
        self, repository: RunRepository, metrics: MetricRepository, *, telemetry: Records, blobs: Blobs
    ) -> None:
        self._repository = repository
        self._metrics = metrics
        self._telemetry = telemetry
        self._blobs = blobs

    @operation(permission="runs:write", kind="command")
    def start(
        self,
        unit: Unit,
        name: Name,
        parameters: dict[Key, Text] | None = None,
        tags: dict[Key, Text] | None = None,
        capture: Capture | None = None,
    ) -> Run:
        """Begin a run.

        Args:
            unit: The unit of work.
            name: What it belongs to: runs of one name are compared with each other.
            parameters: What was chosen, at most 1,000.
            tags: Words about it, at most 1,000.
            capture: Code and surroundings.
        """
        run = Run(
            id=new_id(),
            name=name,
            status=RunStatus.RUNNING,
            started_at=unit.now,
            started_by=unit.actor.id,
            parameters=_bounded(dict(parameters or {}), "parameters"),
            tags=_bounded(dict(tags or {}), "tags"),
            capture=capture or Capture(),
        )
        said = run.capture
        self._check_stored([digest for digest in (said.diff, said.source, said.environment, said.history) if digest])
        if said.history is not None:
            wire.decode(self._blobs.read(said.history), History)  # who may sign is judged by it
        self._repository.add(unit.rows, unit.project, run)
        unit.emit(RunStarted(run_id=run.id, name=name, source=run.capture.source, commit=run.capture.commit))
        return run

    @operation(permission="runs:write", kind="command", idempotent=True)
    def log(self, unit: Unit, run_id: Id, metrics: tuple[Metric, ...]) -> int:
        """Append points to metric histories; a point sent again under its position is the same point.

        Args:
            unit: The unit of work.
            run_id: The run.
            metrics: At most 10,000 points.

        Returns:
            How many points were taken.
        """
        if len(metrics) > 10_000:
            raise Invalid(f"{len(metrics)} points at once, not at most 10,000.", fields={"metrics": "too many"})
        if any(
            not -LARGEST_STEP < metric.step < LARGEST_STEP or not 0 <= metric.seq < LARGEST_STEP for metric in metrics
        ):
            raise Invalid("A step or seq is beyond 62 bits.", fields={"metrics": "step or seq out of range"})
        for place, metric in enumerate(metrics):
            as_utc(metric.at, field=f"metrics[{place}].at")
        self._existing(unit, run_id)
        with self._telemetry.writing() as rows:
            if metrics:
                self._metrics.add(rows, run_id, metrics)
            self._metrics.beat(rows, run_id, unit.now)
        return len(metrics)

    @operation(permission="runs:write", kind="command")
    def annotate(
        self,
        unit: Unit,
        run_id: Id,
        parameters: dict[Key, Text] | None = None,
        tags: dict[Key, Text] | None = None,
    ) -> Run:
        """Add parameters and tags. A parameter keeps its first value; a tag takes the newest.

        Args:
            unit: The unit of work.
            run_id: The run.
            parameters: What was chosen.
            tags: Words about it.

        Raises:
            Conflict: A parameter has another value already.
        """
        run = self._existing(unit, run_id)
        for key, value in (parameters or {}).items():
            if run.parameters.get(key, value) != value:
                raise Conflict(
                    f"Parameter {key!r} of this run is {run.parameters[key]!r} already, not {value!r}.",
                    remedy="Start another run, or log it as a tag.",
                )
        changed = replace(
            run,
            parameters=_bounded(run.parameters | (parameters or {}), "parameters"),
            tags=_bounded(run.tags | (tags or {}), "tags"),
        )
        self._repository.save(unit.rows, changed)
        return changed

    @operation(permission="runs:write", kind="command", idempotent=True)
    def read_dataset(self, unit: Unit, run_id: Id, read: Pinned) -> Run:
        """Record that a run read a dataset version.

        Args:
            unit: The unit of work.
            run_id: The run.
            read: The version and its digest.
        """
        run = self._existing(unit, run_id)
        if read in run.reads:
            return run
        changed = replace(run, reads=(*run.reads, read))
        self._repository.save(unit.rows, changed)
        unit.emit(DatasetReadByRun(run_id=run_id, read=read))
        return changed

    @operation(permission="runs:write", kind="command", idempotent=True)
    def write_dataset(self, unit: Unit, run_id: Id, written: Pinned) -> Run:
        """Record that a run made a dataset version.

        Args:
            unit: The unit of work.
            run_id: The run.
            written: The version and its digest.
        """
        run = self._existing(unit, run_id)
        if written in run.writes:
            return run
        changed = replace(run, writes=(*run.writes, written))
        self._repository.save(unit.rows, changed)
        unit.emit(DatasetWrittenByRun(run_id=run_id, written=written))
        return changed

    @operation(permission="runs:write", kind="command", idempotent=True)
    def keep(self, unit: Unit, run_id: Id, path: ArtifactPath, content: Upload) -> Run:
        """Keep a file with a run; the same path again replaces it.

        Args:
            unit: The unit of work.
            run_id: The run.
            path: Its name inside the run.
            content: Its bytes, sent ahead.
        """
        run = self._existing(unit, run_id)
        self._check_stored([content.digest])
        kept = {artifact.path: artifact for artifact in run.artifacts}
        kept[path] = Artifact(path=path, digest=content.digest, size=self._blobs.size(content.digest))
        changed = replace(run, artifacts=tuple(kept[name] for name in sorted(kept)))
        self._repository.save(unit.rows, changed)
        return changed

    @operation(permission="runs:write", kind="command", idempotent=True)
    def finish(
        self, unit: Unit, run_id: Id, status: RunStatus, cost: Cost | None = None, error: str | None = None
    ) -> Run:
        """End a run; to end it again the same way changes nothing.

        Args:
            unit: The unit of work.
            run_id: The run.
            status: ``finished`` or ``failed``.
            cost: What it took.
            error: The exception that ended it, in one line.
        """
        if status not in (RunStatus.FINISHED, RunStatus.FAILED):
            raise Invalid(f"A run ends finished or failed, not {status}.", fields={"status": "not an end"})
        run = self._existing(unit, run_id)
        if run.status == status:
            return run
        changed = replace(run, status=status, finished_at=unit.now, cost=cost, error=error and error[:2000])
        self._repository.save(unit.rows, changed)
        unit.emit(
            RunFinished(
                run_id=run_id,
                name=run.name,
                status=status,
                parameters=wire.digest(run.parameters),
                artifacts=run.artifacts,
            )
        )
        return changed

    @operation(permission="runs:read", kind="query")
    def get(self, unit: Unit, run_id: Id) -> Run:
        """One run with the newest value of each metric.

        Args:
            unit: The unit of work.
            run_id: The run.
        """
        return self._seen(unit, [self._existing(unit, run_id)])[0]

    @operation(permission="runs:read", kind="query")
    def list(self, unit: Unit, name: Name | None = None, limit: int = 50, after: Id | None = None) -> Page[Run]:
        """Runs, newest first.

        Args:
            unit: The unit of work.
            name: Only runs of this name.
            limit: Runs a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        found = self._repository.newest(unit.rows, unit.project, name=name, before=after, limit=limited(limit) + 1)
        return paged(self._seen(unit, found), limit, lambda run: run.id)

    def count(self, unit: Unit) -> int:
        """How many runs the project has."""
        return self._repository.count(unit.rows, unit.project)

    @operation(permission="runs:read", kind="query")
    def history(self, unit: Unit, run_id: Id, key: Key, limit: int = 1000, after: str | None = None) -> Page[Metric]:
        """A metric's points in the order they were logged.

        Args:
            unit: The unit of work.
            run_id: The run.
            key: The metric.
            limit: Points a page, 1 to 100,000.
            after: ``next`` of the page before.
        """
        self._existing(unit, run_id)
        with self._telemetry.reading() as rows:
            found = self._metrics.history(
                rows, run_id, key, after=position(after), limit=limited(limit, most=100_000) + 1
            )
        return paged(found, limit, lambda metric: metric.seq)

    @operation(permission="runs:read", kind="query")
    def artifact(self, unit: Unit, run_id: Id, path: ArtifactPath) -> Download:
        """A file that a run kept.

        Args:
            unit: The unit of work.
            run_id: The run.
            path: Its name inside the run.
        """
        for kept in self._existing(unit, run_id).artifacts:
            if kept.path == path:
                return Download(digest=kept.digest, size=kept.size, filename=path.rpartition("/")[2])
        raise NotFound(f"Run {run_id} kept no {path!r}.", remedy=f"See what it kept: modelwright run show {run_id}")

    def _existing(self, unit: Unit, run_id: str) -> Run:
        run = self._repository.get(unit.rows, unit.project, run_id)
        if run is None:
            raise NotFound(f"There is no run {run_id}.", remedy="See what there is: modelwright run list")
        return run

    def _seen(self, unit: Unit, found: Sequence[Run]) -> Sequence[Run]:
        from modelwright.tracking.repository import with_metrics  # weight: SQLAlchemy

        ids = [run.id for run in found]
        with self._telemetry.reading() as rows:
            metrics = self._metrics.newest(rows, ids)
            beats = self._metrics.beats(rows, ids)
        seen = []
        for run in found:
            alive = max(run.started_at, beats.get(run.id, run.started_at))
            lost = run.status == RunStatus.RUNNING and unit.now - alive > LOST_AFTER
            state = replace(run, status=RunStatus.LOST) if lost else run
            seen.append(with_metrics(state, metrics.get(run.id, {})))
        return seen

    def _check_stored(self, digests: Sequence[str]) -> None:
        missing = self._blobs.missing(digests)
        if missing:
            raise Invalid(f"The bytes {missing[0]} have not been sent.", remedy="Send them ahead of the operation.")


def _bounded(values: dict[str, str], what: str) -> dict[str, str]:
    if len(values) > 1000:
        raise Invalid(f"{len(values)} {what}, not at most 1,000.", fields={what: "too many"})
    return values
