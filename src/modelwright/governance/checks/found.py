"""What checks of one's own have found lately, whatever it is about."""

from __future__ import annotations

from sqlalchemy import select

from modelwright.core.unit import Rows
from modelwright.governance.checks.model import Checked
from modelwright.governance.repository import evidence

_NEWEST = 1000
"""Pieces of evidence that are looked through."""


def lately(rows: Rows, project: str) -> list[Checked]:
    """What the checks among a project's newest evidence found."""
    statement = (
        select(evidence.c.body).where(evidence.c.project == project).order_by(evidence.c.made_at.desc()).limit(_NEWEST)
    )
    return [each.values for each in rows.execute(statement).scalars() if isinstance(each.values, Checked)]
