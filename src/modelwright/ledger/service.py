"""Reading, verifying and proving the ledger. Nothing writes it but ``append``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelwright.core import wire
from modelwright.core.clock import as_utc
from modelwright.core.errors import Corrupted, Denied, Invalid, NotFound
from modelwright.core.ids import Name
from modelwright.core.operation import Page, Service, limited, operation, paged, position
from modelwright.core.unit import Unit
from modelwright.ledger import checkpoint as checkpoints
from modelwright.ledger import excerpt as excerpts
from modelwright.ledger import proofs, tree
from modelwright.ledger.chain import Walk
from modelwright.ledger.held import Held
from modelwright.ledger.model import (
    Anchored,
    Asked,
    Checkpoint,
    Consistency,
    Entry,
    Envelope,
    Excerpt,
    Head,
    Place,
    RawPage,
    Receipt,
    StoredEntry,
    Verification,
)

if TYPE_CHECKING:  # weight: SQLAlchemy and cryptography, which a remote client does without
    from modelwright.ledger.repository import LedgerRepository
    from modelwright.store.keys import Keys


class LedgerService(Service):
    """What happened, and whether the record of it is whole.

    Args:
        repository: The ledger's rows.
        keys: The home's.
        anchor_file: A file of checkpoints that every verification is held against.
    """

    noun = "ledger"

    def __init__(self, repository: LedgerRepository, keys: Keys, anchor_file: str | None = None) -> None:
        self._repository = repository
        self._keys = keys
        self._anchor_file = anchor_file

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
    def verify(self, unit: Unit, against: tuple[str, ...] = ()) -> Verification:
        """Read the whole ledger and compare every hash, the tree, the signed head, and checkpoints kept elsewhere.

        The first altered entry is named. Who holds the home's key can rewrite all of it unseen; a checkpoint that they
        could not reach shows it. Where the server has MODELWRIGHT_ANCHOR_FILE, its checkpoints are compared as well.

        Args:
            unit: The unit of work.
            against: Checkpoints, as ``ledger.checkpoint`` answered them once. Those of other ledgers are passed over.
        """
        held = self._held(against)
        walk = Walk(held.sizes)
        try:
            walk.follow(self._repository.walk(unit.rows))
            altered = walk.problem
        except Corrupted as error:
            altered = error.message
        problem = altered or self._problem_of_head(unit, walk) or held.problem_of(walk)
        return Verification(
            intact=not problem,
            entries=walk.size,
            root=walk.head.root,
            signer=wire.sha256(self._keys.public),
            first_altered=walk.size + 1 if altered else None,
            problem=problem,
            checkpoints=len(held.sizes),
            extends=held.extended_by(walk),
        )

    @operation(permission="ledger:read", kind="query")
    def checkpoint(self, unit: Unit) -> Checkpoint:
        """The newest signed state of the ledger, to be kept elsewhere, and the key that it is checked with."""
        note, head = self._newest(unit)
        origin = checkpoints.origin_of(self._keys.public)
        return Checkpoint(origin=origin, size=head.size, root=head.root, note=note, key=self._key())

    @operation(permission="ledger:read", kind="query")
    def receipt(self, unit: Unit, seq: int) -> Receipt:
        """Proof that an entry of this project is in the ledger: its text, an audit path, the newest checkpoint.

        Args:
            unit: The unit of work.
            seq: The entry's position.
        """
        found = self._repository.page(unit.rows, after=seq - 1, limit=1) if 0 < seq < 2**53 else []
        if not found or (found[0].seq, found[0].project) != (seq, unit.project):
            raise NotFound(
                f"The ledger has no entry {seq} of this project.", remedy="List them: modelwright ledger list"
            )
        _entry(found[0])
        note, head = self._newest(unit)
        leaves = self._leaves(unit, head.size)
        proof = proofs.inclusion(leaves, seq - 1)
        if not proofs.included(leaves[seq - 1], seq - 1, head.size, proof, bytes.fromhex(head.root)):
            raise _others()
        return Receipt(seq=seq, envelope=found[0].envelope, proof=_hexed(proof), checkpoint=note)

    @operation(permission="ledger:read", kind="query")
    def consistency(self, unit: Unit, since: str) -> Consistency:
        """Proof that the ledger begins with what an older checkpoint was over, without telling what is in it.

        Args:
            unit: The unit of work.
            since: The older checkpoint, a signed note of this ledger.
        """
        old = checkpoints.opened(since, self._keys.public)
        note, head = self._newest(unit)
        leaves = self._leaves(unit, head.size)
        before = proofs.root(leaves[: old.size])
        if old.size > head.size or before.hex() != old.root:
            raise Corrupted(
                f"The ledger, of {head.size} entries, does not begin with those of the checkpoint over {old.size}.",
                remedy="Run `modelwright ledger verify --against FILE` with every checkpoint that you have.",
            )
        proof = proofs.consistency(leaves, old.size)
        if not proofs.extends(old.size, before, head.size, bytes.fromhex(head.root), proof):
            raise _others()
        return Consistency(old=old.size, proof=_hexed(proof), checkpoint=note)

    @operation(permission="ledger:write", kind="command")
    def record_anchor(self, unit: Unit, checkpoint: str, place: Place) -> None:
        """Record that a checkpoint is now kept outside the home. Which file or repository it was is not recorded.

        Args:
            unit: The unit of work.
            checkpoint: The checkpoint.
            place: In a file, or in a git tag.
        """
        head = checkpoints.opened(checkpoint, self._keys.public)
        unit.emit(Anchored(place=place, size=head.size, root=head.root))

    @operation(permission="ledger:export", kind="query")
    def read(self, unit: Unit, after: str | None = None, limit: int = 1000) -> RawPage:
        """Entries as they were hashed, oldest first, with the newest checkpoint: all that an outsider needs.

        Args:
            unit: The unit of work.
            after: Position to go on behind.
            limit: Entries a page, 1 to 10,000.
        """
        page = self._repository.page(unit.rows, after=position(after) or 0, limit=limited(limit, most=10_000))
        return RawPage(entries=tuple(page), checkpoint=self._newest(unit)[0], key=self._key())

    @operation(permission="ledger:read", kind="query")
    def excerpt(
        self,
        unit: Unit,
        project: Name | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        actor: str | None = None,
        about: str | None = None,
        after: str | None = None,
        size: int | None = None,
    ) -> Excerpt:
        """A part of the ledger that proves that it is one: entries as hashed, and hashes for the others.

        It proves that these entries are in the ledger, not that no other one fits what was asked.

        Args:
            unit: The unit of work.
            project: Of this project; none means all, for those who may export the whole ledger.
            since: Recorded at this moment or later.
            until: Recorded before this moment.
            actor: Caused by whom, opaque.
            about: A name, or ``name@version``, that stands in the event.
            after: ``next`` of the page before.
            size: ``size`` of the page before.

        Raises:
            Denied: It is of another project, and the caller may not export the whole ledger.
        """
        if project != unit.project and not unit.caller.may("ledger:export"):
            raise Denied(
                "Entries of other projects are for those who may export the whole ledger.",
                remedy=f"Ask for those of yours: --project {unit.project}",
            )
        start = position(after) or 0
        note, head = self._newest(unit) if size is None else ("", Head(size=size, root=""))
        if not 0 <= head.size < 2**53:
            raise Invalid(f"size is {size}, which no page answered.", fields={"size": "not a size"})
        asked = Asked(
            project=project,
            since=None if since is None else as_utc(since, field="since"),
            until=None if until is None else as_utc(until, field="until"),
            actor=actor,
            about=about,
        )
        limit = max(min(excerpts.CHUNK - start % excerpts.CHUNK, head.size - start), 0)
        page = self._repository.page(unit.rows, after=start, limit=limit)
        kept, pruned = excerpts.excerpted((entry, excerpts.wanted(entry, asked)) for entry in page)
        ends = not page or page[-1].seq >= head.size
        return Excerpt(
            entries=kept,
            pruned=pruned,
            size=head.size,
            checkpoint=note,
            key=self._key(),
            next=None if ends else str(page[-1].seq),
        )

    def size(self, unit: Unit) -> int:
        """How many entries there are, of all projects."""
        return self._repository.edge(unit.rows).size

    def _held(self, against: Sequence[str]) -> Held:
        """What was given and what the anchor file has, read before the ledger: nothing in it can be newer."""
        from modelwright.ledger import anchors  # weight: subprocess

        kept, problem = [], ""
        if self._anchor_file is not None:
            try:
                kept = anchors.in_file(Path(self._anchor_file), of="the anchor file")
            except Invalid as error:
                problem = error.message
            except OSError as error:
                problem = f"the anchor file cannot be read: {error.strerror}"
        return Held((*against, *kept), self._keys.public, problem)

    def _newest(self, unit: Unit) -> tuple[str, Head]:
        """The newest checkpoint and what it says. What an older release signed is signed anew as one."""
        edge, last, _ = self._repository.end(unit.rows)
        if edge.signed is None and last == 0:
            return checkpoints.signed(edge.head, self._keys), edge.head
        if edge.signed is None:
            raise Corrupted(
                "The ledger's signed head is gone.",
                remedy="Run `modelwright ledger verify`, and restore control.db from a backup.",
            )
        head = checkpoints.head_of(edge.signed, self._keys.public)
        return edge.signed if isinstance(edge.signed, str) else checkpoints.signed(head, self._keys), head

    def _key(self) -> str:
        from modelwright.store.notes import verifier_key  # weight: cryptography

        return verifier_key(checkpoints.origin_of(self._keys.public), self._keys.public)

    def _leaves(self, unit: Unit, size: int) -> Sequence[bytes]:
        """The leaf hashes of the first entries; whoever makes a proof of them checks it against the signed root."""
        try:
            leaves = [bytes.fromhex(leaf) for leaf in self._repository.leaves(unit.rows, size)]
        except ValueError:
            raise _others() from None
        if len(leaves) != size:
            raise _others()
        return leaves

    def _problem_of_head(self, unit: Unit, walk: Walk) -> str:
        try:
            edge = self._repository.edge(unit.rows)
            if edge.signed is None:
                return "the head is missing" if walk.size else ""
            head = checkpoints.head_of(edge.signed, self._keys.public)
            beside = edge.head
        except (Corrupted, Invalid) as error:
            return f"the head: {error.message}"
        if head.size > walk.size:
            return f"the head was signed over {head.size} entries, and only {walk.size} are left"
        if head != walk.head:
            return "the signed head does not belong to these entries"
        if (beside, edge.chain) != (head, walk.chain):
            return "what stands beside the signed head has been altered"
        return ""


def _others() -> Corrupted:
    return Corrupted(
        "The ledger's entries are not those that its head was signed over.",
        remedy="Run `modelwright ledger verify`, and restore control.db from a backup.",
    )


def _hexed(proof: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(each.hex() for each in proof)


def _entry(stored: StoredEntry) -> Entry:
    if tree.leaf_hash(str(stored.envelope).encode()) != stored.leaf:
        raise Corrupted(
            f"Entry {stored.seq} of the ledger has been altered: its text is not what was hashed.",
            remedy="Run `modelwright ledger verify`, and restore control.db from a backup.",
        )
    return Entry(envelope=msgspec.json.decode(stored.envelope, type=Envelope), leaf=stored.leaf, chain=stored.chain)
