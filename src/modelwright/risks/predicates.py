"""A situation over many rows at once: ``core.expressions`` on columns, with the same three-valued logic.

Law: for each row it says what ``expressions.holds`` says of that row alone. There is one exception, which no data
reaches: a span of more than 36,000 years is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelwright.core.errors import Invalid
from modelwright.core.expressions import Binary, Dotted, Expression, Literal, Unary, names, parse_row
from modelwright.core.schema import DType

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s, and endpoints do without
    import pyarrow as pa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""What a time may be, in microseconds since 1970: the years 1 to 9999."""
_LONGEST = 2**60
"""A longer span, in microseconds, is UNKNOWN: so sums of two fit into 64 bits."""

Mask = NDArray[np.bool_]


class Cells(NamedTuple):
    """The values of an expression, one for each row, or one for all.

    Attributes:
        kind: ``number``, ``truth``, ``text``, ``time`` or ``span``; times and spans are microseconds.
        values: What they are where they are known.
        known: Where they are.
    """

    kind: str
    values: NDArray[Any]
    known: Mask


class Met(NamedTuple):
    """Which rows are in a situation, each of shape ``(n_rows,)``.

    Attributes:
        yes: Those that are.
        unknown: Those of which it cannot be said.
    """

    yes: Mask
    unknown: Mask


class Predicate:
    """A situation, compiled from its text.

    Args:
        text: The predicate.

    Attributes:
        columns: The columns that it reads.

    Raises:
        Invalid: It breaks, reads a name with a dot, or a span longer than 36,000 years.

    Example:
        >>> met = Predicate("hour >= 22 || hour < 5").over({"hour": of_values([23, 12, None], DType.INT64)}, 3)
        >>> met.yes.tolist(), met.unknown.tolist()
        ([True, False, False], [False, False, True])
    """

    def __init__(self, text: str) -> None:
        self._expression = parse_row(text)
        _check_spans(self._expression)
        for name in names(self._expression):
            if len(name.path) > 1:
                raise Invalid(f"{name} is no column.", remedy="Name a column that the model takes.")
        self.columns = tuple(dict.fromkeys(str(name) for name in names(self._expression)))

    def over(self, columns: Mapping[str, Cells], count: int) -> Met:
        """Which of ``count`` rows are in the situation; a column that is not there is UNKNOWN.

        Args:
            columns: Column name -> its cells, each of ``count`` rows.
            count: How many rows.
        """
        with np.errstate(all="ignore"):  # what is no number is UNKNOWN
            found = _evaluated(self._expression, columns)
        if found.kind != "truth":
            return Met(np.zeros(count, np.bool_), np.ones(count, np.bool_))
        known = np.broadcast_to(found.known, (count,))
        return Met(np.broadcast_to(found.values, (count,)) & known, ~known)


def of_values(values: Sequence[Any], dtype: DType) -> Cells:
    """Plain values of a contract's column; None is missing, and for numbers NaN too."""
    if dtype in (DType.INT64, DType.FLOAT64):
        return _numbers(np.array(values, dtype=np.float64))
    known = np.array([value is not None for value in values], dtype=np.bool_)
    if dtype is DType.TIMESTAMP:
        moments = [0 if value is None else (value - _EPOCH) // _MICROSECOND for value in values]
        return Cells("time", np.array(moments, dtype=np.int64), known)
    if dtype is DType.BOOL:
        return Cells("truth", np.array([value is True for value in values], dtype=np.bool_), known)
    return Cells("text", np.array(values, dtype=object), known)


def of_arrow(column: pa.ChunkedArray) -> Cells:
    """A column of a table, of any type that a dataset or the prediction log has."""
    import pyarrow as pa  # weight: 0.3 s
    import pyarrow.compute as pc  # weight: 0.1 s

    kind = column.type
    if pa.types.is_null(kind):
        return _nothing(len(column))
    known = column.is_valid().to_numpy()
    if pa.types.is_boolean(kind):
        return Cells("truth", pc.fill_null(column, fill_value=False).to_numpy(), known)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _numbers(column.cast(pa.float64(), safe=False).to_numpy())
    if pa.types.is_timestamp(kind):
        moments = column.cast(pa.timestamp("us", kind.tz)).cast(pa.int64())
        return Cells("time", pc.fill_null(moments, 0).to_numpy(), known)
    return Cells("text", column.cast(pa.string()).to_numpy(zero_copy_only=False), known)


def _check_spans(expression: Expression) -> None:
    """Pass silently unless a literal is a span that is too long."""
    match expression:
        case Literal(timedelta() as value) if abs(value // _MICROSECOND) >= _LONGEST:
            raise Invalid(f"A span of {value.days:,} days is too long.", remedy="Write one of at most 36,000 years.")
        case Unary(_, operand):
            _check_spans(operand)
        case Binary(_, left, right):
            _check_spans(left)
            _check_spans(right)


def _nothing(count: int = 1) -> Cells:
    return Cells("none", np.zeros(count), np.zeros(count, np.bool_))


def _numbers(values: NDArray[np.float64]) -> Cells:
    known = np.isfinite(values)
    return Cells("number", values, known)


def _evaluated(expression: Expression, columns: Mapping[str, Cells]) -> Cells:
    match expression:
        case Literal(value):
            return _constant(value)
        case Dotted(path):
            return columns.get(path[0]) or _nothing()
        case Unary("!", operand):
            truth = _evaluated(operand, columns)
            return truth._replace(values=~truth.values) if truth.kind == "truth" else _nothing()
        case Unary(_, operand):
            found = _evaluated(operand, columns)
            return found._replace(values=-found.values) if found.kind in ("number", "span") else _nothing()
        case Binary("&&" | "||" as operator, left, right):
            return _both(operator, _evaluated(left, columns), _evaluated(right, columns))
        case Binary(operator, left, right):
            return _combined(operator, _evaluated(left, columns), _evaluated(right, columns))


def _constant(value: bool | float | str | timedelta) -> Cells:  # noqa: FBT001  # a value, not a flag
    known = np.ones(1, np.bool_)
    match value:
        case bool():
            return Cells("truth", np.array([value]), known)
        case str():
            return Cells("text", np.array([value], dtype=object), known)
        case timedelta():
            return Cells("span", np.array([value // _MICROSECOND], dtype=np.int64), known)
        case _:
            return _numbers(np.array([value], dtype=np.float64))


def _both(operator: str, left: Cells, right: Cells) -> Cells:
    """Kleene's and, or: one side alone may decide."""
    truths = [each if each.kind == "truth" else Cells("truth", _FALSE, _FALSE) for each in (left, right)]
    (a, knows_a), (b, knows_b) = ((each.values, each.known) for each in truths)
    if operator == "||":
        yes = (a & knows_a) | (b & knows_b)
        return Cells("truth", yes, yes | (knows_a & knows_b))
    no = (~a & knows_a) | (~b & knows_b)
    known = no | (knows_a & knows_b)
    return Cells("truth", known & ~no, known)


_FALSE = np.zeros(1, np.bool_)

_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_COMPUTED: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
_ORDERED = frozenset({"number", "time", "span"})


def _combined(operator: str, left: Cells, right: Cells) -> Cells:
    known = left.known & right.known
    if operator in _COMPARED:
        equality = operator in ("==", "!=")
        if left.kind != right.kind or left.kind == "none" or not (equality or left.kind in _ORDERED):
            return _nothing()
        if left.kind == "text":  # a missing text is None, and compared only where it is known
            return Cells("truth", np.asarray(_COMPARED[operator](left.values, right.values), dtype=np.bool_), known)
        return Cells("truth", _COMPARED[operator](left.values, right.values), known)
    if left.kind == right.kind == "number":
        values = _COMPUTED[operator](left.values, right.values)
        return Cells("number", values, known & np.isfinite(values))
    return _timed(operator, left, right, known)


def _timed(operator: str, left: Cells, right: Cells, known: Mask) -> Cells:
    """Times and spans; UNKNOWN where they do not go together."""
    kinds = (left.kind, operator, right.kind)
    if kinds == ("span", "+", "time"):
        left, right, kinds = right, left, ("time", "+", "span")
    if kinds == ("span", "/", "span"):
        values = left.values.astype(np.float64) / right.values
        return Cells("number", values, known & np.isfinite(values))
    if kinds in (("time", "+", "span"), ("time", "-", "span")):
        values = _COMPUTED[operator](left.values, right.values)
        return Cells("time", values, known & (values >= _FIRST) & (values <= _LAST))
    if kinds in (("time", "-", "time"), ("span", "+", "span"), ("span", "-", "span")):
        values = _COMPUTED[operator](left.values, right.values)
        return Cells("span", values, known & (np.abs(values) < _LONGEST))
    return _nothing()
