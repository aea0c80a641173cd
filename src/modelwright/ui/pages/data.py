"""Datasets, and one version: what it holds, what it must keep to, what changed."""

from __future__ import annotations

from modelwright.data.model import DatasetVersion
from modelwright.lineage.model import Graph
from modelwright.ui.page import Ask, View
from modelwright.ui.pages.framing import assumed


def load_list(ask: Ask) -> View:
    """Datasets by name."""
    page = ask.workspace.data.list(after=ask.word("after"))
    return View("datasets", "Data", {"datasets": page.items, "after": page.next})


def load_newest(ask: Ask) -> View:
    """A dataset without a version is its newest one."""
    return load(Ask(ask.workspace, {**ask.path, "version": "latest"}, ask.query, ask.now))


def load(ask: Ask) -> View:
    """One version."""
    version: DatasetVersion = ask.workspace.data.get(f"{ask.path['name']}@{ask.path['version']}")
    before = _before(ask, version)
    context = {
        "version": version,
        "versions": ask.read_all("data.versions", version.name, limit=20),
        "before": before,
        "diff": ask.read("data.diff", f"{version.name}@{before}", version.ref) if before else None,
        "contract": {column.name: column for column in version.contract.columns},
        "assumed": assumed(ask, dataset=version.name),
        "read_by": _read_by(ask, version.ref),
        "missing": sum(column.missing for column in version.profile),
    }
    return View("dataset", version.ref, context)


def _before(ask: Ask, version: DatasetVersion) -> int | None:
    """The version to compare with: the one asked for, or the one before."""
    asked = ask.word("against")
    if asked.isascii() and asked.isdigit() and len(asked) < 16 and int(asked) not in (0, version.version):
        return int(asked)
    return version.version - 1 or None


def _read_by(ask: Ask, ref: str) -> list[str]:
    graph: Graph | None = ask.read("lineage.down", f"data:{ref}", depth=2)
    if graph is None:
        return []
    return [node for node in graph.nodes if node.partition(":")[0] in {"run", "model"}]
