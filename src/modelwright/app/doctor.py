"""What can be wrong with a machine or a home, looked at one by one."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct

from modelwright.app.home import Home, meant, nearest
from modelwright.core.errors import Corrupted, Error

_LEAST_FREE = 1 << 30
_MOST_NAMED = 3
_MUST_BE_ON = ("fsync", "full_page_writes")


class Finding(Struct, frozen=True, kw_only=True):
    """One look.

    Attributes:
        what: What was looked at.
        healthy: Whether it is as it should be.
        found: What was found, with the remedy where it is not.
    """

    what: str
    healthy: bool
    found: str


def examine(where: str | None) -> list[Finding]:
    """Look at this machine and a home; a look that fails is a finding, not an error.

    Args:
        where: The home's folder; by default the nearest one.
    """
    findings = [_machine()]
    folder = meant(Path(where)) if where else nearest(Path.cwd())
    if folder is None:
        return [*findings, Finding(what="home", healthy=False, found="none here or above; make one: modelwright init")]
    home = Home(folder)
    for what, look in _LOOKS.items():
        try:
            findings.append(Finding(what=what, healthy=True, found=look(home)))
        except Error as error:
            findings.append(Finding(what=what, healthy=False, found=f"{error.message} {error.remedy}".strip()))
        except (OSError, sqlite3.Error) as error:
            findings.append(Finding(what=what, healthy=False, found=str(error)))
    return findings


def _machine() -> Finding:
    found = f"Python {sys.version.split()[0]}, modelwright {version('modelwright')}, DuckDB {version('duckdb')}"
    return Finding(what="versions", healthy=sys.version_info >= (3, 11), found=found)


def _home(home: Home) -> str:
    home.open(create=False)
    mode = stat.S_IMODE(home.folder.stat().st_mode)
    if mode & 0o077:
        raise Corrupted(f"{home.folder} may be read by others ({mode:o}).", remedy=f"chmod 700 {home.folder}")
    return str(home.folder)


def _disk(home: Home) -> str:
    free = shutil.disk_usage(home.folder).free
    if free < _LEAST_FREE:
        raise Corrupted(f"{free / 2**20:.0f} MB are free.", remedy="Free some space before writes are refused.")
    return f"{free / 2**30:.1f} GB free"


def _key(home: Home) -> str:
    key = home.keys / "signing.key"
    if not key.exists():
        return "none yet; the first entry of the ledger makes it"
    mode = stat.S_IMODE(key.stat().st_mode)
    if mode & 0o077:
        raise Corrupted(f"The signing key may be read by others ({mode:o}).", remedy=f"chmod 600 {key}")
    return "readable by its owner alone"


def _databases(home: Home) -> str:
    home.open(create=False)
    if home.records is not None:
        return _server(home)
    for path in _present(home):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
        if answer != "ok":
            raise Corrupted(f"{path.name}: {answer}.", remedy="Restore it from a backup.")
    return ", ".join(path.name for path in _present(home)) or "none yet"


def _server(home: Home) -> str:
    """What a server must be told so that what it acknowledges is on its disk."""
    from sqlalchemy import text  # weight: SQLAlchemy

    from modelwright.app.workspace import Platform  # weight: every room, and so every table

    with closing(Platform(home)) as platform, platform.records.reading() as rows:
        asked = ("server_version", *_MUST_BE_ON)
        found = {name: str(rows.execute(text(f"SHOW {name}")).scalar()) for name in asked}
    off = [name for name in _MUST_BE_ON if found[name] == "off"]
    if off:
        raise Corrupted(
            f"{home.records} may lose what it has acknowledged: {' and '.join(off)} is off.",
            remedy="Set it on in postgresql.conf, and reload.",
        )
    return f"{home.records}, PostgreSQL {found['server_version']}, which keeps what it acknowledges"


def _present(home: Home) -> Iterator[Path]:
    return (path for path in (home.control, home.telemetry) if path.exists())


def _ledger(home: Home) -> str:
    from modelwright.app.connect import connect  # weight: every room

    with connect(home.folder) as workspace:
        found = workspace.ledger.verify()
    if not found.intact:
        place = f"Entry {found.first_altered}: " if found.first_altered else ""
        raise Corrupted(f"{place}{found.problem}.", remedy="Restore the control database.")
    return f"{found.entries:,} entries, intact"


def _rows(home: Home) -> str:
    """Read every text, so that one that was altered is named by its row's key."""
    from sqlalchemy import select  # weight: SQLAlchemy

    from modelwright.app.workspace import Platform  # weight: every room, and so every table
    from modelwright.store.tables import Body, control, octets

    problems, count = [], 0
    with closing(Platform(home.open(create=False))) as platform, platform.records.reading() as rows:
        for table in control.sorted_tables:
            key = list(table.primary_key)
            for column, kind in [(column, column.type) for column in table.c if isinstance(column.type, Body)]:
                present = select(*key, octets(column)).where(column.is_not(None))
                for *place, data in rows.execute(present):
                    count += 1
                    try:
                        kind.read((data or b"").decode(errors="replace"))
                    except Corrupted as error:
                        problems.append(f"{table.name} {'/'.join(map(str, place))}: {error.message}")
    _require_none(problems, remedy="Restore the control database from a backup.")
    return f"{count:,} facts, each as it was written"


def _reactions(home: Home) -> str:
    from modelwright.app.workspace import Platform  # weight: every room, and so every table

    with closing(Platform(home.open(create=False))) as platform:
        failing = platform.outbox.failing(_MOST_NAMED + 1)
    problems = [f"{each.topic} has failed {each.attempts} times: {each.error}" for each in failing]
    _require_none(problems, remedy="Each is tried again by itself, at the latest after an hour.")
    return "none is failing"


def _log(home: Home) -> str:
    from modelwright.predictions.segments import frames  # weight: none beyond msgspec

    problems, count = [], 0
    for path in sorted(home.log.rglob("*.seg")):
        try:
            count += sum(1 for _ in frames(path))
        except FileNotFoundError:
            continue  # shipped meanwhile
        except Corrupted as error:
            problems.append(error.message)
    _require_none(problems, remedy="Restore it from a backup.")
    return f"{count:,} records wait in segments, each as it was written"


def _blobs(home: Home) -> str:
    from modelwright.store.adapters.local_blobs import LocalBlobs  # weight: none beyond the store

    blobs, count, size, problems = LocalBlobs(home.blobs), 0, 0, []
    for digest in blobs.digests():
        try:
            size += blobs.verify(digest)
        except Corrupted as error:
            problems.append(error.message)
        count += 1
    _require_none(problems, remedy="Restore it from a backup, or add the same content again.")
    return f"{count:,} blobs, {size / 2**20:,.1f} MB, every byte as it was stored"


def _require_none(problems: list[str], *, remedy: str) -> None:
    if problems:
        more = f" And {len(problems) - _MOST_NAMED} more." if len(problems) > _MOST_NAMED else ""
        raise Corrupted(" ".join(problems[:_MOST_NAMED]) + more, remedy=remedy)


_LOOKS: dict[str, Callable[[Home], str]] = {
    "home": _home,
    "disk": _disk,
    "signing key": _key,
    "databases": _databases,
    "ledger": _ledger,
    "rows": _rows,
    "reactions": _reactions,
    "prediction log": _log,
    "blobs": _blobs,
}
