"""The rows of requests and signatures."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, insert, select, update

from modelwright.approvals.model import Request, Signed
from modelwright.core.unit import Rows
from modelwright.store.tables import Body, control

requests = Table(
    "approval_requests",
    control,
    Column("id", String(32), primary_key=True),
    Column("project", String(128), nullable=False),
    Column("model", String(128), nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Body(Request), nullable=False),
    Index("approval_requests_by_project", "project", "id"),
)

signatures = Table(
    "signatures",
    control,
    Column("id", String(32), primary_key=True),
    Column("project", String(128), nullable=False),
    Column("model", String(128), nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Body(Signed), nullable=False),
    Index("signatures_by_version", "project", "model", "version", "id"),
)


class ApprovalRepository:
    """Requests and signatures of one home."""

    def add(self, rows: Rows, project: str, request: Request) -> None:
        """Write a fresh request."""
        basis = request.basis
        rows.execute(
            insert(requests).values(
                id=request.id, project=project, model=basis.model, version=basis.version or 0, body=request
            )
        )

    def put(self, rows: Rows, request: Request) -> None:
        """Write a request as it is now."""
        rows.execute(update(requests).where(requests.c.id == request.id).values(body=request))

    def get(self, rows: Rows, project: str, request: str) -> Request | None:
        """One request."""
        statement = select(requests.c.body).where(requests.c.project == project, requests.c.id == request)
        found: Request | None = rows.execute(statement).scalar()
        return found

    def asked(self, rows: Rows, project: str, model: str) -> list[Request]:
        """Every request about the phases of a model's life, newest first: none is forgotten for others."""
        statement = select(requests.c.body).where(
            requests.c.project == project, requests.c.model == model, requests.c.version == 0
        )
        return list(rows.execute(statement.order_by(requests.c.id.desc())).scalars())

    def page(self, rows: Rows, project: str, *, before: str | None, limit: int) -> list[Request]:
        """Requests, newest first."""
        statement = select(requests.c.body).where(requests.c.project == project)
        if before is not None:
            statement = statement.where(requests.c.id < before)
        return list(rows.execute(statement.order_by(requests.c.id.desc()).limit(limit)).scalars())

    def sign(self, rows: Rows, project: str, signed: Signed) -> None:
        """Write a fresh signature."""
        basis = signed.signature.basis
        rows.execute(
            insert(signatures).values(
                id=signed.signature.id, project=project, model=basis.model, version=basis.version or 0, body=signed
            )
        )

    def resign(self, rows: Rows, signed: Signed) -> None:
        """Write a signature as it is now."""
        rows.execute(update(signatures).where(signatures.c.id == signed.signature.id).values(body=signed))

    def signature(self, rows: Rows, project: str, signature: str) -> Signed | None:
        """One signature."""
        statement = select(signatures.c.body).where(signatures.c.project == project, signatures.c.id == signature)
        found: Signed | None = rows.execute(statement).scalar()
        return found

    def signed_before(self, rows: Rows, project: str, model: str, version: int) -> list[Signed]:
        """What was signed about earlier versions of a model, the newest version first, the last two hundred."""
        statement = select(signatures.c.body).where(
            signatures.c.project == project,
            signatures.c.model == model,
            signatures.c.version < version,
            signatures.c.version > 0,
        )
        newest = statement.order_by(signatures.c.version.desc(), signatures.c.id.desc()).limit(200)
        return list(rows.execute(newest).scalars())

    def signed(self, rows: Rows, project: str, model: str, version: int) -> list[Signed]:
        """Everything signed about a version, oldest first; version 0: about the phases of the model's life."""
        statement = select(signatures.c.body).where(
            signatures.c.project == project, signatures.c.model == model, signatures.c.version == version
        )
        return list(rows.execute(statement.order_by(signatures.c.id)).scalars())
