"""What a run is made of: code, environment, machine. Everything here is found, nothing is asked."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from modelwright.core.operation import Caller
from modelwright.core.source import git, git_output, history, installed, project_root, snapshot
from modelwright.tracking.model import Capture

_LARGEST_DIFF = 16 << 20
_OURS = Path(__file__).resolve().parents[1]


def capture(caller: Caller, *, seeds: dict[str, int]) -> Capture:
    """Find out what is running and send it ahead.

    Args:
        caller: Takes the source files, the uncommitted diff and the lock.
        seeds: Seeds that were set, by generator.
    """
    script = _script()
    root = project_root(script)
    diff = git_output(root, "diff", "HEAD", "--no-color", "--no-ext-diff")
    return Capture(
        commit=git(root, "rev-parse", "HEAD"),
        branch=git(root, "rev-parse", "--abbrev-ref", "HEAD"),
        remote=_without_credentials(git(root, "config", "--get", "remote.origin.url")),
        history=history(root, caller),
        diff=caller.upload(diff[:_LARGEST_DIFF]).digest if diff else None,
        source=snapshot(root, caller),
        entry_point=script.relative_to(root).as_posix() if script and script.is_relative_to(root) else None,
        arguments=tuple(sys.argv[1:50]),
        environment=caller.upload(installed().encode()).digest,
        python=sys.version.split()[0],
        seeds=seeds,
        hardware=_hardware(),
    )


def _script() -> Path | None:
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    script = Path(file).resolve() if file else None
    return None if script is None or script.is_relative_to(_OURS) else script  # a step's code is where it works


def _without_credentials(url: str | None) -> str | None:
    if url is None or "://" not in url:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:  # no address, so nobody can say where its credentials are
        return None
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def _hardware() -> dict[str, str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": str(os.cpu_count() or 1),
        "memory_gib": f"{memory:.1f}",
    }
