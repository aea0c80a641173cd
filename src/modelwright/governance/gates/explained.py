"""It is known what it relies on."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.governance.gates.base import Case, Seen
from modelwright.governance.model import Explanation, Kind, Scalar


class ExplainedGate:
    """Every input has an importance; fulfils ``Gate``."""

    reads = (Kind.EXPLANATION,)
    exposes = frozenset({"inputs", "features", "missing"})
    passes = "e.inputs > 0 && e.missing == 0"
    parameters: Mapping[str, Scalar] = {}

    def exempt(self, case: Case) -> str:
        """Always applies."""
        return ""

    def look(self, case: Case) -> Seen:
        """Which inputs have an importance."""
        found = case.values(Explanation)
        explained = {each.column for each in found.importances}
        missing = [name for name in found.inputs if name not in explained]
        first = ", ".join(f"{each.column} {each.drop.estimate:.3g}" for each in found.importances[:3])
        reason = (
            f"{len(missing)} of {len(found.inputs)} inputs have no importance: {', '.join(missing[:5])}."
            if missing
            else f"All {len(found.inputs)} inputs have an importance ({found.method}, by the caller): {first}."
        )
        return Seen(
            values={"inputs": len(found.inputs), "features": len(explained), "missing": len(missing)},
            reason=reason,
            remedy=f"Run: {case.evaluate_command()}",
        )


variant = ExplainedGate()
