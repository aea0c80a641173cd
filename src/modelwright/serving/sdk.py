"""Verbs on endpoints for scripts and notebooks."""

from __future__ import annotations

import time

from modelwright.core.operation import Face
from modelwright.serving.model import Endpoint

_PAUSE_SECONDS = 0.05


class EndpointsFace(Face):
    """``ws.endpoints``."""

    def wait(self, endpoint: str, *, seconds: float = 30) -> Endpoint:
        """Wait until every worker answers with what was deployed last.

        Args:
            endpoint: Its name.
            seconds: How long at most.

        Returns:
            The endpoint as it is then. It is not ``ready`` when the time is up, when a worker cannot serve the version
            (``workers`` has its error), or when no worker runs, which is not waited for.
        """
        deadline = time.monotonic() + seconds
        while True:
            found: Endpoint = self.get(endpoint)
            failed = any(worker.error for worker in found.workers)
            if found.ready or failed or not found.workers or time.monotonic() > deadline:
                return found
            time.sleep(_PAUSE_SECONDS)
