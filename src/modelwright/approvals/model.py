"""Requests to sign, signatures, comments, and what happened to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

from modelwright.core.events import Event
from modelwright.core.guard import GateResult
from modelwright.core.ids import Digest, Id, Name
from modelwright.core.shown import Shown
from modelwright.core.signing import Envelope
from modelwright.governance.signoffs import Basis, Signature

Reason = Annotated[str, Meta(min_length=1, max_length=2000)]
"""Why, in somebody's words."""

STATEMENT_TYPE = "application/vnd.modelwright.signoff+json"


class State(StrEnum):
    """How a request stands."""

    OPEN = "open"
    SIGNED = "signed"
    REFUSED = "refused"
    OUTDATED = "outdated"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Comment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody said to a request.

    Attributes:
        text: Their words.
        by: Who, opaque.
        at: Wall clock.
    """

    text: str
    by: str
    at: datetime


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody asked for signatures.

    Attributes:
        id: Its identifier.
        alias: What the version shall become; none where it is about a phase of a model's life.
        basis: What was to be signed when it was asked.
        reason: Why, in their words.
        by: Who asked, opaque.
        at: Wall clock.
        expires_at: Until when it can be answered.
        withdrawn_at: When they took it back.
        comments: What was said to it, oldest first.
    """

    id: Id
    alias: Name | None = None
    basis: Basis
    reason: str
    by: str
    at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None = None
    comments: tuple[Comment, ...] = ()

    @property
    def ref(self) -> str:
        """``model@version``, or the model where it is about a phase of its life."""
        return self.basis.ref

    @property
    def about(self) -> str:
        """What is to be signed, in words."""
        return f"{self.ref} as {self.alias}" if self.basis.phase is None else self.basis.about


class Approval(Shown, frozen=True, kw_only=True):
    """A request as it stands now.

    Attributes:
        request: What was asked.
        state: How it stands.
        covers: Digest of what a signature would cover now; none where there is nothing to sign any more.
        signoffs: What the policy asks of people, and what of it is there.
        gates: What the policy's gates say beside that.
        signatures: Everything signed about it, oldest first.
        authors: Who made it, opaque: they cannot sign.
    """

    request: Request
    state: State
    covers: Digest | None
    signoffs: tuple[GateResult, ...]
    gates: tuple[GateResult, ...]
    signatures: tuple[Signature, ...]
    authors: dict[str, str]

    def __str__(self) -> str:
        return f"{self.request.about}: {self.state}"


class Signing(Shown, frozen=True, kw_only=True):
    """What came of an attempt to sign.

    Attributes:
        signature: What was signed; none where it was refused.
        refused: Why not; empty where it was signed.
        remedy: What would help.
    """

    signature: Signature | None = None
    refused: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        return self.refused or f"signed as {self.signature.role if self.signature else '?'}"


class Signed(Struct, frozen=True, kw_only=True):
    """A signature as it is kept.

    Attributes:
        signature: What was signed.
        envelope: The same, signed with the home's key.
    """

    signature: Signature
    envelope: Envelope


class ApprovalRequested(Event, frozen=True, kw_only=True, tag="approvals.requested"):
    """Somebody asked for signatures. Their words are kept beside the ledger, not in it."""

    request_id: Id
    alias: Name | None = None
    basis: Basis


class RequestWithdrawn(Event, frozen=True, kw_only=True, tag="approvals.withdrawn"):
    """Somebody took their request back."""

    request_id: Id


class VersionSigned(Event, frozen=True, kw_only=True, tag="approvals.signed"):
    """Somebody signed a version, or a phase of a model's life, or refused it; in person, or for somebody else."""

    signature_id: Id
    request_id: Id
    basis: Basis
    role: Literal["validator", "approver"]
    says: Literal["approve", "refuse"]
    on_behalf_of: Id | None = None


class SignatureRevoked(Event, frozen=True, kw_only=True, tag="approvals.revoked"):
    """Somebody took their signature back."""

    signature_id: Id


class SigningRefused(Event, frozen=True, kw_only=True, tag="approvals.signing_refused"):
    """Somebody tried to sign and could not: ``author``, ``role``, ``credential`` or ``delegation`` says why."""

    request_id: Id
    role: Literal["validator", "approver"]
    why: Name


class RequestCommented(Event, frozen=True, kw_only=True, tag="approvals.commented"):
    """Somebody said something to a request; the words are kept beside the ledger."""

    request_id: Id
