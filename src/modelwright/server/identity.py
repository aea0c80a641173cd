"""Who calls, seen from HTTP: a token, a browser's session or, without login, whoever is on this machine."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from msgspec import ValidationError, convert
from starlette.requests import Request

from modelwright.app.entrance import Entrance, Presented
from modelwright.core.errors import Denied, Invalid
from modelwright.core.gate import is_loopback
from modelwright.core.identity import DEFAULT_PROJECT, OWNER, Identity
from modelwright.core.ids import Name
from modelwright.server.answers import Stopped
from modelwright.server.threads import Threads

COOKIE = "modelwright"
"""The cookie of a session. It is HttpOnly and SameSite=Lax, and only its hash is stored."""

PROJECT = "x-modelwright-project"
"""The header that names a project; without it the token's own, or where its user works."""

CSRF = "x-csrf-token"
"""The header without which a cookie changes nothing: a page of ours knows it, another site's does not."""

FORMS = "/do/"
"""Below it are the forms of pages, which send the same as a field."""

_SAFE = frozenset({"GET", "HEAD"})

Identify = Callable[[Request], Awaitable[Identity]]
"""Answers who sent a request; raises ``Stopped`` or ``Denied``."""


class Callers:
    """Finds out who calls.

    Args:
        entrance: The home's entrance.
        threads: Where rows are read.
    """

    def __init__(self, entrance: Entrance, threads: Threads) -> None:
        self._entrance = entrance
        self._threads = threads

    async def __call__(self, request: Request) -> Identity:
        """The caller, in the project that the request names.

        Raises:
            Stopped: 401; the home has login, and the request brings no credential that counts.
            Denied: It came from another machine to a home without login, or from a page that does not know the session.
            NotFound: The caller holds no role in the project, or there is none.
        """
        project = _project(request)
        login = self._entrance.login_remembered()
        if not (await self._threads.run(self._entrance.login) if login is None else login):
            return _owner(request, project)
        shown = _presented(request)
        if shown is None:
            raise unknown("This needs a credential.")
        if shown.kind == "session" and request.method not in _SAFE and not request.url.path.startswith(FORMS):
            check_csrf(request.headers.get(CSRF, ""), shown.secret)
        known = self._entrance.remembered(shown, project)
        if known is not None:
            return known
        try:
            return await self._threads.run(self._entrance.identify, shown, project)
        except Denied as error:
            raise unknown(error.message, error.remedy) from None


def session_of(request: Request) -> str | None:
    """The secret of the browser's session; none where there is none."""
    return request.cookies.get(COOKIE) or None


def csrf_of(secret: str) -> str:
    """What the pages of a session send along when they change something."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def check_csrf(given: str, secret: str) -> None:
    """Pass silently when it is the session's.

    Raises:
        Denied: It is not.
    """
    if not hmac.compare_digest(given.encode(), csrf_of(secret).encode()):
        raise Denied("This does not come from a page of the session.", remedy="Load the page again.")


def unknown(message: str, remedy: str = "") -> Stopped:
    """401, with how to become known."""
    remedy = remedy or "Sign in, or send a token: Authorization: Bearer mwt_…"
    return Stopped(HTTPStatus.UNAUTHORIZED, Denied(message, remedy=remedy), {"www-authenticate": "Bearer"})


def _owner(request: Request, project: str | None) -> Identity:
    client = request.scope.get("client")
    if client is None or not is_loopback(client[0]):
        raise Denied("Only this machine may ask: the home has no login.", remedy="Reach it through `ssh -L`.")
    return OWNER.within(project or DEFAULT_PROJECT)


def _presented(request: Request) -> Presented | None:
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return Presented("token", rest.strip())
    secret = session_of(request)
    return Presented("session", secret) if secret else None


def _project(request: Request) -> str | None:
    given = request.headers.get(PROJECT)
    if given is None:
        return None
    try:
        return convert(given, Name)
    except ValidationError:
        raise Invalid(f"{PROJECT} is {given[:80]!a}, not a name.", fields={PROJECT: "malformed"}) from None
