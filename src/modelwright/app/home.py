"""The home: the folder that holds everything, and how it is found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from modelwright.app.project import records_of
from modelwright.core.errors import Invalid, NotFound
from modelwright.core.ids import new_id
from modelwright.core.settings import RECORDS
from modelwright.store.address import Address
from modelwright.store.durable import sync_file, sync_folder

FOLDER = ".modelwright"
FORMAT = 2
_BEGUN = re.compile(r"home\.(?:[0-9a-f]{32}\.)?tmp")


class HomeFile(msgspec.Struct, frozen=True, kw_only=True):
    """``home.json``: which form the folder has.

    Attributes:
        format: The form.
        id: Whose records its database holds; empty in form 1.
        records: Where they are: in the folder, or on a PostgreSQL server, whose address is a setting.
    """

    format: int
    id: str = ""
    records: Literal["sqlite", "postgresql"] = "sqlite"


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
        self.claimed = self.folder / "claimed"  # there once its database knows whose it is
        self._opened: tuple[HomeFile, Address | None] | None = None

    @property
    def id(self) -> str:
        """Which home it is, once it has been opened; empty where it was made before homes had ids."""
        return self._known[0].id

    @property
    def records(self) -> Address | None:
        """The PostgreSQL database that keeps its records, once it has been opened; none where ``control`` does."""
        return self._known[1]

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process that shall open this home must see."""
        return {} if self.records is None else {RECORDS.name: self.records.reveal()}

    @property
    def _known(self) -> tuple[HomeFile, Address | None]:
        if self._opened is None:
            raise TypeError("The home has not been opened.")
        return self._opened

    def open(self, *, create: bool) -> Home:
        """Check that the folder is a home that this release understands; make it when asked to.

        Raises:
            NotFound: There is no home, and none shall be made.
            Invalid: It is not a home, or a later release made it, or its records are not where the settings say.
        """
        marker = self.folder / "home.json"
        said = RECORDS.value or records_of(self.folder)
        address = Address(said) if said else None
        if not marker.exists():
            if not create:
                raise NotFound(
                    f"There is no home at {self.folder}.", remedy="Make one: modelwright init, or give --home."
                )
            self._make(marker, address)
        try:
            found = msgspec.json.decode(marker.read_bytes(), type=HomeFile)
        except msgspec.DecodeError as error:
            raise Invalid(f"{marker} is not a home's marker: {error}.", remedy="Restore it from a backup.") from error
        if found.format > FORMAT:
            raise Invalid(
                f"{self.folder} has form {found.format}; this release knows {FORMAT}.", remedy="Upgrade modelwright."
            )
        if (found.records == "postgresql") != (address is not None):
            raise self._elsewhere(address)
        self._opened = found, address
        return self

    def _elsewhere(self, address: Address | None) -> Invalid:
        if address is None:
            return Invalid(
                f"The records of {self.folder} are on PostgreSQL, and nothing says where.",
                remedy=f"Set {RECORDS.name}, or records in modelwright.toml, to postgresql://user@host:5432/database.",
            )
        return Invalid(
            f"The records of {self.folder} are on SQLite, in the folder itself, not on {address}.",
            remedy=f"Unset {RECORDS.name}, and records in modelwright.toml, or make another home.",
        )

    def _make(self, marker: Path, address: Address | None) -> None:
        """The marker first: whoever dies in the middle, or comes at the same time, finds a home or an empty folder."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        others = [place.name for place in self.folder.iterdir() if not _BEGUN.fullmatch(place.name)]
        if others and not marker.exists():
            raise Invalid(f"{self.folder} is not empty and not a home.", remedy="Choose an empty or a new folder.")
        self.folder.chmod(0o700)
        written = self.folder / f"home.{new_id()}.tmp"
        with written.open("xb") as file:
            records: Literal["sqlite", "postgresql"] = "sqlite" if address is None else "postgresql"
            file.write(msgspec.json.encode(HomeFile(format=FORMAT, id=new_id(), records=records)))
            file.flush()
            sync_file(file.fileno())
        with suppress(FileExistsError):  # somebody else was first: then its id is the home's
            marker.hardlink_to(written)
        written.unlink()
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
