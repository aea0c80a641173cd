"""The use cases of signing in with a browser. The server carries them out; they are no operation of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.access.model import Session, SignedIn, SignedOut, SignInRefused
from modelwright.access.principal import SESSION_LONGEST
from modelwright.core.ids import Digest, Id, Name
from modelwright.core.operation import Service, operation
from modelwright.core.unit import Unit

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.access.repository import SessionRepository


class SessionService(Service):
    """Who has signed in."""

    noun = "sessions"

    def __init__(self, sessions: SessionRepository) -> None:
        self._sessions = sessions

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
