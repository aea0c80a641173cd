"""The job that has what answers judged again, and undoes emergencies when their time is up."""

from __future__ import annotations

import logging
import time

from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.assurance.model import AliasRecheck, Emergency, Recheck
from modelwright.core.errors import Error
from modelwright.core.events import Actor, ActorKind
from modelwright.core.identity import Identity
from modelwright.jobs.leasing import Leases

_log = logging.getLogger(__name__)

LEASE = "assurance"
EVERY_SECONDS = 60.0
"""How often to look what is due; an emergency lasts so much longer at most."""

_GRANTS = frozenset({"rechecks:write", "emergencies:write"})


class Assurer:
    """Asks for what is due, of every project.

    Args:
        platform: The opened home.
        leases: The worker's.
    """

    def __init__(self, platform: Platform, leases: Leases) -> None:
        self._platform = platform
        self._leases = leases
        self._next = 0.0

    def turn(self) -> bool:
        """Whether something was found that does not pass, or an emergency ended."""
        if time.monotonic() < self._next or self._leases.hold(LEASE) is None:
            return False
        self._next = time.monotonic() + EVERY_SECONDS
        busy = False
        for project in self._platform.projects():
            identity = Identity(actor=Actor(id="assurance", kind=ActorKind.SERVICE), project=project, grants=_GRANTS)
            workspace = Workspace(self._platform.table, LocalCaller(self._platform, identity), project)
            for job in (_settled, _failing, _pointing):
                try:
                    found = job(workspace)
                except Error as error:  # of this project; the others are judged
                    _log.warning("the assurance of %s: %s", project, error)
                    continue
                for one in found:
                    _log.info("%s", one)
                busy |= bool(found)
        return busy


def _settled(workspace: Workspace) -> list[Emergency]:
    return list(workspace.emergencies.settle())


def _failing(workspace: Workspace) -> list[Recheck]:
    return [found for found in workspace.rechecks.run() if not found.passes]


def _pointing(workspace: Workspace) -> list[AliasRecheck]:
    return [found for found in workspace.rechecks.run_aliases() if not found.passes]
