"""The rows of kept documents, attestations and declarations. Nothing here is ever updated."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, insert, select

from modelwright.core.unit import Rows
from modelwright.documents.model import Attestation, Declaration, Kept, Kind
from modelwright.store.tables import Body, control

kept_documents = Table(
    "documents",
    control,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("project", String(128), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("subject", String(260), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("body", Body(Kept), nullable=False),
    Index("documents_by_subject", "project", "subject", "seq"),
    Index("documents_by_digest", "project", "digest"),
)

attestations = Table(
    "attestations",
    control,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("project", String(128), nullable=False),
    Column("subject", String(260), nullable=False),
    Column("package", String(64), nullable=False),
    Column("body", Body(Attestation), nullable=False),
    Index("attestations_by_subject", "project", "subject", "seq"),
)

declarations = Table(
    "declarations",
    control,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("project", String(128), nullable=False),
    Column("subject", String(260), nullable=False),
    Column("body", Body(Declaration), nullable=False),
    Index("declarations_by_subject", "project", "subject", "seq"),
)

_MOST = 1000


class DocumentRepository:
    """What was kept, attested and declared."""

    def keep(self, rows: Rows, project: str, kept: Kept) -> None:
        """Write a document that was kept; its content is a blob."""
        rows.execute(
            insert(kept_documents).values(
                project=project, digest=kept.digest, subject=kept.subject, kind=kept.kind.value, body=kept
            )
        )

    def kept(
        self, rows: Rows, project: str, subject: str, kind: Kind | None = None, *, before: int | None = None, limit: int
    ) -> list[tuple[int, Kept]]:
        """Documents of a version with their positions, newest first."""
        statement = select(kept_documents.c.seq, kept_documents.c.body).where(
            kept_documents.c.project == project, kept_documents.c.subject == subject
        )
        if kind is not None:
            statement = statement.where(kept_documents.c.kind == kind.value)
        if before is not None:
            statement = statement.where(kept_documents.c.seq < before)
        found = rows.execute(statement.order_by(kept_documents.c.seq.desc()).limit(limit))
        return [(row.seq, row.body) for row in found]

    def by_digest(self, rows: Rows, project: str, digest: str) -> Kept | None:
        """A kept document by its digest."""
        statement = select(kept_documents.c.body).where(
            kept_documents.c.project == project, kept_documents.c.digest == digest
        )
        found: Kept | None = rows.execute(statement.limit(1)).scalar()
        return found

    def attest(self, rows: Rows, project: str, answer: Attestation) -> None:
        """Write an answer; earlier ones stay."""
        rows.execute(
            insert(attestations).values(project=project, subject=answer.ref, package=answer.package, body=answer)
        )

    def attested(self, rows: Rows, project: str, subject: str, package: str) -> list[Attestation]:
        """Answers about these bytes, oldest first: the newest thousand."""
        statement = select(attestations.c.body).where(
            attestations.c.project == project, attestations.c.subject == subject, attestations.c.package == package
        )
        found = list(rows.execute(statement.order_by(attestations.c.seq.desc()).limit(_MOST)).scalars())
        return found[::-1]

    def declare(self, rows: Rows, project: str, declaration: Declaration) -> None:
        """Write a declaration."""
        rows.execute(insert(declarations).values(project=project, subject=declaration.subject, body=declaration))

    def declared(self, rows: Rows, project: str, subject: str) -> Declaration | None:
        """The newest declaration of a version."""
        statement = select(declarations.c.body).where(
            declarations.c.project == project, declarations.c.subject == subject
        )
        found: Declaration | None = rows.execute(statement.order_by(declarations.c.seq.desc()).limit(1)).scalar()
        return found
