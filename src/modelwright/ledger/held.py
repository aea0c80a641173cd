"""Holding the ledger against checkpoints that were kept elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core.errors import Corrupted, Invalid
from modelwright.ledger.chain import Walk
from modelwright.ledger.checkpoint import claimed, opened, origin_of
from modelwright.ledger.model import Head


class Held:
    """Checkpoints that the ledger must begin with.

    Args:
        against: Signed notes; those of other ledgers are passed over, but one must be of this.
        public: This ledger's key.
        problem: What is wrong with them already.

    Raises:
        Invalid: One of them is no checkpoint.
    """

    def __init__(self, against: Sequence[str], public: bytes, problem: str = "") -> None:
        self._heads: list[Head] = []
        self._problem = problem
        own, origins = origin_of(public), set()
        for note in dict.fromkeys(against):
            origin, head = claimed(note)
            origins.add(origin)
            if origin != own and f"\n— {own} " not in note:
                continue
            try:
                self._heads.append(opened(note, public))
            except (Corrupted, Invalid) as error:
                self._problem = self._problem or f"the checkpoint over {_entries(head.size)}: {error.message}"
        if origins and own not in origins and not self._problem:
            self._problem = f"no checkpoint is of this ledger, {own}; there is {', '.join(sorted(origins)[:3])}"
        self._heads.sort(key=lambda head: head.size)

    @property
    def sizes(self) -> list[int]:
        """How many entries each checkpoint is over, ascending."""
        return [head.size for head in self._heads]

    def extended_by(self, walk: Walk) -> int:
        """Entries of the largest checkpoint that a ledger begins with; 0 when with none."""
        return max((head.size for head in self._heads if walk.roots.get(head.size) == head.root), default=0)

    def problem_of(self, walk: Walk) -> str:
        """What is wrong with a ledger that was followed to its end; empty when it begins with every checkpoint.

        Args:
            walk: It has marked the sizes.
        """
        if self._problem:
            return self._problem
        for head in self._heads:
            if head.size > walk.size:
                return f"a checkpoint was kept over {_entries(head.size)}, and there are {walk.size}"
            if walk.roots[head.size] != head.root:
                first = f"the first {_entries(head.size)} are not those of the checkpoint that was kept"
                return f"{first}; {self._until(head)}"
        return ""

    def _until(self, wrong: Head) -> str:
        good = max((head.size for head in self._heads if head.size < wrong.size), default=0)
        return f"up to {good} they are, so it differs from there on" if good else "none older was given"


def _entries(count: int) -> str:
    return f"{count:,} {'entry' if count == 1 else 'entries'}"
