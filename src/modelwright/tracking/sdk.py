"""Verbs on runs for scripts and notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from modelwright.core import wire
from modelwright.core.doing import doing
from modelwright.core.errors import Conflict, NotFound
from modelwright.core.operation import Face, Page, Upload
from modelwright.tracking.model import Metric, Run
from modelwright.tracking.recorder import ActiveRun, seeded


def _origin() -> dict[str, str]:
    """Which step of which execution begins the run, if one does."""
    here = doing.get()
    return {} if here is None else {"execution": here.execution, "step": here.step}


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
            tags={key: str(value) for key, value in {**_origin(), **(tags or {})}.items()},
            capture=capture(self._caller, seeds=seeded(seed)),
        )
        return ActiveRun(self, run)

    def export(self, run_id: str, folder: str | Path) -> Path:
        """Write a run to a folder, which appears whole or not at all.

        It holds ``run.json``, ``metrics.jsonl`` with every point of every metric, and ``artifacts/`` with the files.

        Args:
            run_id: The run.
            folder: Where to; must not be there yet.

        Raises:
            Conflict: The folder is there.
            NotFound: There is no such run, or no folder to put it in.
        """
        target = Path(folder).expanduser()
        if target.exists():
            raise Conflict(f"{target} is there already.", remedy="Choose another folder.")
        if not target.parent.is_dir():
            raise NotFound(f"There is no folder {target.parent}.", remedy="Make it first.")
        run: Run = self.get(run_id)
        with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as temporary:
            fresh = Path(temporary) / "run"
            fresh.mkdir()
            (fresh / "run.json").write_bytes(wire.encode(run))
            with (fresh / "metrics.jsonl").open("wb") as lines:
                lines.writelines(
                    wire.encode(point) + b"\n" for key in run.metrics for point in self._points(run_id, key)
                )
            for kept in run.artifacts:
                place = fresh / "artifacts" / kept.path
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("wb") as into:
                    self._fetch_into(into, "artifact", run_id, kept.path)
            fresh.rename(target)
        return target

    def _points(self, run_id: str, key: str) -> Iterator[Metric]:
        after = None
        while True:
            page: Page[Metric] = self.history(run_id, key, limit=10_000, after=after)
            yield from page.items
            after = page.next
            if after is None:
                return

    def send(self, source: bytes | Path) -> Upload:
        """Send bytes ahead of an operation that takes them."""
        return self._caller.upload(source)
