"""What was sent, read and checked: parts become the content of a version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from modelwright.core.errors import Invalid
from modelwright.core.operation import Upload
from modelwright.core.schema import Contract, DType, Violation
from modelwright.data.contract import grown, inferred, violations
from modelwright.data.model import ColumnProfile, DatasetVersion, Part, content_digest
from modelwright.data.profile import profile, repeated_key, strangers
from modelwright.data.schema import columns_of

if TYPE_CHECKING:  # weight: pyarrow
    from modelwright.store.ports import Blobs, Frames

MOST_PARTS = 100_000


class Terms(Struct, frozen=True, kw_only=True):
    """What the author says of a version to be; what is left out stays as in the version before."""

    key: str | None = None
    event_time: str | None = None
    known_at: str | None = None
    contract: Contract | None = None
    note: str = ""

    def repeat(self, version: DatasetVersion) -> bool:
        """Whether a version already says all of this; the note does not make a version."""
        said = ("key", "event_time", "known_at", "contract")
        return all(getattr(self, term) in (None, getattr(version, term)) for term in said)


class Content(Struct, frozen=True, kw_only=True):
    """The rows of a version to be: parts that rest in the store, and what was found in them."""

    digest: str
    columns: dict[str, DType]
    parts: tuple[Part, ...]
    profile: tuple[ColumnProfile, ...]

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def digests(self) -> list[str]:
        """The parts' digests, in order."""
        return [part.digest for part in self.parts]


def read(uploads: tuple[Upload, ...], *, blobs: Blobs, frames: Frames) -> Content:
    """Read parts that were sent ahead, as one table.

    Raises:
        Invalid: Bytes that were not sent or are no Parquet, parts whose columns differ, columns that a dataset cannot
            have, or no rows.
    """
    if not 1 <= len(uploads) <= MOST_PARTS:
        raise Invalid(
            f"A version has 1 to {MOST_PARTS:,} parts, not {len(uploads):,}.", fields={"parts": "their number"}
        )
    digests = [upload.digest for upload in uploads]
    if missing := blobs.missing(digests):
        raise Invalid(
            f"The bytes {missing[0][:12]}… have not been sent.",
            remedy="Send every part ahead; ws.data.add does.",
            fields={"parts": f"{missing[0]} has not been sent"},
        )
    parts, schema = [], None
    for number, digest in enumerate(digests):
        footer = frames.footer(digest)
        schema = schema or footer.schema
        if not footer.schema.equals(schema):
            raise Invalid(
                f"Part {number} has other columns or types than part 0: {_differing(footer.schema, schema)}.",
                remedy="Write all parts with one schema.",
                fields={"parts": f"part {number} differs"},
            )
        parts.append(Part(digest=digest, rows=footer.rows, size=blobs.size(digest)))
    columns = columns_of(schema)
    if not any(part.rows for part in parts):
        raise Invalid("The parts hold no rows.", remedy="A version needs at least one row; check the source.")
    return Content(
        digest=content_digest(columns, digests),
        columns=columns,
        parts=tuple(parts),
        profile=profile(frames, digests, columns, rows=sum(part.rows for part in parts)),
    )


def _differing(schema: object, first: object) -> str:
    these, those = set(str(schema).split("\n")), set(str(first).split("\n"))
    return "; ".join(sorted(these ^ those)[:3]) or "their order differs"


class Draft(Struct, frozen=True, kw_only=True):
    """A version to be, before its number."""

    name: str
    content: Content
    terms: Terms
    at: datetime
    by: str


def check(content: Content, terms: Terms, *, frames: Frames) -> None:
    """Pass silently if the content keeps to the contract given with it and the columns named are what they should be.

    Raises:
        Invalid: It does not.
    """
    if terms.contract is not None:
        keep(broken(content, terms.contract, frames=frames), "the contract given with it")
    if terms.key is not None:
        check_key(content, terms.key, frames=frames)
    for role in ("event_time", "known_at"):
        if getattr(terms, role) is not None:
            check_time(content, role, getattr(terms, role))


def following(newest: DatasetVersion | None, draft: Draft, *, frames: Frames) -> DatasetVersion:
    """The version that comes after the newest one.

    Raises:
        Invalid: Without a new contract, the content breaks the newest version's; or a column that is kept from there is
            not what it should be.
    """
    content, terms = draft.content, draft.terms
    problems = [] if newest is None else broken(content, newest.contract, frames=frames)
    kept = inferred(content.profile)
    if newest is not None:
        if terms.contract is None:
            keep(problems, f"the contract of {newest.ref}")
        roles = ("key", "event_time", "known_at")
        inherited = {role: getattr(newest, role) for role in roles if getattr(terms, role) is None}
        check(content, Terms(**inherited), frames=frames)
        terms = replace(terms, **inherited)
        kept = grown(newest.contract, content.profile, newest.profile)
    return DatasetVersion(
        name=draft.name,
        version=1 if newest is None else newest.version + 1,
        digest=content.digest,
        rows=content.rows,
        size_bytes=sum(part.size for part in content.parts),
        parts=content.parts,
        contract=terms.contract or kept,
        profile=content.profile,
        key=terms.key,
        event_time=terms.event_time,
        known_at=terms.known_at,
        rows_added=None if newest is None else content.rows - newest.rows,
        contract_problems=tuple(map(str, problems)),
        created_at=draft.at,
        created_by=draft.by,
        note=terms.note,
    )


def check_key(content: Content, key: str, *, frames: Frames) -> None:
    """Pass silently if the column names every row.

    Raises:
        Invalid: There is no such column, or a value is missing or repeated.
    """
    held = _column(content, "key", key)
    if held.missing:
        raise Invalid(
            f"Column {key!r} cannot be the key: {held.missing:,} rows have no value.",
            remedy="Choose another key, or drop those rows.",
            fields={"key": "has missing values"},
        )
    repeated = repeated_key(frames, content.digests, key)
    if repeated is not None:
        raise Invalid(
            f"Column {key!r} cannot be the key: {repeated[0]!r} names {repeated[1]:,} rows.",
            remedy="Choose another key, or drop the repeated rows.",
            fields={"key": "is not unique"},
        )


def check_time(content: Content, role: str, column: str) -> None:
    """Pass silently if the column holds times.

    Raises:
        Invalid: There is no such column, or it is of another type.
    """
    held = _column(content, role, column)
    if held.dtype != DType.TIMESTAMP:
        raise Invalid(
            f"Column {column!r} cannot be {role}: it is {held.dtype}, not {DType.TIMESTAMP}.",
            remedy="Name a column of times, or turn this one into times.",
            fields={role: "is not a time"},
        )


def broken(content: Content, contract: Contract, *, frames: Frames) -> list[Violation]:
    """How the content breaks a contract."""
    return violations(contract, content.profile, strangers(frames, content.digests, contract, content.columns))


def keep(found: list[Violation], contract: str) -> None:
    """Pass silently without violations.

    Args:
        found: The violations.
        contract: Whose contract, for the message.

    Raises:
        Invalid: At least one; ``fields`` has them all.
    """
    if found:
        fields: Mapping[str, str] = {violation.column: violation.problem for violation in found}
        more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
        raise Invalid(
            f"The data breaks {contract}: " + "; ".join(map(str, found[:3])) + more + ".",
            remedy="Mend the data, or if the change is meant take it as it is: contract='infer' or --infer-contract.",
            fields=fields,
        )


def _column(content: Content, role: str, name: str) -> ColumnProfile:
    for held in content.profile:
        if held.name == name:
            return held
    raise Invalid(
        f"There is no column {name[:80]!r} to be {role}.",
        remedy=f"There are: {', '.join(content.columns)}.",
        fields={role: "no such column"},
    )
