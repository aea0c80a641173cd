"""Who may ask, where there is login: looked up by what their token hashes to, without asking anybody."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

from modelwright.core.clock import Clock, utc_now
from modelwright.core.errors import Corrupted
from modelwright.core.gate import Headers
from modelwright.inference.response import Problem
from modelwright.serving.callers import Caller, callers_path, read_callers

_CHALLENGE = ((b"www-authenticate", b"Bearer"),)
_MANY = 10_000
_Stamp = tuple[int, int, int] | None


class Admission(Protocol):
    """Says who may ask."""

    @property
    def everybody(self) -> bool:
        """Whether there is no login, so that everybody may."""
        ...

    def projects(self, headers: Headers) -> tuple[str, ...] | None:
        """The projects whose endpoints the sender may ask; none means all."""
        ...


class _Everybody:
    """No login."""

    everybody = True

    def projects(self, headers: Headers) -> None:
        """All of them."""


EVERYBODY: Admission = _Everybody()


class Callers:
    """Follows ``callers.json``.

    Args:
        home: The platform's folder.
        public: The public key that the table must be signed with.
        closed: Whether nobody is let in without login, because others can reach the port.
        clock: The wall clock.
    """

    def __init__(self, home: Path, public: bytes, *, closed: bool = False, clock: Clock = utc_now) -> None:
        self._path = callers_path(home)
        self._public = public
        self._closed = closed
        self._clock = clock
        self._stamp: _Stamp = (0, 0, 0)  # of no file
        self._known: dict[bytes, Caller] = {}
        self._table: dict[str, Caller] | None = None
        self._problem = ""
        self.refresh()

    @property
    def everybody(self) -> bool:
        """Whether there is no login, so that everybody may."""
        return self._table is None and not self._problem

    def refresh(self) -> None:
        """Look at the file, and read it if it is another one than before."""
        stamp = self._stamped()
        if stamp == self._stamp and not self._problem:
            return
        self._stamp = stamp
        try:
            table = read_callers(self._path, self._public)
        except Corrupted as error:
            self._problem = f"Nobody is let in: {error.message} {error.remedy}"
        else:
            self._table = None if table is None else table.callers
            self._problem = "Nobody is let in: there is no login." if table is None and self._closed else ""
        self._known = {}

    def projects(self, headers: Headers) -> tuple[str, ...] | None:
        """The projects whose endpoints the sender may ask; none means all, where there is no login.

        Raises:
            Problem: 401, the sender is not known; 503, nobody can be.
        """
        if self._problem:
            raise Problem(503, self._problem, headers=((b"retry-after", b"1"),))
        if self._table is None:
            return None
        given = next((value for name, value in headers if name == b"authorization"), b"")
        caller = self._known.get(given) or self._found(given)
        if caller is None or caller.expires_at <= self._clock():
            raise Problem(401, "Send a token that counts: Authorization: Bearer mwt_…", headers=_CHALLENGE)
        return caller.projects

    def _found(self, given: bytes) -> Caller | None:
        scheme, _, token = given.partition(b" ")
        if self._table is None or scheme.lower() != b"bearer":
            return None
        caller = self._table.get(hashlib.sha256(token.strip()).hexdigest())
        if caller is not None and len(self._known) < _MANY:
            self._known[given] = caller
        return caller

    def _stamped(self) -> _Stamp:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
