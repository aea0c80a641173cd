"""Signing in with a browser: by password or with a token; a session's cookie, and its end."""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from modelwright.access.credentials import hashed, is_token, new_token
from modelwright.access.model import User
from modelwright.access.sessions import SessionService
from modelwright.app.entrance import Presented
from modelwright.app.workspace import Platform
from modelwright.core import wire
from modelwright.core.errors import Denied, Error, Invalid
from modelwright.core.events import Actor, ActorKind
from modelwright.core.identity import Identity
from modelwright.core.settings import OIDC_ISSUER, PUBLIC_URL
from modelwright.server.answers import Stopped, status_of
from modelwright.server.forms import form_fields, own_path
from modelwright.server.identity import COOKIE, session_of
from modelwright.server.pages import SIGN_IN, asked, problem, shown
from modelwright.server.provider import Errand, Provider, Vouched, configured
from modelwright.server.routes import PUBLIC, Declared
from modelwright.server.threads import Threads
from modelwright.ui.page import View
from modelwright.ui.render import rendered

MOST_FAILURES = 10
"""So often somebody may try a name's password in vain within ``FORGOTTEN_SECONDS``; then it is refused unread."""

FORGOTTEN_SECONDS = 900.0
_OUT, _BACK = "/sign-in/provider", "/sign-in/callback"
_ERRAND = "modelwright-errand"
_ERRAND_SECONDS = 600
_MANY_NAMES = 10_000


def sign_in(platform: Platform, threads: Threads) -> Iterable[Declared]:
    """The routes of signing in and out, of choosing a project, and of a new token.

    Args:
        platform: The opened home.
        threads: Where rows are read and written.
    """
    door = _Door(platform, threads)
    return [
        Declared(("GET",), SIGN_IN, PUBLIC, door.show),
        Declared(("POST",), SIGN_IN, PUBLIC, door.enter),
        Declared(("GET",), _OUT, PUBLIC, door.send_out),
        Declared(("GET",), _BACK, PUBLIC, door.come_back),
        Declared(("POST",), "/do/sign-out", "self:read", door.leave, problem),
        Declared(("POST",), "/do/project", "self:read", door.choose, problem),
        Declared(("POST",), "/do/token", "self:write", door.token, problem),
    ]


class Failures:
    """How often a name was tried in vain. Counted in memory: the api is one process.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Any = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, list[float]] = {}

    def check(self, name: str) -> None:
        """Pass silently while it may be tried.

        Raises:
            Stopped: 429; it was tried too often.
        """
        recent = [at for at in self._failed.get(name, ()) if at > self._clock() - FORGOTTEN_SECONDS]
        if len(recent) >= MOST_FAILURES:
            wait = int(recent[0] + FORGOTTEN_SECONDS - self._clock()) + 1
            message = f"{MOST_FAILURES} attempts with this name have failed."
            error = Denied(message, remedy=f"Try again in {wait} s, or sign in with a token.")
            raise Stopped(HTTPStatus.TOO_MANY_REQUESTS, error, {"retry-after": str(wait)})

    def add(self, name: str) -> None:
        """One more."""
        if len(self._failed) >= _MANY_NAMES:
            self._failed.clear()
        self._failed[name] = [*self._failed.get(name, ())[-MOST_FAILURES + 1 :], self._clock()]

    def forget(self, name: str) -> None:
        """They are in."""
        self._failed.pop(name, None)


class _Door:
    def __init__(self, platform: Platform, threads: Threads) -> None:
        self._platform = platform
        self._threads = threads
        self._slow = Threads(1, waiting=16, name="passwords")  # each takes 64 MiB and some 100 ms of a core
        self._failures = Failures()
        config = configured()
        self._provider = None if config is None else Provider(config)

    async def show(self, request: Request) -> Response:
        if not await self._threads.run(self._platform.entrance.login):
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)
        return self._form(request, own_path(request.query_params.get("next", "/")))

    async def enter(self, request: Request) -> Response:
        after = "/"
        try:
            fields = {name: texts[-1] for name, texts in (await form_fields(request, session=False)).items()}
            after = own_path(fields.get("next", "/"))
            user, way, own = await self._who(fields.get("name", "").strip(), fields.get("password", ""))
        except (Stopped, Error) as error:
            return self._form(request, after, error)
        return await self._let_in(request, user, after, way=way, own=own)

    async def send_out(self, request: Request) -> Response:
        """To the provider, with what comes back in a cookie."""
        errand = Errand.begin(own_path(request.query_params.get("next", "/")))
        try:
            provider = self._known_provider()
            address = await self._threads.run(provider.way_out, errand, _back(request))
        except Error as error:
            return self._form(request, errand.after, error)
        answer = RedirectResponse(address, HTTPStatus.SEE_OTHER)
        carried = urlsafe_b64encode(wire.encode(errand)).decode()
        answer.set_cookie(
            _ERRAND, carried, _ERRAND_SECONDS, path=_BACK, httponly=True, samesite="lax", secure=_encrypted(request)
        )
        return answer

    async def come_back(self, request: Request) -> Response:
        """From the provider, with its code."""
        after = "/"
        try:
            provider, errand = self._known_provider(), _errand(request)
            after = errand.after
            vouched = await self._threads.run(provider.vouched, errand, request.query_params["code"], _back(request))
            user = await self._threads.run(self._admitted, vouched)
        except Error as error:
            return self._form(request, after, error)
        answer = await self._let_in(request, Actor(id=user.id, kind=user.kind), after, way="provider", own=True)
        answer.delete_cookie(_ERRAND, path=_BACK)
        return answer

    async def _let_in(self, request: Request, user: Actor, after: str, *, way: str, own: bool) -> Response:
        secret = secrets.token_urlsafe(32)
        await self._threads.run(
            partial(self._change, "begin", user, digest=hashed(secret), user=user.id, way=way, own=own)
        )
        answer = RedirectResponse(after, HTTPStatus.SEE_OTHER)
        answer.set_cookie(COOKIE, secret, httponly=True, samesite="lax", secure=_encrypted(request))
        return answer

    def _known_provider(self) -> Provider:
        if self._provider is None:
            raise Invalid("No provider vouches for anybody here.", remedy=f"Set {OIDC_ISSUER.name}.")
        return self._provider

    def _admitted(self, vouched: Vouched) -> User:
        door = Actor(id="sign-in", kind=ActorKind.SERVICE)
        found: User = self._change(
            "admit",
            door,
            issuer=vouched.issuer,
            subject=vouched.subject,
            name=vouched.name,
            display=vouched.display,
            groups=vouched.groups,
        )
        return found

    async def leave(self, request: Request) -> Response:
        try:
            await form_fields(request)
        except (Stopped, Error) as error:
            return problem(request, error)
        secret = session_of(request)
        if secret is not None:
            await self._threads.run(partial(self._change, "end", request.state.identity.actor, digest=hashed(secret)))
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        answer.delete_cookie(COOKIE)
        return answer

    async def choose(self, request: Request) -> Response:
        secret = session_of(request)
        if secret is None:
            return problem(request, Invalid("There is no session to choose a project in.", remedy="Sign in first."))
        try:
            project = (await form_fields(request)).get("project", [""])[-1]
            shown_by = Presented("session", secret)
            identity = await self._threads.run(self._platform.entrance.identify, shown_by, project)
        except (Stopped, Error) as error:
            return problem(request, error)
        change = partial(self._change, "look_at", identity.actor, digest=hashed(secret), project=project)
        await self._threads.run(change)
        self._platform.entrance.forget()
        return RedirectResponse("/", HTTPStatus.SEE_OTHER)

    async def token(self, request: Request) -> Response:
        """A new token of the caller's, shown once."""
        try:
            fields = {name: texts[-1].strip() for name, texts in (await form_fields(request)).items()}
            made = await self._threads.run(self._made, request, fields)
        except (Stopped, Error) as error:
            return problem(request, error)
        return shown(request, made)

    def _made(self, request: Request, fields: dict[str, str]) -> str:
        secret, ask = new_token(), asked(self._platform, request)
        days = fields.get("days", "")
        token = ask.workspace.tokens.create(
            fields.get("purpose", ""),
            days=int(days) if days.isascii() and days.isdigit() else 90,
            scopes=tuple(fields.get("scopes", "").split()),
            project=fields.get("project") or None,
            secret=secret,
        )
        return rendered(View("token", "A new token", {"token": token.token, "secret": secret}), ask, "/account")

    async def _who(self, name: str, password: str) -> tuple[Actor, str, bool]:
        if is_token(password):
            shown_by = Presented("token", password)
            identity = await self._threads.run(self._platform.entrance.identify, shown_by, None)
            if not identity.may("self:write"):
                raise Denied("This token is limited to something else.", remedy="Sign in by password, or with another.")
            return identity.actor, "token", identity.own
        self._failures.check(name)
        try:
            user = await self._slow.run(self._platform.entrance.by_password, name, password)
        except Denied:
            self._failures.add(name)
            await self._threads.run(self._record, name)
            raise
        self._failures.forget(name)
        return Actor(id=user.id, kind=user.kind), "password", not user.given

    def _record(self, name: str) -> None:
        user = self._platform.entrance.named(name)
        if user is not None:
            reason = "disabled" if user.disabled else "password"
            self._change("refused", Actor(id=user.id, kind=user.kind), user=user.id, reason=reason)

    def _change(self, verb: str, actor: Actor, **arguments: object) -> Any:
        operation = SessionService.operations()[verb]
        identity = Identity(actor=actor, grants=frozenset({operation.permission}))
        request = operation.bind((), arguments)
        return self._platform.units.run(operation, self._platform.sessions, request, identity=identity)

    def _form(self, request: Request, after: str, error: Stopped | Error | None = None) -> Response:
        said = error.error if isinstance(error, Stopped) else error
        status = HTTPStatus.OK if error is None else error.status if isinstance(error, Stopped) else status_of(error)
        view = View("sign_in", "Sign in", {"after": after, "error": said, "provider": self._provider is not None})
        return shown(request, rendered(view, None, SIGN_IN), status)


def _errand(request: Request) -> Errand:
    """What the browser carried out, if it is the one that was sent.

    Raises:
        Denied: It is not, or the provider let nobody in.
    """
    try:
        errand = wire.decode(urlsafe_b64decode(request.cookies.get(_ERRAND, "").encode()), Errand)
    except (Invalid, ValueError):
        raise Denied("This browser was not sent to the provider, or too long ago.", remedy="Sign in again.") from None
    given = request.query_params.get("state", "")
    if not hmac.compare_digest(given.encode(), errand.state.encode()):
        raise Denied("This is not the answer to what was asked.", remedy="Sign in again.")
    if "code" not in request.query_params:
        said = request.query_params.get("error", "no reason given")[:200]
        raise Denied(f"The provider let nobody in: {said}.", remedy="Sign in again.")
    return errand


def _back(request: Request) -> str:
    base = PUBLIC_URL.value or f"{request.url.scheme}://{request.headers['host']}"
    return f"{base.rstrip('/')}{_BACK}"


def _encrypted(request: Request) -> bool:
    return (PUBLIC_URL.value or str(request.url)).startswith("https:")
