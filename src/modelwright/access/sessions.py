"""The use cases of signing in with a browser. The server carries them out; they are no operation of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.access.model import (
    MembersChanged,
    Session,
    SignedIn,
    SignedOut,
    SignIn,
    SignInRefused,
    User,
    UserAdded,
    Words,
)
from modelwright.access.principal import SESSION_LONGEST
from modelwright.core import wire
from modelwright.core.errors import Denied, Invalid
from modelwright.core.ids import Digest, Id, Name, new_id
from modelwright.core.operation import Service, operation
from modelwright.core.unit import Unit

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.access.repository import SessionRepository, UserRepository


class SessionService(Service):
    """Who has signed in."""

    noun = "sessions"

    def __init__(self, sessions: SessionRepository, users: UserRepository) -> None:
        self._sessions = sessions
        self._users = users

    @operation(permission="sessions:write", kind="command", idempotent=True)
    def begin(self, unit: Unit, digest: Digest, user: Id, way: Name, *, own: bool) -> Session:
        """Keep a session, and forget those that are over.

        Args:
            unit: The unit of work.
            digest: The SHA-256 of the cookie's secret.
            user: Whose it is.
            way: How they signed in: ``password``, ``token`` or ``provider``.
            own: Whether nobody else knows what they signed in with.
        """
        self._sessions.remove_old(unit.rows, unit.now - SESSION_LONGEST)
        session = Session(digest=digest, user=user, own=own, began_at=unit.now, seen_at=unit.now)
        self._sessions.add(unit.rows, session)
        unit.emit(SignedIn(user_id=user, way=way))
        return session

    @operation(permission="sessions:write", kind="command", idempotent=True)
    def admit(
        self, unit: Unit, issuer: str, subject: str, name: str, display: Words, groups: tuple[str, ...] | None
    ) -> User:
        """The user for whom a provider vouches; made at their first sign-in, without a role.

        Who has the same name and another way in stays another user: a provider does not take over a local one.

        Args:
            unit: The unit of work.
            issuer: The provider.
            subject: What it calls them.
            name: What they would like to sign in as.
            display: What people call them.
            groups: The groups they are in from now on; none leaves them as they are.

        Raises:
            Denied: They may no longer sign in.
        """
        user = self._users.by_subject(unit.rows, issuer, subject)
        if user is None:
            user = User(id=new_id(), name=self._free(unit, name), display=display, provider=issuer, created_at=unit.now)
            self._users.add(unit.rows, user, password=None, subject=subject)
            unit.emit(UserAdded(user_id=user.id, of_kind=user.kind))
        if user.disabled:
            raise Denied("This user may no longer sign in.", remedy="Ask an admin.")
        named = None if groups is None else tuple(sorted({group for group in groups if _is(group, Name)}))
        if named is not None and named != user.groups:
            self._users.put_groups(unit.rows, user.id, named)
            unit.emit(MembersChanged(user_id=user.id, groups=named))
        return user

    def _free(self, unit: Unit, name: str) -> str:
        """The name, or one like it that nobody has."""
        wished = name if _is(name, SignIn) else "user"
        if self._users.by_name(unit.rows, wished) is None:
            return wished
        stem, at, domain = wished.partition("@")
        return f"{stem[:50]}-{new_id()[-6:]}{at}{domain}"

    @operation(permission="sessions:write", kind="command", idempotent=True)
    def end(self, unit: Unit, digest: Digest) -> None:
        """Sign out.

        Args:
            unit: The unit of work.
            digest: The SHA-256 of the cookie's secret.
        """
        session = self._sessions.get(unit.rows, digest)
        if session is not None:
            self._sessions.remove(unit.rows, digest)
            unit.emit(SignedOut(user_id=session.user))

    @operation(permission="sessions:write", kind="command", idempotent=True)
    def look_at(self, unit: Unit, digest: Digest, project: Name) -> None:
        """Look at another project.

        Args:
            unit: The unit of work.
            digest: The SHA-256 of the cookie's secret.
            project: Which; whether they may is asked with every request.
        """
        self._sessions.look_at(unit.rows, digest, project)

    @operation(permission="sessions:write", kind="command", idempotent=True)
    def refused(self, unit: Unit, user: Id, reason: Name) -> None:
        """Record that somebody tried to sign in as a user, and could not.

        Args:
            unit: The unit of work.
            user: As whom.
            reason: Why not: ``password`` or ``disabled``.
        """
        unit.emit(SignInRefused(user_id=user, reason=reason))


def _is(text: str, kind: Any) -> bool:
    try:
        wire.convert(text, kind)
    except Invalid:
        return False
    return True
