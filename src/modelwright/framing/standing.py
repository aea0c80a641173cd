"""What a decision on feasibility means for the versions of a model."""

from __future__ import annotations

from modelwright.core.errors import Refused
from modelwright.core.guard import Action, GateResult, Transition, Verdict
from modelwright.core.unit import Unit
from modelwright.framing.model import Feasibility
from modelwright.framing.repository import FramingRepository
from modelwright.governance.repository import GovernanceRepository
from modelwright.models.model import Manifest
from modelwright.models.repository import ModelRepository

GATE = "feasibility"
_TABLE = "lookup"
"""The flavour of a heuristic: nothing was learned by it but what was counted."""


class Feasible:
    """Keeps out what was decided not to be made; fulfils ``governance.circumstances.Circumstances``.

    Args:
        decisions: What was decided.
        governance: Charters, which name baselines.
        models: What versions are.
    """

    def __init__(self, decisions: FramingRepository, governance: GovernanceRepository, models: ModelRepository) -> None:
        self._decisions = decisions
        self._governance = governance
        self._models = models

    def __call__(self, unit: Unit, transition: Transition) -> list[GateResult]:
        """A gate that fails while a decision keeps the version out. The way back at an endpoint is always free."""
        if transition.action is Action.ROLLBACK:
            return []
        decision = self._decisions.decision(unit.rows, unit.project, transition.model)
        if decision is None or not decision.binds:
            return []
        version = self._models.version(unit.rows, unit.project, transition.model, transition.version)
        if version is None or self._heuristic(unit, decision, version.manifest):
            return []
        reason, remedy = self._words(unit, decision)
        return [GateResult(gate=GATE, verdict=Verdict.FAIL, reason=reason, remedy=remedy)]

    def admit(self, unit: Unit, manifest: Manifest) -> None:
        """Let a fresh version in.

        Raises:
            Refused: A decision keeps it out.
        """
        decision = self._decisions.decision(unit.rows, unit.project, manifest.model)
        if decision is not None and decision.binds and not self._heuristic(unit, decision, manifest):
            reason, remedy = self._words(unit, decision)
            raise Refused(reason, remedy=remedy)

    def _heuristic(self, unit: Unit, decision: Feasibility, manifest: Manifest) -> bool:
        """Whether it is one that may go on without machine learning."""
        if decision.says == "stop":
            return False
        return manifest.flavour == _TABLE or self._baseline(unit, decision) == manifest.model

    def _words(self, unit: Unit, decision: Feasibility) -> tuple[str, str]:
        model, baseline = decision.model, self._baseline(unit, decision)
        asked = {"stop": "stop", "no_ml": "go on without machine learning"}[decision.says]
        reason = f"On {decision.at:%Y-%m-%d} it was decided that {model} is to {asked}: {decision.reason.rstrip('.')}."
        again = f"modelwright feasibility decide {model} go --stage after --reason WHY --based-on WHAT"
        if decision.says == "stop":
            return reason, f"Take it up again with reasons: {again}"
        instead = f"Release the heuristic {baseline} instead" if baseline else "Release a lookup table instead"
        return reason, f"{instead}, or decide again: {again}"

    def _baseline(self, unit: Unit, decision: Feasibility) -> str | None:
        """As the charter named it when it was decided: who trains can write a charter, and must not get out by one."""
        for known in self._governance.charters(unit.rows, unit.project, decision.model):
            if known.published_at <= decision.at:
                return known.charter.baseline
        return None
