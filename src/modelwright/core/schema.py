"""Contracts: what columns a table has, their types, and which values are in order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from modelwright.core.errors import Invalid


class DType(StrEnum):
    """The value types of a contract, as wide as the open formats share."""

    BOOL = "bool"
    INT64 = "int64"
    FLOAT64 = "float64"
    STRING = "string"
    TIMESTAMP = "timestamp"


class Column(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column of a contract.

    Attributes:
        name: Its name.
        dtype: The type of its values. An int64 is accepted where float64 is asked.
        nullable: Whether values may be missing (null; for float64 also NaN).
        minimum: Smallest value in order, for numbers; none means no bound.
        maximum: Largest value in order, for numbers; none means no bound.
        categories: The only values in order, for strings; none means any.
    """

    name: str
    dtype: DType
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        bounded = self.minimum is not None or self.maximum is not None
        if bounded and self.dtype not in (DType.INT64, DType.FLOAT64):
            raise ValueError(f"{self.name} is {self.dtype}, and bounds are for numbers")
        if self.categories is not None and self.dtype is not DType.STRING:
            raise ValueError(f"{self.name} is {self.dtype}, and categories are for strings")


class Contract(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The columns a table must have. Columns beyond the contract are not part of it.

    Example:
        >>> contract = Contract(columns=(Column(name="distance", dtype=DType.FLOAT64, minimum=0),))
        >>> [str(v) for v in contract.violations({"distance": [187.0, -1.0]})]
        ['distance: row 1 is -1.0, below the minimum 0']
    """

    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        folded = [column.name.lower() for column in self.columns]  # SQL does not tell case apart
        repeated = {column.name for column in self.columns if folded.count(column.name.lower()) > 1}
        if repeated:
            raise ValueError(f"columns named twice: {', '.join(sorted(repeated))}")

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(column.name for column in self.columns)

    def violations(self, table: Mapping[str, Sequence[Any]]) -> list[Violation]:
        """What is out of order in columns of plain values: the first offending row of each column.

        Args:
            table: Column name -> its values, all of one length ``(n_rows,)``.
        """
        found = []
        for column in self.columns:
            values = table.get(column.name)
            if values is None:
                found.append(Violation(column=column.name, problem="is missing"))
            elif (problem := _first_problem(column, values)) is not None:
                found.append(Violation(column=column.name, problem=problem))
        return found

    def require(self, table: Mapping[str, Sequence[Any]]) -> None:
        """Pass silently, or name the fields that are out of order.

        Raises:
            Invalid: At least one violation; ``fields`` has them all.
        """
        found = self.violations(table)
        if found:
            raise Invalid(
                "The input breaks the contract: " + "; ".join(map(str, found[:5])) + ("; …" if len(found) > 5 else "."),
                remedy="Send every column of the contract with its type.",
                fields={violation.column: violation.problem for violation in found},
            )


class Fits:
    """A quick look at columns of plain values, compiled from a contract for the hot path.

    Law: it picks columns only where ``Contract.violations`` finds nothing. Where it answers none, ask the contract,
    which knows what is wrong, or that all is well after all.

    Example:
        >>> fits = Fits(Contract(columns=(Column(name="distance", dtype=DType.FLOAT64, minimum=0),)))
        >>> fits.pick({"distance": [187.0], "tailnum": ["N14228"]}, 1)
        {'distance': [187.0]}
        >>> fits.pick({"distance": [-1.0]}, 1) is None, fits.pick({}, 1) is None
        (True, True)
    """

    __slots__ = ("_columns",)

    def __init__(self, contract: Contract) -> None:
        self._columns = tuple(_quick(column) for column in contract.columns)

    def pick(self, table: Mapping[str, list[Any]], count: int) -> dict[str, list[Any]] | None:
        """The contract's columns, in its order, if every one is there, has ``count`` values, and is surely in order."""
        picked: dict[str, list[Any]] = {}
        for name, kind, nullable, low, high, categories in self._columns:
            values = table.get(name)
            if values is None or len(values) != count:
                return None
            for value in values:
                if value is None:
                    if not nullable:
                        return None
                elif (
                    (type(value) is not kind and (kind is not float or type(value) is not int))
                    or (low is not None and not low <= value <= high)  # type: ignore[operator]  # a number by now
                    or (categories is not None and value not in categories)
                ):
                    return None
            picked[name] = values
        return picked


_QuickColumn = tuple[str, type, bool, float | None, float, frozenset[str] | None]
_WIDEST = 2.0**63 - 1024  # the largest float below 2**63: beyond it, the contract itself decides


def _quick(column: Column) -> _QuickColumn:
    kind = {DType.FLOAT64: float, DType.INT64: int, DType.BOOL: bool, DType.STRING: str}.get(column.dtype, datetime)
    low: float | None = None
    high = _WIDEST
    if kind in {int, float}:
        low = -_WIDEST if column.minimum is None else max(column.minimum, -_WIDEST)  # a NaN is within no bounds
        high = _WIDEST if column.maximum is None else min(column.maximum, _WIDEST)
    categories = None if column.categories is None else frozenset(column.categories)
    return column.name, kind, column.nullable, low, high, categories


class Violation(Struct, frozen=True, kw_only=True):
    """What is wrong with one column."""

    column: str
    problem: str

    def __str__(self) -> str:
        return f"{self.column}: {self.problem}"


_EXACT: Mapping[DType, frozenset[type]] = {
    DType.BOOL: frozenset({bool}),
    DType.INT64: frozenset({int}),
    DType.FLOAT64: frozenset({float, int}),
    DType.STRING: frozenset({str}),
    DType.TIMESTAMP: frozenset({datetime}),
}


def _first_problem(column: Column, values: Sequence[Any]) -> str | None:
    accepted = _EXACT[column.dtype]
    bounded = column.minimum is not None or column.maximum is not None or column.categories is not None
    for row, value in enumerate(values):
        kind = type(value)
        if value is None or (kind is float and math.isnan(value)):
            if not column.nullable:
                return f"row {row} is missing, and the column may not be"
        elif kind not in accepted:
            return f"row {row} is {_shown(value)}, not {column.dtype}"
        elif bounded and (problem := _out_of_bounds(column, value)):
            return f"row {row} is {problem}"
        elif kind is int and not -(2**63) <= value < 2**63:
            return f"row {row} is {_shown(value)}, beyond 64 bits"
    return None


def _out_of_bounds(column: Column, value: Any) -> str | None:
    if column.minimum is not None and value < column.minimum:
        return f"{value}, below the minimum {column.minimum:g}"
    if column.maximum is not None and value > column.maximum:
        return f"{value}, above the maximum {column.maximum:g}"
    if column.categories is not None and value not in column.categories:
        return f"{_shown(value)}, not one of {', '.join(column.categories[:8])}"
    return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "…"
