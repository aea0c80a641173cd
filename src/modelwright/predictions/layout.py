"""Where an endpoint's segments stand: a folder for each kind, such as ``log/<endpoint>/predictions/``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.core.ids import Name
from modelwright.predictions.model import Kind

DEFAULT_PROJECT = "default"


def segment_folder(log: Path, endpoint: Name, kind: Kind, *, project: Name = DEFAULT_PROJECT) -> Path:
    """The folder of one kind of segments.

    A project other than the default has ``log/@<project>/<endpoint>/…``; no name begins with ``@``, so they never meet.

    Args:
        log: ``log/`` of the home.
        endpoint: Who answers.
        kind: Predictions, labels or shadows.
        project: Whose endpoint.

    Raises:
        Invalid: The endpoint or the project is not a name. So no path leaves the log.

    Example:
        >>> segment_folder(Path("log"), "delays", Kind.LABELS).as_posix()
        'log/delays/labels'
    """
    return _project_folder(log, project) / wire.convert(endpoint, Name) / kind


def segments_in(folder: Path) -> list[Path]:
    """The segments of a folder, by writer and number."""
    return sorted(folder.glob("*.seg"))


def endpoints_in(log: Path, project: Name) -> list[str]:
    """The endpoints that have a folder."""
    folder = _project_folder(log, project)
    return sorted(place.name for place in folder.iterdir() if _is_name(place.name)) if folder.is_dir() else []


def projects_in(log: Path) -> Iterator[str]:
    """The projects that may have segments."""
    yield DEFAULT_PROJECT
    if log.is_dir():
        yield from sorted(
            place.name[1:] for place in log.iterdir() if place.name.startswith("@") and _is_name(place.name[1:])
        )


def _project_folder(log: Path, project: Name) -> Path:
    name = wire.convert(project, Name)
    return log if name == DEFAULT_PROJECT else log / f"@{name}"


def _is_name(text: str) -> bool:
    try:
        wire.convert(text, Name)
    except Invalid:
        return False
    return True
