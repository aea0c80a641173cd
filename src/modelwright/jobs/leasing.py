"""The right to do a job, asked for again only when it is about to end: an idle worker writes nothing."""

from __future__ import annotations

import time
from datetime import timedelta

from modelwright.store.ports import Lease, Queue

DURATION = timedelta(seconds=15)
"""How long a lease lasts: after a worker has died, another one waits so long at most."""


class Leases:
    """The leases of one worker.

    Args:
        queue: Who does what.
        owner: The worker's name.
    """

    def __init__(self, queue: Queue, owner: str) -> None:
        self._queue = queue
        self._owner = owner
        self._held: dict[str, tuple[Lease, float]] = {}

    def hold(self, name: str) -> Lease | None:
        """The lease of a job, or none while another worker has it."""
        now = time.monotonic()
        held, since = self._held.get(name, (None, 0.0))
        if held is not None and now - since < DURATION.total_seconds() / 3:
            return held
        lease = self._queue.acquire(name, self._owner, DURATION)
        if lease is None:
            self._held.pop(name, None)
        else:
            self._held[name] = lease, now
        return lease
