"""The static files: a closed list, read once, sent compressed, named by their content so that browsers keep them."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from modelwright.core.wire import sha256

TYPES = {
    "app.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "palette.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "uplot.min.js": "text/javascript; charset=utf-8",
    "uplot.min.css": "text/css; charset=utf-8",
    "mark.svg": "image/svg+xml",
}
"""Every file that is served, with its media type. A name that is not here does not exist."""

PREFIX = "/static"


class Asset(NamedTuple):
    """A static file."""

    media_type: str
    content: bytes
    compressed: bytes
    tag: str


@cache
def assets() -> dict[str, Asset]:
    """Name -> file."""
    folder = files("modelwright.ui") / "static"
    found = {}
    for name, media_type in TYPES.items():
        content = (folder / name).read_bytes()
        found[name] = Asset(media_type, content, gzip.compress(content, 9, mtime=0), sha256(content)[:12])
    return found


def address(name: str) -> str:
    """A file's address; it changes with its content."""
    return f"{PREFIX}/{name}?v={assets()[name].tag}"
