"""One model version: may it go on, on what evidence, where it came from, where it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright import charts
from modelwright.core.guard import Decision
from modelwright.governance.charter import CharterVersion
from modelwright.governance.model import Evaluation, Explanation
from modelwright.models.model import ModelVersion
from modelwright.ui.page import Ask, View
from modelwright.ui.pages.effects import effect
from modelwright.ui.pages.evidence import Findings, findings
from modelwright.ui.pages.models import TARGET, served

_MOST_SLICES = 40
_MOST_IMPORTANCES = 25


def load(ask: Ask) -> View:
    """The version's page."""
    version: ModelVersion = ask.workspace.models.get(f"{ask.path['name']}@{ask.path['version']}")
    decision: Decision | None = ask.read("gates.check", version.ref, TARGET)
    found = findings(ask, version)
    charter: CharterVersion | None = ask.read("charters.get", version.model)
    context = {
        "version": version,
        "target": TARGET,
        "decision": decision,
        "failing": [gate.gate for gate in decision.gates if not gate.verdict.passes] if decision else [],
        "charter": charter,
        "kpi": charter.charter.kpi if charter is not None else None,
        "found": found,
        "endpoints": served(ask)[version.ref],
        **_drawn(found, charter),
    }
    return View("version", version.ref, context)


def _drawn(found: Findings, charter: CharterVersion | None) -> Mapping[str, Any]:
    return {**_quality(found, charter), **_reliance(found), **effect(found.effect)}


def _quality(found: Findings, charter: CharterVersion | None) -> Mapping[str, Any]:
    values = found.evaluation.values if found.evaluation is not None else None
    if not isinstance(values, Evaluation):
        return {"reliability": "", "slices": []}
    floor = charter.charter.kpi.slice_floor if charter is not None else None
    slices = values.slices[:_MOST_SLICES]
    scale = charts.spread([one.interval for one in slices], also=[floor, values.score.estimate])
    return {
        "reliability": charts.reliability(values.calibration.bins) if values.calibration else "",
        "slices": [(one, charts.dot(one.interval, scale, reference=floor)) for one in slices],
        "slices_left": len(values.slices) - len(slices),
        "ruler": charts.ruler(scale, reference=floor, reference_name="floor"),
    }


def _reliance(found: Findings) -> Mapping[str, Any]:
    values = found.explanation.values if found.explanation is not None else None
    if not isinstance(values, Explanation):
        return {"importances": []}
    every = values.importances
    shown = every[:_MOST_IMPORTANCES]
    scale = charts.spread([one.drop for one in shown], also=[0.0])
    return {
        "importances": [(one, charts.bar(one.drop, scale)) for one in shown],
        "importances_left": len(every) - len(shown),
        "importance_ruler": charts.ruler(scale),
    }
