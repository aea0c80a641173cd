"""Blobs in a local folder: ``blobs/ab/cdef…``, each file named by its content."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from modelwright.core.errors import Conflict, Corrupted, Invalid, NotFound, Unavailable
from modelwright.core.ids import new_id
from modelwright.store.durable import FULL, full, require_disk, sync_file, sync_folder
from modelwright.store.ports import Stored

_CHUNK = 1 << 20
_ABANDONED_SECONDS = 24 * 3600.0


class LocalBlobs:
    """Content-addressed files below one folder; fulfils ``Blobs``.

    Args:
        folder: Made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._sweep()
        self._verified: dict[str, tuple[int, int, int]] = {}
        self._shards: set[str] = set()

    def _sweep(self) -> None:
        """Remove what processes left that were killed while they stored; what is being written now is younger."""
        for path in self._incoming.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                    path.unlink()

    def put(self, source: bytes | Path | BinaryIO) -> Stored:
        """Store bytes: a temporary file, hashed while written, fsync, rename, fsync of the folder."""
        require_disk()
        if isinstance(source, bytes):
            digest = hashlib.sha256(source).hexdigest()
            if self._is_kept(self._place(digest), digest):
                return Stored(digest=digest, size=len(source), new=False)
        if isinstance(source, Path):
            with source.open("rb") as stream:
                return self._put_stream(stream)
        return self._put_stream(io.BytesIO(source) if isinstance(source, bytes) else source)

    def begun(self, digest: str, by: str) -> int:
        """How much lies in the file of an upload that was cut."""
        try:
            return self._begun(digest, by).stat().st_size
        except FileNotFoundError:
            return 0

    def go_on(self, digest: str, by: str, start: int, source: BinaryIO) -> Stored:
        """Write behind what has come before, then store it as any other file.

        An attempt that the server still holds for alive may write beside this one, so the file itself is never what is
        stored: what is stored is hashed while it is copied.
        """
        require_disk()
        self._sweep()
        self._place(digest)
        path = self._begun(digest, by)
        try:
            with _full_disk_said(self._folder):
                _write_on(path, start, source, digest)
        except Unavailable:
            path.unlink(missing_ok=True)
            raise
        try:
            with path.open("rb") as whole:
                return self._put_stream(whole, wanted=digest)
        finally:
            path.unlink(missing_ok=True)

    def _begun(self, digest: str, by: str) -> Path:
        return self._incoming / f"{hashlib.sha256(f'{by} {digest}'.encode()).hexdigest()}.begun"

    def _put_stream(self, stream: BinaryIO, wanted: str | None = None) -> Stored:
        temporary = self._incoming / new_id()
        try:
            with _full_disk_said(self._folder):
                return self._stored(temporary, stream, wanted)
        finally:
            temporary.unlink(missing_ok=True)

    def _stored(self, temporary: Path, stream: BinaryIO, wanted: str | None) -> Stored:
        with temporary.open("xb") as file:
            hasher, size = hashlib.sha256(), 0
            while chunk := stream.read(_CHUNK):
                hasher.update(chunk)
                file.write(chunk)
                size += len(chunk)
            digest = hasher.hexdigest()
            if wanted not in (None, digest):
                raise Invalid(
                    f"The bytes that arrived are {digest}, not {wanted}: nothing was stored.",
                    remedy="Send exactly the bytes whose SHA-256 the address names.",
                    fields={"digest": "is not of these bytes"},
                )
            target = self._place(digest)
            if self._is_kept(target, digest):
                return Stored(digest=digest, size=size, new=False)
            file.flush()
            sync_file(file.fileno())
        target.parent.mkdir(exist_ok=True)
        temporary.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        temporary.replace(target)
        self._sync(target.parent)
        return Stored(digest=digest, size=size, new=True)

    def read(self, digest: str) -> bytes:
        """The bytes, hashed on the way."""
        path = self._existing(digest)
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise self._corrupted(digest, path)
        return data

    def stream(self, digest: str, start: int = 0) -> Iterator[bytes]:
        """The bytes in pieces of 1 MiB, hashed before the first unless this process has hashed them already."""
        return _pieces(self.verified_path(digest), start)

    def verify(self, digest: str) -> int:
        """The size in bytes, after hashing the file as it is now."""
        path = self._existing(digest)
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                self._verified.pop(digest, None)
                raise self._corrupted(digest, path)
            found = os.fstat(file.fileno())
        self._verified[digest] = (found.st_mtime_ns, found.st_size, found.st_ino)
        return found.st_size

    def verified_path(self, digest: str) -> Path:
        """The file, hashed unless this process has hashed it and it has not been touched since.

        For readers that need a file of their own, such as DuckDB.
        """
        path = self._existing(digest)
        found = path.stat()
        if self._verified.get(digest) != (found.st_mtime_ns, found.st_size, found.st_ino):
            self.verify(digest)
        return path

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Those digests that are not stored."""
        return [digest for digest in digests if not self._place(digest).is_file()]

    def size(self, digest: str) -> int:
        """The size in bytes, without hashing."""
        return self._existing(digest).stat().st_size

    def digests(self) -> Iterator[str]:
        """Everything stored."""
        for folder in self._folder.iterdir():
            if len(folder.name) == 2:
                yield from (folder.name + file.name for file in folder.iterdir())

    def _place(self, digest: str) -> Path:
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise Invalid(f"{digest[:80]!r} is not a SHA-256 digest.", fields={"digest": "is not 64 hex digits"})
        return self._folder / digest[:2] / digest[2:]

    def _existing(self, digest: str) -> Path:
        path = self._place(digest)
        if not path.is_file():
            raise NotFound(f"There are no bytes {digest}.", remedy="Send them first.")
        return path

    def _is_kept(self, path: Path, digest: str) -> bool:
        """Whether the bytes are there, and there to stay: who renamed the file may have died before the sync."""
        if not path.is_file():
            return False
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                return False
        self._sync(path.parent)
        return True

    def _sync(self, shard: Path) -> None:
        sync_folder(shard)
        if shard.name not in self._shards:  # it may be new, and then its own entry is not on the disk yet
            sync_folder(self._folder)
            self._shards.add(shard.name)

    def _corrupted(self, digest: str, path: Path) -> Corrupted:
        return Corrupted(
            f"Blob {digest} has been altered: its bytes have another digest.",
            remedy=f"Restore blobs/{path.parent.name}/{path.name} from a backup, or add the same content again.",
        )


def _write_on(path: Path, start: int, source: BinaryIO, digest: str) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "r+b") as file:
        there = file.seek(0, os.SEEK_END)
        if start > there:
            raise Conflict(f"{start} bytes of {digest} are not there, but {there}.", remedy="Ask how many are: HEAD.")
        file.seek(start)
        while chunk := source.read(_CHUNK):
            file.write(chunk)
        file.truncate()


def _pieces(path: Path, start: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while piece := file.read(_CHUNK):
            yield piece


@contextmanager
def _full_disk_said(folder: Path) -> Iterator[None]:
    """Turn what the system says of a full disk into what its caller can do."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL | {errno.EFBIG}:
            raise full(folder, "nothing was stored") from error
        raise
