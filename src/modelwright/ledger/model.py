"""Entries, the signed head, and what a verification found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from modelwright.core.events import ActorKind
from modelwright.core.ids import Digest
from modelwright.core.shown import Shown
from modelwright.core.signing import Envelope as SignedEnvelope

HEAD_TYPE = "application/vnd.modelwright.ledger-head+json"
GENESIS = "0" * 64


class Envelope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is hashed. Its canonical JSON never changes once written; decoders upcast older forms.

    Attributes:
        seq: Position, from 1, without gaps.
        v: Form of this envelope.
        kind: The event's kind, e.g. ``models.alias_moved``.
        project: The project it happened in.
        actor_id: Who, opaque.
        actor_kind: Person, service or simulated.
        request_id: The request that caused it.
        causation_id: The request whose events caused this one, for reactions; else the request itself.
        recorded_at: Wall clock.
        body: The event.
    """

    seq: int
    v: int = 1
    kind: str
    project: str
    actor_id: str
    actor_kind: ActorKind
    request_id: str
    causation_id: str
    recorded_at: datetime
    body: dict[str, Any]


class Entry(Struct, frozen=True, kw_only=True):
    """One entry of the ledger.

    Attributes:
        envelope: The facts.
        leaf: RFC 6962 leaf hash of the envelope's canonical JSON.
        chain: SHA-256 of the previous entry's ``chain`` and this ``leaf``.
    """

    envelope: Envelope
    leaf: Digest
    chain: Digest


class StoredEntry(Struct, frozen=True):
    """An entry as it lies in the table: the hashed text, the columns beside it, the hashes."""

    seq: int
    kind: str
    project: str
    envelope: str
    leaf: str
    chain: str


class Head(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signed state of the whole ledger: as many entries, this tree over them, this end of the chain."""

    size: int
    root: Digest
    chain: Digest


class RawPage(Struct, frozen=True, kw_only=True):
    """Entries for an outsider's own verification.

    Attributes:
        entries: As stored, oldest first.
        head: The signed head, a DSSE envelope; none while the ledger is empty.
        public_key: The key that signed it, in hex.
    """

    entries: tuple[StoredEntry, ...]
    head: SignedEnvelope | None
    public_key: str


class Verification(Shown, frozen=True, kw_only=True):
    """What ``ledger verify`` found.

    Attributes:
        intact: Whether every entry is what was recorded.
        entries: How many entries were read.
        root: Root of the RFC 6962 tree over them.
        signer: Digest of the public key that signed the head.
        first_altered: Position of the first entry that is not what was recorded.
        problem: What is wrong with it; empty when intact.
    """

    intact: bool
    entries: int
    root: str
    signer: str
    first_altered: int | None = None
    problem: str = ""
