"""The dashboard over HTTP: each page of ``ui`` as a declared route, compressed, with errors as pages."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.core.clock import utc_now
from modelwright.core.errors import Error, NotFound
from modelwright.core.identity import Identity
from modelwright.server.answers import BYTES, HTML, attached, status_of, stopped
from modelwright.server.identity import csrf_of, session_of
from modelwright.server.routes import PUBLIC, Declared, Handler
from modelwright.server.threads import Threads, streamed
from modelwright.ui.assets import PREFIX, assets
from modelwright.ui.page import Ask, File, Page, View
from modelwright.ui.render import rendered
from modelwright.ui.routes import PAGES

SIGN_IN = "/sign-in"

_KEPT = f"public, max-age={int(timedelta(days=365).total_seconds())}, immutable"
_WORTH_COMPRESSING = 1000


def pages(platform: Platform, threads: Threads) -> Iterable[Declared]:
    """The routes of the dashboard.

    Args:
        platform: The opened home.
        threads: Where pages are made.
    """
    for page in PAGES:
        yield Declared(("GET",), page.path, page.permission, _handler(page, platform, threads), problem)
    yield Declared(("GET",), f"{PREFIX}/{{name}}", PUBLIC, _static)


def asked(platform: Platform, request: Request) -> Ask:
    """A request for a page, with the caller's workspace."""
    caller: Identity = request.state.identity
    secret = session_of(request)
    return Ask(
        Workspace(platform.table, LocalCaller(platform, caller), str(platform.home.folder)),
        request.path_params,
        dict(request.query_params),
        utc_now(),
        may=caller.may,
        csrf=csrf_of(secret) if secret else "",
    )


def problem(request: Request, error: Exception) -> Response:
    """An error as a page; who is not known is led to where they sign in."""
    ending = stopped(error)
    if ending.status == HTTPStatus.UNAUTHORIZED:
        here = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        after = f"?{urlencode({'next': here})}" if request.method == "GET" and here != "/" else ""
        return RedirectResponse(f"{SIGN_IN}{after}", HTTPStatus.SEE_OTHER)
    title = "Not found" if ending.status == HTTPStatus.NOT_FOUND else "Problem"
    view = View("problem", title, {"error": ending.error})
    return shown(request, rendered(view, None, request.url.path), ending.status)


def shown(request: Request, text: str, status: int = HTTPStatus.OK) -> Response:
    """HTML, compressed where that is worth it and the browser takes it."""
    body = text.encode()
    headers = {"vary": "accept-encoding"}
    if _compresses(request) and len(body) > _WORTH_COMPRESSING:
        body = gzip.compress(body, 5)
        headers["content-encoding"] = "gzip"
    return Response(body, status, headers, media_type=HTML)


def _handler(page: Page, platform: Platform, threads: Threads) -> Handler:
    def made(request: Request) -> Response:
        ask, status = asked(platform, request), HTTPStatus.OK
        try:
            view = page.load(ask)
        except Error as error:
            status = status_of(error)
            title = "Not found" if status == HTTPStatus.NOT_FOUND else "Problem"
            view = View("problem", title, {"error": error})
        if view.location:
            return RedirectResponse(view.location, HTTPStatus.SEE_OTHER)
        if view.file is not None:
            return _saved(view.file, threads)
        return shown(request, rendered(view, ask, request.url.path), status)

    async def answer(request: Request) -> Response:
        return await threads.run(made, request)

    return answer


def _saved(file: File, threads: Threads) -> Response:
    if isinstance(file.content, bytes):
        return Response(file.content, headers=attached(file.name), media_type=BYTES)
    return StreamingResponse(streamed(threads, file.content), headers=attached(file.name), media_type=BYTES)


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
