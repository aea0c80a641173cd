"""Where the box in the rail leads: straight to the one thing meant, or to what could be meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from modelwright.core.errors import Error
from modelwright.core.ids import parse_ref
from modelwright.ui.page import Ask, View
from modelwright.ui.render import version_path

_ID = re.compile(r"[0-9a-f]{32}")
_ROOMS = (("models", "model"), ("data", "dataset"), ("endpoints", "endpoint"))


@dataclass(frozen=True)
class Match:
    """Something that could be meant."""

    kind: str
    name: str
    href: str


def load(ask: Ask) -> View:
    """What the words could mean."""
    words = ask.word("q")
    exact = _exact(ask, words)
    if exact:
        return View(location=exact)
    return View("search", f"Find {words}" if words else "Find", {"words": words, "matches": _matches(ask, words)})


def _exact(ask: Ask, words: str) -> str:
    if _ID.fullmatch(words):
        if ask.read("runs.get", words) is not None:
            return f"/runs/{words}"
        return f"/trace/{words}" if ask.read("predictions.get", words) is not None else ""
    try:
        parse_ref(words)
    except Error:
        return ""
    for room in ("models", "data"):
        if ask.read(f"{room}.get", words) is not None:
            return version_path(room, words)
    return ""


def _matches(ask: Ask, words: str) -> list[Match]:
    wanted = words.lower()
    found = [
        Match(kind, item.name, f"/{noun}/{quote(item.name, safe='')}")
        for noun, kind in _ROOMS
        for item in ask.read_all(f"{noun}.list", limit=1000)
        if wanted in item.name.lower()
    ]
    runs = {run.name for run in ask.read_all("runs.list", limit=100) if wanted in run.name.lower()}
    found += [Match("runs of", name, f"/runs?name={quote(name, safe='')}") for name in sorted(runs)]
    return found[:100]
