"""How entries hang together: pure hashing, used alike to append and to verify."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

import msgspec

from modelwright.ledger import tree
from modelwright.ledger.model import GENESIS, Envelope, Head, StoredEntry


def chained(previous: str, leaf: str) -> str:
    """The chain after one more leaf."""
    return hashlib.sha256(bytes.fromhex(previous) + bytes.fromhex(leaf)).hexdigest()


class Walk:
    """Follows the chain from its beginning and stops at the first entry that does not fit.

    Args:
        marks: Sizes at which the root is wanted.

    Attributes:
        size: Entries that fitted.
        problem: What is wrong with the next one; empty while all fit.
        roots: Size -> root, of the marks that have been passed.
    """

    def __init__(self, marks: Collection[int] = ()) -> None:
        self.size = 0
        self.problem = ""
        self.roots: dict[int, str] = {0: tree.EMPTY_ROOT}
        self._marks = frozenset(marks)
        self._chain = GENESIS
        self._frontier: tree.Frontier = []

    def follow(self, entries: Iterable[StoredEntry]) -> bool:
        """Check entries in order; whether all of them fit."""
        for entry in entries:
            self.problem = self._problem(entry)
            if self.problem:
                return False
            self._chain = entry.chain
            self._frontier = tree.grown(self._frontier, self.size, entry.leaf)
            self.size += 1
            if self.size in self._marks:
                self.roots[self.size] = tree.root(self._frontier)
        return True

    @property
    def head(self) -> Head:
        """The head that belongs to the entries followed so far."""
        return Head(size=self.size, root=tree.root(self._frontier))

    @property
    def chain(self) -> str:
        """The end of the chain."""
        return self._chain

    def _problem(self, entry: StoredEntry) -> str:
        if entry.seq != self.size + 1:
            return f"entry {self.size + 1} is missing; the next one is {entry.seq}"
        if tree.leaf_hash(str(entry.envelope).encode()) != entry.leaf:  # SQLite may hold bytes where text was
            return "its text is not what was hashed"
        if chained(self._chain, entry.leaf) != entry.chain:
            return "it does not follow from the entry before it"
        try:
            envelope = msgspec.json.decode(entry.envelope, type=Envelope)
        except msgspec.DecodeError:
            return "its text is not an entry"
        if (envelope.seq, envelope.kind, envelope.project) != (entry.seq, entry.kind, entry.project):
            return "a column beside its text has been altered"
        return ""
