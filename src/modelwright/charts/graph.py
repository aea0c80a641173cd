"""A lineage neighbourhood as a drawing: layers from left to right, placed on the server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from modelwright.charts.svg import drawing, tag, titled
from modelwright.charts.words import clipped

_WIDTH, _TALL = 188, 42
_GAP, _ROW = 56, 56


@dataclass(frozen=True)
class Node:
    """A thing in the graph.

    Attributes:
        id: Its identity in the edges.
        kind: What it is, in a word.
        name: What it is called.
        href: Its page; empty when it has none.
        focus: Whether the drawing is about it.
    """

    id: str
    kind: str
    name: str
    href: str = ""
    focus: bool = False


@dataclass(frozen=True)
class Edge:
    """What came out of what."""

    source: str
    target: str


def graph(nodes: Sequence[Node], edges: Sequence[Edge], *, name: str) -> Markup:
    """The nodes in layers, what comes first at the left; an edge that skips a layer runs around its boxes.

    Args:
        nodes: At most a few hundred; more cannot be read.
        edges: Between those nodes; edges that would close a circle are drawn but do not place.
        name: What it shows, in words.
    """
    if not nodes:
        return Markup("")
    known = {node.id for node in nodes}
    kept = [edge for edge in edges if edge.source in known and edge.target in known and edge.source != edge.target]
    layer = layers([node.id for node in nodes], kept)
    columns, paths = _routed(layer, kept)
    _untangle(columns, paths)
    place = {key: (column, row) for column, keys in enumerate(columns) for row, key in enumerate(keys)}
    tallest = max(len(keys) for keys in columns)
    spots = {
        key: (column * (_WIDTH + _GAP), (row + (tallest - len(columns[column])) / 2) * _ROW)
        for key, (column, row) in place.items()
    }
    parts = [_edge([spots[key] for key in path]) for path in paths]
    parts += [_box(node, *spots[node.id]) for node in nodes]
    width = len(columns) * (_WIDTH + _GAP) - _GAP
    height = tallest * _ROW - (_ROW - _TALL)
    return drawing(
        name, *parts, class_="graph", width=width + 4, height=height + 4, viewBox=f"-2 -2 {width + 4} {height + 4}"
    )


def layers(keys: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The layer of each node: one more than the deepest of what it came from.

    Example:
        >>> layers(["data", "run", "model"], [Edge("data", "run"), Edge("run", "model"), Edge("data", "model")])
        {'data': 0, 'run': 1, 'model': 2}
    """
    sources: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        sources[edge.target].append(edge.source)
    found = dict.fromkeys(keys, 0)
    for _ in keys:
        changed = False
        for key in keys:
            deepest = max((found[source] + 1 for source in sources[key]), default=0)
            if found[key] < deepest < len(keys):
                found[key], changed = deepest, True
        if not changed:
            break
    return found


def _routed(layer: dict[str, int], edges: Sequence[Edge]) -> tuple[list[list[str]], list[list[str]]]:
    """The columns with stand-ins where an edge passes by, and each edge's path over them."""
    used = sorted(set(layer.values()))
    rank = {value: index for index, value in enumerate(used)}
    columns: list[list[str]] = [[] for _ in used]
    for key, value in layer.items():
        columns[rank[value]].append(key)
    paths = []
    for number, edge in enumerate(edges):
        start, end = rank[layer[edge.source]], rank[layer[edge.target]]
        path = [edge.source]
        for between in range(start + 1, end):
            stand_in = f"\0{number}:{between}"
            columns[between].append(stand_in)
            path.append(stand_in)
        paths.append([*path, edge.target])
    return columns, paths


def _untangle(columns: list[list[str]], paths: Sequence[Sequence[str]]) -> None:
    """Order each column by the middle of its neighbours (Sugiyama's barycentres), four sweeps."""
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        for source, target in pairwise(path):
            before[target].append(source)
            after[source].append(target)
    for sweep in range(4):
        neighbours = before if sweep % 2 == 0 else after
        for keys in columns if sweep % 2 == 0 else reversed(columns):
            rows = {key: row for column in columns for row, key in enumerate(column)}
            middle = {
                key: sum(rows[other] for other in neighbours[key]) / len(neighbours[key])
                if neighbours[key]
                else rows[key]
                for key in keys
            }
            keys.sort(key=lambda key: middle[key])


def _edge(spots: Sequence[tuple[float, float]]) -> Markup:
    x, y = spots[0]
    path = f"M{x + _WIDTH:.0f} {y + _TALL / 2:.0f}"
    x += _WIDTH
    y += _TALL / 2
    for index, (left, top) in enumerate(spots[1:], start=1):
        end, middle = left, top + _TALL / 2
        tip = end - 5 if index == len(spots) - 1 else end
        bend = max(abs(tip - x) / 2, 12)
        path += f"C{x + bend:.0f} {y:.0f} {tip - bend:.0f} {middle:.0f} {tip:.0f} {middle:.0f}"
        x, y = tip, middle
        if index < len(spots) - 1:
            x = left + _WIDTH
            path += f"H{x:.0f}"
    arrow = f"M{x + 5:.0f} {y:.0f}l-6 -3.5v7z"
    return tag("g", tag("path", d=path, class_="edge"), tag("path", d=arrow, class_="arrow"))


def _box(node: Node, x: float, y: float) -> Markup:
    inside = tag(
        "g",
        titled(f"{node.kind} {node.name}"),
        tag("rect", x=x, y=y, width=_WIDTH, height=_TALL, rx=5, class_="box"),
        tag("text", node.kind, x=x + 11, y=y + 16, class_="kind"),
        tag("text", clipped(node.name, 25), x=x + 11, y=y + 32, class_="called"),
        class_="focus" if node.focus else None,
    )
    return tag("a", inside, href=node.href) if node.href else inside
