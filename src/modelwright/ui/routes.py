"""Every page of the dashboard, and how a Starlette application mounts them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from modelwright.app.connect import Workspace
from modelwright.core.clock import Clock, utc_now
from modelwright.core.errors import Conflict, Corrupted, Denied, Error, Invalid, NotFound, Refused, Unavailable
from modelwright.ui.assets import PREFIX, assets
from modelwright.ui.page import Ask, Page, View
from modelwright.ui.pages import PAGES
from modelwright.ui.render import rendered

__all__ = ["HEADERS", "PAGES", "STATUS", "mounted"]

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""What every page is sent with: nothing from elsewhere, nothing inline, nothing kept."""

STATUS: dict[type[Error], int] = {
    Invalid: 400,
    Denied: 403,
    NotFound: 404,
    Conflict: 409,
    Refused: 409,
    Corrupted: 500,
    Unavailable: 503,
}

_YEAR = int(timedelta(days=365).total_seconds())


def mounted(workspace_of: Callable[[Request], Workspace], *, clock: Clock = utc_now) -> list[BaseRoute]:
    """The pages and their static files as routes.

    Args:
        workspace_of: The workspace of a request's caller; the gate in front has checked the page's permission.
        clock: The wall clock, for ages.
    """
    pages = [Route(page.path, _endpoint(page, workspace_of, clock), methods=["GET"]) for page in PAGES]
    return [*pages, Route(PREFIX + "/{name}", static, methods=["GET"])]


def _endpoint(page: Page, workspace_of: Callable[[Request], Workspace], clock: Clock) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        ask = Ask(workspace_of(request), request.path_params, dict(request.query_params), clock())
        status = 200
        try:
            view = page.load(ask)
        except Error as error:
            status = STATUS.get(type(error), 500)
            view = View("problem", "Not found" if status == 404 else "Problem", {"error": error, "status": status})
        if view.location:
            return RedirectResponse(view.location, 303, headers=HEADERS)
        return HTMLResponse(rendered(view, ask, request.url.path), status, headers=HEADERS)

    return answer


def static(request: Request) -> Response:
    """One of the static files."""
    asset = assets().get(request.path_params["name"])
    if asset is None:
        return Response("There is no such file.\n", 404, media_type="text/plain", headers=HEADERS)
    kept = request.query_params.get("v") == asset.tag
    headers = {
        **HEADERS,
        "cache-control": f"public, max-age={_YEAR}, immutable" if kept else "no-cache",
        "vary": "accept-encoding",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.compressed, media_type=asset.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(asset.content, media_type=asset.media_type, headers=headers)
