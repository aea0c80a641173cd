"""Models, and one model's versions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from modelwright.core.errors import NotFound
from modelwright.core.guard import Decision
from modelwright.core.operation import Page
from modelwright.governance.model import Evidence
from modelwright.models.model import ModelVersion
from modelwright.ui.page import Ask, View
from modelwright.ui.pages.evidence import findings

TARGET = "champion"
"""The alias whose gates are shown."""

_CHECKED = 5
"""Versions whose gates are asked at once: each asks every gate of the policy."""


@dataclass(frozen=True)
class Row:
    """A version in the table.

    Attributes:
        version: The version.
        decision: What the gates would say of it as champion; none where they were not asked.
        evaluation: Its newest evaluation; none without one.
        endpoints: Where it answers.
    """

    version: ModelVersion
    decision: Decision | None
    evaluation: Evidence | None
    endpoints: list[str]


def load_list(ask: Ask) -> View:
    """Models by name."""
    page = ask.workspace.models.list(after=ask.word("after"))
    stopped = [one for one in ask.read_all("feasibility.list", limit=1000) if one.binds]
    context = {"models": page.items, "after": page.next, "serving": _serving(ask), "stopped": stopped}
    return View("models", "Models", context)


def load(ask: Ask) -> View:
    """One model: its versions with what the gates say of them."""
    name = ask.path["name"]
    charter, decided = ask.read("charters.get", name), ask.read("feasibility.get", name)
    try:
        page = ask.workspace.models.versions(name, after=ask.word("after") or None)
    except NotFound:
        if charter is None and decided is None:
            raise
        page = Page(items=[], next=None)  # agreed or decided before anything is made
    where = served(ask)
    rows = [
        Row(
            version=version,
            decision=ask.read("gates.check", version.ref, TARGET) if place < _CHECKED else None,
            evaluation=findings(ask, version).evaluation if place < _CHECKED else None,
            endpoints=where[version.ref],
        )
        for place, version in enumerate(page.items)
    ]
    champion = next((row for row in rows if TARGET in row.version.aliases), None)
    context = {
        "name": name,
        "rows": rows,
        "after": page.next,
        "champion": champion,
        "newest": rows[0].version if rows else None,
        "charter": charter,
        "feasibility": decided,
        "assumed": ask.read_all("assumptions.of", rows[0].version.ref) if rows else [],
        "today": ask.now.date(),
        "risks": ask.read("risks.get", name),
        "failing": [one for one in ask.read_all("rechecks.aliases") if one.model == name and not one.passes],
        "retired": ask.read("models.retirement", name),
        "phases": [one for one in ask.read("gates.phases", name) or () if one.asked],
        "gated": any(row.decision for row in rows),
        "target": TARGET,
    }
    return View("model", name, context)


def served(ask: Ask) -> dict[str, list[str]]:
    """Version -> the endpoints that answer with it."""
    found: dict[str, list[str]] = defaultdict(list)
    for endpoint in (one for one in ask.read_all("endpoints.list") if one.retired is None):
        found[f"{endpoint.current.model}@{endpoint.current.version}"].append(endpoint.name)
    return found


def _serving(ask: Ask) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for ref, endpoints in served(ask).items():
        found[ref.partition("@")[0]] += endpoints
    return found
