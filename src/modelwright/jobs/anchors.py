"""The job that keeps checkpoints of the ledger in the anchor file."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from pathlib import Path

from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.core.events import Actor, ActorKind
from modelwright.core.identity import DEFAULT_PROJECT, Identity
from modelwright.core.settings import ANCHOR_FILE
from modelwright.jobs.leasing import Leases
from modelwright.ledger.model import Anchored, Place

_log = logging.getLogger(__name__)

LEASE = "ledger.anchors"
EVERY = timedelta(hours=1)
"""The least time between two checkpoints in the file: as much of the end can be rewritten unseen."""

LOOK = timedelta(minutes=1)
"""How often to look whether it has passed: the ledger, not the worker, knows when it was last done."""

_KIND = str(Anchored.__struct_config__.tag)
_IDENTITY = Identity(
    actor=Actor(id="anchors", kind=ActorKind.SERVICE),
    grants=frozenset({"ledger:read", "ledger:write"}),
    project=DEFAULT_PROJECT,
)


class Anchorer:
    """Appends the newest checkpoint to the anchor file, where the home is set to one.

    Args:
        platform: The opened home.
        leases: The worker's.
    """

    def __init__(self, platform: Platform, leases: Leases) -> None:
        caller = LocalCaller(platform, _IDENTITY)
        self._workspace = Workspace(platform.table, caller, str(platform.home.folder))
        self._clock = platform.clock
        self._leases = leases
        self._next = time.monotonic()

    def turn(self) -> bool:
        """Whether a checkpoint was written: an hour has passed since the last one, and something else since then."""
        file = ANCHOR_FILE.value
        if file is None or time.monotonic() < self._next or self._leases.hold(LEASE) is None:
            return False
        self._next = time.monotonic() + LOOK.total_seconds()
        ledger = self._workspace.ledger
        size = ledger.checkpoint().size
        done = [entry.envelope for entry in ledger.list(kind=_KIND, limit=100).items]
        newest = next((each for each in done if each.body["place"] == Place.FILE), None)
        if size == 0 or (newest is not None and (newest.seq == size or self._clock() - newest.recorded_at < EVERY)):
            return False
        kept = ledger.anchor(Path(file))
        _log.info("the anchor file has a checkpoint over %s entries", kept.size)
        return True
