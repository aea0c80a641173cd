"""What one room means for another that does not know it: the charter for a rollout, a rollout for a pipeline."""

from __future__ import annotations

from modelwright.core.unit import Unit
from modelwright.governance.repository import GovernanceRepository
from modelwright.pipelines.model import Cause, CauseKind
from modelwright.pipelines.service import Held
from modelwright.rollouts.model import Expectation
from modelwright.rollouts.repository import RolloutRepository
from modelwright.rollouts.service import Expectations


def expectations(repository: GovernanceRepository) -> Expectations:
    """Reads the charter in force; without one the defaults hold, and the guard refuses anyway."""

    def expected(unit: Unit, model: str) -> Expectation:
        found = repository.charter(unit.rows, unit.project, model)
        if found is None:
            return Expectation()
        charter = found.charter
        return Expectation(
            metric=charter.kpi.metric,
            maturity=charter.label.known_after,
            latency_p99_ms=charter.limits.latency_p99_ms,
        )

    return expected


def challenged(repository: RolloutRepository) -> Held:
    """An alarm of an endpoint whose challenger is being judged starts nothing: the next one could not challenge."""

    def held(unit: Unit, cause: Cause) -> str | None:
        if cause.kind is not CauseKind.ALARM:
            return None
        newest = repository.newest(unit.rows, unit.project, cause.subject)
        if not newest or newest[0].outcome is not None:
            return None
        return f"{cause.subject} has {newest[0].challenger.ref} in its shadow, and waits for what comes of it."

    return held
