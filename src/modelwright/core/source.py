"""Code and surroundings as they are: the project's folder, its source as a snapshot, its commit, the environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import cache
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath
from typing import Protocol

from msgspec import Struct

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.core.operation import Upload

_SOURCE_SUFFIXES = {".py", ".sql", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".ipynb", ".r", ".sh"}
_MOST_FILES = 1000
_MOST_COMMITS = 1000
_LARGEST_FILE = 1 << 20
_MARKERS = ("modelwright.toml", "pyproject.toml", "setup.py", ".git")


class SourceFile(Struct, frozen=True, kw_only=True):
    """One file of a source snapshot."""

    path: str
    digest: str
    size: int


class SourceSnapshot(Struct, frozen=True, kw_only=True):
    """The project's code as it was: its canonical JSON is a blob, and the blob's digest is the snapshot's name."""

    format: int = 1
    files: tuple[SourceFile, ...]


class Commit(Struct, frozen=True):
    """A commit that touched the project's folder.

    Attributes:
        id: Its hash.
        author: SHA-256 of its author's mail address in small letters: addresses do not leave the machine.
    """

    id: str
    author: str


class History(Struct, frozen=True, kw_only=True):
    """The project's newest commits, newest first: its canonical JSON is a blob."""

    format: int = 1
    commits: tuple[Commit, ...]


class Sender(Protocol):
    """Takes bytes; the part of a ``Caller`` that a snapshot needs."""

    def upload(self, source: bytes) -> Upload:
        """Send bytes ahead."""
        ...


def project_root(script: Path | None) -> Path:
    """The folder of the project that the script belongs to: the nearest one with a project's marker.

    Args:
        script: The running script; without one, the working directory counts.
    """
    start = script.parent if script else Path.cwd()
    for folder in (start, *start.parents):
        if any((folder / marker).exists() for marker in _MARKERS):
            return folder
    return start


@cache
def installed() -> str:
    """The environment lock: every installed distribution as ``name==version``, sorted, one a line."""
    found = {f"{item.name.lower()}=={item.version}" for item in distributions() if item.name}
    return "\n".join(sorted(found)) + "\n"


def git(folder: Path, *arguments: str) -> str | None:
    """What git says about a folder; none where it says nothing, or there is no git."""
    said = git_output(folder, *arguments)
    return None if said is None else said.decode(errors="replace").strip() or None


def git_output(folder: Path, *arguments: str) -> bytes | None:
    """What git writes, byte for byte: a diff that lost its last white space cannot be applied."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=10)  # noqa: S603  # fixed words
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def author_of(address: str) -> str:
    """A mail address as a history has it."""
    return wire.sha256(address.strip().lower().encode())


def history(root: Path, sender: Sender) -> str | None:
    """Send who committed to a project's folder, and answer the history's digest; none where there is no git.

    Args:
        root: The project's folder.
        sender: Takes the history.
    """
    said = git(root, "log", f"--max-count={_MOST_COMMITS}", "--format=%H %aE", "--", ".")
    if said is None:
        return None
    lines = (line.partition(" ") for line in said.splitlines())
    commits = tuple(Commit(commit, author_of(address)) for commit, _, address in lines)
    return sender.upload(wire.canonical(History(commits=commits))).digest


def snapshot(root: Path, sender: Sender) -> str:
    """Send a project's code and answer its snapshot's digest.

    Args:
        root: The project's folder.
        sender: Takes the files and the snapshot.
    """
    files = []
    for path in _sources(root):
        sent = sender.upload(path.read_bytes())
        files.append(SourceFile(path=path.relative_to(root).as_posix(), digest=sent.digest, size=sent.size))
    return sender.upload(wire.canonical(SourceSnapshot(files=tuple(files)))).digest


def unpack(digest: str, read: Callable[[str], bytes], folder: Path) -> None:
    """Write a snapshot's files below a folder.

    Args:
        digest: The snapshot's.
        read: Gives stored bytes by their digest.
        folder: An empty folder.

    Raises:
        Invalid: A path in it leads out of the folder.
    """
    found = wire.decode(read(digest), SourceSnapshot)
    for file in found.files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in file.path:
            raise Invalid(f"The source snapshot {digest[:12]}… holds {file.path[:80]!r}, which is no path inside it.")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read(file.digest))


def _sources(root: Path) -> list[Path]:
    listed = git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z", ".")
    if listed is not None:
        found = [root / name for name in listed.split("\0") if name]
    else:
        found = [
            Path(folder) / name for folder, folders, names in os.walk(root) for name in names if not _hidden(folders)
        ]
    kept = [
        path
        for path in found
        if path.suffix in _SOURCE_SUFFIXES and path.is_file() and path.stat().st_size <= _LARGEST_FILE
    ]
    return sorted(set(kept))[:_MOST_FILES]  # git names a file in conflict once per side


def _hidden(folders: list[str]) -> bool:
    folders[:] = [name for name in folders if not name.startswith(".") and name not in ("__pycache__", "node_modules")]
    return False
