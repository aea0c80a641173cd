"""Micro-batching without a timer: what arrives together is one call of the model.

The first request of an empty queue asks the loop to flush in its next turn. If calling the model costs more than a
turn, the flush steps back while turns keep bringing others, at most for as long as the last call took. So a cheap model
never waits, a lone request waits for two empty turns (tens of microseconds), and under load the batch grows by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from concurrent.futures import Executor
from typing import NamedTuple

from msgspec import Struct

from modelwright.core.errors import Unavailable
from modelwright.core.ids import new_ids
from modelwright.inference.ports import Outputs
from modelwright.inference.response import Problem
from modelwright.inference.rows import Rows
from modelwright.inference.scoring import Scored, Scorer
from modelwright.inference.shadow import Shadow

IDLE_TURNS = 2
"""After so many turns of the loop that brought nobody new, a costly model is called. With 32 clients and a model of 1
ms per call, 0 turns give batches of 10 rows; 1 and 2 give 31, at half the CPU per request (bench/serving.py)."""

MAX_LINGER_SECONDS = 0.005
"""A batch never waits longer than this for others, however costly the model."""


class Limits(Struct, frozen=True, kw_only=True):
    """How much is taken on.

    Attributes:
        merged_rows: The most rows of one merged call, which runs in the event loop. Raise it for models that are
            quick per row; the loop answers nobody during a call.
        large_rows: A request of at least so many rows goes to a thread, alone.
        pending_rows: With so many rows waiting, new requests are sent away with 503.
    """

    merged_rows: int = 256
    large_rows: int = 256
    pending_rows: int = 65_536


DEFAULT_LIMITS = Limits()


class _Waiting(NamedTuple):
    rows: Rows
    received_at: int
    future: asyncio.Future[Scored]


class Batcher:
    """The queue in front of one scorer. All methods are called in the event loop's thread.

    Args:
        scorer: Model and log.
        executor: Runs large requests.
        limits: How much is taken on.
        shadow: The challenger, which is handed what has been answered.
    """

    __slots__ = (
        "_cost",
        "_executor",
        "_idle_turns",
        "_limits",
        "_pending",
        "_queue",
        "_seen",
        "_since",
        "scorer",
        "shadow",
    )

    def __init__(
        self, scorer: Scorer, *, executor: Executor, limits: Limits = DEFAULT_LIMITS, shadow: Shadow | None = None
    ) -> None:
        self.scorer = scorer
        self.shadow = shadow
        self._executor = executor
        self._limits = limits
        self._queue: list[_Waiting] = []
        self._pending = 0
        self._since = self._cost = 0.0
        self._seen = self._idle_turns = 0

    def score(self, rows: Rows) -> Awaitable[Scored]:
        """Await it for the predictions of these rows, which then have been logged.

        Raises:
            Unavailable: Too much is waiting, or the log cannot be written.
            Problem: The model could not score the rows, or a guard refuses one.
        """
        self.scorer.look(rows)
        received_at = time.time_ns() // 1000
        if self._pending and self._pending + rows.count > self._limits.pending_rows:
            raise Unavailable(f"{self._pending} rows are waiting already.", remedy="Try again in a moment.")
        self._pending += rows.count
        if rows.count >= self._limits.large_rows:
            return self._score_in_thread(rows, received_at)
        loop = asyncio.get_running_loop()
        if not self._queue:
            self._since = time.perf_counter()
            loop.call_soon(self._flush)
        future: asyncio.Future[Scored] = loop.create_future()
        self._queue.append(_Waiting(rows, received_at, future))
        return future

    async def _score_in_thread(self, rows: Rows, received_at: int) -> Scored:
        loop = asyncio.get_running_loop()
        try:
            outputs = await loop.run_in_executor(self._executor, self.scorer.predict, rows)
        finally:
            self._pending -= rows.count
        record, scored = self.scorer.record(rows, outputs, ids=new_ids(rows.count), received_at=received_at)
        self.scorer.write(record)
        if self.shadow is not None:
            self.shadow.offer(rows, scored.ids, received_at)
        return scored

    def _flush(self) -> None:
        if self._lingers():
            asyncio.get_running_loop().call_soon(self._flush)
            return
        queue, self._queue = self._queue, []
        start, count = 0, 0
        for end, waiting in enumerate(queue):
            if count and count + waiting.rows.count > self._limits.merged_rows:
                self._settle(queue[start:end])
                start, count = end, 0
            count += waiting.rows.count
            self._pending -= waiting.rows.count
        self._settle(queue[start:])

    def _lingers(self) -> bool:
        """Whether others are still arriving, and waiting for them costs less than calling the model once more."""
        arrived = len(self._queue)
        self._idle_turns = 0 if arrived > self._seen else self._idle_turns + 1
        self._seen = arrived
        if self._idle_turns < IDLE_TURNS and time.perf_counter() - self._since < self._cost:
            return True
        self._idle_turns = self._seen = 0
        return False

    def _settle(self, batch: list[_Waiting]) -> None:
        """Give every request of a batch its answer or its error; never raises."""
        rows = _merged(batch)
        began = time.perf_counter()
        try:
            outputs = self.scorer.predict(rows)
        except Problem as problem:
            if len(batch) == 1:
                _fail(batch, problem)
            else:  # one bad row may not fail the others: each is asked again by itself
                for waiting in batch:
                    self._settle([waiting])
            return
        self._cost = min(time.perf_counter() - began, MAX_LINGER_SECONDS)
        try:
            self._answer(batch, outputs)
        except Exception as error:  # noqa: BLE001 - the rim: every future is settled
            _fail(batch, error)

    def _answer(self, batch: list[_Waiting], outputs: Outputs) -> None:
        ids = new_ids(len(outputs))
        records, answers, start = [], [], 0
        for rows, received_at, _ in batch:
            end = start + rows.count
            record, scored = self.scorer.record(rows, outputs[start:end], ids=ids[start:end], received_at=received_at)
            records.append(record)
            answers.append(scored)
            start = end
        self.scorer.write(*records)
        for (_, _, future), scored in zip(batch, answers, strict=True):
            if not future.done():  # a client that has gone away cancelled it
                future.set_result(scored)
        if self.shadow is not None:
            for (rows, received_at, _), scored in zip(batch, answers, strict=True):
                self.shadow.offer(rows, scored.ids, received_at)


def _merged(batch: list[_Waiting]) -> Rows:
    if len(batch) == 1:
        return batch[0].rows
    parts = [waiting.rows for waiting in batch]
    columns = {name: [value for part in parts for value in part.columns[name]] for name in parts[0].columns}
    return Rows(columns, sum(part.count for part in parts))


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(error)
