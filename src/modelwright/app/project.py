"""``modelwright.toml``: what a project's own file says of where its workspace is."""

from __future__ import annotations

import tomllib
from pathlib import Path

from msgspec import Struct

from modelwright.core import wire
from modelwright.core.errors import Invalid

FILE = "modelwright.toml"


class Project(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file's keys; each may be left out.

    Attributes:
        name: The project's name, for people.
        url: The address of the server that everyone in the project uses.
        home: The home's folder, as seen from the file; by default ``.modelwright``.
    """

    name: str = ""
    url: str | None = None
    home: str | None = None


def workspace_of(start: Path) -> str | None:
    """Where the nearest project file, in this folder or above, says that the workspace is.

    Args:
        start: The folder to begin in.

    Raises:
        Invalid: The file is not TOML, or has a key that does not exist.
    """
    for folder in (start, *start.parents):
        file = folder / FILE
        if file.is_file():
            said = _read(file)
            return said.url or (str(folder / said.home) if said.home else None)
    return None


def _read(file: Path) -> Project:
    try:
        return wire.convert(tomllib.loads(file.read_text("utf-8")), Project)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} is not TOML: {error}.") from None
    except Invalid as error:
        raise Invalid(f"{file}: {error.message}", remedy="It may have the keys name, url and home.") from None
