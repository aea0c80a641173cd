"""The last statement of every unit of work."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelwright.core import wire
from modelwright.core.events import Recorded
from modelwright.core.unit import Rows
from modelwright.ledger import tree
from modelwright.ledger.chain import chained
from modelwright.ledger.model import HEAD_TYPE, Envelope, Head, StoredEntry
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
    """
    edge = repository.edge(rows)
    size, chain, frontier = edge.size, edge.chain, edge.frontier
    fresh = []
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
        fresh.append(StoredEntry(size, envelope.kind, envelope.project, text.decode(), leaf, chain))
    head = Head(size=size, root=tree.root(frontier), chain=chain)
    signed = keys.sign(wire.canonical(head), HEAD_TYPE)
    repository.append(rows, fresh, Edge(size=size, chain=chain, frontier=frontier, signed=signed))
