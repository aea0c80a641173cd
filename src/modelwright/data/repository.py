"""The rows of datasets and their versions."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Select, String, Table, func, insert, select

from modelwright.core.unit import Rows
from modelwright.data.model import Dataset, DatasetVersion
from modelwright.store.tables import Body, Moment, control

versions = Table(
    "dataset_versions",
    control,
    Column("project", String(128), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("body", Body(DatasetVersion), nullable=False),
)


class DatasetRepository:
    """Versions of one home's datasets."""

    def add(self, rows: Rows, project: str, version: DatasetVersion) -> None:
        """Write a fresh version."""
        rows.execute(
            insert(versions).values(
                project=project,
                name=version.name,
                version=version.version,
                digest=version.digest,
                rows=version.rows,
                size_bytes=version.size_bytes,
                created_at=version.created_at,
                body=version,
            )
        )

    def version(self, rows: Rows, project: str, name: str, number: int) -> DatasetVersion | None:
        """One version."""
        found: DatasetVersion | None = rows.execute(
            _versions(project, name).where(versions.c.version == number)
        ).scalar()
        return found

    def newest(self, rows: Rows, project: str, name: str) -> DatasetVersion | None:
        """The newest version."""
        found: DatasetVersion | None = rows.execute(
            _versions(project, name).order_by(versions.c.version.desc()).limit(1)
        ).scalar()
        return found

    def versions(self, rows: Rows, project: str, name: str, *, before: int | None, limit: int) -> list[DatasetVersion]:
        """A dataset's versions below a number, newest first."""
        statement = _versions(project, name).order_by(versions.c.version.desc()).limit(limit)
        if before is not None:
            statement = statement.where(versions.c.version < before)
        return list(rows.execute(statement).scalars())

    def datasets(self, rows: Rows, project: str, *, after: str, limit: int) -> list[Dataset]:
        """Datasets behind a name, in the order of names."""
        newest = (
            select(versions.c.name, func.max(versions.c.version).label("latest"), func.count().label("number"))
            .where(versions.c.project == project, versions.c.name > after)
            .group_by(versions.c.name)
            .order_by(versions.c.name)
            .limit(limit)
            .subquery()
        )
        statement = (
            select(
                newest.c.number,
                versions.c.name,
                versions.c.version,
                versions.c.digest,
                versions.c.rows,
                versions.c.size_bytes,
                versions.c.created_at,
            )
            .join(versions, (versions.c.name == newest.c.name) & (versions.c.version == newest.c.latest))
            .where(versions.c.project == project)
            .order_by(versions.c.name)
        )
        return [
            Dataset(
                name=row.name,
                version=row.version,
                versions=row.number,
                digest=row.digest,
                rows=row.rows,
                size_bytes=row.size_bytes,
                created_at=row.created_at,
            )
            for row in rows.execute(statement)
        ]


def _versions(project: str, name: str) -> Select[DatasetVersion]:
    return select(versions.c.body).where(versions.c.project == project, versions.c.name == name)
