"""What is taken for granted: assumptions about data, and whether a model is worth making."""

from __future__ import annotations

from modelwright.framing.model import Assumed, AssumptionVersion, Feasibility
from modelwright.governance.charter import CharterVersion
from modelwright.governance.model import Evidence
from modelwright.ui.page import Ask, View

_SHOWN = 10
"""Newest pieces of evidence of each model that are offered."""


def load_assumptions(ask: Ask) -> View:
    """Assumptions by name."""
    page = ask.workspace.assumptions.list(after=ask.word("after"))
    standing = [one for one in page.items if not one.said.withdrawn]
    context = {
        "assumed": standing,
        "withdrawn": [one for one in page.items if one.said.withdrawn],
        "outdated": [one for one in standing if one.outdated],
        "after": page.next,
    }
    return View("assumptions", "Assumptions", context)


def load_assumption(ask: Ask) -> View:
    """One assumption: what it says now, and everything that was said of it."""
    name = ask.path["name"]
    found: Assumed = ask.workspace.assumptions.get(name)
    said: tuple[AssumptionVersion, ...] = ask.workspace.assumptions.versions(name)
    return View("assumption", name, {"name": name, "found": found, "said": said})


def load_feasibility(ask: Ask) -> View:
    """What was decided of a model, also of one that was never made."""
    name = ask.path["name"]
    decided: tuple[Feasibility, ...] = ask.workspace.feasibility.history(name)
    charter = ask.read("charters.get", name)
    if not decided and charter is None:
        ask.workspace.models.versions(name)  # a model that is not there has no page
    newest = decided[0] if decided else None
    stages = {one.stage: one for one in reversed(decided)}
    context = {
        "name": name,
        "decided": decided,
        "newest": newest,
        "stages": stages,
        "charter": charter,
        "evidence": _evidence(ask, name, charter),
    }
    return View("feasibility", f"Feasibility of {name}", context)


def _evidence(ask: Ask, name: str, charter: CharterVersion | None) -> list[Evidence]:
    """What a decision may be based on: the newest of the model and of its baseline."""
    names = dict.fromkeys([name, *([charter.charter.baseline] if charter and charter.charter.baseline else [])])
    newest = [version for one in names if (version := ask.read("models.get", f"{one}@latest")) is not None]
    return [one for version in newest for one in ask.read_all("evidence.list", version.ref)[:_SHOWN]]


def assumed(ask: Ask, **about: str) -> list[Assumed]:
    """What is assumed, and not withdrawn, about a dataset or a view."""
    return [one for one in ask.read_all("assumptions.list", **about) if not one.said.withdrawn]
