"""Where something came from and what came of it, two steps around it."""

from __future__ import annotations

from modelwright import charts
from modelwright.governance.model import Evidence
from modelwright.lineage.model import Graph
from modelwright.ui.page import Ask, View
from modelwright.ui.render import version_path

_DEPTH = 2
_MOST_NODES = 60


def load(ask: Ask) -> View:
    """The neighbourhood of a node; without one, where to begin."""
    wanted = ask.word("of")
    if not wanted:
        return View("lineage", "Lineage", {"wanted": "", "starts": _starts(ask), "graph": "", "nodes": []})
    depth = {"1": 1, "2": 2, "4": 4, "8": 8}.get(ask.word("depth"), _DEPTH)
    up: Graph = ask.workspace.lineage.up(wanted, depth=depth)
    down: Graph = ask.workspace.lineage.down(wanted, depth=depth)
    names = _near(up, down, wanted)
    edges = {edge for edge in (*up.edges, *down.edges) if edge.source in names and edge.target in names}
    known = {name: node(name, focus=name == wanted, kind=_evidence_kind(ask, name)) for name in sorted(names)}
    nodes = list(known.values())
    drawn = charts.graph(
        nodes,
        [charts.Edge(edge.source, edge.target) for edge in sorted(edges)],
        name=f"Lineage of {wanted}: {len(nodes)} things, {len(edges)} links",
    )
    context = {
        "wanted": wanted,
        "focus": node(wanted, focus=True),
        "graph": drawn,
        "nodes": nodes,
        "edges": sorted(edges, key=lambda edge: edge.at, reverse=True),
        "before": len(up.nodes) - 1,
        "after": len(down.nodes) - 1,
        "depth": depth,
        "left_out": len({*up.nodes, *down.nodes}) - len(names),
        "starts": [],
        "named": lambda name: known.get(name) or node(name),
    }
    return View("lineage", f"Lineage of {wanted}", context)


def _near(up: Graph, down: Graph, wanted: str) -> set[str]:
    """The nodes to draw: all of them, or as many as can be read."""
    near = [wanted]
    links = [(edge.target, edge.source) for edge in up.edges] + [(edge.source, edge.target) for edge in down.edges]
    for place in near:
        fresh = [target for source, target in links if source == place and target not in near]
        near += sorted(set(fresh))[: max(_MOST_NODES - len(near), 0)]
    return set(near)


def _evidence_kind(ask: Ask, name: str) -> str:
    if not name.startswith("evidence:"):
        return ""
    found: Evidence | None = ask.read("evidence.get", name.removeprefix("evidence:"))
    return str(found.kind) if found is not None else ""


def node(name: str, *, focus: bool = False, kind: str = "") -> charts.Node:
    """A node of the graph with its page.

    Args:
        name: Its name in the graph.
        focus: Whether the drawing is about it.
        kind: What it is, where that says more than its name.
    """
    room, _, known = name.partition(":")
    href = f"/lineage?of={name}" if focus is False else ""
    pages = {
        "data": version_path("data", known),
        "features": version_path("features", known),
        "model": version_path("models", known),
        "run": f"/runs/{known}",
        "endpoint": f"/endpoints/{known}",
        "assumption": f"/assumptions/{known.partition('@')[0]}",
    }
    shown = known if len(known) < 32 else f"{known[:10]}…" if room != "run" else f"…{known[-8:]}"
    return charts.Node(id=name, kind=kind or room, name=shown, href=pages.get(room, href), focus=focus)


def _starts(ask: Ask) -> list[charts.Node]:
    found = [f"endpoint:{one.name}" for one in ask.read_all("endpoints.list", limit=20)]
    found += [f"model:{one.name}@{one.latest}" for one in ask.read_all("models.list", limit=20)]
    found += [f"features:{one.name}@{one.version}" for one in ask.read_all("features.list", limit=20)]
    found += [f"data:{one.name}@{one.version}" for one in ask.read_all("data.list", limit=20)]
    return [node(name) for name in found]
