"""Which step of which execution this code runs in, if any: runs that it starts carry it as a tag."""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple


class Doing(NamedTuple):
    """A step in progress.

    Attributes:
        execution: The execution's id.
        step: The step's.
    """

    execution: str
    step: str


doing: ContextVar[Doing | None] = ContextVar("modelwright_doing", default=None)
