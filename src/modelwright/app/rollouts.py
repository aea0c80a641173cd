"""The job that judges running rollouts."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from modelwright.app.identity import Identity
from modelwright.app.workspace import Platform
from modelwright.core.errors import Error
from modelwright.core.events import Actor, ActorKind
from modelwright.rollouts.repository import RolloutRepository

_log = logging.getLogger(__name__)

LEASE = "rollouts.judge"
EVERY_SECONDS = 10.0
"""How often each running rollout is looked at: it reads the rollout's part of the log, a second for millions of rows.
Its limits are watched as often; its looks are due on event time, whenever that is found out."""

_LEASE = timedelta(seconds=60)
_GRANTS = frozenset({"rollouts:write", "endpoints:write", "models:write"})


class RolloutJudge:
    """Asks for the judgement of every running rollout, of every project.

    Args:
        platform: The opened home.
        owner: The name under which the lease is taken.
    """

    def __init__(self, platform: Platform, owner: str) -> None:
        self._platform = platform
        self._owner = owner
        self._next = 0.0

    def turn(self) -> None:
        """Judge them, unless that was done a moment ago or another worker does it."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY_SECONDS
        with self._platform.records.reading() as rows:
            running = RolloutRepository().running(rows)
        if not running or self._platform.queue.acquire(LEASE, self._owner, _LEASE) is None:
            return
        operation = self._platform.table.get("rollouts.judge")
        for project, endpoint in running:
            identity = Identity(actor=Actor(id="rollouts", kind=ActorKind.SERVICE), project=project, grants=_GRANTS)
            try:
                over = self._platform.run(operation, operation.bind((endpoint,), {}), identity=identity)
            except Error as error:  # of this endpoint; the others are judged
                _log.warning("the rollout of %s: %s", endpoint, error)
                continue
            if over.outcome is not None:
                _log.info("%s: %s", over, " ".join(over.reasons))
