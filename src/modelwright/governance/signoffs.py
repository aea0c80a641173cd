"""Sign-offs: what people signed, what it covers, and whether that is what is to be decided now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from modelwright.core import wire
from modelwright.core.clock import duration
from modelwright.core.disjoint import disjoint
from modelwright.core.guard import PHASE, SIGNED_OFF, GateResult, Transition, Verdict
from modelwright.core.ids import Digest, Id, Name
from modelwright.core.unit import Unit
from modelwright.governance.model import Phase, PolicyVersion, SignOff


class Basis(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a signature covers: a version, or a phase of a model's life. It dies when any of this is another.

    One form for both, and what does not apply left out: the bytes of what was signed before there were phases read, and
    hash, as they did.

    Attributes:
        model: The model.
        policy: Digest of the policy in force.
        charter: Digest of the charter in force, or of the first that asks for the same application.
        version: The version.
        package: Digest of the version's package.
        evidence: Digest over the evidence that the policy's gates read.
        phase: The phase, instead of a version.
        subject: What it is about there: the dataset; the alias or endpoint; the endpoint that is retired, or none where
            the model is.
        schema: Digest of the dataset's columns and types: daily versions have the same.
    """

    model: Name
    policy: Digest
    charter: Digest
    version: int | None = None
    package: Digest | None = None
    evidence: Digest | None = None
    phase: Phase | None = None
    subject: Name | None = None
    schema: Digest | None = None

    def __post_init__(self) -> None:
        of_version = (self.version, self.package, self.evidence)
        if self.phase is None and (None in of_version or (self.subject, self.schema) != (None, None)):
            raise ValueError("a basis is of a version, with package and evidence, or of a phase")
        if self.phase is not None and of_version != (None, None, None):
            raise ValueError("a basis is of a version or of a phase, not of both")

    @property
    def ref(self) -> str:
        """``model@version``, or the model."""
        return self.model if self.version is None else f"{self.model}@{self.version}"

    @property
    def about(self) -> str:
        """What it is about, in words.

        Example:
            >>> none = "0" * 64
            >>> Basis(model="delay", policy=none, charter=none, phase=Phase.DATA, subject="flights").about
            'the use of flights for delay'
        """
        said = {
            Phase.CHARTER: f"the charter of {self.model}",
            Phase.DATA: f"the use of {self.subject} for {self.model}",
            Phase.TRAINING: f"the training of {self.model}",
            Phase.APPLICATION: f"the application of {self.model} as {self.subject}",
            Phase.RETIREMENT: f"the retirement of {self.subject or self.model}",
        }
        return self.ref if self.phase is None else said[self.phase]

    @property
    def request(self) -> str:
        """The command that asks for signatures on it."""
        words = [self.ref, *(["--phase", self.phase] if self.phase else []), *self._which]
        return f"modelwright approval request {' '.join(words)} --reason WHY"

    @property
    def _which(self) -> list[str]:
        if self.subject is None:
            return []
        return ["--dataset" if self.phase is Phase.DATA else "--target", self.subject]

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
    """What people have to do with a version, or with a phase of a model's life.

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

OfPhase = Callable[[Unit, Basis], Standing]
"""Says what people have to do with a phase of a model's life."""


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
        signatures: Everything signed about it, oldest first.
        authors: Who made it -> what they did.
        login: Whether there is anybody to sign.
        now: The wall clock.
    """
    kind = SIGNED_OFF if basis.phase is None else f"{PHASE}-{basis.phase}"
    about = "" if basis.phase is None else f"{basis.about[0].upper()}{basis.about[1:]}: "
    asking = sorted(signoffs, key=lambda each: each.role)
    told = [counting(asked, basis, signatures, now) for asked in asking]
    refused = [[one for one in good if one.says == "refuse"] for good, _ in told]
    approved = [
        {} if refusals else {one.people: one for one in good if authors.keys().isdisjoint(one.people)}
        for (good, _), refusals in zip(told, refused, strict=True)
    ]
    chosen = disjoint([asked.count for asked in asking], [list(each) for each in approved])
    for asked, (good, spent), refusals, approvals, people in zip(asking, told, refused, approved, chosen, strict=True):
        gate = f"{kind}.{asked.role}"
        if not login:
            yield GateResult(
                gate=gate,
                verdict=Verdict.UNKNOWN,
                reason=f"{about}{asked} must sign, and without login nobody can.",
                remedy="Begin login: modelwright user add NAME --token",
            )
        elif refusals:
            yield GateResult(
                gate=gate,
                verdict=Verdict.FAIL,
                reason=f"{about}Somebody refused as {asked.role} on {refusals[-1].at:%Y-%m-%d}.",
                remedy="See why, mend it and evaluate again; a signature covers the evidence it was given on."
                if basis.phase is None
                else "See why, and mend it; a signature covers the charter, and a dataset's columns.",
            )
        elif len(people) == asked.count:
            yield GateResult(
                gate=gate,
                verdict=Verdict.ATTESTED,
                reason=f"{about}{asked} signed, the last on {max(approvals[each].at for each in people):%Y-%m-%d}.",
            )
        else:
            own = sorted({authors[who] for one in good for who in one.people if who in authors})
            why = [f"a signature {reason}" for _, reason in spent]
            why += [f"one of who {did} it does not count" for did in own]
            why += ["nobody counts twice, nor whom they stand for"] if len(people) < len(approvals) else []
            yield GateResult(
                gate=gate,
                verdict=Verdict.UNKNOWN,
                reason=f"{about}{asked} must sign, and {len(people) or 'none'} did"
                + (f": {'; '.join(why)}." if why else "."),
                remedy=f"Ask for it: {basis.request}",
            )
