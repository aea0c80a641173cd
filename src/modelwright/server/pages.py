"""The dashboard over HTTP: each page of ``ui`` as a declared route, compressed, with errors as pages."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from datetime import timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.core.clock import utc_now
from modelwright.core.errors import Error, NotFound
from modelwright.server.answers import HTML, status_of
from modelwright.server.routes import PUBLIC, Declared, Handler
from modelwright.server.threads import Threads
from modelwright.ui.assets import PREFIX, assets
from modelwright.ui.page import Ask, Page, View
from modelwright.ui.render import rendered
from modelwright.ui.routes import PAGES

_KEPT = f"public, max-age={int(timedelta(days=365).total_seconds())}, immutable"
_WORTH_COMPRESSING = 1000


def pages(platform: Platform, threads: Threads) -> Iterable[Declared]:
    """The routes of the dashboard.

    Args:
        platform: The opened home.
        threads: Where pages are made.
    """
    yield from (Declared(("GET",), page.path, page.permission, _handler(page, platform, threads)) for page in PAGES)
    yield Declared(("GET",), f"{PREFIX}/{{name}}", PUBLIC, _static)


def _handler(page: Page, platform: Platform, threads: Threads) -> Handler:
    def made(request: Request) -> Response:
        caller = LocalCaller(platform, request.state.identity)
        workspace = Workspace(platform.table, caller, str(platform.home.folder))
        return _answer(page, Ask(workspace, request.path_params, dict(request.query_params), utc_now()), request)

    async def answer(request: Request) -> Response:
        return await threads.run(made, request)

    return answer


def _answer(page: Page, ask: Ask, request: Request) -> Response:
    status = HTTPStatus.OK
    try:
        view = page.load(ask)
    except Error as error:
        status = status_of(error)
        view = View("problem", "Not found" if status == HTTPStatus.NOT_FOUND else "Problem", {"error": error})
    if view.location:
        return RedirectResponse(view.location, HTTPStatus.SEE_OTHER)
    body = rendered(view, ask, request.url.path).encode()
    headers = {"vary": "accept-encoding"}
    if _compresses(request) and len(body) > _WORTH_COMPRESSING:
        body = gzip.compress(body, 5)
        headers["content-encoding"] = "gzip"
    return Response(body, status, headers, media_type=HTML)


async def _static(request: Request) -> Response:
    asset = assets().get(request.path_params["name"])
    if asset is None:
        raise NotFound("There is no such file.")
    current = request.query_params.get("v") == asset.tag
    headers = {"cache-control": _KEPT if current else "no-cache", "vary": "accept-encoding"}
    if not _compresses(request):
        return Response(asset.content, media_type=asset.media_type, headers=headers)
    return Response(asset.compressed, media_type=asset.media_type, headers={**headers, "content-encoding": "gzip"})


def _compresses(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")
