"""``ws.<noun>``: operations as methods, with the verbs that rooms add for scripts and notebooks."""

from __future__ import annotations

from importlib import import_module

from modelwright.core.operation import Caller, Face, Table

VERBS = {
    "data": "modelwright.data.sdk:DataFace",
    "features": "modelwright.features.sdk:FeaturesFace",
    "models": "modelwright.models.sdk:ModelsFace",
    "charters": "modelwright.governance.sdk:ChartersFace",
    "policies": "modelwright.governance.sdk:PoliciesFace",
    "risks": "modelwright.risks.sdk:RisksFace",
    "evidence": "modelwright.governance.sdk:EvidenceFace",
    "checks": "modelwright.governance.checks.sdk:ChecksFace",
    "ledger": "modelwright.ledger.sdk:LedgerFace",
    "predictions": "modelwright.predictions.sdk:PredictionsFace",
    "endpoints": "modelwright.serving.sdk:EndpointsFace",
    "pipelines": "modelwright.pipelines.sdk:PipelinesFace",
    "executions": "modelwright.pipelines.sdk:ExecutionsFace",
    "documents": "modelwright.documents.sdk:DocumentsFace",
    "notifications": "modelwright.notifications.sdk:NotificationsFace",
    "runs": "modelwright.tracking.sdk:RunsFace",
    "tokens": "modelwright.access.sdk:TokensFace",
    "search": "modelwright.search.sdk:SearchFace",
}
"""Noun -> the Face that a room subclasses; the others offer their operations alone."""


def face(noun: str, table: Table, caller: Caller) -> Face:
    """The face of one noun."""
    kind: type[Face] = Face
    if noun in VERBS:
        module, _, name = VERBS[noun].partition(":")
        kind = getattr(import_module(module), name)
    return kind(table.noun(noun), caller)
