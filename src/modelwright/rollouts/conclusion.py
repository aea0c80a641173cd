"""How a rollout ends: one way, whoever ends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.core.unit import Unit
from modelwright.rollouts.model import Comparison, Look, Outcome, Rollout, RolloutConcluded
from modelwright.serving.model import Deployment

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.rollouts.repository import RolloutRepository


def concluded(
    unit: Unit,
    repository: RolloutRepository,
    rollout: Rollout,
    outcome: Outcome,
    reasons: Sequence[str],
    *,
    generation: int,
    seen: Look | Comparison | None = None,
) -> Rollout:
    """End a rollout: its row, and the event.

    Args:
        unit: The unit of work.
        repository: Rollouts.
        rollout: The running one.
        outcome: How it ends.
        reasons: Why.
        generation: Of the route table without the challenger, or with it as what answers.
        seen: What decided: a look that was due, or everything so far.
    """
    comparison = seen.comparison if isinstance(seen, Look) else seen
    over = replace(
        rollout,
        looks=(*rollout.looks, seen) if isinstance(seen, Look) else rollout.looks,
        outcome=outcome,
        reasons=tuple(reasons),
        comparison=comparison,
        concluded_at=unit.now,
        concluded_by=unit.actor.id,
    )
    repository.change(unit.rows, over)
    unit.emit(
        RolloutConcluded(
            rollout_id=rollout.id,
            endpoint=rollout.endpoint,
            generation=generation,
            model=rollout.challenger.model,
            version=rollout.challenger.version,
            package=rollout.challenger.package,
            outcome=outcome,
            reasons=over.reasons,
            comparison=comparison,
        )
    )
    return over


def stopping(repository: RolloutRepository) -> Callable[[Unit, Deployment], None]:
    """What endpoints call when somebody has moved one: its rollout is stopped in the same unit of work.

    The challenger was compared with what answered before, and the move has ended its shadow already.
    """

    def stop(unit: Unit, current: Deployment) -> None:
        newest = repository.newest(unit.rows, unit.project, current.endpoint)
        if newest and newest[0].outcome is None and newest[0].answering.package != current.package:
            reason = f"{current.endpoint} was moved to {current.model}@{current.version} meanwhile."
            concluded(unit, repository, newest[0], Outcome.STOPPED, [reason], generation=current.generation)

    return stop


def retiring(repository: RolloutRepository) -> Callable[[Unit, Deployment, int], None]:
    """What endpoints call when somebody has retired one: its rollout is stopped in the same unit of work."""

    def stop(unit: Unit, current: Deployment, generation: int) -> None:
        newest = repository.newest(unit.rows, unit.project, current.endpoint)
        if newest and newest[0].outcome is None:
            reason = f"{current.endpoint} was retired meanwhile."
            concluded(unit, repository, newest[0], Outcome.STOPPED, [reason], generation=generation)

    return stop
