"""Segments: append-only files of CRC-framed payloads. What has been appended outlives the process that appended it.

A segment is ``<writer>-<n>.seg``. Its writer holds an exclusive ``flock`` on it from before it can be seen until it is
never written again; the kernel lets go when the process dies. So "may this be shipped?" is answered by the lock alone,
and nothing needs repair after ``kill -9``.

File:  8 bytes magic and format version, then frames.
Frame: ``u32 length, u32 crc32(payload), u32 crc32(the first eight bytes)``, little-endian, then the payload.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from zlib import crc32

from modelwright.core import wire
from modelwright.core.errors import Corrupted, Invalid, Unavailable
from modelwright.core.ids import Name, new_id
from modelwright.store.durable import FULL, full, require_disk, sync_bytes, sync_folder

MAGIC = b"MWSEGM\x00\x01"
MAX_PAYLOAD = 1 << 28
_HEADER = struct.Struct("<III")
_FIRST = struct.Struct("<II")


class Disk:
    """What segments ask of the operating system: the seam at which tests inject faults."""

    def write(self, descriptor: int, data: bytes) -> int:
        """Append some of the data, at least one byte; answers how many."""
        return os.write(descriptor, data)

    def datasync(self, descriptor: int) -> None:
        """Make a file's bytes survive a power cut."""
        sync_bytes(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """Make a folder's entries survive a power cut."""
        sync_folder(folder)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file back."""
        os.ftruncate(descriptor, size)

    def unlink(self, path: Path) -> None:
        """Remove a file; one that is gone already is fine."""
        path.unlink(missing_ok=True)


DISK = Disk()

_SYNC_SECONDS = 0.1
_QUIET_SECONDS = 5.0
_QUIET_GAPS = 10
"""A segment is quiet when nothing came for five seconds, and for ten times the usual time between its appends: what is
over can be shipped, and a slow but steady stream still fills one segment instead of making a part of each request."""


def framed(payload: bytes) -> bytes:
    """A payload with the header that lets a reader check it.

    Raises:
        Invalid: It is larger than ``MAX_PAYLOAD``.
    """
    if len(payload) > MAX_PAYLOAD:
        raise Invalid(f"{len(payload)} bytes are too many for one record.", remedy="Send fewer rows at a time.")
    first = _FIRST.pack(len(payload), crc32(payload))
    return first + crc32(first).to_bytes(4, "little") + payload


class _Open:
    """The segment being written."""

    def __init__(self, folder: Path, name: str, disk: Disk, *, dirty: bool) -> None:
        # Locked before it gets the name that a shipper looks for: one that it sees unlocked has no writer any more.
        self.folder = folder
        fresh = folder / f"{name}.new"
        self.descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write_all(disk, self.descriptor, MAGIC)
            fresh.rename(folder / f"{name}.seg")
        except BaseException:
            os.close(self.descriptor)
            with suppress(OSError):
                fresh.unlink()
            raise
        self.size = len(MAGIC)
        self.appends = 0
        self.opened = self.last = time.monotonic()
        self.dirty = dirty
        self.entry_synced = False

    def ends_at(self, max_age: float) -> float:
        """When it is to be closed if nothing more comes, on the monotonic clock."""
        old = self.opened + max_age
        if self.appends < 2:
            return old
        gap = (self.last - self.opened) / (self.appends - 1)
        return min(old, self.last + max(_QUIET_SECONDS, _QUIET_GAPS * gap))


class SegmentWriter:
    """Appends payloads to segments of its own.

    Law: ``append`` returns after the whole frame went to the operating system, so the death of this process loses
    nothing that was acknowledged; a power cut loses at most the last tenth of a second, and with ``strict``
    nothing. After the first failed sync it refuses for good: what a disk forgot once is not asked again. A full disk
    forgets nothing: what did not fit is cut off, and when there is space it goes on in a fresh segment. Threads may
    share it; a forked child may not.

    Args:
        folder: Made when it is not there.
        writer: Who writes; part of the file names. An identifier of this very object is added, so that no name is ever
            used twice, whatever the caller gives.
        max_bytes: A segment that would grow larger is closed. Raise it for fewer, larger Parquet parts.
        max_age_seconds: A segment is closed at this age, and sooner when what came has stopped coming. Lower it to ship
            sooner.
        strict: Sync before each ``append`` returns.
        disk: The operating system.
    """

    def __init__(
        self,
        folder: Path,
        writer: Name,
        *,
        max_bytes: int = 16 << 20,
        max_age_seconds: float = 300.0,
        strict: bool = False,
        disk: Disk = DISK,
    ) -> None:
        self._folder = folder
        self._writer = f"{wire.convert(writer, Name)}-{new_id()}"
        self._max_bytes = max_bytes
        self._max_age = max_age_seconds
        self._strict = strict
        self._disk = disk
        self._number = 0
        self._process = os.getpid()
        self._turn = threading.Condition()
        self._open: _Open | None = None
        self._retired: list[_Open] = []
        self._keeper: threading.Thread | None = None
        self._refusal = ""

    def append(self, *payloads: bytes) -> None:
        """Write one frame for each payload; when this returns they are acknowledged.

        Raises:
            Unavailable: They could not be written, or earlier ones could not. They may or may not be read later.
        """
        frame = b"".join(map(framed, payloads))
        with self._turn:
            if self._refusal or os.getpid() != self._process:
                raise self._unavailable(self._refusal or "it was opened by another process")
            require_disk()
            try:
                segment = self._segment_for(len(frame))
                self._write(segment, frame)
                if self._strict:
                    self._sync(segment)
                    if segment.appends == 2:
                        self._turn.notify()  # from now on the keeper knows when it is quiet
                elif not segment.dirty:
                    segment.dirty = True  # the keeper sleeps until told; otherwise it will look again by itself
                    self._turn.notify()
            except (OSError, RuntimeError, Unavailable) as error:  # RuntimeError: no thread could be started to sync it
                self._retire()
                self._turn.notify()
                if isinstance(error, OSError) and error.errno in FULL:
                    raise full(self._folder, f"{self._name} took no more records") from error
                self._refusal = _reason(error)
                raise self._unavailable(self._refusal) from error

    def close(self) -> None:
        """Sync and let go; a later ``append`` is refused. A second call does nothing."""
        if os.getpid() != self._process:
            return
        with self._turn:
            self._refusal = self._refusal or "it is closed"
            self._retire()
            self._turn.notify()
            keeper = self._keeper
        if keeper is not None:
            keeper.join()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close."""
        self.close()

    @property
    def _name(self) -> str:
        return f"The log {self._folder.parent.name}/{self._folder.name}"

    def _unavailable(self, reason: str) -> Unavailable:
        return Unavailable(
            f"{self._name} takes no more records: {reason}.", remedy="Check the disk, then restart modelwright."
        )

    def _segment_for(self, size: int) -> _Open:
        segment = self._open
        if segment is not None and (self._is_old(segment) or segment.size + size > self._max_bytes):
            self._retire()
            segment = None
        if segment is None:
            self._make_folder()
            segment = self._open = _Open(
                self._folder, f"{self._writer}-{self._number}", self._disk, dirty=not self._strict
            )
            self._number += 1
            if self._keeper is None:
                keeper = threading.Thread(target=self._keep, name="segment-keeper", daemon=True)
                keeper.start()
                self._keeper = keeper
        return segment

    def _make_folder(self) -> None:
        missing = [place for place in (self._folder, *self._folder.parents) if not place.exists()]
        self._folder.mkdir(parents=True, exist_ok=True)
        for place in missing:
            self._disk.sync_folder(place.parent)

    def _write(self, segment: _Open, frame: bytes) -> None:
        try:
            _write_all(self._disk, segment.descriptor, frame)
        except OSError:
            # A frame cut short at the end is read as never written, so failing to cut it off harms nobody.
            with suppress(OSError):
                self._disk.truncate(segment.descriptor, segment.size)
            raise
        segment.size += len(frame)
        segment.appends += 1
        segment.last = time.monotonic()

    def _sync(self, segment: _Open) -> None:
        # One thread alone: the system reports a lost write once, to whoever asks first. With strict that is append.
        segment.dirty = False  # before the call: a frame that arrives meanwhile makes it dirty again
        self._disk.datasync(segment.descriptor)
        if not segment.entry_synced:
            self._disk.sync_folder(segment.folder)
            segment.entry_synced = True

    def _is_old(self, segment: _Open) -> bool:
        return time.monotonic() >= segment.ends_at(self._max_age)

    def _retire(self) -> None:
        """Take no more frames into the open segment; the keeper syncs it, then lets go of its lock."""
        if self._open is not None:
            self._retired.append(self._open)
            self._open = None

    def _keep(self) -> None:
        """In the background: sync what was written, close what is old. Ends with the last segment."""
        while True:
            with self._turn:
                segment = self._open
                if segment is not None and not self._retired:
                    left = max(segment.ends_at(self._max_age) - time.monotonic(), 0.0)
                    was_dirty = segment.dirty
                    # Half of the promised time gathers frames, the other half is for the disk.
                    self._turn.wait(min(left, _SYNC_SECONDS / 2) if was_dirty else left)
                    if self._open is segment and self._is_old(segment):
                        self._retire()
                    elif not was_dirty:
                        continue
                retired, self._retired = self._retired, []
                segment = self._open
                if segment is None and not retired:
                    self._keeper = None
                    return
            self._settle(segment, retired)

    def _settle(self, segment: _Open | None, retired: list[_Open]) -> None:
        # Only this thread closes descriptors, so none can be closed under a running sync.
        try:
            for old in retired:
                if old.dirty:
                    self._sync(old)
            if segment is not None and segment.dirty:
                self._sync(segment)
        except (OSError, Unavailable) as error:
            with self._turn:
                self._refusal = self._refusal or _reason(error)
                self._retire()
        finally:
            for old in retired:
                os.close(old.descriptor)


def _reason(error: Exception) -> str:
    return str(error.__cause__ or error)


def _write_all(disk: Disk, descriptor: int, data: bytes) -> None:
    written = disk.write(descriptor, data)
    while written < len(data):  # hardly ever: a signal or a nearly full disk cuts a write short
        written += disk.write(descriptor, data[written:])


def has_writer(path: Path) -> bool:
    """Whether a living process may still append to this segment. Once it is false it stays false."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def frames(path: Path) -> Iterator[tuple[int, bytes]]:
    """The offset and payload of each complete frame.

    A frame cut short at the end of the file, or only zero bytes to the end, is the trace of a write that was never
    acknowledged, and is passed over.

    Raises:
        Corrupted: Anything else is not as it was written; the file and the offset are named.
    """
    return ((start - _HEADER.size, payload) for start, payload in frames_of(path.read_bytes(), path))


def frames_of(data: bytes, path: Path, *, begin: int = 0) -> Iterator[tuple[int, bytes]]:
    """What ``frames`` answers, of bytes that have been read already, with the offsets of the payloads themselves.

    Args:
        data: The file from ``begin`` on.
        path: For messages.
        begin: 0, or the end of a payload.
    """
    offset, end = 0, len(data)
    if begin == 0:
        if data[: len(MAGIC)] != MAGIC:
            if MAGIC.startswith(data) or not data.strip(b"\0"):
                return
            raise _damaged(path, 0, "it does not begin as a segment of format 1 does")
        offset = len(MAGIC)
    while offset + _HEADER.size <= end:
        length, payload_crc, header_crc = _HEADER.unpack_from(data, offset)
        start = offset + _HEADER.size
        if crc32(data[offset : offset + _FIRST.size]) != header_crc:
            if not data[offset:].strip(b"\0"):
                return
            raise _damaged(path, begin + offset, "the header has another checksum")
        if start + length > end:
            return
        payload = data[start : start + length]
        if crc32(payload) != payload_crc:
            raise _damaged(path, begin + offset, "the payload has another checksum")
        yield begin + start, payload
        offset = start + length


def _damaged(path: Path, offset: int, problem: str) -> Corrupted:
    return Corrupted(
        f"Segment {path.parent.parent.name}/{path.parent.name}/{path.name} is damaged at byte {offset}: {problem}.",
        remedy="Restore the file from a backup. Moving it away loses the records in it.",
    )
