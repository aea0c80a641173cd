"""The job that runs due monitors."""

from __future__ import annotations

import logging
from typing import Any

from modelwright.app.workspace import Platform
from modelwright.core.errors import Error
from modelwright.core.events import Actor, ActorKind
from modelwright.core.identity import Identity
from modelwright.jobs.leasing import Leases
from modelwright.serving.repository import DeploymentRepository

_log = logging.getLogger(__name__)

LEASE = "monitoring.runner"
_IDENTITY = Identity(actor=Actor(id="monitors", kind=ActorKind.SERVICE), grants=frozenset({"monitors:write"}))


class MonitorRunner:
    """Runs the monitor of every endpoint, of every project, that has answered something since.

    Args:
        platform: The opened home.
        leases: The worker's.
    """

    def __init__(self, platform: Platform, leases: Leases) -> None:
        self._platform = platform
        self._leases = leases
        self._seen: dict[tuple[str, str], int] = {}

    def turn(self) -> bool:
        """Every monitor once; whether anything was judged. What one run leaves over waits for the next turn."""
        judged = False
        log = self._platform.log
        with self._platform.records.reading() as rows:
            retired = DeploymentRepository().retired(rows)
        for project in self._platform.projects():
            for endpoint in log.endpoints(project):
                if endpoint in retired:
                    continue  # it answers no more; what it answered stays readable
                size = log.size(project, endpoint)
                if size == self._seen.get((project, endpoint)) or not log.has_predictions(project, endpoint):
                    continue  # nothing was answered since, so no period can have passed
                if self._leases.hold(LEASE) is None:
                    return False
                judged |= self._run(project, endpoint, size)
        return judged

    def _run(self, project: str, endpoint: str, size: int) -> bool:
        try:
            ran = self._call("monitors.run", project, endpoint)
            watched = self._call("risks.watch", project, endpoint)
        except Error as error:  # of this endpoint; the others are judged all the same
            _log.warning("monitor of %s: %s", endpoint, error)
            return False
        if not ran.more and not watched.more:
            self._seen[project, endpoint] = size
        for alert in ran.raised:
            _log.warning("monitor of %s raised alert %s", endpoint, alert)
        return bool(ran.inputs or ran.outcomes)

    def _call(self, name: str, project: str, endpoint: str) -> Any:
        operation = self._platform.table.get(name)
        return self._platform.run(operation, operation.bind((endpoint,), {}), identity=_IDENTITY.within(project))
