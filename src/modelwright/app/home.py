"""The home: the folder that holds everything, and how it is found."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from modelwright.core.errors import Invalid, NotFound
from modelwright.core.ids import new_id
from modelwright.store.folders import sync_folder

FOLDER = ".modelwright"
FORMAT = 1
_BEGUN = re.compile(r"home\.(?:[0-9a-f]{32}\.)?tmp")


class HomeFile(msgspec.Struct, frozen=True, kw_only=True):
    """``home.json``: which form the folder has."""

    format: int


class Home:
    """A home's folder and the places in it.

    Args:
        folder: The folder itself, usually ``.modelwright``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.control = self.folder / "control.db"
        self.telemetry = self.folder / "telemetry.db"
        self.online = self.folder / "online.db"
        self.blobs = self.folder / "blobs"
        self.log = self.folder / "log"
        self.serving = self.folder / "serving"
        self.keys = self.folder / "keys"
        self.work = self.folder / "work"

    def open(self, *, create: bool) -> Home:
        """Check that the folder is a home that this release understands; make it when asked to.

        Raises:
            NotFound: There is no home, and none shall be made.
            Invalid: It is not a home, or a later release made it.
        """
        marker = self.folder / "home.json"
        if not marker.exists():
            if not create:
                raise NotFound(
                    f"There is no home at {self.folder}.", remedy="Make one: modelwright init, or give --home."
                )
            self._make(marker)
        try:
            found = msgspec.json.decode(marker.read_bytes(), type=HomeFile)
        except msgspec.DecodeError as error:
            raise Invalid(f"{marker} is not a home's marker: {error}.", remedy="Restore it from a backup.") from error
        if found.format > FORMAT:
            raise Invalid(
                f"{self.folder} has form {found.format}; this release knows {FORMAT}.", remedy="Upgrade modelwright."
            )
        return self

    def _make(self, marker: Path) -> None:
        """The marker first: whoever dies in the middle, or comes at the same time, finds a home or an empty folder."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        others = [place.name for place in self.folder.iterdir() if not _BEGUN.fullmatch(place.name)]
        if others and not marker.exists():
            raise Invalid(f"{self.folder} is not empty and not a home.", remedy="Choose an empty or a new folder.")
        self.folder.chmod(0o700)
        written = self.folder / f"home.{new_id()}.tmp"
        with written.open("xb") as file:
            file.write(msgspec.json.encode(HomeFile(format=FORMAT)))
            file.flush()
            os.fsync(file.fileno())
        written.replace(marker)
        for place in (self.log, self.serving):
            place.mkdir(exist_ok=True)
        for place in (self.folder, self.folder.parent):
            sync_folder(place)


def meant(folder: Path) -> Path:
    """The home that a folder means: itself, or the one inside when a project's folder was given."""
    inside = folder / FOLDER
    return inside if folder.name != FOLDER and (inside / "home.json").exists() else folder


def nearest(start: Path) -> Path | None:
    """The home in this folder or the next one upward."""
    for folder in (start, *start.parents):
        if (folder / FOLDER / "home.json").exists():
            return folder / FOLDER
    return None
