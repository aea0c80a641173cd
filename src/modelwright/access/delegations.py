"""The use cases of delegations: who signs for somebody else, for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta
from msgspec.structs import replace

from modelwright.access.model import Delegation, DelegationAdded, DelegationEnded, Signer, SignIn
from modelwright.access.service import existing
from modelwright.core.errors import Conflict, Denied, Invalid, NotFound
from modelwright.core.ids import Id, new_id
from modelwright.core.operation import Page, Service, limited, operation, paged
from modelwright.core.unit import Unit

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.access.principal import Doorkeeper
    from modelwright.access.repository import DelegationRepository, UserRepository

LONGEST_DAYS = 90

Reason = Annotated[str, Meta(min_length=1, max_length=2000)]
"""Why, in somebody's words."""


class DelegationService(Service):
    """Let another person sign for you while you are away."""

    noun = "delegations"

    def __init__(self, delegations: DelegationRepository, users: UserRepository, doorkeeper: Doorkeeper) -> None:
        self._delegations = delegations
        self._users = users
        self._doorkeeper = doorkeeper

    @operation(permission="delegations:write", kind="command")
    def add(self, unit: Unit, to: SignIn, role: Signer, days: int, reason: Reason) -> Delegation:
        """Let another person sign for you in this project. They sign in their own name, and yours beside it.

        It counts while you hold the role yourself. They need no role here: they see what a signature covers, and no
        more. They cannot pass it on.

        Args:
            unit: The unit of work.
            to: Who.
            role: As whom they sign.
            days: How long, 1 to 90.
            reason: Why, in your words.

        Raises:
            Denied: The caller does not sign as that, or came with a credential that somebody else made.
            Invalid: It would be too long; they are the caller, a service, an admin or disabled.
            NotFound: There is no such user.
            Conflict: They sign for the caller already.
        """
        giver = self._users.by_id(unit.rows, unit.actor.id)
        if giver is None or not unit.caller.own or role not in self._doorkeeper.signing(unit.rows, giver, unit.project):
            raise Denied(
                f"You do not sign as {role} here, so nobody does for you.",
                remedy="See as whom you sign, and why not: modelwright whoami",
            )
        if not 1 <= days <= LONGEST_DAYS:
            raise Invalid(
                f"days is {days}, not 1 to {LONGEST_DAYS}.",
                remedy="Who is away for longer gives the role up: ask an admin.",
                fields={"days": f"not 1 to {LONGEST_DAYS}"},
            )
        delegate = existing(self._users, unit, to)
        if why := self._doorkeeper.unfit(unit.rows, giver, delegate):
            raise Invalid(why, remedy="Take another person.", fields={"to": "cannot sign for you"})
        for known in self._doorkeeper.standing_in(unit.rows, delegate, unit.now):
            if (known.giver_id, known.role, known.project) == (giver.id, role, unit.project):
                raise Conflict(f"That is so already: {known}.", remedy="End it: modelwright approval delegations")
        kept = Delegation(
            id=new_id(),
            project=unit.project,
            role=role,
            giver=giver.name,
            giver_id=giver.id,
            delegate=delegate.name,
            delegate_id=delegate.id,
            reason=reason,
            at=unit.now,
            expires_at=unit.now + timedelta(days=days),
        )
        self._delegations.add(unit.rows, kept)
        unit.emit(
            DelegationAdded(
                delegation_id=kept.id,
                giver_id=giver.id,
                delegate_id=delegate.id,
                role=role,
                signs_in=unit.project,
                expires_at=kept.expires_at,
            )
        )
        return kept

    @operation(permission="self:write", kind="command", idempotent=True)
    def end(self, unit: Unit, delegation: Id) -> Delegation:
        """End a delegation that the caller gave or was given, or as an admin anybody's: nobody signs by it from now on.

        Args:
            unit: The unit of work.
            delegation: Its identifier.

        Raises:
            NotFound: The caller has no such delegation.
        """
        found = self._delegations.get(unit.rows, delegation)
        theirs = found is not None and unit.actor.id in (found.giver_id, found.delegate_id)
        if found is None or not (theirs or unit.caller.may("access:write")):
            raise NotFound(
                f"There is no delegation {delegation}.", remedy="See: modelwright approval delegations --all"
            )
        if over := found.over(unit.now):
            return replace(found, void=over)
        ended = replace(found, ended_at=unit.now)
        self._delegations.put(unit.rows, ended)
        unit.emit(DelegationEnded(delegation_id=found.id, giver_id=found.giver_id, delegate_id=found.delegate_id))
        return replace(ended, void=ended.over(unit.now))

    @operation(permission="approvals:read", kind="query")
    def list(
        self, unit: Unit, which: Literal["open", "all"] = "open", limit: int = 100, after: Id | None = None
    ) -> Page[Delegation]:
        """Who signs for whom in this project, newest first.

        Args:
            unit: The unit of work.
            which: Those that count now, or all.
            limit: Delegations a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        return self._page(unit, unit.project, which, limit, after)

    @operation(permission="access:read", kind="query")
    def every(
        self, unit: Unit, which: Literal["open", "all"] = "open", limit: int = 100, after: Id | None = None
    ) -> Page[Delegation]:
        """Who signs for whom in every project, newest first.

        Args:
            unit: The unit of work.
            which: Those that count now, or all.
            limit: Delegations a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        return self._page(unit, None, which, limit, after)

    def _page(self, unit: Unit, project: str | None, which: str, limit: int, after: str | None) -> Page[Delegation]:
        found = self._delegations.page(unit.rows, project=project, after=after, limit=limited(limit) + 1)
        page = paged(found, limit, lambda one: one.id)
        told = [replace(one, void=self._doorkeeper.void(unit.rows, one, unit.now)) for one in page.items]
        return Page(items=[one for one in told if which == "all" or not one.void], next=page.next)
