"""Settings: the environment variables that Modelwright reads. Nothing else in the house reads the environment."""

from __future__ import annotations

import os
from typing import NamedTuple


class Setting(NamedTuple):
    """One environment variable.

    Attributes:
        name: The variable.
        what: What it decides, and what holds without it.
    """

    name: str
    what: str

    @property
    def value(self) -> str | None:
        """What it is set to; none where it is not set or empty."""
        return os.environ.get(self.name) or None


URL = Setting(
    "MODELWRIGHT_URL",
    "Where `connect()` and the command line find the workspace: `http://…` of a running server, or a home's folder. "
    "Without it the nearest `.modelwright/` in this folder or above.",
)
PLUGINS = Setting(
    "MODELWRIGHT_PLUGINS",
    "Names of third parties' variants (gates, flavours, …) that may be loaded, with commas between them. They run "
    "unsandboxed, so without it none is loaded.",
)

SETTINGS = (URL, PLUGINS)
"""Every setting, in the order of the reference."""
