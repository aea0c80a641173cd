"""How routes reach the workers and their word comes back: small files below ``serving/`` of the home.

``routes.json`` is one signed envelope, replaced as a whole. A worker trusts the public key it was started with, never
one that lies beside the file. ``workers/<worker>.json`` is what that worker last said; losing it loses no fact.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from modelwright.core import wire
from modelwright.core.errors import Corrupted, Invalid, NotFound
from modelwright.core.signing import Envelope
from modelwright.serving.model import Acknowledgement, RouteTable
from modelwright.store.durable import sync_file, sync_folder
from modelwright.store.keys import Keys, opened

PAYLOAD_TYPE = "application/vnd.modelwright.routes+json"


def routes_path(home: Path) -> Path:
    """Where the table of a home lies."""
    return home / "serving" / "routes.json"


def workers_folder(home: Path) -> Path:
    """Where the workers of a home acknowledge."""
    return home / "serving" / "workers"


def write_address(home: Path, url: str) -> None:
    """Say where endpoints answer."""
    (home / "serving").mkdir(parents=True, exist_ok=True)
    replaced(home / "serving" / "address", url.encode(), durable=False)


def read_address(home: Path) -> str | None:
    """Where endpoints answer, if a server has been started on this home."""
    try:
        return (home / "serving" / "address").read_text("utf-8").strip() or None
    except FileNotFoundError:
        return None


def write(path: Path, table: RouteTable, *, keys: Keys) -> None:
    """Publish a table: signed, durable when this returns, and never seen in part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replaced(path, wire.encode(keys.sign(wire.encode(table), PAYLOAD_TYPE)), durable=True)


def read(path: Path, public: bytes) -> RouteTable:
    """The published table.

    Args:
        path: The file.
        public: The trusted public key, 32 bytes.

    Raises:
        NotFound: Nothing was published yet.
        Corrupted: The file is not a table that this key signed.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"{path.name} is not there: nothing is deployed yet.", remedy="Deploy a model.") from None
    except OSError as error:
        raise Corrupted(f"{path.name} cannot be read: {error.strerror}.") from None
    try:
        return wire.decode(opened(wire.decode(data, Envelope), public, PAYLOAD_TYPE), RouteTable)
    except (Corrupted, Invalid) as error:
        raise Corrupted(
            f"{path.name} is refused: {error.message}", remedy="Deploy again, which publishes a signed table."
        ) from None


def acknowledge(folder: Path, said: Acknowledgement) -> None:
    """Replace what this worker said before. Not forced to disk: it is about a process, which a crash ends too."""
    folder.mkdir(parents=True, exist_ok=True)
    replaced(folder / f"{said.worker}.json", wire.encode(said), durable=False)


def acknowledgements(folder: Path) -> list[Acknowledgement]:
    """What each worker last said, by name; what cannot be read is left out."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=Acknowledgement))
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """While this is held, no other process publishes, so that an older file never comes over a newer one."""
    folder = home / "serving"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "publish.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def replaced(path: Path, data: bytes, *, durable: bool) -> None:
    """Replace a file as a whole; nobody sees it in part."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            if durable:
                sync_file(file.fileno())
        fresh.rename(path)
    finally:
        fresh.unlink(missing_ok=True)
    if durable:
        sync_folder(path.parent)
