"""``mw.progress``: how far a step is, shown while it runs."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from modelwright.pipelines.model import Progress

Hears = Callable[[Progress], None]

hears: ContextVar[Hears | None] = ContextVar("modelwright_progress", default=None)
"""Who hears of progress; nobody outside an execution."""


def progress(done: float, total: float | None = None, note: str = "") -> None:
    """Say how far this step is; outside an execution it says nothing to nobody.

    Args:
        done: How much is done: rows, trials, seconds.
        total: Of how much, if that is known.
        note: A few words.
    """
    listener = hears.get()
    if listener is not None:
        listener(Progress(done=float(done), total=None if total is None else float(total), note=str(note)[:500]))
