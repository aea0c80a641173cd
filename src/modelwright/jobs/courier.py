"""The job that tells people what happened."""

from __future__ import annotations

import logging

from modelwright.app.workspace import Platform
from modelwright.core.errors import NotFound
from modelwright.core.events import Actor, ActorKind
from modelwright.core.identity import Identity
from modelwright.jobs.leasing import Leases
from modelwright.notifications.courier import Courier

_log = logging.getLogger(__name__)

LEASE = "notifications.courier"
_IDENTITY = Identity(actor=Actor(id="courier", kind=ActorKind.SERVICE), grants=frozenset({"notifications:write"}))


class Notifier:
    """Serves the channels of every project.

    Args:
        platform: The opened home.
        leases: The worker's.
    """

    def __init__(self, platform: Platform, leases: Leases) -> None:
        self._platform = platform
        self._leases = leases
        self.courier = Courier(platform.records, platform.keys, clock=platform.clock, pause=self._pause)

    def turn(self) -> bool:
        """Take from the ledger what is to be told, and begin to send what is due; whether there was anything."""
        if not self.courier.waits() or self._leases.hold(LEASE) is None:
            return False
        return bool(self.courier.gather() + self.courier.serve())

    def _pause(self, project: str, channel: str) -> None:
        operation = self._platform.table.get("notifications.pause")
        try:
            self._platform.run(operation, operation.bind((channel,), {}), identity=_IDENTITY.within(project))
        except NotFound:  # removed meanwhile
            return
        _log.warning("channel %s of %s is paused", channel, project)
