"""Verbs on runs for scripts and notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelwright.core.operation import Face, Upload
from modelwright.tracking.recorder import ActiveRun, seeded


class RunsFace(Face):
    """``ws.runs``."""

    def begin(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        tags: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> ActiveRun:
        """Start a run that captures its code, environment and machine by itself.

        Args:
            name: What it belongs to.
            parameters: What was chosen; values are kept as text.
            tags: Words about it.
            seed: Set in Python's and NumPy's global generators; by default a fresh one. It is recorded either way.
        """
        from modelwright.tracking.capture import capture  # weight: importlib.metadata and subprocess

        run = self.start(
            name,
            parameters={key: str(value) for key, value in (parameters or {}).items()},
            tags={key: str(value) for key, value in (tags or {}).items()},
            capture=capture(self._caller, seeds=seeded(seed)),
        )
        return ActiveRun(self, run)

    def send(self, source: bytes | Path) -> Upload:
        """Send bytes ahead of an operation that takes them."""
        return self._caller.upload(source)
