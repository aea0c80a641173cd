"""Declared routes: an address, what its caller must hold, and what answers. One that is not declared does not start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from modelwright.core.errors import Denied, Error
from modelwright.core.identity import Identity
from modelwright.server.answers import Stopped
from modelwright.server.identity import Identify

PUBLIC = "public"
"""The permission of what anybody may see: that the server lives, how it looks, what it offers."""

Handler = Callable[[Request], Awaitable[Response]]

Refused = Callable[[Request, Exception], Response]
"""Answers a caller who is not known, or may not."""


class Declared(NamedTuple):
    """One route.

    Attributes:
        methods: In upper case; GET answers HEAD too.
        path: In Starlette's notation.
        permission: ``noun:read``, ``noun:write`` or ``PUBLIC``.
        handler: Finds the caller in ``request.state.identity``, unless the route is public.
        refused: How this face says that the caller may not; by default as the API does.
    """

    methods: tuple[str, ...]
    path: str
    permission: str
    handler: Handler
    refused: Refused | None = None


class Routed:
    """Hands each request to its declared handler, after asking whether the caller may.

    Args:
        declared: Every route there is.
        identify: Who calls.

    Raises:
        RuntimeError: A route has no permission, or two share an address.
    """

    def __init__(self, declared: Sequence[Declared], identify: Identify) -> None:
        self._identify = identify
        self._router = Router([_route(one, identify) for one in declared], redirect_slashes=False)
        check_declared(self._router.routes, declared)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Fulfil ASGI."""
        scope["app"] = self  # makes the router raise what the gate answers, instead of answering by itself
        try:
            await self._router(scope, receive, send)
        except HTTPException:
            await self._identify(Request(scope, receive))  # who is not known does not hear what there is
            raise


def _route(declared: Declared, identify: Identify) -> Route:
    async def answer(request: Request) -> Response:
        if declared.permission != PUBLIC:
            try:
                request.state.identity = allowed(await identify(request), declared.permission)
            except (Stopped, Error) as error:
                if declared.refused is None:
                    raise
                return declared.refused(request, error)
        return await declared.handler(request)

    return Route(declared.path, answer, methods=list(declared.methods))


def allowed(caller: Identity, permission: str) -> Identity:
    """The caller, if they hold a permission.

    Raises:
        Denied: They do not.
    """
    if not caller.may(permission):
        raise Denied(
            f"This needs the permission {permission}.",
            remedy=f"Ask an admin for a role that has it in {caller.project}; see yours: modelwright whoami",
        )
    return caller


def check_declared(routes: Iterable[BaseRoute], declared: Sequence[Declared]) -> None:
    """Compare what is mounted with what is declared, all the way down.

    Raises:
        RuntimeError: Something answers that declares no permission, or two declarations share an address.
    """
    table = {(method, one.path): one.permission for one in declared for method in one.methods}
    if len(table) != sum(len(one.methods) for one in declared):
        raise RuntimeError("Two routes are declared for one method of one address.")
    for method, path in _mounted(routes):
        permission = table.get((method, path)) or (table.get(("GET", path)) if method == "HEAD" else None)
        if not permission or (permission != PUBLIC and ":" not in permission):
            raise RuntimeError(f"{method} {path} declares no permission, so the server does not start.")


def _mounted(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, Route):
            yield from ((method, prefix + route.path) for method in route.methods or ("*",))
        elif isinstance(route, Mount) and _inside(route.app):
            yield from _mounted(route.routes, prefix + route.path)
        else:
            yield "*", prefix + getattr(route, "path", repr(route))


def _inside(app: ASGIApp) -> bool:
    return bool(getattr(app, "routes", None))
