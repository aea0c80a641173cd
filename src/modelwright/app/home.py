"""The home: the folder that holds everything, and how it is found."""

from __future__ import annotations

from pathlib import Path

import msgspec

from modelwright.core.errors import Invalid, NotFound

FOLDER = ".modelwright"
FORMAT = 1


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
        self.blobs = self.folder / "blobs"
        self.log = self.folder / "log"
        self.serving = self.folder / "serving"
        self.keys = self.folder / "keys"

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
            if self.folder.exists() and any(self.folder.iterdir()):
                raise Invalid(f"{self.folder} is not empty and not a home.", remedy="Choose an empty or a new folder.")
            for place in (self.folder, self.log, self.serving):
                place.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            written = marker.with_suffix(".tmp")
            written.write_bytes(msgspec.json.encode(HomeFile(format=FORMAT)))
            written.replace(marker)
        try:
            found = msgspec.json.decode(marker.read_bytes(), type=HomeFile)
        except msgspec.DecodeError as error:
            raise Invalid(f"{marker} is not a home's marker: {error}.", remedy="Restore it from a backup.") from error
        if found.format > FORMAT:
            raise Invalid(
                f"{self.folder} has form {found.format}; this release knows {FORMAT}.", remedy="Upgrade modelwright."
            )
        return self


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
