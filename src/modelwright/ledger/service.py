"""Reading and verifying the ledger. Nothing writes it but ``append``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from modelwright.core import wire
from modelwright.core.errors import Corrupted, Invalid
from modelwright.core.operation import Page, Service, limited, operation, paged, position
from modelwright.core.unit import Unit
from modelwright.ledger import tree
from modelwright.ledger.chain import Walk
from modelwright.ledger.model import HEAD_TYPE, Entry, Envelope, Head, RawPage, StoredEntry, Verification

if TYPE_CHECKING:  # weight: SQLAlchemy and cryptography, which a remote client does without
    from modelwright.ledger.repository import LedgerRepository
    from modelwright.store.keys import Keys


class LedgerService(Service):
    """What happened, and whether the record of it is whole."""

    noun = "ledger"

    def __init__(self, repository: LedgerRepository, keys: Keys) -> None:
        self._repository = repository
        self._keys = keys

    @operation(permission="ledger:read", kind="query")
    def list(self, unit: Unit, kind: str | None = None, limit: int = 50, after: str | None = None) -> Page[Entry]:
        """A project's entries, newest first.

        Args:
            unit: The unit of work.
            kind: Only events of this kind, e.g. ``models.alias_moved``.
            limit: Entries a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        found = self._repository.newest(
            unit.rows, project=unit.project, kind=kind, before=position(after), limit=limited(limit) + 1
        )
        return paged([_entry(stored) for stored in found], limit, lambda entry: entry.envelope.seq)

    @operation(permission="ledger:read", kind="query")
    def verify(self, unit: Unit) -> Verification:
        """Read the whole ledger and compare every hash, the tree and the signed head; name the first altered entry."""
        walk = Walk()
        try:
            walk.follow(self._repository.walk(unit.rows))
            altered = walk.problem
        except Corrupted as error:
            altered = error.message
        problem = altered or self._problem_of_head(unit, walk)
        return Verification(
            intact=not problem,
            entries=walk.size,
            root=walk.head.root,
            signer=wire.sha256(self._keys.public),
            first_altered=walk.size + 1 if altered else None,
            problem=problem,
        )

    @operation(permission="ledger:read", kind="query")
    def read(self, unit: Unit, after: str | None = None, limit: int = 1000) -> RawPage:
        """Entries as they were hashed, oldest first, with the signed head: all that an outsider needs to verify them.

        Args:
            unit: The unit of work.
            after: Position to go on behind.
            limit: Entries a page, 1 to 10,000.
        """
        return RawPage(
            entries=tuple(
                self._repository.page(unit.rows, after=position(after) or 0, limit=limited(limit, most=10_000))
            ),
            head=self._repository.edge(unit.rows).signed,
            public_key=self._keys.public.hex(),
        )

    def size(self, unit: Unit) -> int:
        """How many entries there are, of all projects."""
        return self._repository.edge(unit.rows).size

    def _problem_of_head(self, unit: Unit, walk: Walk) -> str:
        from modelwright.store.keys import opened  # weight: cryptography

        try:
            edge = self._repository.edge(unit.rows)
            if edge.signed is None:
                return "the head is missing" if walk.size else ""
            head = wire.decode(opened(edge.signed, self._keys.public, HEAD_TYPE), Head)
            beside = edge.head
        except (Corrupted, Invalid) as error:
            return f"the head: {error.message}"
        if head.size > walk.size:
            return f"the head was signed over {head.size} entries, and only {walk.size} are left"
        if head != walk.head:
            return "the signed head does not belong to these entries"
        return "" if beside == head else "what stands beside the signed head has been altered"


def _entry(stored: StoredEntry) -> Entry:
    if tree.leaf_hash(str(stored.envelope).encode()) != stored.leaf:
        raise Corrupted(
            f"Entry {stored.seq} of the ledger has been altered: its text is not what was hashed.",
            remedy="Run `modelwright ledger verify`, and restore control.db from a backup.",
        )
    return Entry(envelope=msgspec.json.decode(stored.envelope, type=Envelope), leaf=stored.leaf, chain=stored.chain)
