"""The job that judges running rollouts."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from modelwright.app.workspace import Platform
from modelwright.core.errors import Error
from modelwright.core.events import Actor, ActorKind
from modelwright.core.identity import Identity
from modelwright.jobs.leasing import Leases
from modelwright.rollouts.repository import RolloutRepository

_log = logging.getLogger(__name__)

LEASE = "rollouts.judge"
SHARE = 0.1
"""Of the worker's time that looking at rollouts may take: each look reads the rollout's part of the log, which is some
milliseconds or, for millions of rows, seconds. Their limits are watched as often; looks are due on event time,
whenever that is found out."""

LEAST_SECONDS = 0.25
"""Between two rounds, however little there was to look at."""

_GRANTS = frozenset({"rollouts:write"})


class RolloutJudge:
    """Asks for the judgement of every running rollout, of every project.

    Args:
        platform: The opened home.
        leases: The worker's.
    """

    def __init__(self, platform: Platform, leases: Leases) -> None:
        self._platform = platform
        self._leases = leases
        self._next = 0.0

    def turn(self) -> bool:
        """Judge them, unless that was done a moment ago or another worker does it; whether one was concluded."""
        if time.monotonic() < self._next:
            return False
        with self._platform.records.reading() as rows:
            running = RolloutRepository().running(rows)
        if not running or self._leases.hold(LEASE) is None:
            return False
        concluded, spent = self._judge(running)
        self._next = time.monotonic() + max(spent / SHARE, LEAST_SECONDS)
        return concluded

    def _judge(self, running: Sequence[tuple[str, str]]) -> tuple[bool, float]:
        """Whether one was concluded, and how many seconds were spent on those that are looked at."""
        concluded, spent = False, 0.0
        operation = self._platform.table.get("rollouts.judge")
        for project, endpoint in running:
            identity = Identity(actor=Actor(id="rollouts", kind=ActorKind.SERVICE), project=project, grants=_GRANTS)
            began = time.monotonic()
            try:
                over = self._platform.run(operation, operation.bind((endpoint,), {}), identity=identity)
            except Error as error:  # of this endpoint; the others are judged
                _log.warning("the rollout of %s: %s", endpoint, error)
                spent += time.monotonic() - began
                continue
            if over.unsigned_since is None:  # else it read no log, and waits for people alone
                spent += time.monotonic() - began
            if over.outcome is not None:
                _log.info("%s: %s", over, " ".join(over.reasons))
                concluded = True
        return concluded, spent
