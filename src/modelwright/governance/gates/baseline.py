"""It is better than the heuristic that the charter names."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.governance.gates.base import Case, Seen, ends
from modelwright.governance.model import Comparison, Kind, Scalar


class BaselineGate:
    """The paired difference to the charter's baseline lies above the margin; fulfils ``Gate``."""

    reads = (Kind.COMPARISON,)
    exposes = ends("delta") | {"n"}
    passes = "e.delta.low > p.margin"
    parameters: Mapping[str, Scalar] = {"margin": 0.0}

    def exempt(self, case: Case) -> str:
        """The baseline itself has nothing simpler to beat."""
        if case.charter.charter.baseline == case.transition.model:
            return f"{case.transition.model} is the charter's own baseline: there is nothing simpler to beat."
        return ""

    def look(self, case: Case) -> Seen:
        """The difference with its interval."""
        found = case.values(Comparison)
        delta = found.delta
        side = "better" if delta.low > 0 else "worse" if delta.high < 0 else "not shown to be better"
        return Seen(
            values={
                "delta": {"estimate": delta.estimate, "low": delta.low, "high": delta.high},
                "n": delta.n,
            },
            reason=f"Its {found.metric} is {side} than {found.baseline}@{found.version}'s: by {delta} "
            f"on the same {delta.n:,} rows.",
            remedy=f"Improve the model, evaluate it on more rows, or deploy {found.baseline}@{found.version}, "
            f"which is simpler: modelwright endpoint deploy ENDPOINT {found.baseline}@{found.version}",
        )


variant = BaselineGate()
