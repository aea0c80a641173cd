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
from modelwright.data import query as queries
from modelwright.data.contract import grown, inferred
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
    from modelwright.data.content import Content
    from modelwright.data.repository import DatasetRepository
    from modelwright.store.ports import Blobs, Frames


class DataService(Service):
    """Commit versions, find them, verify, compare and ask them."""

    noun = "data"

    def __init__(
        self, repository: DatasetRepository, *, blobs: Blobs, frames: Frames, limits: queries.Limits | None = None
    ) -> None:
        self._repository = repository
        self._blobs = blobs
        self._frames = frames
        self._limits = limits or queries.Limits()

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
        content = contents.read(parts, blobs=self._blobs, frames=self._frames)
        if contract is not None:
            contents.keep(contents.broken(content, contract, frames=self._frames), "the contract given with it")
        if key is not None:
            contents.check_key(content, key, frames=self._frames)
        newest = self._repository.newest(unit.rows, unit.project, name)  # from here on other writers wait
        said = {"key": key, "event_time": event_time, "known_at": known_at, "contract": contract}
        if newest is not None and newest.digest == content.digest and _repeats(newest, said):
            return newest
        version = self._next(unit, name, content, newest, said)
        self._repository.add(unit.rows, unit.project, _noted(version, note))
        unit.emit(
            VersionCommitted(
                name=name,
                version=version.version,
                digest=version.digest,
                rows=version.rows,
                parts=tuple(part.digest for part in version.parts),
            )
        )
        return _noted(version, note)

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
            remedy="" if intact else "Restore control.db from a backup; see `modelwright ledger verify`.",
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

        It runs in a process of its own that reads the versions named and nothing else, within limits of time and memory.

        Args:
            unit: The unit of work.
            sql: DuckDB SQL; ``flights`` is the newest version, ``"flights@3"`` the third.
            limit: Rows at most, 1 to 10,000.

        Raises:
            Invalid: It is not one SELECT, DuckDB refuses it, or it takes too much.
        """
        limited(limit, most=10_000)
        read: dict[str, DatasetVersion] = {}

        def resolve(names: Sequence[str]) -> Mapping[str, Sequence[str]]:
            read.update(self._named(unit, names))
            return {
                name: [str(self._blobs.verified_path(part.digest)) for part in version.parts]
                for name, version in read.items()
            }

        found = queries.run(sql, rows=limit, limits=self._limits, resolve=resolve)
        pinned = {version.ref: version.pinned for version in read.values()}
        return QueryResult(
            columns=found.columns, rows=found.rows, truncated=found.truncated, reads=tuple(pinned.values())
        )

    def _next(
        self, unit: Unit, name: str, content: Content, newest: DatasetVersion | None, said: Mapping[str, object]
    ) -> DatasetVersion:
        roles = {role: said[role] or getattr(newest, role, None) for role in ("key", "event_time", "known_at")}
        given = said["contract"]
        problems = [] if newest is None else contents.broken(content, newest.contract, frames=self._frames)
        if newest is not None and given is None:
            contents.keep(problems, f"the contract of {newest.ref}")
        if roles["key"] is not None and said["key"] is None:
            contents.check_key(content, str(roles["key"]), frames=self._frames)
        for role in ("event_time", "known_at"):
            if roles[role] is not None:
                contents.check_time(content, role, str(roles[role]))
        kept = inferred(content.profile) if newest is None else grown(newest.contract, content.profile, newest.profile)
        return DatasetVersion(
            name=name,
            version=1 if newest is None else newest.version + 1,
            digest=content.digest,
            rows=content.rows,
            size_bytes=sum(part.size for part in content.parts),
            parts=content.parts,
            contract=given or kept,  # type: ignore[arg-type]
            profile=content.profile,
            **roles,  # type: ignore[arg-type]
            rows_added=None if newest is None else content.rows - newest.rows,
            contract_problems=tuple(map(str, problems)),
            created_at=unit.now,
            created_by=unit.actor.id,
        )

    def _resolve(self, unit: Unit, ref: str) -> DatasetVersion:
        wanted = parse_ref(ref, what="dataset version")
        if wanted.alias == LATEST:
            found = self._repository.newest(unit.rows, unit.project, wanted.name)
        else:
            found = self._repository.version(unit.rows, unit.project, wanted.name, wanted.version or 0)
        if not found:
            if wanted.alias == LATEST:
                raise _no_dataset(wanted.name)
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


def _repeats(newest: DatasetVersion, said: Mapping[str, object]) -> bool:
    return all(value is None or value == getattr(newest, field) for field, value in said.items())


def _noted(version: DatasetVersion, note: str) -> DatasetVersion:
    from msgspec.structs import replace

    return replace(version, note=note)


def _no_dataset(name: str) -> NotFound:
    return NotFound(f"There is no dataset {name!r}.", remedy="See what there is: modelwright data list")
