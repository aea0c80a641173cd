"""Entries, checkpoints and proofs over them, and what a verification found."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from modelwright.core.events import ActorKind, Event
from modelwright.core.ids import Digest
from modelwright.core.shown import Shown

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


class Head(Struct, frozen=True, kw_only=True):
    """The state of the whole ledger: as many entries, this RFC 6962 tree over them."""

    size: int
    root: Digest


class HeadV1(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was signed, in an envelope, before there were checkpoints."""

    size: int
    root: Digest
    chain: Digest


class Checkpoint(Shown, frozen=True, kw_only=True):
    """The ledger's newest signed state.

    Attributes:
        origin: The ledger's name: made of its key, the same wherever its home lies.
        size: Entries.
        root: Root of the RFC 6962 tree over them.
        note: The same as a signed note (https://c2sp.org/tlog-checkpoint): what is kept elsewhere.
        key: The verifier key (https://c2sp.org/signed-note): keep it away from the home, and check notes with it.
    """

    origin: str
    size: int
    root: Digest
    note: str
    key: str

    def __str__(self) -> str:
        return self.note


class Receipt(Shown, frozen=True, kw_only=True):
    """Proof that an entry is in the ledger, for whoever has the verifier key and nothing else.

    Attributes:
        seq: The entry's position, from 1.
        envelope: Its text as it was hashed.
        proof: The RFC 6962 audit path, hashes in hex from the entry's sibling up.
        checkpoint: The signed note of the tree that it is in.
    """

    seq: int
    envelope: str
    proof: tuple[Digest, ...]
    checkpoint: str

    def __str__(self) -> str:
        """The receipt as a file (https://c2sp.org/tlog-proof); its extra data is the entry's text."""
        extra = b64encode(self.envelope.encode()).decode()
        lines = ["c2sp.org/tlog-proof@v1", f"extra {extra}", f"index {self.seq - 1}", *_base64(self.proof)]
        return "\n".join(lines) + f"\n\n{self.checkpoint}"


class Consistency(Shown, frozen=True, kw_only=True):
    """Proof that the ledger begins with what an older checkpoint was over; it tells nothing of the entries.

    Attributes:
        old: Entries of the older checkpoint.
        proof: The RFC 6962 consistency proof, hashes in hex.
        checkpoint: The newest signed note.
    """

    old: int
    proof: tuple[Digest, ...]
    checkpoint: str

    def __str__(self) -> str:
        """The proof as a file: what https://c2sp.org/tlog-witness takes as ``add-checkpoint``."""
        return "\n".join([f"old {self.old}", *_base64(self.proof)]) + f"\n\n{self.checkpoint}"


def _base64(hashes: tuple[Digest, ...]) -> list[str]:
    return [b64encode(bytes.fromhex(each)).decode() for each in hashes]


class Place(StrEnum):
    """Where a checkpoint can be kept. Which file or repository it was is not recorded."""

    FILE = "file"
    GIT_TAG = "git-tag"


class Anchored(Event, frozen=True, kw_only=True, tag="ledger.anchored"):
    """A checkpoint was written down outside the home."""

    place: Place
    size: int
    root: Digest


class RawPage(Struct, frozen=True, kw_only=True):
    """Entries for an outsider's own verification.

    Attributes:
        entries: As stored, oldest first.
        checkpoint: The ledger's newest checkpoint, a signed note.
        key: The verifier key of whoever signed it.
    """

    entries: tuple[StoredEntry, ...]
    checkpoint: str
    key: str


class Asked(Struct, frozen=True, kw_only=True):
    """Which part of the ledger.

    Attributes:
        project: Of this project; none means all.
        since: Recorded at this moment or later.
        until: Recorded before this moment.
        actor: Caused by whom, opaque.
        about: A name, or ``name@version``, that the event has in one of its fields.
    """

    project: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    actor: str | None = None
    about: str | None = None

    @property
    def given(self) -> dict[str, Any]:
        """What was said of it."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}


class Pruned(Struct, frozen=True, kw_only=True):
    """Entries that an excerpt leaves out.

    Attributes:
        first: Position of the first.
        last: Position of the last.
        root: Root of the RFC 6962 tree over them, which is a perfect subtree of the ledger's.
    """

    first: int
    last: int
    root: Digest


class Excerpt(Struct, frozen=True, kw_only=True):
    """A page of a part of the ledger.

    Attributes:
        entries: Those asked for, as stored, oldest first.
        pruned: What stands for the others.
        size: How many entries the whole excerpt is of.
        checkpoint: The signed note over those; empty on pages behind the first.
        key: The verifier key of whoever signed it.
        next: Position to go on behind; none on the last page.
    """

    entries: tuple[StoredEntry, ...]
    pruned: tuple[Pruned, ...]
    size: int
    checkpoint: str
    key: str
    next: str | None


class Verification(Shown, frozen=True, kw_only=True):
    """What ``ledger verify`` found.

    Attributes:
        intact: Whether every entry is what was recorded, and the ledger begins with what was kept of it.
        entries: How many entries were read.
        root: Root of the RFC 6962 tree over them.
        signer: Digest of the public key that signed the head.
        first_altered: Position of the first entry that is not what was recorded.
        problem: What is wrong; empty when intact.
        checkpoints: How many checkpoints of this ledger it was held against.
        extends: Entries of the largest checkpoint that the ledger was found to begin with.
    """

    intact: bool
    entries: int
    root: str
    signer: str
    first_altered: int | None = None
    problem: str = ""
    checkpoints: int = 0
    extends: int = 0

    def __str__(self) -> str:
        if not self.intact:
            place = f"entry {self.first_altered}: " if self.first_altered else ""
            return f"ALTERED: {place}{self.problem}"
        whole = f"intact: {self.entries:,} entries, root {self.root}, signed by {self.signer[:12]}"
        if not self.checkpoints:
            return whole
        return f"{whole}; held against {self.checkpoints:,} kept, the newest over {self.extends:,} entries"
