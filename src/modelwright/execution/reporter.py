"""Telling the home how an execution goes: in batches, with a heartbeat, until the lease is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from modelwright.core.errors import Conflict, Error, Unavailable
from modelwright.pipelines.model import Claim, Execution, Planned, Status, Step, Told, Value

_log = logging.getLogger(__name__)

GROUP_SECONDS = 0.02
"""Results of remembered steps wait this long for company: a crash repeats so much work at most."""

_BEATS_A_LEASE = 6
_MOST_STEPS = 500
_PAUSE_SECONDS = 0.5

T = TypeVar("T")


class Desk(Protocol):
    """Who is told; ``ws.executions`` is one."""

    def record(
        self, execution_id: str, owner: str, token: int, steps: tuple[Step, ...], plan: tuple[Planned, ...] | None
    ) -> Told:
        """Note how steps are; raises Conflict once another one holds the execution."""
        ...

    def finish(
        self,
        execution_id: str,
        owner: str,
        token: int,
        status: Status,
        steps: tuple[Step, ...],
        *,
        plan: tuple[Planned, ...] | None,
        result: Value | None,
        error: str | None,
    ) -> Execution:
        """End it, or let go of it."""
        ...


class Reporter:
    """Reports for one holder of an execution, from a thread of its own.

    Law: what ``flush`` has returned from is durable. Once the lease is lost nothing is reported any more, and ``ended``
    has been called: by then another one may hold the execution.

    Args:
        desk: Who is told.
        claim: The execution in our hands.
        ended: Called once, from any thread, when the lease is lost or the execution shall be cancelled.
    """

    def __init__(self, desk: Desk, claim: Claim, ended: Callable[[], None]) -> None:
        self._desk = desk
        self._who = (claim.execution.id, claim.owner, claim.token)
        self._lease = claim.seconds
        self._ended = ended
        self._plan: tuple[Planned, ...] | None = None
        self._pending: dict[str, Step] = {}
        self._guard = threading.Lock()
        self._sending = threading.Lock()
        self._news = threading.Event()
        self._over = threading.Event()
        self._alive = time.monotonic()
        self.lost = False
        self.cancelled = False
        self.problem: Error | None = None
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
        self._thread.start()

    def planned(self, plan: tuple[Planned, ...]) -> None:
        """Say which steps there will be, with the next report."""
        self._plan = plan
        self._news.set()

    def changed(self, step: Step) -> None:
        """Say how a step is, soon."""
        with self._guard:
            self._pending[step.id] = step
        self._news.set()

    def flush(self) -> None:
        """Say it now; returns when it is durable, or the lease is lost."""
        with self._sending:
            while not self.lost and (batch := self._batch()) is not None:
                self._patiently(partial(self._send, *batch))

    def finish(self, status: Status, *, result: Value | None = None, error: str | None = None) -> Execution | None:
        """Say how it ended, with all that has not been said; none where the lease was lost before."""
        self.stop()
        with self._sending:
            while len(self._pending) > _MOST_STEPS and (batch := self._batch()) is not None:
                self._patiently(partial(self._send, *batch))
            plan, steps = self._batch() or (None, ())
            last: dict[str, Any] = {"plan": plan, "result": result, "error": error}
            return self._patiently(partial(self._desk.finish, *self._who, status, steps, **last))

    def stop(self) -> None:
        """Report no more; the execution stays in our hands until the lease ends."""
        self._over.set()
        self._news.set()
        self._thread.join()

    def _patiently(self, call: Callable[[], T]) -> T | None:
        """A call's answer, asked for again while the home does not answer and the lease lasts; none once it is lost."""
        while not self.lost:
            try:
                return call()
            except Conflict:
                self._lose()
            except Unavailable as error:
                _log.warning("no report: %s", error)
                if time.monotonic() - self._alive > self._lease:
                    self._lose()
                else:
                    time.sleep(_PAUSE_SECONDS)
        return None

    def _batch(self) -> tuple[tuple[Planned, ...] | None, tuple[Step, ...]] | None:
        with self._guard:
            plan, self._plan = self._plan, None
            steps = tuple(list(self._pending.values())[:_MOST_STEPS])
            for step in steps:
                del self._pending[step.id]
        return (plan, steps) if plan is not None or steps else None

    def _send(self, plan: tuple[Planned, ...] | None, steps: tuple[Step, ...]) -> None:
        try:
            told = self._desk.record(*self._who, steps, plan)
        except Conflict:
            self._lose()
        except Error:
            with self._guard:
                self._plan = self._plan or plan
                self._pending = {step.id: step for step in steps} | self._pending
            raise
        else:
            self._alive = time.monotonic()
            if told.cancelling and not self.cancelled:
                self.cancelled = True
                self._ended()

    def _lose(self) -> None:
        if not self.lost:
            self.lost = True
            self._ended()

    def _run(self) -> None:
        while not self._over.is_set():
            news = self._news.wait(self._lease / _BEATS_A_LEASE)
            if self._over.is_set():
                return
            if news:
                self._over.wait(GROUP_SECONDS)
            self._news.clear()
            try:
                with self._sending:
                    if not self.lost and not self._over.is_set():
                        self._send(*(self._batch() or (None, ())))
            except Unavailable as error:
                _log.warning("no report: %s", error)
                if time.monotonic() - self._alive > self._lease:
                    self._lose()  # somebody else may have it: what runs here is ended before it can do more
            except Error as error:
                self.problem = error  # a fault of ours, or a home that is damaged: nothing can be relied on
                self._lose()
