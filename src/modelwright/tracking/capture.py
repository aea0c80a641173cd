"""What a run is made of: code, environment, machine. Everything here is found, nothing is asked."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct

from modelwright.core import wire
from modelwright.core.operation import Caller
from modelwright.tracking.model import Capture

_SOURCE_SUFFIXES = {".py", ".sql", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".ipynb", ".r", ".sh"}
_MOST_FILES = 1000
_LARGEST_FILE = 1 << 20
_LARGEST_DIFF = 16 << 20
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


def capture(caller: Caller, *, seeds: dict[str, int]) -> Capture:
    """Find out what is running and send it ahead.

    Args:
        caller: Takes the source files, the uncommitted diff and the lock.
        seeds: Seeds that were set, by generator.
    """
    script = _script()
    root = project_root(script)
    diff = _output(root, "diff", "HEAD", "--no-color", "--no-ext-diff")
    return Capture(
        commit=_git(root, "rev-parse", "HEAD"),
        branch=_git(root, "rev-parse", "--abbrev-ref", "HEAD"),
        remote=_without_credentials(_git(root, "config", "--get", "remote.origin.url")),
        diff=caller.upload(diff[:_LARGEST_DIFF]).digest if diff else None,
        source=_snapshot(root, caller),
        entry_point=script.relative_to(root).as_posix() if script and script.is_relative_to(root) else None,
        arguments=tuple(sys.argv[1:50]),
        environment=caller.upload(installed().encode()).digest,
        python=sys.version.split()[0],
        seeds=seeds,
        hardware=_hardware(),
    )


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


def _script() -> Path | None:
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    return Path(file).resolve() if file else None


def _git(folder: Path, *arguments: str) -> str | None:
    said = _output(folder, *arguments)
    return None if said is None else said.decode(errors="replace").strip() or None


def _output(folder: Path, *arguments: str) -> bytes | None:
    """What git writes, byte for byte: a diff that lost its last white space cannot be applied."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=10)  # noqa: S603  # fixed words
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _without_credentials(url: str | None) -> str | None:
    if url is None or "://" not in url:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:  # no address, so nobody can say where its credentials are
        return None
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def _snapshot(root: Path, caller: Caller) -> str:
    files = []
    for path in _sources(root):
        sent = caller.upload(path.read_bytes())
        files.append(SourceFile(path=path.relative_to(root).as_posix(), digest=sent.digest, size=sent.size))
    return caller.upload(wire.canonical(SourceSnapshot(files=tuple(files)))).digest


def _sources(root: Path) -> list[Path]:
    listed = _git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z", ".")
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


def _hardware() -> dict[str, str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": str(os.cpu_count() or 1),
        "memory_gib": f"{memory:.1f}",
    }
