"""Checkpoints kept outside the home: a file that only grows, and annotated tags of a git repository.

Whoever holds the home's key can sign another history; only what lies where they cannot write shows it.
"""

from __future__ import annotations

import codecs
import errno
import fcntl
import os
import re
import subprocess
from collections.abc import Sequence
from io import RawIOBase
from pathlib import Path

from modelwright.core.errors import Conflict, Invalid, NotFound, Unavailable
from modelwright.ledger.checkpoint import FAMILY, claimed
from modelwright.store.durable import sync_file, sync_folder

_NOTE = re.compile(r"[^\n]+\n(?:0|[1-9][0-9]*)\n[A-Za-z0-9+/]{43}=\n\n(?:— [^\n]+\n)+")
_TORN = re.compile(r"[^\n]*(?:\n[0-9]*(?:\n[A-Za-z0-9+/=]*(?:\n(?:\n(?:—(?: [^\n]*)?)?)?)?)?)?")
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_GIT_SECONDS = 60


def checkpoints(text: str, *, of: str) -> list[str]:
    """The checkpoints in a text that holds nothing else, one after another.

    The beginning of one at the text's end is passed over: a power cut came while it was written.

    Args:
        text: What was kept.
        of: What to call it.

    Raises:
        Invalid: Something in it is no checkpoint.
    """
    return _whole(text, of)[0]


def in_file(path: Path, *, of: str = "") -> list[str]:
    """The checkpoints of a file; none where it is not there yet.

    Args:
        path: The file.
        of: What to call it; by default its path.

    Raises:
        Invalid: Something in it is no checkpoint.
    """
    if not path.exists():
        return []
    of = of or str(path)
    return checkpoints(_text(path.read_bytes(), of), of=of)


def kept(source: str) -> list[str]:
    """The checkpoints of a file, or of ``git:TAG`` in the repository of this folder.

    Raises:
        NotFound: There is no such file or tag.
        Invalid: It holds none, or something else.
    """
    path = Path(source)
    if source.startswith("git:"):
        found = checkpoints(_tagged(source.removeprefix("git:")), of=source)
    elif path.is_file():
        found = in_file(path)
    else:
        raise NotFound(f"There is no file {source}.", remedy="Name a file of checkpoints, or git:TAG.")
    if not found:
        raise Invalid(
            f"There is no checkpoint in {source}.", remedy="Write one: modelwright ledger checkpoint --out FILE"
        )
    return found


def newest(notes: Sequence[str]) -> str:
    """The checkpoint over the most entries."""
    return max(notes, key=lambda note: claimed(note)[1].size)


def append(path: Path, checkpoint: str) -> None:
    """Write a checkpoint behind those in a file, durably: all of it is there afterwards, or nothing.

    Args:
        path: The file; made when it is not there.
        checkpoint: A signed note.

    Raises:
        NotFound: Its folder is not there.
        Invalid: The file holds something that is no checkpoint.
    """
    if not path.parent.is_dir():
        raise NotFound(f"There is no folder {path.parent}.", remedy="Make it first.")
    with path.open("a+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        content = file.readall()
        text = _text(content, str(path))
        end = len(text[: _whole(text, str(path))[1]].encode())
        if end < len(content):
            file.truncate(end)  # the beginning of a checkpoint that nobody was told of
        written = (b"\n" if end else b"") + checkpoint.encode()
        try:
            _write(file, written)
        except (OSError, Unavailable):
            file.truncate(end)
            raise
    sync_folder(path.parent)


def tag(prefix: str, size: int, checkpoint: str) -> str:
    """Make an annotated tag whose message is the checkpoint, in the repository of this folder.

    Args:
        prefix: The tag's name is this, a hyphen, and the size.
        size: Entries of the checkpoint.
        checkpoint: A signed note.

    Returns:
        The tag's name.

    Raises:
        Conflict: The tag is there already.
        Unavailable: git makes none; what it says.
    """
    name = _checked(f"{prefix}-{size}")
    if _git("rev-parse", "--quiet", "--verify", f"refs/tags/{name}").returncode == 0:
        raise Conflict(
            f"There is a tag {name} already.", remedy="Choose another prefix, or push the one that is there."
        )
    done = _git("tag", "--annotate", "--cleanup=verbatim", "--file=-", name, given=checkpoint)
    if done.returncode != 0:
        raise Unavailable(f"git makes no tag {name}: {_said(done)}", remedy="Do it inside a repository with a commit.")
    return name


def _tagged(name: str) -> str:
    done = _git("cat-file", "tag", f"refs/tags/{_checked(name)}")
    if done.returncode != 0:
        raise NotFound(f"git has no annotated tag {name}: {_said(done)}", remedy="List them: git tag")
    message = done.stdout.partition("\n\n")[2]
    return message.partition("-----BEGIN ")[0]  # a signature of git's own stands behind the message


def _checked(name: str) -> str:
    if not _TAG.fullmatch(name):
        raise Invalid(f"{name[:80]!r} cannot be a tag: letters, digits, . _ / - and no hyphen first.")
    return name


def _git(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603  # fixed words and a checked name
            ["git", *arguments],  # noqa: S607  # the user's own git
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=_GIT_SECONDS,
        )
    except FileNotFoundError:
        raise Unavailable("There is no git here.", remedy="Install git, or anchor to a file.") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"git did not answer within {_GIT_SECONDS} s.") from None


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip().splitlines() or ["nothing"])[-1]


def _write(file: RawIOBase, content: bytes) -> None:
    if file.write(content) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    sync_file(file.fileno())


def _whole(text: str, of: str) -> tuple[list[str], int]:
    """The whole checkpoints of a text, and where the last one ends."""
    found, place, end = [], 0, 0
    while match := _NOTE.match(text, place):
        found.append(match[0])
        end = match.end()
        place = end + 1 if text.startswith("\n", end) else end
    rest = text[place:]
    torn = rest.startswith(FAMILY) or FAMILY.startswith(rest)
    if not (torn and _TORN.fullmatch(rest)):
        line = text.count("\n", 0, place) + 1
        raise Invalid(
            f"Line {line} of {of} is no checkpoint.",
            remedy="Keep checkpoints in a file of their own: `modelwright ledger anchor --file FILE` makes it.",
        )
    return found, end


def _text(content: bytes, of: str) -> str:
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(content)  # the end may be the half of a character
    except UnicodeDecodeError:
        raise Invalid(
            f"{of} is no text.",
            remedy="Keep checkpoints in a file of their own: `modelwright ledger anchor --file FILE` makes it.",
        ) from None
