"""The use cases of approvals."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from modelwright.access.model import Delegation, Signer, SignIn
from modelwright.approvals.model import (
    Approval,
    ApprovalRequested,
    Comment,
    Reason,
    Request,
    RequestCommented,
    RequestWithdrawn,
    SignatureRevoked,
    Signing,
    SigningRefused,
    State,
    VersionSigned,
)
from modelwright.core import wire
from modelwright.core.clock import Duration, duration
from modelwright.core.errors import Conflict, Denied, Invalid, NotFound
from modelwright.core.guard import SIGNED_OFF, Action, GateResult, Transition, Verdict
from modelwright.core.ids import Digest, Id, Name, Ref, new_id
from modelwright.core.operation import Page, Service, limited, operation, paged
from modelwright.core.unit import Unit
from modelwright.governance.model import Phase
from modelwright.governance.signoffs import Basis, Signature, Standing
from modelwright.models.model import CHAMPION, check_alias

if TYPE_CHECKING:  # weight: SQLAlchemy and cryptography, which a remote client does without
    from modelwright.approvals.repository import ApprovalRepository
    from modelwright.approvals.standing import Standings
    from modelwright.governance.decide import GovernanceGuard
    from modelwright.governance.service import CharterService
    from modelwright.models.service import ModelService

_MOST_COMMENTS = 500
_SHORTEST, _LONGEST = timedelta(hours=1), timedelta(days=365)


class ApprovalService(Service):
    """Ask for signatures, sign, refuse."""

    noun = "approvals"

    def __init__(
        self,
        repository: ApprovalRepository,
        *,
        models: ModelService,
        guard: GovernanceGuard,
        standings: Standings,
        charters: CharterService,
    ) -> None:
        self._repository = repository
        self._models = models
        self._guard = guard
        self._standings = standings
        self._charters = charters

    @operation(permission="approvals:write", kind="command")
    def request(
        self, unit: Unit, ref: Ref, reason: Reason, alias: Name = "champion", expires: Duration = "30d"
    ) -> Approval:
        """Ask for the signatures that a version's policy wants. What is asked already is answered as it stands.

        Args:
            unit: The unit of work.
            ref: The version.
            reason: Why it should be signed.
            alias: What it shall become.
            expires: How long it can be answered: 1 hour to 365 days.

        Raises:
            Invalid: The policy of its tier asks nobody to sign, or it would be open too long or too short.
        """
        check_alias(alias)
        version = self._models.get(unit, ref)
        policy, basis, _ = self._guard.to_sign(unit, self._transition(unit, version.ref, alias))
        if basis is None or not policy.policy.signoffs:
            raise Invalid(
                f"Nobody has to sign {version.ref}: the tier {policy.policy.tier} asks for no signature.",
                remedy="Put `tier: standard` into its charter, or `signoffs` into its policy.",
            )
        return self._asked(unit, basis, alias, reason, expires)

    @operation(permission="approvals:write", kind="command")
    def request_phase(
        self,
        unit: Unit,
        model: Name,
        phase: Phase,
        reason: Reason,
        subject: Name | None = None,
        expires: Duration = "30d",
    ) -> Approval:
        """Ask for the signatures that a model's policy wants in a phase of its life. What is asked already stays.

        Whoever asks signs nothing of it, and neither does who published the charter, or committed the dataset.

        Args:
            unit: The unit of work.
            model: The model, registered or not yet.
            phase: The phase.
            reason: Why it should be signed.
            subject: The dataset that is to be used; the alias or endpoint that is to rely on it; the endpoint that is
                to be retired, or none for the model.
            expires: How long it can be answered: 1 hour to 365 days.

        Raises:
            Invalid: The policy of its tier asks nobody there, or what is to be signed is not said.
            NotFound: It has no charter, or there is no such dataset.
        """
        wanted = {Phase.DATA: "dataset", Phase.APPLICATION: "alias or endpoint"}.get(phase)
        if (wanted is not None) != (subject is not None) and phase is not Phase.RETIREMENT:
            raise Invalid(
                f"{phase.title()} is asked {f'of one {wanted}' if wanted else 'of the model'}, not of {subject}.",
                remedy=f"Name the {wanted}." if wanted else "Leave it out.",
                fields={"subject": f"is no {wanted}" if wanted else "is not asked there"},
            )
        self._charters.get(unit, model)
        schema = self._columns(unit, subject) if phase is Phase.DATA else None
        policy, basis, _ = self._guard.of_phase(unit, model, phase, subject, schema)
        if basis is None:
            raise Invalid(
                f"Nobody has to sign there: the tier {policy.policy.tier} asks for no signature in the phase {phase}.",
                remedy="Put `tier: high` into its charter, or `phases` into its policy.",
            )
        return self._asked(unit, basis, None, reason, expires)

    @operation(permission="approvals:read", kind="query")
    def get(self, unit: Unit, request: Id) -> Approval:
        """One request as it stands now.

        Args:
            unit: The unit of work.
            request: The request.

        Raises:
            NotFound: There is none.
        """
        return self._approval(unit, self._existing(unit, request))

    @operation(permission="approvals:read", kind="query")
    def list(
        self, unit: Unit, which: Literal["open", "all"] = "open", limit: int = 50, after: Id | None = None
    ) -> Page[Approval]:
        """Requests, newest first.

        Args:
            unit: The unit of work.
            which: Those that wait for somebody, or all.
            limit: Requests a page, 1 to 200.
            after: ``next`` of the page before.
        """
        found = self._repository.page(unit.rows, unit.project, before=after, limit=limited(limit, most=200) + 1)
        page = paged(found, limit, lambda request: request.id)
        every = [self._approval(unit, request) for request in page.items]
        return Page(items=[one for one in every if which == "all" or one.state is State.OPEN], next=page.next)

    @operation(permission="approvals:sign", kind="command")
    def sign(
        self,
        unit: Unit,
        request: Id,
        role: Signer,
        reason: Reason,
        covers: Digest | None = None,
        on_behalf_of: SignIn | None = None,
    ) -> Signing:
        """Sign a version. An attempt that is refused is an answer, and on record.

        Args:
            unit: The unit of work.
            request: The request.
            role: As whom.
            reason: Why, in the signer's words.
            covers: What the signer looked at, as ``get`` says; by default what is there now.
            on_behalf_of: The name of somebody who lets the caller sign for them; by default for the caller.

        Raises:
            NotFound: There is no such request.
            Conflict: It is not open, or something changed since the signer looked.
        """
        return self._say(unit, request, role, "approve", reason, covers, on_behalf_of)

    @operation(permission="approvals:sign", kind="command")
    def refuse(
        self,
        unit: Unit,
        request: Id,
        role: Signer,
        reason: Reason,
        covers: Digest | None = None,
        on_behalf_of: SignIn | None = None,
    ) -> Signing:
        """Refuse to sign a version: nothing passes with it until the evidence is another, or the refusal is revoked.

        Args:
            unit: The unit of work.
            request: The request.
            role: As whom.
            reason: Why not, in their words.
            covers: What they looked at; by default what is there now.
            on_behalf_of: The name of somebody who lets the caller sign for them; by default for the caller.
        """
        return self._say(unit, request, role, "refuse", reason, covers, on_behalf_of)

    @operation(permission="approvals:sign", kind="command", idempotent=True)
    def revoke(self, unit: Unit, signature: Id) -> Signature:
        """Take a signature of one's own back, or one that somebody gave in one's name.

        Args:
            unit: The unit of work.
            signature: The signature.

        Raises:
            NotFound: There is none.
            Denied: It is somebody else's, or the caller's credential was made by somebody else.
        """
        signed = self._repository.signature(unit.rows, unit.project, signature)
        if signed is None:
            raise NotFound(f"There is no signature {signature}.", remedy="See: modelwright approval list --all")
        found = self._standings.read(signed)
        if unit.actor.id not in found.people:
            raise Denied("The signature is somebody else's.", remedy="Only who signed, or for whom, takes it back.")
        if not unit.caller.own:
            raise Denied(
                "Nobody takes a signature back with a credential that somebody else made.",
                remedy="Sign in, or make a token of your own: modelwright token create PURPOSE",
            )
        if found.revoked_at is not None:
            return found
        revoked = replace(found, revoked_at=unit.now)
        self._repository.resign(unit.rows, replace(signed, signature=revoked))
        unit.emit(SignatureRevoked(signature_id=found.id))
        return revoked

    @operation(permission="approvals:write", kind="command", idempotent=True)
    def withdraw(self, unit: Unit, request: Id) -> Approval:
        """Take a request back.

        Args:
            unit: The unit of work.
            request: The request.

        Raises:
            NotFound: There is none.
        """
        found = self._existing(unit, request)
        if found.withdrawn_at is None:
            found = replace(found, withdrawn_at=unit.now)
            self._repository.put(unit.rows, found)
            unit.emit(RequestWithdrawn(request_id=found.id))
        return self._approval(unit, found)

    @operation(permission="comments:write", kind="command")
    def comment(self, unit: Unit, request: Id, text: Reason) -> Approval:
        """Say something to a request.

        Args:
            unit: The unit of work.
            request: The request.
            text: The words.

        Raises:
            NotFound: There is none.
            Conflict: There are 500 comments already.
        """
        found = self._existing(unit, request)
        if len(found.comments) >= _MOST_COMMENTS:
            raise Conflict(f"The request has {_MOST_COMMENTS} comments already.", remedy="Ask anew.")
        found = replace(found, comments=(*found.comments, Comment(text=text, by=unit.actor.id, at=unit.now)))
        self._repository.put(unit.rows, found)
        unit.emit(RequestCommented(request_id=found.id))
        return self._approval(unit, found)

    def standing(self, unit: Unit, ref: Ref) -> Standing:
        """What people have to do with a version, for documents."""
        version = self._models.get(unit, ref)
        return self._standings(unit, version.model, version.version)

    def _asked(self, unit: Unit, basis: Basis, alias: str | None, reason: str, expires: str) -> Approval:
        if not _SHORTEST <= duration(expires) <= _LONGEST:
            raise Invalid(
                f"A request that is open for {expires} is not asked.",
                remedy="Give 1h to 365d.",
                fields={"expires": "not 1h to 365d"},
            )
        for known in self._repository.page(unit.rows, unit.project, before=None, limit=100):
            if (known.basis, known.alias) == (basis, alias) and not _over(known, unit.now):
                return self._approval(unit, known)
        request = Request(
            id=new_id(),
            alias=alias,
            basis=basis,
            reason=reason,
            by=unit.actor.id,
            at=unit.now,
            expires_at=unit.now + duration(expires),
        )
        self._repository.add(unit.rows, unit.project, request)
        unit.emit(ApprovalRequested(request_id=request.id, alias=alias, basis=basis))
        return self._approval(unit, request)

    def _columns(self, unit: Unit, dataset: str | None) -> str:
        found = self._guard.phases.schema(unit, dataset or "")
        if found is None:
            raise NotFound(f"There is no dataset {dataset!r}.", remedy="See what there is: modelwright data list")
        return found

    def _say(
        self,
        unit: Unit,
        request: str,
        role: Signer,
        says: Literal["approve", "refuse"],
        reason: str,
        covers: str | None,
        on_behalf_of: str | None,
    ) -> Signing:
        asked = self._existing(unit, request)
        basis = self._present(unit, asked)[0]
        over = _over(asked, unit.now)
        if basis is None or basis != asked.basis or over is not None:
            raise Conflict(
                f"The request is over: it is {over or State.OUTDATED}.",
                remedy=f"Ask anew: {asked.basis.request}",
            )
        if covers not in (None, wire.digest(basis)):
            raise Conflict("Something changed since you looked.", remedy="Look again, then sign.")
        standing_in = self._standings.stood_for(unit, role, on_behalf_of) if on_behalf_of else None
        refused = self._barred(unit, asked, role, on_behalf_of, standing_in)
        if refused is not None:
            return refused
        signature = Signature(
            id=new_id(),
            basis=basis,
            role=role,
            says=says,
            reason=reason,
            by=unit.actor.id,
            on_behalf_of=standing_in.giver_id if standing_in else None,
            at=unit.now,
        )
        self._repository.sign(unit.rows, unit.project, self._standings.signed(signature))
        unit.emit(
            VersionSigned(
                signature_id=signature.id,
                request_id=asked.id,
                basis=basis,
                role=role,
                says=says,
                on_behalf_of=signature.on_behalf_of,
            )
        )
        return Signing(signature=signature)

    def _barred(
        self, unit: Unit, asked: Request, role: Signer, name: str | None, standing_in: Delegation | None
    ) -> Signing | None:
        """Why somebody cannot sign; it is put on record."""
        authors = self._standing(unit, asked.basis).authors
        remedy = "See whether, for whom, and why not: modelwright whoami"
        if unit.actor.id in authors:
            why = "author"
            refused = f"You {authors[unit.actor.id]} {asked.ref}, and nobody signs their own work."
            remedy = "Ask somebody else: the request stays open."
        elif name is not None and standing_in is None:
            why = "delegation" if unit.caller.own else "credential"
            refused = f"You do not sign for {name} as {role} here."
        elif standing_in is not None and standing_in.giver_id in authors:
            why = "author"
            refused = f"{name} {authors[standing_in.giver_id]} {asked.ref}, and nobody has their own work signed."
            remedy = "Ask somebody else: the request stays open."
        elif standing_in is None and role not in unit.caller.signs_as:
            why = "role" if unit.caller.own else "credential"
            refused = f"You do not sign as {role} here."
        else:
            return None
        unit.emit(SigningRefused(request_id=asked.id, role=role, why=why))
        return Signing(refused=refused, remedy=remedy)

    def _approval(self, unit: Unit, request: Request) -> Approval:
        basis, people, gates = self._present(unit, request)
        standing = self._standing(unit, request.basis)
        over = _over(request, unit.now)
        open_still = over is None and basis == request.basis
        if over is State.WITHDRAWN:
            state = State.WITHDRAWN
        elif basis != request.basis:
            state = State.OUTDATED
        elif any(gate.verdict is Verdict.FAIL for gate in people):
            state = State.REFUSED
        elif people and all(gate.verdict.passes for gate in people):
            state = State.SIGNED
        else:
            state = over or State.OPEN
        return Approval(
            request=request,
            state=state,
            covers=wire.digest(basis) if open_still else None,
            signoffs=people,
            gates=gates,
            signatures=standing.signatures,
            authors=dict(standing.authors),
        )

    def _present(
        self, unit: Unit, request: Request
    ) -> tuple[Basis | None, tuple[GateResult, ...], tuple[GateResult, ...]]:
        """What would be signed now, what people say of it, and what the gates say beside that."""
        known = request.basis
        if known.phase is not None:
            _, basis, said = self._guard.of_phase(unit, known.model, known.phase, known.subject, known.schema)
            return basis, tuple(said), ()
        alias = request.alias or CHAMPION
        _, basis, decision = self._guard.to_sign(unit, self._transition(unit, request.ref, alias))
        people = tuple(gate for gate in decision.gates if gate.gate.startswith(f"{SIGNED_OFF}."))
        return basis, people, tuple(gate for gate in decision.gates if gate not in people)

    def _standing(self, unit: Unit, basis: Basis) -> Standing:
        if basis.version is None:
            return self._standings.of_phase(unit, basis)
        return self._standings(unit, basis.model, basis.version)

    def _transition(self, unit: Unit, ref: str, alias: str) -> Transition:
        version = self._models.get(unit, ref)
        return Transition(
            action=Action.SET_ALIAS,
            model=version.model,
            version=version.version,
            package=version.package,
            target=alias,
        )

    def _existing(self, unit: Unit, request: str) -> Request:
        found = self._repository.get(unit.rows, unit.project, request)
        if found is None:
            raise NotFound(f"There is no request {request}.", remedy="See: modelwright approval list --all")
        return found


def _over(request: Request, now: datetime) -> State | None:
    """How a request ended by itself: taken back, or unanswered for too long."""
    if request.withdrawn_at is not None:
        return State.WITHDRAWN
    return State.EXPIRED if request.expires_at <= now else None
