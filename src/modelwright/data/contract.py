"""Contracts of whole tables: made from one, and held against one by its profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from modelwright.core.schema import Column, Contract, DType, Violation
from modelwright.data.model import ColumnProfile
from modelwright.data.schema import columns_of

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa


def contract_of(table: pa.Table) -> Contract:
    """The contract that a table keeps: its columns and types, and whether a value is missing somewhere.

    Ranges and categories are for people to write: what one sample happened to hold is no promise.

    Raises:
        Invalid: A column of a type that datasets do not have.
    """
    import pyarrow.compute as pc  # weight: 0.3 s

    columns = []
    for name, dtype in columns_of(table.schema).items():
        values = table[name]
        missing = values.null_count > 0
        if not missing and dtype == DType.FLOAT64:
            missing = bool(pc.any(pc.is_nan(values)).as_py())
        columns.append(Column(name=name, dtype=dtype, nullable=missing))
    return Contract(columns=tuple(columns))


def inferred(profile: Sequence[ColumnProfile]) -> Contract:
    """What ``contract_of`` answers, from a table's profile."""
    return Contract(
        columns=tuple(Column(name=held.name, dtype=held.dtype, nullable=held.missing > 0) for held in profile)
    )


def grown(contract: Contract, profile: Sequence[ColumnProfile], before: Sequence[ColumnProfile]) -> Contract:
    """The contract with the columns that are new since the version before.

    A column that was there before and that a person left out of the contract stays out.
    """
    known = {*contract.names, *(held.name for held in before)}
    fresh = [held for held in profile if held.name not in known]
    return Contract(columns=(*contract.columns, *inferred(fresh).columns)) if fresh else contract


def violations(
    contract: Contract, profile: Sequence[ColumnProfile], strangers: Mapping[str, str | None] | None = None
) -> list[Violation]:
    """How a table breaks a contract.

    Args:
        contract: The contract.
        profile: What the table's columns hold.
        strangers: Column with categories -> a value beyond them, or none; the profile does not know.
    """
    held = {column.name: column for column in profile}
    found = []
    for column in contract.columns:
        problem = _problem(column, held.get(column.name), (strangers or {}).get(column.name))
        if problem is not None:
            found.append(Violation(column=column.name, problem=problem))
    return found


def _problem(column: Column, held: ColumnProfile | None, stranger: str | None) -> str | None:
    if held is None:
        return "is missing"
    if held.dtype != column.dtype and (held.dtype, column.dtype) != (DType.INT64, DType.FLOAT64):
        return f"is {held.dtype}, not {column.dtype}"
    if held.missing and not column.nullable:
        return f"has {held.missing:,} rows without a value, and may have none"
    if column.categories is not None and stranger is not None:
        return f"holds {stranger!r}, not one of {', '.join(column.categories[:8])}"
    return _beyond(column, held)


def _beyond(column: Column, held: ColumnProfile) -> str | None:
    if held.dtype not in (DType.INT64, DType.FLOAT64) or held.minimum is None or held.maximum is None:
        return None
    if column.minimum is not None and float(held.minimum) < column.minimum:
        return f"goes down to {held.minimum}, below the minimum {column.minimum:g}"
    if column.maximum is not None and float(held.maximum) > column.maximum:
        return f"goes up to {held.maximum}, above the maximum {column.maximum:g}"
    return None


def changes(before: Contract, after: Contract) -> tuple[str, ...]:
    """What changed between two contracts, one sentence each."""
    old = {column.name: column for column in before.columns}
    new = {column.name: column for column in after.columns}
    said = [f"{name} is no longer promised" for name in old if name not in new]
    said += [f"{name} is promised: {_terms(column)}" for name, column in new.items() if name not in old]
    said += [
        f"{name}: {_terms(old[name])} -> {_terms(column)}"
        for name, column in new.items()
        if name in old and column != old[name]
    ]
    return tuple(said)


def _terms(column: Column) -> str:
    terms = [str(column.dtype), "may be missing" if column.nullable else "never missing"]
    if column.minimum is not None:
        terms.append(f"at least {column.minimum:g}")
    if column.maximum is not None:
        terms.append(f"at most {column.maximum:g}")
    if column.categories is not None:
        terms.append("one of " + ", ".join(column.categories[:8]) + (", …" if len(column.categories) > 8 else ""))
    return ", ".join(terms)
