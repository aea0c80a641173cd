"""From a credential to who presented it and what they may do in a project: read from the rows, decided here alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from modelwright.access.credentials import hashed, is_password, is_token
from modelwright.access.model import Delegation, Principal, Session, Token, User
from modelwright.access.repository import (
    DelegationRepository,
    GrantRepository,
    SessionRepository,
    TokenRepository,
    UserRepository,
)
from modelwright.access.roles import (
    EVERYWHERE,
    OF_WHO_IS_UNLIMITED,
    OWN,
    SIGNERS,
    STANDING_IN,
    Role,
    permitted,
    permitted_everywhere,
)
from modelwright.core.errors import Denied, NotFound
from modelwright.core.events import ActorKind
from modelwright.core.identity import DEFAULT_PROJECT
from modelwright.core.unit import Rows

SESSION_IDLE = timedelta(hours=12)
SESSION_LONGEST = timedelta(days=7)
_SKEW = timedelta(minutes=5)

_SIGN_IN = "Sign in, or send a token: Authorization: Bearer mwt_…"


class Doorkeeper:
    """Reads who somebody is; all it writes is when a credential was last used.

    Args:
        users: The home's users.
        grants: Their roles.
        tokens: Their tokens.
        sessions: Their browsers.
        delegations: Who lets whom sign for them.
    """

    def __init__(
        self,
        users: UserRepository,
        grants: GrantRepository,
        tokens: TokenRepository,
        sessions: SessionRepository,
        delegations: DelegationRepository,
    ) -> None:
        self._users = users
        self._grants = grants
        self._tokens = tokens
        self._sessions = sessions
        self._delegations = delegations

    def login(self, rows: Rows) -> bool:
        """Whether the home has login."""
        return self._users.any(rows)

    def by_token(self, rows: Rows, text: str, *, project: str | None, now: datetime) -> tuple[Principal, Token]:
        """Who presents a token.

        Args:
            rows: A snapshot.
            text: The token as it was sent.
            project: The project they ask for; none means the token's own, else where its user works.
            now: The wall clock.

        Raises:
            Denied: It is no token, or one that does not count any more.
            NotFound: They hold no role in that project, or there is no such project: it is all the same to them.
        """
        found = self._tokens.by_digest(rows, hashed(text)) if is_token(text) else None
        if found is None:
            raise Denied("This is no token of this home.", remedy=_SIGN_IN)
        token, user = found
        if why := token.ended(now):
            raise Denied(f"The token {token.shown}… does not count any more. {why}", remedy=_SIGN_IN)
        if token.project is not None and project not in (None, token.project):
            raise _no_project(str(project))
        asked, own = project or token.project, not token.given
        living = self._living(rows, user)
        principal = self.principal(rows, living, project=asked, own=own, now=now, scopes=token.scopes)
        if token.scopes or token.project:  # what is limited makes nothing that is not: no token, password or session
            principal = replace(principal, permissions=principal.permissions - OF_WHO_IS_UNLIMITED)
        return principal, token

    def by_session(self, rows: Rows, secret: str, *, project: str | None, now: datetime) -> tuple[Principal, Session]:
        """Who presents a cookie; raises as ``by_token`` does."""
        session = self._sessions.get(rows, hashed(secret))
        if session is None or session.seen_at < now - SESSION_IDLE or session.began_at < now - SESSION_LONGEST:
            raise Denied("The session is over.", remedy="Sign in again.")
        if session.began_at > now + _SKEW:  # how old it is nobody knows
            raise Denied("The session began later than now: the clock was put back.", remedy="Sign in again.")
        user = self._living(rows, session.user)
        return self.principal(rows, user, project=project or session.project, own=session.own, now=now), session

    def principal(
        self, rows: Rows, user: User, *, project: str | None, own: bool, now: datetime, scopes: tuple[str, ...] = ()
    ) -> Principal:
        """A user in a project; raises ``NotFound`` where they hold no role, and nobody lets them sign for them."""
        standing_in = {one.project for one in self.standing_in(rows, user, now)}
        named = tuple(sorted(standing_in | set(self._held(rows, user))))
        chosen = project or (named[0] if named and DEFAULT_PROJECT not in named else DEFAULT_PROJECT)
        if chosen not in named and (named or project is not None):
            raise _no_project(chosen)
        roles = self.roles(rows, user, chosen)
        everywhere = self.roles(rows, user, EVERYWHERE)
        given = STANDING_IN if chosen in standing_in else frozenset()
        return Principal(
            user=user,
            project=chosen,
            projects=named,
            roles=roles,
            permissions=_within(permitted(roles) | permitted_everywhere(everywhere) | given | OWN, scopes),
            own=own or user.kind is ActorKind.SIMULATED,  # an example plays both: who makes it, and who uses it
        )

    def projects(self, rows: Rows, user: User, now: datetime) -> tuple[str, ...]:
        """The projects in which a user holds a role, or somebody lets them sign, by name."""
        return tuple(sorted({*self._held(rows, user), *(one.project for one in self.standing_in(rows, user, now))}))

    def standing_in(self, rows: Rows, user: User, now: datetime) -> list[Delegation]:
        """The delegations by which a user may sign for somebody at this moment, oldest first."""
        return [one for one in self._delegations.to(rows, user.id) if not self.void(rows, one, now)]

    def void(self, rows: Rows, delegation: Delegation, now: datetime) -> str:
        """Why a delegation does not count at this moment; empty where it does."""
        giver = self._users.by_id(rows, delegation.giver_id)
        delegate = self._users.by_id(rows, delegation.delegate_id)
        if giver is None or delegate is None:
            return "One of them is not known."
        if over := delegation.over(now):
            return over
        if delegation.role not in self.signing(rows, giver, delegation.project):
            return f"{giver.name} does not sign as {delegation.role} any more."
        return self.unfit(rows, giver, delegate)

    def unfit(self, rows: Rows, giver: User, delegate: User) -> str:
        """Why somebody cannot sign for another, whatever the role; empty where they can."""
        if delegate.id == giver.id:
            return "Nobody signs for themselves by way of a delegation."
        if delegate.disabled:
            return f"{delegate.name} may no longer sign in."
        if delegate.kind is not giver.kind:
            return f"{delegate.name} is a {delegate.kind} and {giver.name} a {giver.kind}."
        if Role.ADMIN in self.roles(rows, delegate, EVERYWHERE):
            return f"{delegate.name} is an admin: who gives rights must not use them."
        return ""

    def signing(self, rows: Rows, user: User, project: str) -> frozenset[Role]:
        """The roles of a user as which somebody signs; none for who may not sign in, services and admins."""
        roles = self.roles(rows, user, project)
        barred = user.disabled or user.kind is ActorKind.SERVICE or Role.ADMIN in roles
        return frozenset() if barred else roles & SIGNERS

    def _held(self, rows: Rows, user: User) -> tuple[str, ...]:
        """The projects in which a user holds a role, by name."""
        named = {where for where, _ in self._grants.of(rows, user)}
        if EVERYWHERE in named:
            named |= {DEFAULT_PROJECT, *(each.name for each in self._grants.projects(rows))}
        return tuple(sorted(named - {EVERYWHERE}))

    def roles(self, rows: Rows, user: User, project: str) -> frozenset[Role]:
        """What a user is in a project."""
        return frozenset(role for where, role in self._grants.of(rows, user) if where in (project, EVERYWHERE))

    def by_password(self, rows: Rows, name: str, password: str) -> User:
        """Who signs in with a password; takes as long for a name that nobody has.

        Raises:
            Denied: The name or the password is wrong, or they may no longer sign in; which of them is not said.
        """
        user = self._users.by_name(rows, name)
        kept = None if user is None else self._users.password(rows, user.id)
        if not is_password(password, kept) or user is None or user.disabled:
            raise Denied("The name or the password is wrong.", remedy="Ask an admin for another password.")
        return user

    def named(self, rows: Rows, name: str) -> User | None:
        """The user of a name."""
        return self._users.by_name(rows, name)

    def known(self, rows: Rows, user: str) -> User | None:
        """The user whom the ledger calls so."""
        return self._users.by_id(rows, user)

    def everybody(self, rows: Rows, permission: str, now: datetime) -> Iterator[tuple[str, tuple[str, ...], datetime]]:
        """Every token that counts: its hash, the projects in which it gives a permission, and when it ends."""
        for digest, user, token in self._tokens.every(rows):
            found = self._users.by_id(rows, user)
            if token.ended(now) or found is None or found.disabled:
                continue
            named = (token.project,) if token.project else self._held(rows, found)
            yield (
                digest,
                tuple(
                    project
                    for project in named
                    if permission in _within(permitted(self.roles(rows, found, project)), token.scopes)
                ),
                token.expires_at,
            )

    def used(self, rows: Rows, kind: str, what: str, at: datetime) -> None:
        """A credential was used: a token, by its id, or a session, by its digest."""
        if kind == "token":
            self._tokens.used(rows, what, at)
        else:
            self._sessions.seen(rows, what, at)

    def _living(self, rows: Rows, user: str) -> User:
        found = self._users.by_id(rows, user)
        if found is None or found.disabled:
            raise Denied("This user may no longer sign in.", remedy="Ask an admin.")
        return found


def _within(permissions: frozenset[str], scopes: tuple[str, ...]) -> frozenset[str]:
    """Those that a token's scopes name; a scope gives nothing that the user has not."""
    if not scopes:
        return permissions
    return frozenset(each for each in permissions if each in scopes or f"{each.partition(':')[0]}:*" in scopes)


def _no_project(project: str) -> NotFound:
    return NotFound(
        f"There is no project {project!r} in which you hold a role.",
        remedy="See yours: modelwright whoami",
    )


def signs_as(principal: Principal) -> frozenset[Role]:
    """The roles as which somebody may sign.

    None with a credential that somebody else made, for a service, and for an admin: who gives rights must not use them.
    """
    barred = not principal.own or principal.user.kind is ActorKind.SERVICE or Role.ADMIN in principal.roles
    return frozenset() if barred else principal.roles
