"""The ledger as a file, line by line: never more of it in memory than one page."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from modelwright.core import wire
from modelwright.core.shown import Shown
from modelwright.ledger.checkpoint import claimed
from modelwright.ledger.excerpt import in_order
from modelwright.ledger.model import Asked, Envelope, Excerpt, Pruned, RawPage, StoredEntry

COLUMNS = ("seq", "recorded_at", "project", "kind", "actor_id", "actor", "request_id", "body", "leaf")
"""Of a file for people."""


class Exported(Shown, frozen=True, kw_only=True):
    """What a file of the ledger holds: its manifest.

    Attributes:
        file: Its name.
        entries: How many entries are in it.
        first: Position of the first of them.
        last: Position of the last.
        size: How many the ledger had.
        checkpoint: The signed note over all of those.
        key: The verifier key. Whoever verifies gets it on another way as well.
        sha256: Of the whole file.
        asked: What was asked for; empty for everything.
        people: Opaque id -> name, of who caused these entries, where the exporter may know. Nothing vouches for it.
    """

    file: str
    entries: int
    first: int | None
    last: int | None
    size: int
    checkpoint: str
    key: str
    sha256: str
    asked: dict[str, str]
    people: dict[str, str]

    def __str__(self) -> str:
        return f"{self.entries:,} entries in {self.file}"


class Export:
    """Lines of a file, and what they come to.

    Args:
        asked: Which part.
        people: Opaque id -> name.
    """

    def __init__(self, asked: Asked, people: Mapping[str, str]) -> None:
        self._asked = asked
        self._people = people
        self._entries = 0
        self._first: int | None = None
        self._last: int | None = None
        self._sum = hashlib.sha256()
        self._actors: set[str] = set()
        self._checkpoint = self._key = ""

    def whole(self, read: Callable[..., RawPage]) -> Iterator[bytes]:
        """Every entry as it was hashed, behind the key and the newest checkpoint; ``ledger.read`` gives them."""
        page = read()
        size = self._begun(page)
        yield self._line({"format": 2, "key": page.key, "checkpoint": page.checkpoint})
        while page.entries:
            mine = [entry for entry in page.entries if entry.seq <= size]  # what came since is of a later checkpoint
            yield b"".join([self._line(self._counted(entry)) for entry in mine])
            if len(mine) < len(page.entries) or mine[-1].seq == size:
                return
            page = read(after=str(mine[-1].seq))

    def part(self, excerpt: Callable[..., Excerpt]) -> Iterator[bytes]:
        """The entries asked for, as they were hashed, and hashes of the others; ``ledger.excerpt`` gives them."""
        for number, page in enumerate(self._pages(excerpt)):
            if number == 0:
                about = {"format": 3, "key": page.key, "checkpoint": page.checkpoint, "asked": self._asked.given}
                yield self._line(about)
            yield b"".join(
                [self._line(each if isinstance(each, Pruned) else self._counted(each)) for each in in_order(page)]
            )

    def table(self, excerpt: Callable[..., Excerpt]) -> Iterator[bytes]:
        """The entries asked for as CSV, for people. No cell begins with what a spreadsheet would carry out."""
        yield self._row(COLUMNS)
        for page in self._pages(excerpt):
            yield b"".join([self._row(self._cells(self._counted(entry))) for entry in page.entries])

    def manifest(self, file: str) -> Exported:
        """What the lines came to, once all of them were made."""
        return Exported(
            file=file,
            entries=self._entries,
            first=self._first,
            last=self._last,
            size=claimed(self._checkpoint)[1].size,
            checkpoint=self._checkpoint,
            key=self._key,
            sha256=self._sum.hexdigest(),
            asked={name: str(value) for name, value in self._asked.given.items()},
            people={actor: self._people[actor] for actor in sorted(self._actors) if actor in self._people},
        )

    def _pages(self, excerpt: Callable[..., Excerpt]) -> Iterator[Excerpt]:
        page = excerpt(**self._asked.given)
        self._begun(page)
        yield page
        while page.next is not None:
            page = excerpt(**self._asked.given, after=page.next, size=page.size)
            yield page

    def _begun(self, page: RawPage | Excerpt) -> int:
        self._checkpoint, self._key = page.checkpoint, page.key
        return claimed(page.checkpoint)[1].size

    def _counted(self, entry: StoredEntry) -> StoredEntry:
        self._entries += 1
        self._first = entry.seq if self._first is None else self._first
        self._last = entry.seq
        if self._people and (facts := _read(entry)) is not None:
            self._actors.add(facts.actor_id)
        return entry

    def _cells(self, entry: StoredEntry) -> tuple[object, ...]:
        facts = _read(entry)
        if facts is None:
            return entry.seq, "", entry.project, entry.kind, "", "", "", entry.envelope, entry.leaf
        at, who = facts.recorded_at.isoformat(), self._people.get(facts.actor_id, "")
        body = wire.canonical(facts.body).decode()
        return entry.seq, at, facts.project, facts.kind, facts.actor_id, who, facts.request_id, body, entry.leaf

    def _line(self, value: object) -> bytes:
        line = wire.encode(value) + b"\n"
        self._sum.update(line)
        return line

    def _row(self, cells: Iterable[object]) -> bytes:
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerow([_harmless(str(cell)) for cell in cells])
        row = written.getvalue().encode()
        self._sum.update(row)
        return row


def _read(entry: StoredEntry) -> Envelope | None:
    try:
        return msgspec.json.decode(entry.envelope, type=Envelope)
    except msgspec.DecodeError:
        return None


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
