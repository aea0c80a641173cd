"""A run as the training script holds it: logging never blocks and never raises; a thread sends what was logged."""

from __future__ import annotations

import logging
import operator
import random
import resource
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from modelwright.core.errors import Invalid
from modelwright.core.ids import Pinned
from modelwright.core.operation import Face
from modelwright.core.wire import convert, real
from modelwright.tracking.model import LARGEST_STEP, Cost, Metric, Run, RunStatus

_log = logging.getLogger(__name__)

_BATCH = 10_000
_FLUSH_SECONDS = 1.0
_BEAT_SECONDS = 30.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Point = tuple[str, float, int, int]
"""Metric, value, step, nanoseconds since 1970."""


def seeded(seed: int | None) -> dict[str, int]:
    """Seed Python's and, where it is loaded, NumPy's global generator, so that what they give can be had again.

    Args:
        seed: By default a fresh one.

    Returns:
        The seeds in force, by generator.
    """
    chosen = seed if seed is not None else random.SystemRandom().randrange(2**32)
    random.seed(chosen)
    seeds = {"random": chosen}
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(chosen)
        seeds["numpy"] = chosen
    return seeds


class ActiveRun:
    """A run in progress; a context manager that finishes it, also when an exception ends it.

    Args:
        face: ``ws.runs``.
        run: The run, just started.
    """

    def __init__(self, face: Face, run: Run) -> None:
        self._face = face
        self._run = run
        self._seq = 0
        self._pending: list[Point] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ended = False
        self._began = time.monotonic()
        self._cpu = _cpu_seconds()
        self._sender = threading.Thread(target=self._send_until_ended, name=f"run-{run.id}", daemon=True)
        self._sender.start()

    @property
    def id(self) -> str:
        """The run's identifier."""
        return self._run.id

    def __repr__(self) -> str:
        return f"<run {self._run.name} {self.id}>"

    def log(self, metrics: Mapping[str, float] | None = None, /, *, step: int = 0, **more: float) -> None:
        """Log metrics. Costs a microsecond, never waits, never raises: what cannot be logged is said in a warning.

        Args:
            metrics: Metric -> value.
            step: Where in training.
            more: Metrics whose names are words.
        """
        at = time.time_ns()
        try:
            values = more if metrics is None else {**metrics, **more}
        except TypeError:
            _log.warning("run %s: %.80r is not a mapping of metrics", self.id, metrics)
            values = more
        with self._lock:
            self._pending.extend([(key, value, step, at) for key, value in values.items()])
            full = len(self._pending) >= _BATCH
        if full:
            self._wake.set()

    def note(self, **tags: str) -> None:
        """Set tags."""
        self._face.annotate(self.id, tags={key: str(value) for key, value in tags.items()})

    def read(self, pinned: Pinned) -> None:
        """Record that a dataset version was read."""
        self._face.read_dataset(self.id, pinned)

    def wrote(self, pinned: Pinned) -> None:
        """Record that a dataset version was made."""
        self._face.write_dataset(self.id, pinned)

    def keep(self, file: str | Path, *, name: str | None = None) -> None:
        """Keep a file with the run.

        Args:
            file: Where it is.
            name: Its name inside the run; by default the file's own.
        """
        path = Path(file)
        self._face.keep(self.id, name or path.name, self._face.send(path))

    def finish(self, *, error: BaseException | None = None) -> Run:
        """Send what is left and end the run.

        Args:
            error: What went wrong, if something did.
        """
        self._ended = True
        self._wake.set()
        self._sender.join(timeout=60)
        if self._pending:
            _log.warning("run %s: %d points could not be logged", self.id, len(self._pending))
        self._run = self._face.finish(
            self.id,
            RunStatus.FAILED if error is not None else RunStatus.FINISHED,
            cost=Cost(
                wall_seconds=round(time.monotonic() - self._began, 3),
                cpu_seconds=round(_cpu_seconds() - self._cpu, 3),
                peak_memory_mb=round(_peak_memory_mb(), 1),
            ),
            error=f"{type(error).__name__}: {error}" if error is not None else None,
        )
        return self._run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.finish(error=error)

    def _send_until_ended(self) -> None:
        beaten = time.monotonic()
        while True:
            self._wake.wait(_FLUSH_SECONDS)
            self._wake.clear()
            ended = self._ended
            if self._pending or time.monotonic() - beaten > _BEAT_SECONDS:
                self._send_pending()
                beaten = time.monotonic()
            if ended:
                return

    def _send_pending(self) -> None:
        with self._lock:
            points, self._pending = self._pending, []
        for start in range(0, max(len(points), 1), _BATCH):
            batch = points[start : start + _BATCH]
            try:
                self._face.log(self.id, self._metrics(batch))
            except Exception as error:  # noqa: BLE001  #  the rim of a thread: training goes on, what failed is sent again
                _log.warning("run %s: %s: %s", self.id, type(error).__name__, error)
                with self._lock:
                    self._pending = points[start:] + self._pending
                return
            self._seq += len(batch)

    def _metrics(self, points: list[Point]) -> list[Metric]:
        metrics = []
        for place, point in enumerate(points):
            try:
                metrics.append(_metric(point, self._seq + place))
            except Invalid as error:
                _log.warning("run %s: %.80r was not logged: %s", self.id, point[:3], error)
        return metrics


def _metric(point: Point, seq: int) -> Metric:
    """A point as it is sent; checked here, so that one that cannot be taken does not hold up the others."""
    key, value, step, at = point
    try:
        number = real(float(value))
    except Exception as error:  # noqa: BLE001  #  whatever float() of somebody's tensor raises
        _log.warning("%s is %.80r, not a number: %s", key, value, error)
        number = "NaN"
    whole = operator.index(step) if hasattr(step, "__index__") else step  # also NumPy's
    if isinstance(whole, int) and abs(whole) >= LARGEST_STEP:
        raise Invalid(f"The step {whole} is beyond 62 bits.")
    moment = _EPOCH + timedelta(microseconds=at // 1000)
    return convert({"key": key, "value": number, "step": whole, "at": moment, "seq": seq}, Metric)


def _cpu_seconds() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _peak_memory_mb() -> float:
    peak: Any = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) / (2**20 if sys.platform == "darwin" else 2**10)
