"""Expressions of rows as SQL, checked for types first.

Law: under the types it was compiled for, the SQL answers what ``core.expressions.evaluate`` answers, row by row. Names
become quoted identifiers of known columns, and values become parameters; nothing else of the text reaches the SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from modelwright.core.errors import Invalid
from modelwright.core.expressions import (
    MICROSECOND,
    Binary,
    Dotted,
    Expression,
    Literal,
    Unary,
    parse_row,
)
from modelwright.core.schema import DType

_COMPARISONS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class Kind(StrEnum):
    """What an expression's value is."""

    NUMBER = "a number"
    TRUTH = "a truth value"
    TEXT = "a text"
    TIME = "a time"
    DURATION = "a duration"


KINDS: Mapping[DType, Kind] = {
    DType.BOOL: Kind.TRUTH,
    DType.INT64: Kind.NUMBER,
    DType.FLOAT64: Kind.NUMBER,
    DType.STRING: Kind.TEXT,
    DType.TIMESTAMP: Kind.TIME,
}
DTYPES: Mapping[Kind, DType] = {
    Kind.TRUTH: DType.BOOL,
    Kind.NUMBER: DType.FLOAT64,
    Kind.TEXT: DType.STRING,
    Kind.TIME: DType.TIMESTAMP,
}


class Marks(dict[str, Any]):
    """The parameters of a statement."""

    def mark(self, value: Any) -> str:
        """A fresh mark that stands for a value."""
        name = f"m{len(self)}"
        self[name] = value
        return f"${name}"


class Compiled(NamedTuple):
    """An expression in SQL.

    Attributes:
        sql: Its text; a duration is microseconds.
        kind: What its value is.
    """

    sql: str
    kind: Kind


def quoted(name: str) -> str:
    """A column's name as an identifier in SQL.

    Example:
        >>> quoted('a"b')
        '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def kind_of(text: str, columns: Mapping[str, DType]) -> Kind:
    """What an expression's value is.

    Raises:
        Invalid: It is no expression, names what is not there, or mixes what does not go together.
    """
    return compiled(text, columns, Marks()).kind


def compiled(text: str, columns: Mapping[str, DType], marks: Marks) -> Compiled:
    """An expression over columns as SQL.

    Args:
        text: The expression.
        columns: Column -> type.
        marks: Takes the values.

    Raises:
        Invalid: As ``kind_of``.
    """
    return _Compiler(text, columns, marks).compile(parse_row(text))


class _Compiler:
    def __init__(self, text: str, columns: Mapping[str, DType], marks: Marks) -> None:
        self._text = text
        self._columns = columns
        self._marks = marks

    def compile(self, expression: Expression) -> Compiled:
        match expression:
            case Literal(value):
                return self._literal(value)
            case Dotted(path):
                return self._column(path)
            case Unary(operator, operand):
                return self._unary(operator, self.compile(operand))
            case Binary(operator, left, right):
                return self._binary(operator, self.compile(left), self.compile(right))

    def _literal(self, value: bool | float | str | timedelta) -> Compiled:  # noqa: FBT001  # any literal
        if isinstance(value, bool):
            return Compiled("true" if value else "false", Kind.TRUTH)
        if isinstance(value, str):
            return Compiled(f"CAST({self._marks.mark(value)} AS VARCHAR)", Kind.TEXT)
        if isinstance(value, timedelta):
            return Compiled(f"CAST({self._marks.mark(value // MICROSECOND)} AS BIGINT)", Kind.DURATION)
        return Compiled(f"CAST({self._marks.mark(float(value))} AS DOUBLE)", Kind.NUMBER)

    def _column(self, path: tuple[str, ...]) -> Compiled:
        name = ".".join(path)
        dtype = self._columns.get(name) if len(path) == 1 else None  # a dot means something else to the evaluator
        if dtype is None:
            known = ", ".join(sorted(self._columns)[:20])
            raise Invalid(
                f"{self._text!r} names {name[:80]}, which is not there.",
                remedy=f"There are: {known}.",
                fields={"expression": f"there is no {name[:80]}"},
            )
        kind = KINDS[dtype]
        return Compiled(_finite(f"CAST({quoted(name)} AS DOUBLE)") if kind is Kind.NUMBER else quoted(name), kind)

    def _unary(self, operator: str, operand: Compiled) -> Compiled:
        if operator == "!" and operand.kind is Kind.TRUTH:
            return Compiled(f"(NOT {operand.sql})", Kind.TRUTH)
        if operator == "-" and operand.kind in (Kind.NUMBER, Kind.DURATION):
            return Compiled(f"(- {operand.sql})", operand.kind)
        raise self._mixed(f"{operator} before {operand.kind}")

    def _binary(self, operator: str, left: Compiled, right: Compiled) -> Compiled:
        a, b, kinds = left.sql, right.sql, (left.kind, right.kind)
        if operator in ("&&", "||") and kinds == (Kind.TRUTH, Kind.TRUTH):
            return Compiled(f"({a} {'AND' if operator == '&&' else 'OR'} {b})", Kind.TRUTH)
        ordered = left.kind in (Kind.NUMBER, Kind.TIME, Kind.DURATION)
        if left.kind is right.kind and (operator in ("==", "!=") or (operator in _COMPARISONS and ordered)):
            return Compiled(f"({a} {_COMPARISONS[operator]} {b})", Kind.TRUTH)
        if kinds == (Kind.NUMBER, Kind.NUMBER) and operator in "+-*":
            return Compiled(_finite(f"({a} {operator} {b})"), Kind.NUMBER)
        if operator == "/" and left.kind is right.kind and left.kind in (Kind.NUMBER, Kind.DURATION):
            quotient = _finite(f"(CAST({a} AS DOUBLE) / CAST({b} AS DOUBLE))")
            return Compiled(f"CASE WHEN {b} <> 0 THEN {quotient} END", Kind.NUMBER)
        found = self._timed(operator, left, right)
        if found is None:
            raise self._mixed(f"{left.kind} {operator} {right.kind}")
        return found

    @staticmethod
    def _timed(operator: str, left: Compiled, right: Compiled) -> Compiled | None:
        a, b = left.sql, right.sql
        match left.kind, operator, right.kind:
            case Kind.TIME, "-", Kind.TIME:
                return Compiled(f"(epoch_us({a}) - epoch_us({b}))", Kind.DURATION)
            case Kind.TIME, "+" | "-", Kind.DURATION:
                return Compiled(f"make_timestamptz(epoch_us({a}) {operator} {b})", Kind.TIME)
            case Kind.DURATION, "+", Kind.TIME:
                return Compiled(f"make_timestamptz({a} + epoch_us({b}))", Kind.TIME)
            case Kind.DURATION, "+" | "-", Kind.DURATION:
                return Compiled(f"({a} {operator} {b})", Kind.DURATION)
            case _:
                return None

    def _mixed(self, what: str) -> Invalid:
        return Invalid(
            f"{self._text!r} asks for {what}, which has no meaning.",
            remedy="Compare and compute numbers with numbers, times with durations.",
            fields={"expression": what},
        )


def _finite(sql: str) -> str:
    return f"CASE WHEN isfinite({sql}) THEN {sql} END"
