"""Sign-offs: what people signed, what it covers, and whether that is what is to be decided now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from modelwright.core import wire
from modelwright.core.clock import duration
from modelwright.core.disjoint import disjoint
from modelwright.core.guard import SIGNED_OFF, GateResult, Transition, Verdict
from modelwright.core.ids import Digest, Id, Name
from modelwright.core.unit import Unit
from modelwright.governance.model import PolicyVersion, SignOff


class Basis(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a signature covers. It dies when any of this is another.

    Attributes:
        model: The model.
        version: The version.
        package: Digest of the version's package.
        policy: Digest of the policy in force.
        charter: Digest of the charter in force, or of the first that asks for the same application.
        evidence: Digest over the evidence that the policy's gates read.
    """

    model: Name
    version: int
    package: Digest
    policy: Digest
    charter: Digest
    evidence: Digest

    def differs(self, other: Basis) -> list[str]:
        """What is another, in words."""
        return [name for name in self.__struct_fields__ if getattr(self, name) != getattr(other, name)]


class Signature(Struct, frozen=True, kw_only=True):
    """What somebody signed.

    Attributes:
        id: Its identifier.
        basis: What it covers.
        role: As whom.
        says: ``approve`` or ``refuse``.
        reason: In their words.
        by: Who, opaque.
        on_behalf_of: For whom, where they were asked to stand in; opaque.
        at: Wall clock.
        revoked_at: When one of them took it back.
    """

    id: Id
    basis: Basis
    role: Literal["validator", "approver"]
    says: Literal["approve", "refuse"]
    reason: str
    by: str
    on_behalf_of: str | None = None
    at: datetime
    revoked_at: datetime | None = None

    @property
    def people(self) -> frozenset[str]:
        """Who stands behind it: each of them counts once."""
        return frozenset({self.by, self.on_behalf_of or self.by})


class Standing(Struct, frozen=True, kw_only=True):
    """What people have to do with a version.

    Attributes:
        signatures: Everything signed about it, oldest first.
        authors: Who made it -> what they did.
        login: Whether there is anybody to sign.
    """

    signatures: tuple[Signature, ...] = ()
    authors: Mapping[str, str] = {}
    login: bool = False


SignedOff = Callable[[Unit, str, int], Standing]
"""Says what people have to do with a version of a model."""


def nobody_signed(_unit: Unit, _model: str, _version: int) -> Standing:
    """Where nobody can sign."""
    return Standing()


def basis_of(transition: Transition, policy: PolicyVersion, charter: Digest, results: Sequence[GateResult]) -> Basis:
    """What is to be signed now."""
    read = sorted({digest for result in results for digest in result.evidence})
    return Basis(
        model=transition.model,
        version=transition.version,
        package=transition.package,
        policy=policy.digest,
        charter=charter,
        evidence=wire.digest(read),
    )


def counting(
    asked: SignOff, basis: Basis, signatures: Sequence[Signature], now: datetime
) -> tuple[list[Signature], list[tuple[Signature, str]]]:
    """The signatures of a role that count now, and those that do not, each with the reason."""
    good, spent = [], []
    for signature in signatures:
        if signature.role != asked.role:
            continue
        changed = signature.basis.differs(basis)
        if signature.revoked_at is not None:
            spent.append((signature, f"was revoked on {signature.revoked_at:%Y-%m-%d}"))
        elif changed:
            spent.append((signature, f"covers another {', '.join(changed)}"))
        elif asked.expires is not None and signature.at + duration(asked.expires) <= now:
            spent.append((signature, f"expired on {signature.at + duration(asked.expires):%Y-%m-%d}"))
        else:
            good.append(signature)
    return good, spent


def judged(
    signoffs: Sequence[SignOff],
    basis: Basis,
    signatures: Sequence[Signature],
    *,
    authors: Mapping[str, str],
    login: bool,
    now: datetime,
) -> Iterator[GateResult]:
    """What the sign-offs of a policy come to, role by role.

    LAW: nobody signs their own work, and nobody signs twice, whatever roles they hold and whomever they stand for.

    Args:
        signoffs: What the policy asks.
        basis: What is to be decided now.
        signatures: Everything signed about the version, oldest first.
        authors: Who made it -> what they did.
        login: Whether there is anybody to sign.
        now: The wall clock.
    """
    ref = f"{basis.model}@{basis.version}"
    asking = sorted(signoffs, key=lambda each: each.role)
    told = [counting(asked, basis, signatures, now) for asked in asking]
    refused = [[one for one in good if one.says == "refuse"] for good, _ in told]
    approved = [
        {} if refusals else {one.people: one for one in good if authors.keys().isdisjoint(one.people)}
        for (good, _), refusals in zip(told, refused, strict=True)
    ]
    chosen = disjoint([asked.count for asked in asking], [list(each) for each in approved])
    for asked, (good, spent), refusals, approvals, people in zip(asking, told, refused, approved, chosen, strict=True):
        gate = f"{SIGNED_OFF}.{asked.role}"
        if not login:
            yield GateResult(
                gate=gate,
                verdict=Verdict.UNKNOWN,
                reason=f"{asked} must sign, and without login nobody can.",
                remedy="Begin login: modelwright user add NAME --token",
            )
        elif refusals:
            yield GateResult(
                gate=gate,
                verdict=Verdict.FAIL,
                reason=f"Somebody refused as {asked.role} on {refusals[-1].at:%Y-%m-%d}.",
                remedy="See why, mend it and evaluate again; a signature covers the evidence it was given on.",
            )
        elif len(people) == asked.count:
            yield GateResult(
                gate=gate,
                verdict=Verdict.ATTESTED,
                reason=f"{asked} signed, the last on {max(approvals[each].at for each in people):%Y-%m-%d}.",
            )
        else:
            own = sorted({authors[who] for one in good for who in one.people if who in authors})
            why = [f"a signature {reason}" for _, reason in spent]
            why += [f"one of who {did} it does not count" for did in own]
            why += ["nobody counts twice, nor whom they stand for"] if len(people) < len(approvals) else []
            yield GateResult(
                gate=gate,
                verdict=Verdict.UNKNOWN,
                reason=f"{asked} must sign, and {len(people) or 'none'} did" + (f": {'; '.join(why)}." if why else "."),
                remedy=f"Ask for it: modelwright approval request {ref} --reason WHY",
            )
