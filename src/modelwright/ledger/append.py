"""The last statement of every unit of work."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelwright.core import wire
from modelwright.core.errors import Corrupted, Invalid
from modelwright.core.events import Recorded
from modelwright.core.unit import Rows
from modelwright.ledger import tree
from modelwright.ledger.chain import chained
from modelwright.ledger.model import HEAD_TYPE, Envelope, Head, StoredEntry
from modelwright.ledger.repository import Edge, LedgerRepository
from modelwright.store.keys import Keys, opened


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
    edge = repository.edge(rows)
    _check(edge, fresh=edge.size == 0 and not repository.page(rows, after=0, limit=1), keys=keys)
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
    head = Head(size=size, root=tree.root(frontier), chain=chain)
    signed = keys.sign(wire.canonical(head), HEAD_TYPE)
    repository.append(rows, added, Edge(size=size, chain=chain, frontier=frontier, signed=signed))


def _check(edge: Edge, *, fresh: bool, keys: Keys) -> None:
    """The end must be the signed one, or that of a ledger which has not begun."""
    if edge.signed is None and fresh:
        return
    try:
        if edge.signed is None:
            problem = "its signed head is gone"
        else:
            signed = wire.decode(opened(edge.signed, keys.public, HEAD_TYPE), Head)
            problem = "" if signed == edge.head else "what stands beside its signed head is not what was signed"
    except (Corrupted, Invalid) as error:
        problem = error.message
    if problem:
        raise Corrupted(
            f"The ledger takes no more entries: {problem}",
            remedy="Run `modelwright ledger verify`, and restore control.db from a backup.",
        )
