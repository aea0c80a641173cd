"""What ``ws.tokens`` adds to its operations: making the secret where it will be used."""

from __future__ import annotations

from typing import Any

from modelwright.access.credentials import SHOWN, hashed, new_token
from modelwright.access.model import Token
from modelwright.core.operation import Face
from modelwright.core.shown import Shown


class NewToken(Shown, frozen=True, kw_only=True):
    """A token with its secret, which nobody will be told again.

    Attributes:
        token: What is kept of it.
        secret: What programs present.
    """

    token: Token
    secret: str

    def __str__(self) -> str:
        return self.secret


class TokensFace(Face):
    """``ws.tokens``."""

    def create(
        self,
        purpose: str,
        *,
        user: str | None = None,
        days: int = 90,
        scopes: tuple[str, ...] = (),
        project: str | None = None,
        secret: str | None = None,
    ) -> NewToken:
        """Make a token here and have it count: only what it hashes to is sent and stored.

        Args:
            purpose: What it is for.
            user: Whose it will be, for admins; by default the caller's own.
            days: How long it counts, 1 to 730.
            scopes: What it may do, e.g. ``predictions:write`` or ``data:*``; empty means all that its user may.
            project: The one project it is for; none means all of its user's.
            secret: A token that was made already; by default a fresh one.

        Raises:
            Invalid: There is no login, a scope is none, or the days are too many.
            Denied: The caller is no admin, and named a user.
        """
        made = secret or new_token()
        asked: dict[str, Any] = {
            "digest": hashed(made),
            "shown": made[:SHOWN],
            "purpose": purpose,
            "days": days,
            "scopes": scopes,
            "project": project,
        }
        verb, whose = ("add", {}) if user is None else ("give", {"user": user})
        kept: Token = self._bound(self._operations[verb])(**whose, **asked)
        return NewToken(token=kept, secret=made)
