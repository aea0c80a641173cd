"""Files of the package, served from memory: a name is looked up in a table, never on the disk."""

from __future__ import annotations

from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

from modelwright.core import wire
from modelwright.core.errors import NotFound
from modelwright.server.routes import PUBLIC, Declared

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "woff2": "font/woff2",
    "txt": "text/plain; charset=utf-8",
}


def static(folder: Traversable) -> list[Declared]:
    """``GET /static/<name>`` for every file below a folder of the package."""
    files = {name: (body, f'"{wire.sha256(body)}"') for name, body in _read(folder, "")}

    async def answer(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in files:
            raise NotFound("There is no such file.")
        body, tag = files[name]
        headers = {"etag": tag, "cache-control": "no-cache"}  # kept, and asked for again under its tag
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=_TYPES[name.rpartition(".")[2]], headers=headers)

    return [Declared(("GET",), "/static/{name:path}", PUBLIC, answer)]


def _read(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found = []
    for item in folder.iterdir():
        if item.is_dir():
            found += _read(item, f"{prefix}{item.name}/")
        elif item.name.rpartition(".")[2] in _TYPES:
            found.append((prefix + item.name, item.read_bytes()))
    return found
