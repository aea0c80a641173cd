"""Finding: straight to the one thing meant, or what could be meant; and the same as the palette's options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import quote

from modelwright.core.errors import Error
from modelwright.core.ids import parse_ref
from modelwright.search.model import LONGEST, Hit, Kind, Match, beginning, fit, plain
from modelwright.ui.page import Ask, View
from modelwright.ui.render import RAIL, Section, version_path

_MOST, _OPTIONS = 100, 12

_ACTIONS = (
    Section("New token", "/account#token", "", "tokens.add"),
    Section("Change password", "/account#password", "", "users.change_password"),
    Section("Your account", "/account", "", "users.me"),
    Section("Let somebody in", "/people#user", "", "users.add"),
    Section("Give a role", "/people#role", "", "grants.add"),
    Section("Trace a prediction", "/trace", "", "lifecycle.trace"),
    Section("API reference", "/api", ""),
)
"""What people look for that is no page of the rail."""


class Meant(NamedTuple):
    """Something that could be meant.

    Attributes:
        kind: What it is, in a word.
        name: What it is called.
        says: A few words beside it.
        href: Where it is; empty where it has no page.
        hit: What was found; none for a page of the dashboard.
    """

    kind: str
    name: str
    says: str
    href: str
    hit: Hit | None = None


def load(ask: Ask) -> View:
    """What the words could mean."""
    words = ask.word("q")[:LONGEST]
    options = ask.word("as") == "options"
    hits = ask.read_all("search.find", words, limit=_OPTIONS if options else _MOST) if words else []
    if options:
        return View("search_options", "Find", {"matches": [*_places(ask, words), *map(_match, hits)][:_OPTIONS]})
    exact = _exact(ask, words, hits)
    if exact:
        return View(location=exact)
    matches = [*_places(ask, words), *map(_match, hits)]
    context = {"words": words, "matches": matches, "full": len(hits) == _MOST}
    return View("search", f"Find {words}" if words else "Find", context)


def _exact(ask: Ask, words: str, hits: list[Hit]) -> str:
    """The page of the one thing that an id, a digest or a reference names."""
    named = [hit for hit in hits if hit.match is Match.EXACT]
    if beginning(words) and len(named) == 1:
        return _match(named[0]).href
    try:
        parse_ref(words)
    except Error:
        return ""
    for room in ("models", "data", "features"):
        if ask.read(f"{room}.get", words) is not None:
            return version_path(room, words)
    return ""


def _places(ask: Ask, words: str) -> Iterator[Meant]:
    """Pages of the dashboard that the caller may see, those first that begin so."""
    asked = plain(words)
    known = [place for place in (*RAIL, *_ACTIONS) if not place.needs or ask.offers(place.needs)]
    fits = [(fit(asked, plain(place.name)), place) for place in known]
    for wanted in Match:
        yield from (_place(place) for match, place in fits if match is wanted and wanted is not Match.PART)


def _place(place: Section) -> Meant:
    return Meant("page" if place.key else "go to", place.name, "", place.path)


def _match(hit: Hit) -> Meant:
    at = _PATHS.get(hit.kind)
    return Meant(hit.kind.value, hit.name, hit.says, at(hit) if at else "", hit)


def _below(room: str) -> Callable[[Hit], str]:
    return lambda hit: f"/{room}/{quote(hit.key, safe='')}"


def _versions(room: str) -> Callable[[Hit], str]:
    return lambda hit: version_path(room, hit.key)


_PATHS: dict[Kind, Callable[[Hit], str]] = {
    Kind.MODEL: _below("models"),
    Kind.VERSION: _versions("models"),
    Kind.ALIAS: _versions("models"),
    Kind.CHARTER: _below("models"),
    Kind.FEASIBILITY: lambda hit: f"/models/{quote(hit.key, safe='')}/feasibility",
    Kind.ASSUMPTION: _below("assumptions"),
    Kind.EVIDENCE: lambda hit: version_path("models", hit.of),
    Kind.DOCUMENT: lambda hit: (
        f"{version_path('models', hit.of)}/documents/{quote(hit.key.rpartition('/')[2], safe='')}"
    ),
    Kind.APPROVAL: _below("approvals"),
    Kind.DATASET: _below("data"),
    Kind.DATASET_VERSION: _versions("data"),
    Kind.VIEW: _below("features"),
    Kind.VIEW_VERSION: _versions("features"),
    Kind.RUN: _below("runs"),
    Kind.EXPERIMENT: lambda hit: f"/runs?name={quote(hit.key, safe='')}",
    Kind.PIPELINE: _below("pipelines"),
    Kind.EXECUTION: _below("executions"),
    Kind.ENDPOINT: _below("endpoints"),
    Kind.ROLLOUT: _below("rollouts"),
    Kind.MONITOR: _below("monitors"),
    Kind.ALERT: _below("alerts"),
    Kind.PREDICTION: _below("trace"),
    Kind.USER: lambda _: "/people",
    Kind.ENTRY: _below("ledger"),
}
"""Kind -> where it is; a policy has no page, but a command."""
