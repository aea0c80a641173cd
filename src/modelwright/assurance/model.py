"""Rechecks of what endpoints answer with, and emergencies."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from modelwright.core.events import Event
from modelwright.core.ids import Digest, Id, Name
from modelwright.core.shown import Shown
from modelwright.governance.model import OnFail


class Recheck(Shown, frozen=True, kw_only=True):
    """How what an endpoint answers with stood when it was judged last.

    Attributes:
        endpoint: The endpoint.
        model: What it answered with.
        version: Its version.
        package: Digest of its package.
        policy: Digest of the policy in force.
        at: Wall clock.
        passes: Whether it would have been let through.
        reasons: Why not, gate by gate.
        failing_since: Since when it has not passed; none while it passes.
        frozen: Whether nothing that runs by itself moves the endpoint.
        did: What was done about it, in words; empty when nothing had to be.
    """

    endpoint: Name
    model: Name
    version: int
    package: Digest
    policy: Digest
    at: datetime
    passes: bool
    reasons: tuple[str, ...] = ()
    failing_since: datetime | None = None
    frozen: bool = False
    did: str = ""

    def __str__(self) -> str:
        outcome = "passes" if self.passes else "does not pass: " + " ".join(self.reasons)
        return f"{self.endpoint}: {self.model}@{self.version} {outcome}"


class AliasRecheck(Shown, frozen=True, kw_only=True):
    """How what an alias points at stood when it was judged last.

    Attributes:
        model: The model.
        alias: The alias.
        version: What it pointed at.
        package: Digest of its package.
        policy: Digest of the policy in force.
        at: Wall clock.
        passes: Whether the alias would have been moved there.
        reasons: Why not, gate by gate.
        failing_since: Since when it has not passed; none while it passes.
        frozen: Whether nothing that runs by itself moves the alias.
        did: What was done about it, in words; empty when nothing had to be.
    """

    model: Name
    alias: Name
    version: int
    package: Digest
    policy: Digest
    at: datetime
    passes: bool
    reasons: tuple[str, ...] = ()
    failing_since: datetime | None = None
    frozen: bool = False
    did: str = ""

    @property
    def ref(self) -> str:
        """``model@version``."""
        return f"{self.model}@{self.version}"

    def __str__(self) -> str:
        outcome = "passes" if self.passes else "does not pass: " + " ".join(self.reasons)
        return f"{self.model}@{self.alias}: {self.ref} {outcome}"


class Ending(StrEnum):
    """How an emergency ended."""

    EXPIRED = "expired"
    ENDED = "ended"
    PASSED = "passed"
    MOVED = "moved"
    STUCK = "stuck"


class Emergency(Shown, frozen=True, kw_only=True):
    """Somebody let an endpoint answer with a version that the gates refuse.

    Attributes:
        id: Its identifier.
        endpoint: The endpoint.
        model: What it answers with.
        version: Its version.
        package: Digest of its package.
        instead_of: What answered before, as ``model@version``.
        reason: Why, in their words.
        refused: What the gates said.
        by: Who, opaque.
        at: Wall clock.
        expires_at: When it is undone by itself.
        ended_at: When it was over.
        ending: How: undone because time was up, undone by hand, it passes the gates by now, the endpoint
            was moved, or nothing that answered before may answer again.
    """

    id: Id
    endpoint: Name
    model: Name
    version: int
    package: Digest
    instead_of: str
    reason: str
    refused: tuple[str, ...] = ()
    by: str
    at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    ending: Ending | None = None

    @property
    def ref(self) -> str:
        """``model@version``."""
        return f"{self.model}@{self.version}"

    def __str__(self) -> str:
        how = self.ending or f"until {self.expires_at:%Y-%m-%d %H:%M}Z"
        return f"{self.endpoint}: {self.ref} against the gates, {how}"


class LiveVersionFailed(Event, frozen=True, kw_only=True, tag="assurance.failed"):
    """What an endpoint answers with would not be let through any more."""

    endpoint: Name
    model: Name
    version: int
    policy: Digest
    gates: tuple[Name, ...]
    on_fail: OnFail


class LiveVersionPassed(Event, frozen=True, kw_only=True, tag="assurance.passed"):
    """What an endpoint answers with passes again."""

    endpoint: Name
    model: Name
    version: int
    policy: Digest


class AliasFailed(Event, frozen=True, kw_only=True, tag="assurance.alias_failed"):
    """An alias would not be moved any more to what it points at."""

    model: Name
    alias: Name
    version: int
    policy: Digest
    gates: tuple[Name, ...]
    on_fail: OnFail


class AliasPassed(Event, frozen=True, kw_only=True, tag="assurance.alias_passed"):
    """What an alias points at passes again."""

    model: Name
    alias: Name
    version: int
    policy: Digest


class EmergencyBegun(Event, frozen=True, kw_only=True, tag="assurance.emergency_begun"):
    """Somebody broke the glass. Their words are kept beside the ledger."""

    emergency_id: Id
    endpoint: Name
    model: Name
    version: int
    package: Digest
    expires_at: datetime


class EmergencyEnded(Event, frozen=True, kw_only=True, tag="assurance.emergency_ended"):
    """An emergency is over."""

    emergency_id: Id
    endpoint: Name
    model: Name
    version: int
    ending: Ending
