"""The files that ``modelwright init`` writes, and where the example project lies."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from msgspec import Struct

from modelwright.app.home import FOLDER, Home
from modelwright.app.project import filled
from modelwright.core.errors import Invalid, NotFound

_FILES = ("modelwright.toml", "charter.yaml", "policy.yaml", "data.py", "train.py", "tests/test_train.py")


class Written(Struct, frozen=True, kw_only=True):
    """What ``init`` did: files it wrote, and files that were there and stayed as they were."""

    home: str
    files: tuple[str, ...]
    kept: tuple[str, ...]


def write(folder: Path) -> Written:
    """Write the project's files and make its home, without touching what is there.

    Args:
        folder: The project's folder, whose name becomes the project's.

    Raises:
        Invalid: It is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise Invalid(f"{folder} is a file.", remedy="Name a folder; it is made when it is not there.")
    folder.mkdir(parents=True, exist_ok=True)
    home = Home(folder / FOLDER).open(create=True)
    template = files(__package__) / "project"
    fresh, kept = [], []
    for name in _FILES:
        target = folder / name
        if target.exists():
            kept.append(name)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (template / (name + ".txt")).read_text()
        target.write_text(filled(text, file=name, project=folder.resolve().name, records=home.records))
        fresh.append(name)
    return Written(home=str(home.folder), files=tuple(fresh), kept=tuple(kept))


def flights() -> Path:
    """The folder of the flights example, in the installed package or in a checkout.

    Raises:
        NotFound: Neither has it.
    """
    package = Path(str(files("modelwright")))
    for place in (package / "examples" / "flights", package.parents[1] / "examples" / "flights"):
        if (place / "demo.py").exists():
            return place
    raise NotFound("The flights example is not installed.", remedy="Clone the project and type `make demo`.")
