"""The last statement of every unit of work."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelwright.core import wire
from modelwright.core.errors import Corrupted, Invalid
from modelwright.core.events import Recorded
from modelwright.core.unit import Rows
from modelwright.ledger import checkpoint, tree
from modelwright.ledger.chain import chained
from modelwright.ledger.model import Envelope, Head, StoredEntry
from modelwright.ledger.repository import Edge, LedgerRepository
from modelwright.store.keys import Keys


def append(
    rows: Rows, recorded: Sequence[Recorded], *, repository: LedgerRepository, keys: Keys, causation_id: str = ""
) -> None:
    """Write events behind the ledger's end and sign the new end.

    The caller's transaction is alone (``Records``' law), so the end cannot move between reading and writing it.

    Args:
        rows: The open transaction.
        recorded: The unit's events, in order.
        repository: The ledger's rows.
        keys: Signs the head.
        causation_id: The request whose events caused these; by default the request itself.

    Raises:
        Corrupted: The ledger's end is not what this home signed last. Signing a new end over it would vouch for it.
    """
    edge, last, behind = repository.end(rows)
    _check(edge, last, behind, keys=keys)
    size, chain, frontier = edge.size, edge.chain, edge.frontier
    added = []
    for fact in recorded:
        body = msgspec.to_builtins(fact.event)
        envelope = Envelope(
            seq=size + 1,
            kind=body.pop("kind"),
            project=fact.project,
            actor_id=fact.actor.id,
            actor_kind=fact.actor.kind,
            request_id=fact.request_id,
            causation_id=causation_id or fact.request_id,
            recorded_at=fact.recorded_at,
            body=body,
        )
        text = wire.canonical(envelope)
        leaf = tree.leaf_hash(text)
        frontier = tree.grown(frontier, size, leaf)
        chain = chained(chain, leaf)
        size += 1
        added.append(StoredEntry(size, envelope.kind, envelope.project, text.decode(), leaf, chain))
    signed = checkpoint.signed(Head(size=size, root=tree.root(frontier)), keys)
    repository.append(rows, added, Edge(size=size, chain=chain, frontier=frontier, signed=signed))


def _check(edge: Edge, last: int, behind: str, *, keys: Keys) -> None:
    """The end must be the signed one, or that of a ledger which has not begun; the last entry must stand before it."""
    if edge.signed is None and edge.size == last == 0:
        return
    try:
        if edge.signed is None:
            problem = "its signed head is gone"
        elif checkpoint.head_of(edge.signed, keys.public) != edge.head:
            problem = "what stands beside its signed head is not what was signed"
        else:
            problem = "" if (last, behind) == (edge.size, edge.chain) else "its last entry is not the one it ended with"
    except (Corrupted, Invalid) as error:
        problem = error.message
    if problem:
        raise Corrupted(
            f"The ledger takes no more entries: {problem}",
            remedy="Run `modelwright ledger verify`, and restore control.db from a backup.",
        )
