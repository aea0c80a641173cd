"""What a version brings: foreseen on history, and realised beside the promise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright import charts
from modelwright.governance.effects.model import Realised, Replay
from modelwright.governance.model import Evidence


def effect(found: Evidence | None) -> Mapping[str, Any]:
    """A replay: what the version brings, and how much more that is than others bring, on a scale of their own."""
    if found is None or not isinstance(found.values, Replay):
        return {"effect": None}
    replay = found.values
    gains = charts.spread([other.gain for other in replay.against], also=[0.0])
    return {
        "effect": replay,
        "effect_gains": [(other, charts.dot(other.gain, gains, reference=0.0)) for other in replay.against],
        "effect_ruler": charts.ruler(gains, reference=0.0, reference_name="no more"),
    }


def realised(found: Realised | None) -> Mapping[str, Any]:
    """What was promised and what was brought, on one scale."""
    if found is None or found.terms is None:
        return {"realised": found, "realised_rows": []}
    both = [("Promised", found.promised), ("Realised", found.per_thousand)]
    scale = charts.spread([money for _, money in both], also=[0.0])
    return {
        "realised": found,
        "realised_rows": [(name, money, charts.dot(money, scale, reference=0.0)) for name, money in both],
        "realised_ruler": charts.ruler(scale, reference=0.0, reference_name="nothing"),
    }
