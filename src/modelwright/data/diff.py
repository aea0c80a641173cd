"""How two versions differ; by key only over the parts that they do not share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelwright.core.schema import DType
from modelwright.data.contract import changes
from modelwright.data.model import ColumnDiff, DatasetDiff, DatasetVersion, RowDiff
from modelwright.data.schema import arrow_type, quoted

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

    from modelwright.store.ports import Frames


def diff(before: DatasetVersion, after: DatasetVersion, *, frames: Frames) -> DatasetDiff:
    """Compare two versions: columns, contract, statistics, and rows where both have the same key."""
    old, new = before.columns, after.columns
    reason = _incomparable(before, after)
    profiles = {column.name: column for column in before.profile}
    return DatasetDiff(
        before=before.pinned,
        after=after.pinned,
        same=before.digest == after.digest,
        rows_before=before.rows,
        rows_after=after.rows,
        columns_added=tuple(name for name in new if name not in old),
        columns_removed=tuple(name for name in old if name not in new),
        columns_retyped={name: f"{old[name]} -> {new[name]}" for name in new if old.get(name, new[name]) != new[name]},
        contract=changes(before.contract, after.contract),
        columns=tuple(
            ColumnDiff(name=column.name, before=profiles[column.name], after=column)
            for column in after.profile
            if column.name in profiles and profiles[column.name] != column
        ),
        rows=None if reason else rows_by_key(before, after, frames=frames),
        no_rows_because=reason,
    )


def _incomparable(before: DatasetVersion, after: DatasetVersion) -> str:
    for version in (before, after):
        if version.key is None:
            return f"{version.ref} has no key."
    if before.key != after.key:
        return f"The key is {before.key!r} in {before.ref} and {after.key!r} in {after.ref}."
    if before.columns[str(before.key)] != after.columns[str(after.key)]:
        return f"The key {before.key!r} has another type in {after.ref}."
    return ""


def rows_by_key(before: DatasetVersion, after: DatasetVersion, *, frames: Frames) -> RowDiff:
    """Rows added, removed and changed.

    A key is unique in each version, so the rows of a shared part are in both, unchanged, and need no reading.
    """
    key = str(before.key)
    shared = {part.digest for part in before.parts} & {part.digest for part in after.parts}
    old = [part.digest for part in before.parts if part.digest not in shared]
    new = [part.digest for part in after.parts if part.digest not in shared]
    names = [name for name in before.columns if name != key and before.columns[name] == after.columns.get(name)]
    differs = [f"(a.c{i} IS DISTINCT FROM b.c{i})" for i in range(len(names))]
    each = "".join(f", count(*) FILTER (a.here AND b.here AND {test}) AS n{i}" for i, test in enumerate(differs))
    sql = f"""
        SELECT count(*) FILTER (a.here IS NULL) AS added, count(*) FILTER (b.here IS NULL) AS removed,
            count(*) FILTER (a.here AND b.here AND ({" OR ".join(differs) or "false"})) AS changed{each}
        FROM ({_side("old", key, names)}) a FULL JOIN ({_side("new", key, names)}) b ON a.k = b.k
    """
    tables = {"old": old or _empty(before, key, names), "new": new or _empty(after, key, names)}
    (found,) = frames.query(sql, tables).to_pylist()
    return RowDiff(
        key=key,
        added=found["added"],
        removed=found["removed"],
        changed=found["changed"],
        changed_columns={name: found[f"n{i}"] for i, name in enumerate(names) if found[f"n{i}"]},
        parts_read=len(old) + len(new),
    )


def _side(view: str, key: str, names: Sequence[str]) -> str:
    values = "".join(f", {quoted(name)} AS c{i}" for i, name in enumerate(names))
    return f"SELECT {quoted(key)} AS k, true AS here{values} FROM {quoted(view)}"


def _empty(version: DatasetVersion, key: str, names: Sequence[str]) -> pa.Table:
    import pyarrow as pa  # weight: 0.3 s

    def nothing(dtype: DType) -> pa.Array:
        return pa.array([], arrow_type(dtype))

    return pa.table({name: nothing(version.columns[name]) for name in (key, *names)})
