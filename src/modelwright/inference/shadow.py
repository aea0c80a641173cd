"""The challenger of one endpoint: scores what was answered, after it was answered, where nobody waits for it.

Rows come in through ``offer`` in the event loop's thread, which costs an append; everything else happens in a thread
of the challenger's own. What it does not keep up with is dropped and counted. It may raise, answer nonsense or be slow:
the answering version has logged and answered by then. A thread cannot contain a crash of the process, or native code
that holds the interpreter's lock; so a challenger passes the same gates as whatever is deployed.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from itertools import chain
from typing import NamedTuple

import numpy as np

from modelwright.core.errors import Error, Invalid
from modelwright.inference.ports import Columns, Log, Outputs, Predictor
from modelwright.inference.response import Problem
from modelwright.inference.rows import Intake, Rows
from modelwright.inference.scoring import Scorer
from modelwright.predictions.model import PredictionBatch, encode
from modelwright.serving.model import Route, ShadowState

_log = logging.getLogger(__name__)

PENDING_ROWS = 8_192
"""With so many rows waiting, further ones are dropped: some megabytes. Raise it for bursts; no queue helps a challenger
that is slower than the traffic."""

MERGED_ROWS = 256
"""The most rows of one call of the challenger; a larger request is a call of its own."""

GATHER_SECONDS = 0.02
"""The pause between calls, in which rows gather; after a longer call the pause is as long as the call was. So the
challenger takes at most half of one core, and the threads quarrel over the interpreter's lock seldom: 20 ms gather a
hundred one-row requests at 5,000 a second, and a call for them costs little more than a call for one."""

JOIN_SECONDS = 2.0


class Mirrored(NamedTuple):
    """One request as it was answered."""

    rows: Rows
    ids: list[str]
    received_at: int

    @property
    def event_at(self) -> list[int]:
        """When its events happened; on arrival, unless the client said."""
        return self.rows.event_at or [self.received_at] * self.rows.count


class Shadow:
    """Scores requests again, with the challenger, and logs what it says.

    Args:
        route: The challenger as a route: what would answer.
        generation: Of the table it is from.
        predictor: The loaded challenger; no one else calls it.
        log: Where its answers are written; no prediction of theirs is ever counted as answered.
        intake: Its door: it may take other columns than the version that answers, or complete them.
    """

    def __init__(self, route: Route, *, generation: int, predictor: Predictor, log: Log, intake: Intake) -> None:
        self.route = route
        self.intake = intake
        self._generation = generation
        self._scorer = Scorer(route, generation=generation, predictor=predictor, log=log)
        self._waiting: deque[Mirrored] = deque()
        self._offered = self._taken = self._overflowed = 0  # each has one writer, so none needs a lock
        self._scored = self._failed = self._lost = 0
        self._last_failure = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"shadow-{route.endpoint}", daemon=True)

    def start(self) -> None:
        """Begin to score; a second call does nothing. Without a thread for it, it never sees a row."""
        if self._thread.ident is not None:
            return
        try:
            self._thread.start()
        except RuntimeError as error:  # the system gives no more threads, which is no reason to answer nobody
            _log.warning("The challenger of %s has no thread: %s", self.route.endpoint, error)
            self._last_failure = str(error)
            self._over.set()

    def offer(self, rows: Rows, ids: list[str], received_at: int) -> None:
        """Hand over a request that has been answered; never waits and never raises.

        Args:
            rows: What was scored.
            ids: Its prediction ids.
            received_at: When it arrived, in microseconds since 1970.
        """
        if self._over.is_set():
            return
        if self._offered - self._taken >= PENDING_ROWS:
            self._overflowed += rows.count
            return
        self._offered += rows.count
        self._waiting.append(Mirrored(rows, ids, received_at))

    def stop(self) -> None:
        """Score no more; what is waiting is forgotten. A call under way is not waited for."""
        self._over.set()

    def close(self) -> None:
        """Stop, and give a call under way a moment to end."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join(JOIN_SECONDS)

    @property
    def state(self) -> ShadowState:
        """How it fares."""
        full = f"More than {PENDING_ROWS:,} rows were waiting." if self._overflowed else ""
        return ShadowState(
            package=self.route.package.digest,
            scored=self._scored,
            failed=self._failed,
            dropped=self._overflowed + self._lost,
            last_failure=self._last_failure or full,
        )

    def _run(self) -> None:
        pause = GATHER_SECONDS
        while not self._over.wait(pause):
            began = time.perf_counter()
            if self._waiting:
                batch = self._batch()
                try:
                    self._settle(batch)
                except Exception as error:  # noqa: BLE001 - the rim of the thread
                    self._lost += sum(mirrored.rows.count for mirrored in batch)
                    self._last_failure = type(error).__name__
                    _log.exception("The challenger of %s failed", self.route.endpoint)
            pause = max(GATHER_SECONDS, time.perf_counter() - began)

    def _batch(self) -> list[Mirrored]:
        batch = [self._waiting.popleft()]
        count = batch[0].rows.count
        while self._waiting and count + self._waiting[0].rows.count <= MERGED_ROWS:
            batch.append(self._waiting.popleft())
            count += batch[-1].rows.count
        self._taken += count
        return batch

    def _settle(self, batch: list[Mirrored]) -> None:
        """Score a batch and log it; each request alone where all together cannot be scored."""
        began = time.perf_counter()
        try:
            given = _merged(batch)
            asked = [at for mirrored in batch for at in mirrored.event_at]
            rows = self.intake.again(given.columns, given.count, asked)
            answers = self._scorer.predict(rows)
        except (Invalid, Problem) as error:
            if len(batch) > 1:
                for mirrored in batch:
                    if not self._over.is_set():
                        self._settle([mirrored])
                return
            self._last_failure = error.message[:500]
            count = batch[0].rows.count
            rows, answers = Rows({}, count), np.full(count, math.nan)
        self._write(batch, rows.columns, answers, took=time.perf_counter() - began)

    def _write(self, batch: list[Mirrored], inputs: Columns, answers: Outputs, *, took: float) -> None:
        """One frame for one call: the first request's time of arrival, and what the call took, stand for all in it."""
        count = len(answers)
        record = encode(
            PredictionBatch(
                endpoint=self.route.endpoint,
                model=self.route.model,
                version=self.route.version,
                package=self.route.package.digest,
                generation=self._generation,
                received_at=batch[0].received_at,
                latency_us=int(took * 1e6),
                ids=[one for mirrored in batch for one in mirrored.ids],
                event_at=[at for mirrored in batch for at in mirrored.event_at],
                inputs=inputs,
                outputs=answers.tolist(),
            )
        )
        try:
            self._scorer.log.append(record)
        except (OSError, Error) as error:
            self._lost += count
            self._last_failure = f"Its answers cannot be logged: {error}"[:500]
            return
        scored = int(np.isfinite(answers).sum())
        if scored < count and inputs:
            self._last_failure = "It answered with something that is no finite number."
        self._scored += scored
        self._failed += count - scored


def _merged(batch: list[Mirrored]) -> Rows:
    """All requests as one.

    Raises:
        Invalid: They do not bring the same columns, so each is a matter of its own.
    """
    each = [{**one.rows.columns, **(one.rows.beyond or {})} for one in batch]
    if len(each) == 1:
        return Rows(each[0], batch[0].rows.count)
    if any(columns.keys() != each[0].keys() for columns in each):
        raise Invalid("These requests bring different columns.")
    merged = {name: list(chain.from_iterable(columns[name] for columns in each)) for name in each[0]}
    return Rows(merged, sum(one.rows.count for one in batch))
