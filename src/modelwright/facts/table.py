"""Facts by name: what packs may ask for, each a pure function of the record.

A fact answers statements. What is not on record it answers as MISSING, with what to do; it never guesses, and a fact
that nothing in this house can know is not here: packs have people attest it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from modelwright.facts import changes, checks, data, effect, frame, making, purpose, quality, risk, use
from modelwright.facts.model import Statement
from modelwright.facts.record import Record

Fact = Callable[[Record], Sequence[Statement]]

FACTS: Mapping[str, Fact] = {
    "identity": making.identity,
    "predecessor": making.predecessor,
    "signature": making.signature,
    "origin": making.origin,
    "parameters": making.parameters,
    "software": making.software,
    "hardware": making.hardware,
    "compute": making.compute,
    "purpose": purpose.purpose,
    "decision": purpose.decision,
    "owners": purpose.owners,
    "business-case": purpose.business_case,
    "stakeholders": purpose.stakeholders,
    "use": purpose.use,
    "resources": purpose.resources,
    "feasibility": frame.feasibility,
    "assumptions": frame.assumptions,
    "kpi": purpose.kpi,
    "limits": purpose.limits,
    "label": purpose.label,
    "inputs": purpose.inputs,
    "output": purpose.output,
    "training-data": data.training_data,
    "data-quality": data.data_quality,
    "features": data.features,
    "evaluation-data": data.evaluation_data,
    "upstream": data.upstream,
    "quality": quality.quality,
    "calibration": quality.calibration,
    "slices": quality.slices,
    "baseline": quality.baseline,
    "effect": effect.effect,
    "contract": quality.contract,
    "rivals": checks.rivals,
    "groups": checks.groups,
    "size": checks.size,
    "latency": checks.latency,
    "robustness": checks.robustness,
    "reproduction": checks.reproduction,
    "own-checks": checks.own,
    "reliance": quality.reliance,
    "gates": quality.gates,
    "deployments": use.deployments,
    "decisions": use.decisions,
    "history": use.history,
    "rollouts": use.rollouts,
    "shadow": use.shadow,
    "monitors": use.monitors,
    "alerts": use.alerts,
    "retraining": use.retraining,
    "risks": risk.risks,
    "signatures": use.signatures,
    "change-cause": changes.cause,
    "change-data": changes.data,
    "change-inputs": changes.inputs,
    "change-code": changes.code,
    "change-parameters": changes.parameters,
    "change-software": changes.software,
    "change-quality": changes.quality,
    "change-slices": changes.slices,
}
"""Name -> fact."""
