"""Feature views, and one: what it consists of, how far the online store is, how its features are distributed."""

from __future__ import annotations

from modelwright.features.model import Freshness, TrainingRecord, ViewVersion
from modelwright.lineage.model import Graph
from modelwright.ui.page import Ask, View
from modelwright.ui.pages.framing import assumed


def load_list(ask: Ask) -> View:
    """Views by name, with how fresh each is online."""
    page = ask.workspace.features.list(after=ask.word("after"))
    fresh = {view.name: ask.read("features.freshness", f"{view.name}@{view.version}") for view in page.items}
    return View("features", "Features", {"views": page.items, "after": page.next, "fresh": fresh})


def load_newest(ask: Ask) -> View:
    """A view without a version is its newest one."""
    return load(Ask(ask.workspace, {**ask.path, "version": "latest"}, ask.query, ask.now))


def load(ask: Ask) -> View:
    """One version of a view."""
    version: ViewVersion = ask.workspace.features.get(f"{ask.path['name']}@{ask.path['version']}")
    sets: list[TrainingRecord] = ask.read_all("features.training_sets", version.ref)
    fresh: Freshness | None = ask.read("features.freshness", version.ref)
    context = {
        "version": version,
        "features": list(zip(version.view.features, version.columns, strict=True)),
        "versions": ask.read_all("features.versions", version.name),
        "sets": sets,
        "newest": sets[0] if sets else None,
        "spread": {each.name: each for each in sets[0].distributions} if sets else {},
        "fresh": fresh,
        "assumed": assumed(ask, view=version.name),
        "refs": [f"{version.ref}/{column.name}" for column in version.columns],
        "used_by": _used_by(ask, version.ref),
    }
    return View("feature_view", version.ref, context)


def _used_by(ask: Ask, ref: str) -> list[str]:
    graph: Graph | None = ask.read("lineage.down", f"features:{ref}", depth=2)
    return [] if graph is None else [node for node in graph.nodes if node.partition(":")[0] in {"run", "model"}]
