"""What a model's charter means for a rollout: serving stands below governance and is told."""

from __future__ import annotations

from modelwright.core.unit import Unit
from modelwright.governance.repository import GovernanceRepository
from modelwright.rollouts.model import Expectation
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
