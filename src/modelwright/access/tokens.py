"""The use cases of tokens. Their secrets are made by whoever will use them: what is sent here is a hash."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple

from msgspec import Meta
from msgspec.structs import replace

from modelwright.access.model import Permission, SignIn, Token, TokenAdded, TokenRevoked, User, Words
from modelwright.access.service import existing
from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.core.ids import Digest, Id, Name, new_id
from modelwright.core.operation import Page, Service, limited, operation, paged
from modelwright.core.unit import Unit

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.access.repository import TokenRepository, UserRepository

Shown = Annotated[str, Meta(pattern=r"\Amwt_[0-9A-Za-z]{6}\Z")]
"""How a token begins."""

LONGEST_DAYS = 730


class _Asked(NamedTuple):
    digest: str
    shown: str
    purpose: str
    days: int
    scopes: tuple[str, ...]
    project: str | None


class TokenService(Service):
    """What programs present."""

    noun = "tokens"

    def __init__(self, tokens: TokenRepository, users: UserRepository) -> None:
        self._tokens = tokens
        self._users = users

    @operation(permission="self:write", kind="command")
    def add(
        self,
        unit: Unit,
        digest: Digest,
        shown: Shown,
        purpose: Words,
        days: int = 90,
        scopes: tuple[Permission, ...] = (),
        project: Name | None = None,
    ) -> Token:
        """Let a token of the caller's count; ``ws.tokens.create`` makes one and calls this.

        Args:
            unit: The unit of work.
            digest: The SHA-256 of the token.
            shown: Its first ten characters.
            purpose: What it is for.
            days: How long it counts, 1 to 730.
            scopes: What it may do, e.g. ``predictions:write`` or ``data:*``; empty means all that the caller may.
            project: The one project it is for; none means all of the caller's.

        Raises:
            Invalid: The caller is no user: there is no login yet.
            Conflict: The token is known.
        """
        user = self._users.by_id(unit.rows, unit.actor.id)
        if user is None:
            raise Invalid("Tokens belong to users, and you are none.", remedy="Add one: modelwright user add NAME")
        asked = _Asked(digest, shown, purpose, days, scopes, project)
        return self._kept(unit, user, asked, given=not unit.caller.own)

    @operation(permission="access:write", kind="command")
    def give(
        self,
        unit: Unit,
        user: SignIn,
        digest: Digest,
        shown: Shown,
        purpose: Words,
        days: int = 90,
        scopes: tuple[Permission, ...] = (),
        project: Name | None = None,
    ) -> Token:
        """Let a token of somebody else's count. A person cannot sign with it: somebody else knew it first.

        Args:
            unit: The unit of work.
            user: Whose it will be.
            digest: The SHA-256 of the token.
            shown: Its first ten characters.
            purpose: What it is for.
            days: How long it counts, 1 to 730.
            scopes: What it may do; empty means all that the user may.
            project: The one project it is for; none means all of the user's.

        Raises:
            NotFound: There is no such user.
            Conflict: The token is known.
        """
        found = existing(self._users, unit, user)
        asked = _Asked(digest, shown, purpose, days, scopes, project)
        return self._kept(unit, found, asked, given=found.id != unit.actor.id or not unit.caller.own)

    @operation(permission="self:read", kind="query")
    def list(self, unit: Unit, limit: int = 100, after: Id | None = None) -> Page[Token]:
        """The caller's tokens, newest first.

        Args:
            unit: The unit of work.
            limit: Tokens a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        found = self._tokens.page(unit.rows, user=unit.actor.id, after=after, limit=limited(limit) + 1)
        return paged(found, limit, lambda token: token.id)

    @operation(permission="access:read", kind="query")
    def every(self, unit: Unit, user: SignIn | None = None, limit: int = 100, after: Id | None = None) -> Page[Token]:
        """The tokens of a user or of all, newest first.

        Args:
            unit: The unit of work.
            user: Whose; none means everybody's.
            limit: Tokens a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        whose = None if user is None else existing(self._users, unit, user).id
        found = self._tokens.page(unit.rows, user=whose, after=after, limit=limited(limit) + 1)
        return paged(found, limit, lambda token: token.id)

    @operation(permission="self:write", kind="command", idempotent=True)
    def revoke(self, unit: Unit, token: Id) -> Token:
        """End one of the caller's tokens: within a second it counts nowhere.

        Args:
            unit: The unit of work.
            token: Its identifier.

        Raises:
            NotFound: The caller has no such token.
        """
        return self._ended(unit, token, unit.actor.id)

    @operation(permission="access:write", kind="command", idempotent=True)
    def withdraw(self, unit: Unit, token: Id) -> Token:
        """End anybody's token: within a second it counts nowhere.

        Args:
            unit: The unit of work.
            token: Its identifier.

        Raises:
            NotFound: There is none.
        """
        return self._ended(unit, token, None)

    def _kept(self, unit: Unit, user: User, asked: _Asked, *, given: bool) -> Token:
        if not 1 <= asked.days <= LONGEST_DAYS:
            raise Invalid(
                f"days is {asked.days}, not 1 to {LONGEST_DAYS}.", fields={"days": f"not 1 to {LONGEST_DAYS}"}
            )
        if not asked.purpose.strip():
            raise Invalid("A token needs a purpose.", remedy="Say what it is for.", fields={"purpose": "empty"})
        if self._tokens.by_digest(unit.rows, asked.digest) is not None:
            raise Conflict("This token is known already.", remedy="Make a fresh one.")
        token = Token(
            id=new_id(),
            user=user.name,
            shown=asked.shown,
            purpose=asked.purpose.strip(),
            given=given,
            scopes=tuple(sorted(set(asked.scopes))),
            project=asked.project,
            created_at=unit.now,
            expires_at=unit.now + timedelta(days=asked.days),
        )
        self._tokens.add(unit.rows, token, user=user.id, digest=asked.digest)
        unit.emit(
            TokenAdded(
                token_id=token.id,
                user_id=user.id,
                given=given,
                scopes=token.scopes,
                only_in=token.project,
                expires_at=token.expires_at,
            )
        )
        return token

    def _ended(self, unit: Unit, named: str, owner: str | None) -> Token:
        found = self._tokens.get(unit.rows, named)
        if found is None or owner not in (None, found[1]):
            raise NotFound(f"There is no token {named!r}.", remedy="See: modelwright token list")
        token, user = found
        if token.revoked_at is not None:
            return token
        ended = replace(token, revoked_at=unit.now)
        self._tokens.put(unit.rows, ended)
        unit.emit(TokenRevoked(token_id=token.id, user_id=user))
        return ended
