"""The rows of charters, policies, evidence and decisions. Nothing here is ever updated."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, func, insert, select

from modelwright.core.guard import Action, Transition
from modelwright.core.ids import new_id
from modelwright.core.unit import Rows
from modelwright.governance.charter import CharterVersion
from modelwright.governance.model import Decided, Evidence, PolicyVersion
from modelwright.store.tables import Body, Moment, control

charters = Table(
    "charters",
    control,
    Column("project", String(128), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", Body(CharterVersion), nullable=False),
)

policies = Table(
    "policies",
    control,
    Column("project", String(128), primary_key=True),
    Column("tier", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", Body(PolicyVersion), nullable=False),
)

evidence = Table(
    "evidence",
    control,
    Column("project", String(128), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("model", String(128), nullable=False),
    Column("version", Integer, nullable=False),
    Column("charter", String(64), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("body", Body(Evidence), nullable=False),
    Index("evidence_by_version", "project", "model", "version", "made_at"),
)

decisions = Table(
    "decisions",
    control,
    Column("id", String(32), primary_key=True),
    Column("project", String(128), nullable=False),
    Column("model", String(128), nullable=False),
    Column("version", Integer, nullable=False),
    Column("package", String(64), nullable=False),
    Column("action", String(16), nullable=False),
    Column("target", String(128), nullable=False),
    Column("allowed", Boolean, nullable=False),
    Column("body", Body(Decided), nullable=False),
    Index("decisions_by_model", "project", "model", "id"),
)

_MOST_EVIDENCE = 200
"""Newest pieces of a version that a decision looks at."""


class GovernanceRepository:
    """Charters, policies, evidence and decisions of one home."""

    def add_charter(self, rows: Rows, project: str, charter: CharterVersion) -> None:
        """Write a fresh charter."""
        rows.execute(
            insert(charters).values(project=project, model=charter.model, version=charter.version, body=charter)
        )

    def charter(self, rows: Rows, project: str, model: str, version: int | None = None) -> CharterVersion | None:
        """A model's charter of that number, or the newest."""
        statement = select(charters.c.body).where(charters.c.project == project, charters.c.model == model)
        if version is not None:
            statement = statement.where(charters.c.version == version)
        found: CharterVersion | None = rows.execute(statement.order_by(charters.c.version.desc()).limit(1)).scalar()
        return found

    def charters(self, rows: Rows, project: str, model: str) -> list[CharterVersion]:
        """A model's charters, newest first, the last thousand."""
        statement = select(charters.c.body).where(charters.c.project == project, charters.c.model == model)
        return list(rows.execute(statement.order_by(charters.c.version.desc()).limit(1000)).scalars())

    def add_policy(self, rows: Rows, project: str, policy: PolicyVersion) -> None:
        """Write a fresh policy."""
        rows.execute(
            insert(policies).values(project=project, tier=policy.policy.tier, version=policy.version, body=policy)
        )

    def policy(self, rows: Rows, project: str, tier: str, version: int | None = None) -> PolicyVersion | None:
        """A tier's published policy of that number, or the newest."""
        statement = select(policies.c.body).where(policies.c.project == project, policies.c.tier == tier)
        if version is not None:
            statement = statement.where(policies.c.version == version)
        found: PolicyVersion | None = rows.execute(statement.order_by(policies.c.version.desc()).limit(1)).scalar()
        return found

    def policies(self, rows: Rows, project: str) -> list[PolicyVersion]:
        """The newest published policy of each tier, by tier."""
        newest = (
            select(policies.c.tier, func.max(policies.c.version).label("version"))
            .where(policies.c.project == project)
            .group_by(policies.c.tier)
            .subquery()
        )
        statement = (
            select(policies.c.body)
            .join(newest, (policies.c.tier == newest.c.tier) & (policies.c.version == newest.c.version))
            .where(policies.c.project == project)
            .order_by(policies.c.tier)
        )
        return list(rows.execute(statement).scalars())

    def add_evidence(self, rows: Rows, project: str, found: Evidence) -> None:
        """Write a fresh piece of evidence."""
        rows.execute(
            insert(evidence).values(
                project=project,
                digest=found.digest,
                model=found.model,
                version=found.version,
                charter=found.charter,
                made_at=found.made_at,
                body=found,
            )
        )

    def evidence(self, rows: Rows, project: str, digest: str) -> Evidence | None:
        """One piece of evidence."""
        statement = select(evidence.c.body).where(evidence.c.project == project, evidence.c.digest == digest)
        found: Evidence | None = rows.execute(statement).scalar()
        return found

    def evidence_of(self, rows: Rows, project: str, model: str, version: int) -> list[Evidence]:
        """The newest evidence recorded for a version, newest first."""
        statement = (
            select(evidence.c.body)
            .where(evidence.c.project == project, evidence.c.model == model, evidence.c.version == version)
            .order_by(evidence.c.made_at.desc(), evidence.c.digest.desc())
            .limit(_MOST_EVIDENCE)
        )
        return list(rows.execute(statement).scalars())

    def charters_with_evidence(self, rows: Rows, project: str, model: str) -> set[str]:
        """Digests of the charters under which any version of a model has evidence."""
        statement = select(evidence.c.charter).where(evidence.c.project == project, evidence.c.model == model)
        return set(rows.execute(statement.distinct()).scalars())

    def add_decision(self, rows: Rows, project: str, decided: Decided) -> None:
        """Write a decision, allowed or refused."""
        move = decided.decision.transition
        rows.execute(
            insert(decisions).values(
                id=new_id(),
                project=project,
                model=move.model,
                version=move.version,
                package=move.package,
                action=move.action.value,
                target=move.target,
                allowed=decided.decision.allowed,
                body=decided,
            )
        )

    def decisions(
        self, rows: Rows, project: str, model: str | None, *, served: Transition | None = None, limit: int = 1
    ) -> list[Decided]:
        """Decisions of a model, or of all, newest first; ``served``: those that let these bytes answer there."""
        statement = select(decisions.c.body).where(decisions.c.project == project)
        if model is not None:
            statement = statement.where(decisions.c.model == model)
        if served is not None:
            statement = statement.where(
                decisions.c.version == served.version,
                decisions.c.package == served.package,
                decisions.c.target == served.target,
                decisions.c.action.in_([Action.DEPLOY.value, Action.ROLLBACK.value]),
                decisions.c.allowed,
            )
        return list(rows.execute(statement.order_by(decisions.c.id.desc()).limit(limit)).scalars())
