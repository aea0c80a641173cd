"""The entrance: from a credential to the identity with which everything is done. Remembered for half a second."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from modelwright.access.credentials import hashed
from modelwright.access.model import Principal, User
from modelwright.access.principal import Doorkeeper, signs_as
from modelwright.core.clock import Clock
from modelwright.core.errors import Error
from modelwright.core.events import Actor
from modelwright.core.identity import Identity
from modelwright.store.ports import Records

_log = logging.getLogger(__name__)

REMEMBERED_SECONDS = 0.5
"""For so long an answer is given again: a token that is revoked opens nothing after a second, in any process."""

_MANY = 10_000
_MINUTE = timedelta(minutes=1)


Kind = Literal["token", "session"]


class Presented(NamedTuple):
    """A credential as it was sent.

    Attributes:
        kind: A token, or the secret of a browser's session.
        secret: The text.
    """

    kind: Kind
    secret: str


class _Kept(NamedTuple):
    until: float
    identity: Identity


class Entrance:
    """Answers who somebody is; threads may share it.

    Args:
        records: The control database.
        doorkeeper: Reads who somebody is.
        clock: The wall clock.
    """

    def __init__(self, records: Records, doorkeeper: Doorkeeper, *, clock: Clock) -> None:
        self._records = records
        self._doorkeeper = doorkeeper
        self._clock = clock
        self._kept: dict[tuple[str, str, str | None], _Kept] = {}
        self._login: tuple[float, bool] = (0.0, False)
        self._used: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def login_remembered(self) -> bool | None:
        """What ``login`` answers, where that is known without asking; it never waits."""
        until, login = self._login
        return login if login or time.monotonic() < until else None  # once a home has login, it keeps it

    def login(self) -> bool:
        """Whether the home has login."""
        known = self.login_remembered()
        if known is not None:
            return known
        with self._records.reading() as rows:
            login = self._doorkeeper.login(rows)
        self._login = (time.monotonic() + REMEMBERED_SECONDS, login)
        return login

    def remembered(self, shown: Presented, project: str | None) -> Identity | None:
        """What ``identify`` answered within the last half second; it never waits."""
        kept = self._kept.get((shown.kind, hashed(shown.secret), project))
        return kept.identity if kept is not None and time.monotonic() < kept.until else None

    def identify(self, shown: Presented, project: str | None) -> Identity:
        """Who presents a credential, in a project; without one, in theirs.

        Raises:
            Denied: It does not count, or not any more.
            NotFound: They hold no role in that project, or there is no such project.
        """
        asked = time.monotonic()
        now = self._clock()
        with self._records.reading() as rows:
            if shown.kind == "token":
                principal, token = self._doorkeeper.by_token(rows, shown.secret, project=project, now=now)
                used, at = token.id, token.used_at
            else:
                principal, session = self._doorkeeper.by_session(rows, shown.secret, project=project, now=now)
                used, at = session.digest, session.seen_at
        if at is None or at <= now - _MINUTE:
            self._note(shown.kind, used, now)
        identity = _identity(principal)
        with self._lock:
            if len(self._kept) >= _MANY:
                self._kept.clear()
            self._kept[shown.kind, hashed(shown.secret), project] = _Kept(asked + REMEMBERED_SECONDS, identity)
        return identity

    def by_password(self, name: str, password: str) -> User:
        """Who signs in with a password; takes some 100 ms of a core. Raises as ``Doorkeeper.by_password`` does."""
        with self._records.reading() as rows:
            return self._doorkeeper.by_password(rows, name, password)

    def named(self, name: str) -> User | None:
        """The user of a name."""
        with self._records.reading() as rows:
            return self._doorkeeper.named(rows, name)

    def forget(self) -> None:
        """Ask again from now on: somebody in this process changed who may do what."""
        with self._lock:
            self._kept.clear()

    def _note(self, kind: Kind, what: str, now: datetime) -> None:
        """Write when something was last used, once a minute at most; that it fails keeps nobody out."""
        with self._lock:
            if self._used.get(what, now - _MINUTE) > now - _MINUTE:
                return
            if len(self._used) >= _MANY:
                self._used.clear()
            self._used[what] = now
        try:
            with self._records.writing() as rows:
                self._doorkeeper.used(rows, kind, what, now)
        except Error as error:
            _log.warning("A credential's use was not noted: %s", error)


def _identity(principal: Principal) -> Identity:
    return Identity(
        actor=Actor(id=principal.user.id, kind=principal.user.kind),
        project=principal.project,
        grants=principal.permissions,
        own=principal.own,
        signs_as=frozenset(signs_as(principal)),
    )
