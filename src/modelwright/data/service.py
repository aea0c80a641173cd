"""The use cases of datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from modelwright.core.errors import Corrupted, Invalid, NotFound
from modelwright.core.ids import Name, Ref, parse_ref
from modelwright.core.operation import Download, Page, Service, Upload, limited, operation, paged, position
from modelwright.core.schema import Contract
from modelwright.core.unit import Unit
from modelwright.data import content as contents
from modelwright.data.content import Terms
from modelwright.data.diff import diff
from modelwright.data.model import (
    LATEST,
    PARQUET,
    Dataset,
    DatasetDiff,
    DatasetVersion,
    DataVerification,
    QueryResult,
    VersionCommitted,
    content_digest,
)

if TYPE_CHECKING:  # weight: SQLAlchemy and pyarrow, which a remote client does without
    from modelwright.data.query import Limits
    from modelwright.data.repository import DatasetRepository
    from modelwright.store.ports import Blobs, Frames


class DataService(Service):
    """Commit versions, find them, verify, compare and ask them."""

    noun = "data"

    def __init__(
        self, repository: DatasetRepository, *, blobs: Blobs, frames: Frames, limits: Limits | None = None
    ) -> None:
        self._repository = repository
        self._blobs = blobs
        self._frames = frames
        self._limits = limits

    @operation(permission="data:write", kind="command")
    def commit(
        self,
        unit: Unit,
        name: Name,
        parts: tuple[Upload, ...],
        key: str | None = None,
        event_time: str | None = None,
        known_at: str | None = None,
        contract: Contract | None = None,
        note: str = "",
    ) -> DatasetVersion:
        """Make parts the dataset's next version; the content of the newest version again is that version.

        Args:
            unit: The unit of work.
            name: The dataset; made with its first version.
            parts: Parquet files whose bytes have been sent ahead, in the order of the rows, of one schema.
            key: The column that names a row; like the two below, kept from the version before unless given.
            event_time: The column that says when a row happened.
            known_at: The column that says when a row could first be known.
            contract: What this and later versions keep to; by default the contract of the version before, and for the
                first version what its columns happen to keep.
            note: Your words about it, at most 10,000 characters.

        Raises:
            Invalid: The parts are no table that datasets hold, or they break the contract; the column is named.
        """
        if len(note) > 10_000:
            raise Invalid(f"The note has {len(note)} characters, not at most 10,000.", fields={"note": "too long"})
        terms = Terms(key=key, event_time=event_time, known_at=known_at, contract=contract, note=note)
        content = contents.read(parts, blobs=self._blobs, frames=self._frames)
        contents.check(content, terms, frames=self._frames)
        newest = self._repository.newest(unit.rows, unit.project, name)  # from here on other writers wait
        if newest is not None and newest.digest == content.digest and terms.repeat(newest):
            return newest
        draft = contents.Draft(name=name, content=content, terms=terms, at=unit.now, by=unit.actor.id)
        version = contents.following(newest, draft, frames=self._frames)
        self._repository.add(unit.rows, unit.project, version)
        unit.emit(
            VersionCommitted(
                name=name,
                version=version.version,
                digest=version.digest,
                rows=version.rows,
                parts=tuple(part.digest for part in version.parts),
            )
        )
        return version

    @operation(permission="data:read", kind="query")
    def get(self, unit: Unit, ref: Ref) -> DatasetVersion:
        """One version with its parts, contract and profile.

        Args:
            unit: The unit of work.
            ref: ``name@3`` or ``name@latest``.

        Raises:
            NotFound: There is no such dataset or version.
        """
        return self._resolve(unit, ref)

    @operation(permission="data:read", kind="query")
    def list(self, unit: Unit, limit: int = 100, after: str = "") -> Page[Dataset]:
        """Datasets, by name.

        Args:
            unit: The unit of work.
            limit: Datasets a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        found = self._repository.datasets(unit.rows, unit.project, after=after, limit=limited(limit) + 1)
        return paged(found, limit, lambda dataset: dataset.name)

    @operation(permission="data:read", kind="query")
    def versions(self, unit: Unit, name: Name, limit: int = 20, after: str | None = None) -> Page[DatasetVersion]:
        """A dataset's versions, newest first.

        Args:
            unit: The unit of work.
            name: The dataset.
            limit: Versions a page, 1 to 1,000.
            after: ``next`` of the page before.

        Raises:
            NotFound: There is no such dataset.
        """
        before = position(after)
        found = self._repository.versions(unit.rows, unit.project, name, before=before, limit=limited(limit) + 1)
        if not found and after is None:
            raise _no_dataset(name)
        return paged(found, limit, lambda version: version.version)

    @operation(permission="data:read", kind="query")
    def verify(self, unit: Unit, ref: Ref) -> DataVerification:
        """Hash every part of a version again and name the first that is not what was committed.

        Args:
            unit: The unit of work.
            ref: The version.
        """
        version = self._resolve(unit, ref)
        read = 0
        for index, part in enumerate(version.parts):
            try:
                read += self._blobs.verify(part.digest)
            except (Corrupted, NotFound) as error:
                return DataVerification(
                    ref=version.ref,
                    intact=False,
                    parts=index,
                    size_bytes=read,
                    first_altered=index,
                    problem=f"Part {index} of {version.ref}: {error.message}",
                    remedy=error.remedy or "Restore it from a backup, or add the same content again.",
                )
        intact = content_digest(version.columns, (part.digest for part in version.parts)) == version.digest
        return DataVerification(
            ref=version.ref,
            intact=intact,
            parts=len(version.parts),
            size_bytes=read,
            problem="" if intact else f"The row of {version.ref} has been altered: its digest is not of its parts.",
            remedy="" if intact else "Restore the control database from a backup; see `modelwright ledger verify`.",
        )

    @operation(permission="data:read", kind="query")
    def part(self, unit: Unit, ref: Ref, index: int) -> Download:
        """One Parquet part of a version.

        Args:
            unit: The unit of work.
            ref: The version.
            index: Its position, from 0.
        """
        version = self._resolve(unit, ref)
        if not 0 <= index < len(version.parts):
            raise NotFound(f"{version.ref} has no part {index}; it has {len(version.parts)}, from 0.")
        part = version.parts[index]
        return Download(
            digest=part.digest,
            size=part.size,
            media_type=PARQUET,
            filename=f"{version.name}-{version.version}-{index:05d}.parquet",
        )

    @operation(permission="data:read", kind="query")
    def diff(self, unit: Unit, before: Ref, after: Ref) -> DatasetDiff:
        """How two versions differ: columns, contract, statistics, and rows where both have the same key.

        Args:
            unit: The unit of work.
            before: The earlier version.
            after: The later one; it may be of another dataset.
        """
        return diff(self._resolve(unit, before), self._resolve(unit, after), frames=self._frames)

    @operation(permission="data:read", kind="query")
    def query(self, unit: Unit, sql: str, limit: int = 1000) -> QueryResult:
        """Ask one SELECT of any versions: ``SELECT carrier, count(*) FROM "flights@3" GROUP BY 1``.

        It runs in a process of its own that can read the versions named and nothing else, within limits of time and
        memory.

        Args:
            unit: The unit of work.
            sql: DuckDB SQL; ``flights`` is the newest version, ``"flights@3"`` the third.
            limit: Rows at most, 1 to 10,000.

        Raises:
            Invalid: It is not one SELECT, DuckDB refuses it, or it takes too much.
        """
        from modelwright.data.query import Limits, run  # weight: subprocess, which a remote client does without

        limited(limit, most=10_000)
        read: dict[str, DatasetVersion] = {}

        def resolve(names: Sequence[str]) -> Mapping[str, Sequence[str]]:
            read.update(self._named(unit, names))
            return {
                name: [str(self._blobs.verified_path(part.digest)) for part in version.parts]
                for name, version in read.items()
            }

        found = run(sql, rows=limit, limits=self._limits or Limits(), resolve=resolve)
        pinned = {version.ref: version.pinned for version in read.values()}
        return QueryResult(
            columns=found.columns, rows=found.rows, truncated=found.truncated, reads=tuple(pinned.values())
        )

    def _resolve(self, unit: Unit, ref: str) -> DatasetVersion:
        wanted = parse_ref(ref, what="dataset version")
        if wanted.alias == LATEST:
            found = self._repository.newest(unit.rows, unit.project, wanted.name)
            if found is None:
                raise _no_dataset(wanted.name)
            return found
        found = None
        if wanted.version is not None:
            found = self._repository.version(unit.rows, unit.project, wanted.name, wanted.version)
        if found is None:
            raise NotFound(f"There is no {wanted}.", remedy=f"See what there is: modelwright data list {wanted.name}")
        return found

    def _named(self, unit: Unit, names: Sequence[str]) -> dict[str, DatasetVersion]:
        """Those names in a statement that are versions or datasets; SQL does not tell upper and lower case apart."""
        found = {}
        for name in names:
            try:
                found[name] = self._resolve(unit, name if "@" in name else f"{name}@{LATEST}")
            except (Invalid, NotFound):
                continue  # a name of the statement's own; if it is not, DuckDB says so
        folded = [name.lower() for name in found]
        for name in found:
            if folded.count(name.lower()) > 1:
                raise Invalid(f"{name!r} is in the SQL in two spellings, which SQL cannot tell apart.")
        return found


def _no_dataset(name: str) -> NotFound:
    return NotFound(f"There is no dataset {name!r}.", remedy="See what there is: modelwright data list")
