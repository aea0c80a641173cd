"""Follows ``routes.json``: loads what is new beside what is live, swaps, and says so.

Needs nobody: when the control plane is gone, the last table stays.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

from modelwright.core.clock import Clock, utc_now
from modelwright.core.errors import Conflict, Error, NotFound
from modelwright.inference.callers import Callers
from modelwright.inference.router import Live, Router
from modelwright.serving import publication
from modelwright.serving.model import Acknowledgement

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.15
"""How often the file is looked at: two system calls."""

HEARTBEAT_SECONDS = 1.0
RETRY_SECONDS = 5.0
"""When to try again to load what failed: the cause may have been a full disk or a package still on its way."""

_Stamp = tuple[int, int, int]


class Place(NamedTuple):
    """Where a worker reads its routes and leaves its word.

    Attributes:
        home: The platform's folder.
        public: The public key that routes must be signed with, 32 bytes.
        worker: The worker's name.
    """

    home: Path
    public: bytes
    worker: str


class Watcher:
    """Keeps a router at the published generation.

    Args:
        router: What to keep.
        place: Where to read and to acknowledge.
        executor: Loads packages; one thread.
        callers: Who may ask, looked at as often.
        clock: The wall clock.
    """

    def __init__(
        self,
        router: Router,
        place: Place,
        *,
        executor: Executor,
        callers: Callers | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._callers = callers
        self._router = router
        self._place = place
        self._executor = executor
        self._clock = clock
        self._path = publication.routes_path(place.home)
        self._seen: _Stamp | None = None
        self._retry_at = 0.0
        self.error: str | None = "No routes were read yet."
        self.changed = asyncio.Event()

    async def run(self) -> None:
        """Follow the file until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._beat())

    async def refresh(self) -> None:
        """Look at the file now, and load it if it is another one than before.

        A failure leaves what is live in place and is told in the acknowledgement.
        """
        stamp = _stamp(self._path)
        wanting = self.error is not None or not self._router.live.complete
        again = wanting and time.monotonic() >= self._retry_at
        if stamp == self._seen and not again:
            return
        self._seen = stamp
        loop = asyncio.get_running_loop()
        try:
            live = await loop.run_in_executor(self._executor, self._next)
        except Exception as error:  # noqa: BLE001 - the rim: a package may raise anything
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self._report(error)
        else:
            self._adopt(live)
            if live is not None and not live.complete:
                self._retry_at = time.monotonic() + RETRY_SECONDS
        self.acknowledge()
        self.changed.set()

    def acknowledge(self) -> None:
        """Say what is live, where the control plane looks for it; never raises."""
        live = self._router.live
        said = Acknowledgement(
            worker=self._place.worker,
            pid=os.getpid(),
            generation=live.generation,
            routes={name: loaded.route.package.digest for name, loaded in live.endpoints.items()},
            error=self.error,
            at=self._clock(),
            problems=dict(live.problems),
            shadows={name: state for name, loaded in live.endpoints.items() if (state := loaded.shadow) is not None},
        )
        try:
            publication.acknowledge(publication.workers_folder(self._place.home), said)
        except OSError as error:
            _log.warning("The acknowledgement cannot be written: %s", error)

    def leave(self) -> None:
        """Take the word back: this worker goes."""
        folder = publication.workers_folder(self._place.home)
        (folder / f"{self._place.worker}.json").unlink(missing_ok=True)

    async def _follow(self) -> None:
        while True:
            if self._callers is not None:
                self._callers.refresh()
            await self.refresh()
            await asyncio.sleep(POLL_SECONDS)

    async def _beat(self) -> None:
        while True:
            self.acknowledge()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def _adopt(self, live: Live | None) -> None:
        if live is not None:
            self._router.swap(live)
            self.error = None
        elif self._router.live.generation == 0:  # nothing was deployed yet: nothing to answer, and nothing is wrong
            self.error = None
        else:
            self.error = f"{self._path.name} is gone; the last routes are served."

    def _next(self) -> Live | None:
        try:
            table = publication.read(self._path, self._place.public)
        except NotFound:
            return None
        live = self._router.live
        if table.generation < live.generation:
            raise Conflict(
                f"{self._path.name} has generation {table.generation}, older than the {live.generation} that is live.",
                remedy="To go back, deploy the earlier version again, which makes a new generation.",
            )
        if table.generation == live.generation:
            if table.by_endpoint == live.routes:
                return live if live.complete else self._router.prepare(table)
            raise Conflict(f"{self._path.name} has other routes than the live ones of generation {live.generation}.")
        return self._router.prepare(table)

    def _report(self, error: Exception) -> None:
        message = error.message if isinstance(error, Error) else f"{type(error).__name__}: {error}"
        if message != self.error:
            _log.error("The routes are not loaded: %s", message, exc_info=not isinstance(error, Error))
        self.error = message[:2_000]


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
