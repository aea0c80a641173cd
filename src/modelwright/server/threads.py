"""Where services run: a bounded number of threads, and a bounded number waiting for one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from modelwright.core.errors import Unavailable

T = TypeVar("T")


class Threads:
    """Runs blocking work beside the event loop.

    A request whose time is up leaves its thread working: the pool stays as small as it is, which a limiter that counts
    waiting requests would not do.

    Args:
        size: How many work at once.
        waiting: How many may wait; beyond it, callers hear at once that the server is busy.
        name: For the threads' names.
    """

    def __init__(self, size: int, *, waiting: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._most = size + waiting
        self._taken = 0
        self._lock = threading.Lock()

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """The work's answer.

        Raises:
            Unavailable: Too many wait already.
        """
        with self._lock:
            if self._taken >= self._most:
                raise Unavailable(f"{self._taken} requests are being worked on.", remedy="Try again in a second.")
            self._taken += 1
        future = self._pool.submit(work, *args)
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Wait for what runs; what has not begun is dropped."""
        self._pool.shutdown(cancel_futures=True)

    def _leave(self, _: Future[T]) -> None:
        with self._lock:
            self._taken -= 1


async def streamed(threads: Threads, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Pieces that are made in threads as they are read: a slow reader keeps no thread."""
    while chunk := await threads.run(next, chunks, b""):
        yield chunk
