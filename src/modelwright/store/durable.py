"""Bytes and names that survive a power cut; and the rule that a disk which forgot once is not asked again.

After a failed sync the system drops the bytes that it could not write, and calls the next sync a success: asking again
proves nothing (https://wiki.postgresql.org/wiki/Fsync_Errors). What failed was not acknowledged; from then on this
process writes nothing more, until somebody has looked at the disk and started it again. A full disk is no such
failure: it is said, and is over when there is space.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from modelwright.core.errors import Unavailable

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the system says when there is no space."""


class _Known:
    """What this process knows of its disk."""

    problem = ""


def sync_file(descriptor: int) -> None:
    """Make a file's bytes and size survive a power cut.

    Raises:
        Unavailable: They do not; this process writes nothing more.
        OSError: There is no space.
    """
    _remembering(os.fsync, descriptor)


def sync_bytes(descriptor: int) -> None:
    """What ``sync_file`` does, without the times of the file."""
    _remembering(getattr(os, "fdatasync", os.fsync), descriptor)  # macOS has no fdatasync


def sync_folder(folder: Path) -> None:
    """Make what was added to a folder, or renamed inside it, survive a power cut; raises as ``sync_file``."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _remembering(os.fsync, descriptor)
    finally:
        os.close(descriptor)


def _remembering(sync: Callable[[int], None], descriptor: int) -> None:
    require_disk()
    try:
        sync(descriptor)
    except OSError as error:
        if error.errno in FULL:
            raise
        _Known.problem = os.strerror(error.errno or errno.EIO)
        raise _failed() from error


def require_disk() -> None:
    """Pass silently unless a sync of this process has failed.

    Raises:
        Unavailable: One has.
    """
    if _Known.problem:
        raise _failed()


def problem() -> str:
    """Why this process writes nothing more; empty while it does."""
    return _Known.problem


def _failed() -> Unavailable:
    return Unavailable(
        f"The disk did not keep what was written ({_Known.problem}), so nothing more is written.",
        remedy="Check the disk, then restart modelwright; what was acknowledged before is kept.",
    )


def full(place: Path, undone: str) -> Unavailable:
    """The error to raise when there is no space.

    Args:
        place: Where it was to be written.
        undone: What did not happen.
    """
    usage = shutil.disk_usage(next(one for one in (place, *place.parents) if one.exists()))
    return Unavailable(
        f"The disk is full ({usage.free >> 10} of {usage.total >> 10} KiB are free): {undone}.",
        remedy="Free space, then try again; nothing has to be restarted.",
    )
