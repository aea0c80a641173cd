"""The job that keeps the online store up with new dataset versions."""

from __future__ import annotations

import logging
import time
from typing import Any

from modelwright.app.workspace import Platform
from modelwright.core.errors import Error
from modelwright.core.events import Actor, ActorKind
from modelwright.core.identity import Identity
from modelwright.jobs.leasing import Leases

_log = logging.getLogger(__name__)

LEASE = "features.materializer"
EVERY_SECONDS = 2.0
"""How often it is looked whether a view has fallen behind its datasets."""

_IDENTITY = Identity(actor=Actor(id="materializer", kind=ActorKind.SERVICE), grants=frozenset({"features:*"}))


class Materializer:
    """Materialises again what was materialised once, when a dataset that it reads has a newer version.

    A view that nobody has materialised yet stays so: whether endpoints shall look it up is for people to say.

    Args:
        platform: The opened home.
        leases: The worker's.
    """

    def __init__(self, platform: Platform, leases: Leases) -> None:
        self._platform = platform
        self._leases = leases
        self._next = 0.0

    def turn(self) -> bool:
        """Every view that is behind, once; whether there was one."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + EVERY_SECONDS
        behind = [
            (project, ref)
            for project in self._platform.projects()
            for ref in self._views(project)
            if self._call(project, "freshness", ref).newer
        ]
        if not behind or self._leases.hold(LEASE) is None:
            return False
        for project, ref in behind:
            try:
                _log.info("%s", self._call(project, "materialize", ref))
            except Error as error:  # of this view; the others are kept up all the same
                _log.warning("%s is not kept up: %s", ref, error)
        return True

    def _views(self, project: str) -> list[str]:
        """The newest versions of every view: a model may look up an older one."""
        views = self._call(project, "list", limit=1000).items
        return [version.ref for view in views for version in self._call(project, "versions", view.name).items]

    def _call(self, project: str, verb: str, *arguments: Any, **more: Any) -> Any:
        operation = self._platform.table.get(f"features.{verb}")
        return self._platform.run(operation, operation.bind(arguments, more), identity=_IDENTITY.within(project))
