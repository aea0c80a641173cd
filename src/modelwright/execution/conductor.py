"""Carrying a graph out: what is known is taken, what is new is run, what failed is tried again, all of it reported."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from modelwright.core.clock import Clock, utc_now
from modelwright.core.errors import Conflict
from modelwright.execution.executors.base import Done, Executor, Job, said
from modelwright.execution.frontier import Asked, Frontier, Shelves
from modelwright.execution.log import Log
from modelwright.execution.reporter import Desk, Reporter
from modelwright.pipelines.model import (
    Attempt,
    Claim,
    Execution,
    Failed,
    Hit,
    Progress,
    Status,
    Step,
    StepRef,
    StepStatus,
    Value,
)
from modelwright.pipelines.tracing import Graph

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 60.0
_LOOK_SECONDS = 0.5
_TELL_SECONDS = 1.0
_MOST_KEYS = 1000

Watch = Callable[[Step], None]
"""Sees every change of a step: what a terminal shows."""


class Books(Desk, Shelves, Protocol):
    """The home as a conductor needs it; ``ws.executions`` is one."""

    def cached(self, keys: tuple[str, ...]) -> tuple[Hit, ...]:
        """Results that are known already."""
        ...


class Conductor:
    """Carries one execution out.

    Law: a step runs when all it takes is there, at most ``executor.size`` at a time. A step that acts on the world
    (``cache=False``) is reported durably before anything else begins, and never run again once it succeeded.

    Args:
        graph: What to do.
        claim: The execution in our hands.
        books: The home.
        scratch: An empty folder for larger results.
        watch: Sees every change.
        clock: The wall clock.
    """

    def __init__(
        self,
        graph: Graph,
        claim: Claim,
        books: Books,
        *,
        scratch: Path,
        watch: Watch | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._graph = graph
        self._claim = claim
        self._books = books
        self._watch = watch or (lambda _: None)
        self._clock = clock
        self._began = clock()
        self._frontier = Frontier(graph, books, scratch)
        self._before = {step.id: step for step in claim.steps}
        self._known = {hit.key: hit for hit in claim.known}  # so that an unchanged execution need not ask
        self._steps: dict[str, Step] = {}
        self._asked: deque[Asked] = deque()
        self._running: dict[str, Asked] = {}
        self._pauses: list[tuple[float, str, Asked]] = []
        self._logs: dict[str, Log] = {}
        self._heard: set[str] = set()
        self._told = 0.0
        self._broken: str | None = None

    def run(self, executor: Executor) -> Execution:
        """Carry it out to its end.

        Args:
            executor: Where steps run; closed afterwards.

        Raises:
            Failed: A step failed for good, or the execution was cancelled.
            Conflict: The lease was lost; another one goes on with it.
        """
        self._reporter = Reporter(self._books, self._claim, executor.kill)
        self._reporter.planned(self._graph.plan)
        try:
            self._carry_on(executor)
            result = self._frontier.answer() if not self._broken and not self._stopped else None
        except BaseException as error:
            executor.kill()
            self._let_go(error)
            raise
        finally:
            executor.close()
        return self._ended(result)

    def wrote(self, step: str, data: bytes) -> None:
        """A step wrote something."""
        self._logs.setdefault(step, Log()).add(data)
        self._heard.add(step)
        self._tell()

    def progressed(self, step: str, progress: Progress) -> None:
        """A step said how far it is."""
        self._steps[step] = replace(self._steps[step], progress=progress)
        self._heard.add(step)
        self._tell()

    @property
    def _stopped(self) -> bool:
        return self._reporter.lost or self._reporter.cancelled

    def _tell(self) -> None:
        """Report what steps wrote and said, once a second at most: it is for people, and each report is a commit."""
        if self._heard and time.monotonic() - self._told > _TELL_SECONDS:
            self._told = time.monotonic()
            for step in self._heard:
                self._reporter.changed(self._logged(step))
            self._heard.clear()

    def _carry_on(self, executor: Executor) -> None:
        while not self._stopped and not self._broken:
            self._look_up()
            while self._pauses and self._pauses[0][0] <= time.monotonic():
                self._asked.append(heapq.heappop(self._pauses)[2])
            while self._asked and len(self._running) < executor.size and not self._stopped:
                self._start(executor, self._asked.popleft())
            if not self._running and not self._asked:
                if not self._pauses:
                    return
                time.sleep(min(max(self._pauses[0][0] - time.monotonic(), 0), _LOOK_SECONDS))
            elif self._running:
                self._take(executor)
        while self._running and not self._stopped:  # one failed: what runs beside it may still end
            self._take(executor)

    def _look_up(self) -> None:
        """Every step whose inputs are there: taken from what is known, which may make others ready, or asked for."""
        while found := self._frontier.ready():
            fresh = [asked for asked in found if not self._kept(asked)]
            wanted = dict.fromkeys(asked.key for asked in fresh if asked.key is not None)
            hits = {key: self._known[key] for key in wanted if key in self._known}
            keys = tuple(key for key in wanted if key not in hits)
            for begin in range(0, len(keys), _MOST_KEYS):
                hits |= {hit.key: hit for hit in self._books.cached(keys[begin : begin + _MOST_KEYS])}
            for asked in fresh:
                hit = hits.get(asked.key or "")
                if hit is None:
                    self._asked.append(asked)
                else:
                    step = Step(id=asked.node.id, status=StepStatus.CACHED, key=hit.key, reused=hit.source)
                    self._succeed(asked.node.id, replace(step, ended_at=self._clock()), hit.output, hit.source)

    def _kept(self, asked: Asked) -> bool:
        """Whether an earlier holder of this execution did it."""
        before = self._before.get(asked.node.id)
        if before is None or not before.status.done or before.output is None:
            return False
        if asked.key is not None and before.key != asked.key:  # mended since then, or given other inputs
            return False
        own = StepRef(execution=self._claim.execution.id, step=before.id)
        self._steps[before.id] = before
        self._frontier.arrive(before.id, before.output, before.reused or own)
        return True

    def _start(self, executor: Executor, asked: Asked) -> None:
        node = asked.node
        self._frontier.supply(asked)
        earlier = self._steps.get(node.id) or self._before.get(node.id)
        self._note(
            Step(
                id=node.id,
                status=StepStatus.RUNNING,
                key=asked.key,
                failed=earlier.failed if earlier else (),
                started_at=self._clock(),
            )
        )
        self._running[node.id] = asked
        executor.start(
            Job(
                execution=self._claim.execution.id,
                step=node.id,
                module=node.step.function.__module__,
                function=node.step.function.__qualname__,
                call=asked.call,
                inputs=asked.inputs,
                seconds=node.step.timeout.total_seconds() if node.step.timeout else None,
            )
        )

    def _take(self, executor: Executor) -> None:
        for answer in executor.wait(_LOOK_SECONDS):
            self._end(answer)
        self._tell()

    def _end(self, answer: Done) -> None:
        asked = self._running.pop(answer.step)
        self._heard.discard(answer.step)
        step = replace(self._logged(answer.step), ended_at=self._clock(), cpu_seconds=answer.cpu_seconds)
        log = self._logs.get(answer.step)
        if log is not None and log.longer:
            step = replace(step, log_kept=self._books.send(log.whole).digest)
        if answer.output is None:
            self._fail(asked, step, answer)
            return
        self._frontier.publish(answer.output)
        own = StepRef(execution=self._claim.execution.id, step=answer.step)
        self._succeed(answer.step, replace(step, status=StepStatus.SUCCEEDED), answer.output, own)
        if not asked.node.step.cache:
            self._reporter.flush()

    def _succeed(self, name: str, step: Step, output: Value, origin: StepRef) -> None:
        self._note(replace(step, output=output))
        self._frontier.arrive(name, output, origin)

    def _fail(self, asked: Asked, step: Step, answer: Done) -> None:
        error = answer.error or "It failed."
        began = step.started_at or self._clock()
        attempt = Attempt(started_at=began, ended_at=step.ended_at or began, error=error)
        failed = (*step.failed, attempt)
        here = sum(one.started_at >= self._began for one in failed)
        if answer.final or here > asked.node.step.retries:
            self._note(replace(step, status=StepStatus.FAILED, error=error))
            self._broken = f"{answer.step}: {error}"[:2000]
            return
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** (here - 1), _LONGEST_PAUSE_SECONDS)
        self._note(replace(step, status=StepStatus.WAITING, failed=failed, error=error))
        heapq.heappush(self._pauses, (time.monotonic() + pause, answer.step, asked))

    def _logged(self, name: str) -> Step:
        step, log = self._steps[name], self._logs.get(name)
        if log is None:
            return step
        self._steps[name] = replace(step, log=log.tail, log_size=log.size)
        return self._steps[name]

    def _note(self, step: Step) -> None:
        self._steps[step.id] = step
        self._reporter.changed(step)
        self._watch(step)

    def _ended(self, result: Value | None) -> Execution:
        if self._reporter.lost:
            raise self._reporter.problem or _lost(self._claim)
        if self._reporter.cancelled:
            self._undo_running()
            self._reporter.finish(Status.CANCELLED)
            raise Failed(f"{self._claim.execution.pipeline} {self._claim.execution.id} was cancelled.")
        status = Status.FAILED if self._broken else Status.SUCCEEDED
        execution = self._reporter.finish(status, result=result, error=self._broken)
        if execution is None:
            raise _lost(self._claim)
        if self._broken:
            raise Failed(
                f"{execution.pipeline} failed at {self._broken}",
                remedy=f"Mend it, then: modelwright pipeline resume {execution.id}",
            )
        return execution

    def _let_go(self, error: BaseException) -> None:
        """Something of our own went wrong, or somebody pressed Ctrl-C: say so, if anybody listens."""
        status = Status.FAILED if isinstance(error, Exception) else Status.INTERRUPTED
        self._undo_running()
        self._reporter.finish(status, error=said(error) if status is Status.FAILED else None)

    def _undo_running(self) -> None:
        """What was under way has been killed: it waits again."""
        for name in self._running:
            self._reporter.changed(replace(self._steps[name], status=StepStatus.WAITING, started_at=None))


def _lost(claim: Claim) -> Conflict:
    return Conflict(
        f"Another process holds execution {claim.execution.id} now: this one was silent for {claim.seconds:g} s.",
        remedy=f"See how it goes: modelwright pipeline show {claim.execution.id}",
    )
