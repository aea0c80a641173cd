"""Where a model has answered, from the decisions on record."""

from __future__ import annotations

from sqlalchemy import select

from modelwright.core.guard import Action, Transition
from modelwright.core.unit import Rows
from modelwright.governance.repository import decisions

_MOST = 100
"""Newest decisions among which one is looked for that passed the gates."""


class AnsweredRepository:
    """Where models have answered. It reads what the guard allowed, and writes nothing."""

    def at(self, rows: Rows, project: str, transition: Transition) -> bool:
        """Whether any version of the model was let answer at the target before, and not against the gates."""
        alias = transition.action is Action.SET_ALIAS
        actions = (Action.SET_ALIAS,) if alias else (Action.DEPLOY, Action.ROLLBACK)
        statement = (
            select(decisions.c.body)
            .where(
                decisions.c.project == project,
                decisions.c.model == transition.model,
                decisions.c.target == transition.target,
                decisions.c.action.in_([action.value for action in actions]),
                decisions.c.allowed,
            )
            .order_by(decisions.c.id.desc())
            .limit(_MOST)
        )
        return any(not decided.decision.against_the_gates for decided in rows.execute(statement).scalars())

    def targets(self, rows: Rows, project: str, model: str) -> list[Transition]:
        """Where a model was to answer, each place once, by name."""
        statement = (
            select(decisions.c.action, decisions.c.target)
            .where(
                decisions.c.project == project,
                decisions.c.model == model,
                decisions.c.action.in_([Action.SET_ALIAS.value, Action.DEPLOY.value]),
            )
            .distinct()
            .order_by(decisions.c.target, decisions.c.action)
            .limit(_MOST)
        )
        return [
            Transition(action=Action(row.action), model=model, version=0, package="", target=row.target)
            for row in rows.execute(statement)
        ]
