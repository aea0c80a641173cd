"""Faults, made on purpose: a process killed at work, a disk that is full."""

from __future__ import annotations

import os
import resource
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def killed(work: Callable[[Callable[[], None]], None]) -> None:
    """Do work in a child process that is killed (SIGKILL) when the work calls what it is given.

    Args:
        work: Takes the fatal call. It must open what it uses itself.
    """
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # from Python 3.12 on: fork beside threads; the child is brief
        child = os.fork()
    if child == 0:
        try:
            work(lambda: os.kill(os.getpid(), signal.SIGKILL))
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        raise AssertionError("The work ended by itself before it was killed.")


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """While inside, no file of this process grows beyond ``most`` bytes: writing fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def flip(path: Path, position: int | None = None) -> None:
    """Alter one bit of a file, in its middle unless told otherwise, whatever its permissions."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if position is None else position] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
