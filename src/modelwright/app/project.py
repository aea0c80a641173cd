"""``modelwright.toml``: what a project's own file says of where its workspace is."""

from __future__ import annotations

import tomllib
from pathlib import Path

from msgspec import Struct

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.store.address import Address

FILE = "modelwright.toml"


class Project(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file's keys; each may be left out.

    Attributes:
        name: The project's name, for people.
        url: The address of the server that everyone in the project uses.
        home: The home's folder, as seen from the file; by default ``.modelwright``.
        records: The address of the PostgreSQL database that keeps the home's records; a password does not belong here.
    """

    name: str = ""
    url: str | None = None
    home: str | None = None
    records: str | None = None


def workspace_of(start: Path) -> str | None:
    """Where the nearest project file, in this folder or above, says that the workspace is.

    Args:
        start: The folder to begin in.

    Raises:
        Invalid: The file is not TOML, or has a key that does not exist.
    """
    folder, said = _nearest(start)
    return said.url or (str(folder / said.home) if said.home else None)


def records_of(home: Path) -> str | None:
    """Where a home's records are, as the project file says that lies beside it, or the one here that means it.

    Args:
        home: The home's folder.

    Raises:
        Invalid: As ``workspace_of``.
    """
    for start in (home.parent, Path.cwd()):
        folder, said = _nearest(start)
        if said.records and (folder / (said.home or ".modelwright")).resolve() == home:
            return said.records
    return None


def filled(template: str, *, file: str, project: str, records: Address | None) -> str:
    """A fresh project's file, from its template.

    Args:
        template: Its text, with ``"PROJECT"`` for the project's name.
        file: Its name; ``modelwright.toml`` also says where the records are, unless something there is not for all.
        project: The project's name.
        records: The PostgreSQL database that keeps its home's records.
    """
    text = template.replace('"PROJECT"', wire.encode(project).decode())
    if file == FILE and records is not None and records.public:
        text += f"records = {wire.encode(str(records)).decode()}\n"
    return text


def _nearest(start: Path) -> tuple[Path, Project]:
    """The folder of the nearest project file, and what it says; nothing where there is none."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder, _read(folder / FILE)
    return start, Project()


def _read(file: Path) -> Project:
    try:
        return wire.convert(tomllib.loads(file.read_text("utf-8")), Project)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} is not TOML: {error}.") from None
    except Invalid as error:
        raise Invalid(f"{file}: {error.message}", remedy="It may have the keys name, url, home and records.") from None
