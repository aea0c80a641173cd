"""Datasets, versions, parts, profiles, and what a comparison finds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from modelwright.core import wire
from modelwright.core.events import Event
from modelwright.core.ids import Digest, Name, Pinned, Ref
from modelwright.core.schema import Contract, DType
from modelwright.core.shown import Shown
from modelwright.core.wire import Real

LATEST = "latest"
PARQUET = "application/vnd.apache.parquet"
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TOP_VALUES = 10
TOP_DISTINCT = 10_000
"""Beyond so many distinct values the most frequent ones say nothing and are not counted."""

Cell = bool | int | float | str | None
"""A value in an answer: whole numbers of up to 64 bits, floats (``NaN`` and the infinities as words), text; times as
ISO 8601 in UTC."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One immutable Parquet file of a version.

    Attributes:
        digest: SHA-256 of its bytes.
        rows: How many rows it holds.
        size: Its size in bytes.
    """

    digest: Digest
    rows: int
    size: int


class TopValue(Struct, frozen=True, kw_only=True):
    """A frequent value and how many rows have it. Text beyond 200 characters is cut."""

    value: str
    count: int


class ColumnProfile(Struct, frozen=True, kw_only=True):
    """What one column holds.

    Attributes:
        name: The column.
        dtype: The type of its values.
        rows: Rows of the version.
        missing: Rows without a value: null, and for float64 also NaN.
        distinct: How many different values there are.
        minimum: The smallest value: a number, or text, or a time in ISO 8601; none where every value is missing.
        maximum: The largest value, likewise.
        mean: Of the finite values, for numbers and (as the share that is true) for booleans.
        std: Sample standard deviation of the finite values, for numbers.
        quantiles: Of the finite values at the levels ``QUANTILES``, for numbers; interpolated as NumPy does.
        top: The most frequent values with their exact counts, for text and booleans with at most 10,000 different
            values.
        approximate: Whether ``distinct`` (HyperLogLog) and ``quantiles`` (t-digest) are estimates, within some percent:
            above a million rows.
    """

    name: str
    dtype: DType
    rows: int
    missing: int
    distinct: int
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    mean: Real | None = None
    std: Real | None = None
    quantiles: tuple[float, ...] = ()
    top: tuple[TopValue, ...] = ()
    approximate: bool = False


class DatasetVersion(Shown, frozen=True, kw_only=True):
    """One immutable version of a dataset.

    Attributes:
        name: The dataset.
        version: Its number, from 1.
        digest: SHA-256 over column names, types and parts: the identity of the content.
        rows: How many.
        size_bytes: Of all parts together, shared ones included.
        parts: The Parquet files, in the order of the rows.
        contract: What the next version must keep to.
        profile: What each column holds, in the order of the columns.
        key: The column that names a row, if there is one; its values are unique and never missing.
        event_time: The column that says when a row happened.
        known_at: The column that says when a row could first be known.
        rows_added: Rows more than the version before; none for the first.
        contract_problems: How the content breaks the contract of the version before, where a new contract allowed it.
        created_at: Wall clock.
        created_by: Who, opaque.
        note: The author's words.
    """

    name: Name
    version: int
    digest: Digest
    rows: int
    size_bytes: int
    parts: tuple[Part, ...]
    contract: Contract
    profile: tuple[ColumnProfile, ...]
    key: str | None = None
    event_time: str | None = None
    known_at: str | None = None
    rows_added: int | None = None
    contract_problems: tuple[str, ...] = ()
    created_at: datetime
    created_by: str
    note: str = ""

    @property
    def ref(self) -> Ref:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @property
    def columns(self) -> dict[str, DType]:
        """Column -> type, in order."""
        return {column.name: column.dtype for column in self.profile}

    @property
    def pinned(self) -> Pinned:
        """What a run or a model keeps of it."""
        return Pinned(ref=self.ref, digest=self.digest)

    def __str__(self) -> str:
        added = "" if self.rows_added is None else f"  {self.rows_added:+,}"
        broken = len(self.contract_problems)
        contract = "contract ok" if not broken else f"contract changed: {broken} problem{'s' * (broken > 1)}"
        return f"{self.ref}  {self.rows:,} rows{added}  {self.digest[:6]}…  {contract}"


class Dataset(Struct, frozen=True, kw_only=True):
    """A dataset: a name that versions share, as its newest one stands.

    Attributes:
        name: Its name.
        version: The newest version's number.
        versions: How many there are.
        digest: The newest one's.
        rows: The newest one's.
        size_bytes: The newest one's.
        created_at: When the newest was committed.
    """

    name: Name
    version: int
    versions: int
    digest: Digest
    rows: int
    size_bytes: int
    created_at: datetime


class DataVerification(Struct, frozen=True, kw_only=True):
    """What re-hashing a version found.

    Attributes:
        ref: The version.
        intact: Whether the manifest and every part are what was committed.
        parts: How many parts were read.
        size_bytes: How many bytes were hashed.
        first_altered: Position of the first part that is not what was committed, from 0.
        problem: What is wrong; empty when intact.
        remedy: What to do; empty when intact.
    """

    ref: Ref
    intact: bool
    parts: int
    size_bytes: int
    first_altered: int | None = None
    problem: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        if self.intact:
            return f"{self.ref}  intact: {self.parts:,} parts, {self.size_bytes:,} bytes"
        return f"{self.ref}  altered: {self.problem} {self.remedy}"


class ColumnDiff(Struct, frozen=True, kw_only=True):
    """A column that both versions have and whose profile differs: the two profiles."""

    name: str
    before: ColumnProfile
    after: ColumnProfile

    def __str__(self) -> str:
        facts = ("missing", "distinct", "minimum", "maximum", "mean", "std")
        pairs = ((fact, getattr(self.before, fact), getattr(self.after, fact)) for fact in facts)
        moved = [f"{fact} {_short(old)} -> {_short(new)}" for fact, old, new in pairs if old != new]
        return f"{self.name}: {', '.join(moved) or 'frequent values or quantiles moved'}"


class RowDiff(Struct, frozen=True, kw_only=True):
    """Rows compared by key.

    Attributes:
        key: The column that names a row in both.
        added: Rows only in the later one.
        removed: Rows only in the earlier one.
        changed: Rows in both with another value in at least one column that both have.
        changed_columns: Column -> rows in which it changed; only columns that changed.
        parts_read: Parts that had to be read; the others are shared.
    """

    key: str
    added: int
    removed: int
    changed: int
    changed_columns: dict[str, int] = {}
    parts_read: int = 0

    def __str__(self) -> str:
        columns = ", ".join(f"{name} {count:,}" for name, count in self.changed_columns.items())
        return f"by {self.key}: {self.added:,} rows added, {self.removed:,} removed, {self.changed:,} changed" + (
            f" ({columns})" if columns else ""
        )


class DatasetDiff(Struct, frozen=True, kw_only=True):
    """How two versions differ.

    Attributes:
        before: The earlier one.
        after: The later one.
        same: Whether the content is the same.
        rows_before: Rows of the earlier one.
        rows_after: Rows of the later one.
        columns_added: Columns only in the later one.
        columns_removed: Columns only in the earlier one.
        columns_retyped: Column -> ``before -> after`` where the type changed.
        contract: What changed in the contract, one sentence each.
        columns: Columns whose profile differs.
        rows: Rows compared by key; none where the versions do not share one.
        no_rows_because: Why rows were not compared; empty when they were.
    """

    before: Pinned
    after: Pinned
    same: bool
    rows_before: int
    rows_after: int
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    columns_retyped: dict[str, str] = {}
    contract: tuple[str, ...] = ()
    columns: tuple[ColumnDiff, ...] = ()
    rows: RowDiff | None = None
    no_rows_because: str = ""

    def __str__(self) -> str:
        if self.same:
            return f"{self.before.ref} and {self.after.ref} hold the same."
        lines = [f"{self.before.ref} -> {self.after.ref}  {self.rows_before:,} -> {self.rows_after:,} rows"]
        lines += [f"+ column {name}" for name in self.columns_added]
        lines += [f"- column {name}" for name in self.columns_removed]
        lines += [f"~ column {name}: {types}" for name, types in self.columns_retyped.items()]
        lines += [f"~ contract: {change}" for change in self.contract]
        lines.append(str(self.rows) if self.rows else f"Rows not compared: {self.no_rows_because}")
        lines += [f"~ {column}" for column in self.columns]
        return "\n".join(lines)


class QueryColumn(Struct, frozen=True, kw_only=True):
    """A column of an answer, with DuckDB's name of its type."""

    name: str
    type: str


class QueryResult(Struct, frozen=True, kw_only=True):
    """What a query answered.

    Attributes:
        columns: Its columns, in order; names may repeat.
        rows: Its rows, each as long as ``columns``.
        truncated: Whether there were more rows than the limit.
        reads: The versions it was asked of.
    """

    columns: tuple[QueryColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    truncated: bool = False
    reads: tuple[Pinned, ...] = ()


class VersionCommitted(Event, frozen=True, kw_only=True, tag="data.version_committed"):
    """A version came to be."""

    name: Name
    version: int
    digest: Digest
    rows: int
    parts: tuple[Digest, ...]


def _short(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def content_digest(columns: dict[str, DType], parts: Iterable[str]) -> str:
    """The identity of a version's content: SHA-256 over column names, types and the parts' digests, in order.

    Example:
        >>> content_digest({"a": DType.INT64}, ["0" * 64])[:12]
        '54acf2fe06b9'
    """
    return wire.digest({"columns": list(columns.items()), "parts": list(parts)})
