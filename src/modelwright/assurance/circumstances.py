"""What the guard is told of an endpoint beside the evidence: that it is frozen, or that somebody broke the glass."""

from __future__ import annotations

from modelwright.assurance.model import Recheck
from modelwright.assurance.repository import AssuranceRepository
from modelwright.core.events import ActorKind
from modelwright.core.guard import BREAK_GLASS, Action, GateResult, Transition, Verdict
from modelwright.core.unit import Unit
from modelwright.governance.circumstances import Circumstances
from modelwright.serving.repository import DeploymentRepository

FROZEN = "frozen"
_MOVES = (Action.DEPLOY, Action.CHALLENGE)


def circumstances(repository: AssuranceRepository, deployments: DeploymentRepository) -> Circumstances:
    """Reads what holds at an endpoint; going back to what answered before is always free."""

    def frozen(unit: Unit, endpoint: str) -> Recheck | None:
        known = repository.recheck(unit.rows, unit.project, endpoint)
        if known is None or not known.frozen:
            return None
        current = deployments.newest(unit.rows, unit.project, endpoint)
        return known if current and current[0].package == known.package else None

    def held(unit: Unit, transition: Transition) -> list[GateResult]:
        known = repository.alias(unit.rows, unit.project, transition.model, transition.target)
        if known is None or not known.frozen or known.version != transition.replaces:
            return []
        since = f"{known.failing_since:%Y-%m-%d}"
        return [
            GateResult(
                gate=FROZEN,
                verdict=Verdict.FAIL,
                reason=f"{known.model}@{known.alias} is frozen: {known.ref} has not passed its gates since {since}, "
                "and nothing that runs by itself moves it.",
                remedy=f"Let a person move it: modelwright model alias MODEL@VERSION {known.alias}",
            )
        ]

    def holding(unit: Unit, transition: Transition) -> list[GateResult]:
        if transition.action is Action.SET_ALIAS and unit.actor.kind is ActorKind.SERVICE:
            return held(unit, transition)
        if transition.action not in _MOVES:
            return []
        found = []
        known = frozen(unit, transition.target) if unit.actor.kind is ActorKind.SERVICE else None
        if known is not None:
            found.append(
                GateResult(
                    gate=FROZEN,
                    verdict=Verdict.FAIL,
                    reason=f"{known.endpoint} is frozen: {known.model}@{known.version} has not passed its gates since "
                    f"{known.failing_since:%Y-%m-%d}, and nothing that runs by itself moves it.",
                    remedy=f"Let a person deploy a version that passes: modelwright endpoint deploy {known.endpoint} "
                    "MODEL@VERSION",
                )
            )
        emergency = repository.present(unit.rows, unit.project, transition.target)
        if (
            transition.action is Action.DEPLOY
            and emergency is not None
            and emergency.package == transition.package
            and emergency.at == unit.now  # in the unit of work that broke it, and in no other
        ):
            found.append(
                GateResult(
                    gate=BREAK_GLASS,
                    verdict=Verdict.ATTESTED,
                    reason=f"Somebody broke the glass on {emergency.at:%Y-%m-%d %H:%M}Z, until "
                    f"{emergency.expires_at:%Y-%m-%d %H:%M}Z: emergency {emergency.id}.",
                )
            )
        return found

    return holding
