"""The language of conditions and of rows: CEL's syntax for a few operators, with three-valued logic.

``e.score.low >= 0.7 && (e.n >= 500 || kpi.slice_floor < 0.5)``: numbers, texts, ``true``, ``false``, dotted names,
``+ - * /``, comparisons, ``&& || !`` and parentheses. A name that has no value is UNKNOWN, and so is everything that
depends on it (Kleene): ``false && UNKNOWN`` is false, ``true && UNKNOWN`` is UNKNOWN. There are no calls, no
loops and no lists, so an expression always ends and can reach nothing but its names.

A condition of a policy is about numbers; an expression of a row (``sched_dep - 1h``) knows times and durations too:
``1h`` is one of ``us ms s m h d w``, a time less a time is a duration, and a duration by a duration a number.

Law: learning a name's value never changes an answer that was already true or false.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, NoReturn, Union

from modelwright.core.clock import duration
from modelwright.core.errors import Invalid

LONGEST = 1000
"""Characters of an expression."""
_MOST_TOKENS = 250
_DEEPEST = 30

Value = bool | float | str | datetime | timedelta | None
"""What a name or an expression is; None is UNKNOWN. Numbers are floats."""

Namespace = Mapping[str, Union[bool, float, str, datetime, timedelta, "Namespace", None]]
"""Name -> value, or the names below it."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it stands."""

    value: bool | float | str | timedelta


@dataclass(frozen=True, slots=True)
class Dotted:
    """A name, e.g. ``e.delta.low``, and where it stands."""

    path: tuple[str, ...]
    position: int

    def __str__(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Unary:
    """``!`` or ``-`` before an expression."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two expressions."""

    operator: str
    left: Expression
    right: Expression


Expression = Literal | Dotted | Unary | Binary


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<duration>[0-9]+(?:us|ms|[smhdw])(?![A-Za-z0-9_.]))
      | (?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<text>"[^"\\\n]*"|'[^'\\\n]*')
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<operator>\|\||&&|==|!=|<=|>=|[<>+\-*/!().])
    """,
    re.VERBOSE | re.ASCII,
)

_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"==", "!=", "<", "<=", ">", ">="}),
    frozenset({"+", "-"}),
    frozenset({"*", "/"}),
)
_COMPARISONS = _LEVELS[2]
MICROSECOND = timedelta(microseconds=1)


class _Form(NamedTuple):
    what: str
    example: str
    field: str
    durations: bool


_CONDITION = _Form("condition", "e.score.low >= 0.7 && e.n >= 500", "pass", durations=False)
_ROW = _Form("expression", "sched_dep - 1h", "expression", durations=True)


def parse(text: str) -> Expression:
    """Read a condition.

    Raises:
        Invalid: It is not one; the message names the position, counted from 1.

    Example:
        >>> evaluate(parse("e.low >= 0.6 && e.n > 100"), {"e": {"low": 0.7, "n": 250.0}})
        True
    """
    return _parsed(text, _CONDITION)


def parse_row(text: str) -> Expression:
    """Read an expression over a row's columns, with durations; raises as ``parse`` does.

    Example:
        >>> left, landed = datetime(2013, 1, 1, 6), datetime(2013, 1, 1, 9)
        >>> evaluate(parse_row("(landed - left) / 1h"), {"landed": landed, "left": left})
        3.0
    """
    return _parsed(text, _ROW)


def _parsed(text: str, form: _Form) -> Expression:
    if len(text) > LONGEST:
        raise Invalid(f"The {form.what} has {len(text)} characters, not at most {LONGEST}.")
    parser = _Parser(text, form)
    found = parser.expression(0, depth=0)
    if parser.token.kind != "end":
        parser.fail(f"expected an operator or the end, not {parser.token.text!r}")
    return found


def names(expression: Expression) -> Iterator[Dotted]:
    """Every name that an expression reads, from left to right."""
    if isinstance(expression, Dotted):
        yield expression
    elif isinstance(expression, Unary):
        yield from names(expression.operand)
    elif isinstance(expression, Binary):
        yield from names(expression.left)
        yield from names(expression.right)


def evaluate(expression: Expression, namespace: Namespace) -> Value:
    """The value under these names; None where it is UNKNOWN.

    Operands of the wrong type, a division by zero and numbers beyond the floats are UNKNOWN as well.

    Example:
        >>> evaluate(parse("!(a > 1) || b"), {"a": 0.0}), evaluate(parse("a > 1 || b"), {"a": 0.0})
        (True, None)
    """
    match expression:
        case Literal(value):
            return value
        case Dotted(path):
            return _looked_up(path, namespace)
        case Unary("!", operand):
            truth = _truth(evaluate(operand, namespace))
            return None if truth is None else not truth
        case Unary(_, operand):
            return _negated(evaluate(operand, namespace))
        case Binary("&&" | "||" as operator, left, right):
            return _both(operator, _truth(evaluate(left, namespace)), _truth(evaluate(right, namespace)))
        case Binary(operator, left, right):
            return _combined(operator, evaluate(left, namespace), evaluate(right, namespace))


def holds(expression: Expression, namespace: Namespace) -> bool | None:
    """Whether a condition holds; None (UNKNOWN) also where its value is no truth value."""
    return _truth(evaluate(expression, namespace))


class _Parser:
    """One pass over an expression, lowest precedence first."""

    def __init__(self, text: str, form: _Form) -> None:
        self._form = form
        self._tokens = self._tokenized(text, form)
        self._next = 0

    @property
    def token(self) -> _Token:
        return self._tokens[self._next]

    def fail(self, problem: str) -> NoReturn:
        raise _invalid(problem, self.token.position, self._form)

    def expression(self, level: int, *, depth: int) -> Expression:
        if level == len(_LEVELS):
            return self._prefixed(depth)
        found = self.expression(level + 1, depth=depth)
        while self.token.kind == "operator" and self.token.text in _LEVELS[level]:
            operator = self._take().text
            found = Binary(operator, found, self.expression(level + 1, depth=depth))
            if operator in _COMPARISONS and self.token.text in _COMPARISONS:
                self.fail("comparisons do not chain; join them with &&")
        return found

    def _prefixed(self, depth: int) -> Expression:
        if depth > _DEEPEST:
            self.fail(f"nested deeper than {_DEEPEST}")
        token = self.token
        if token.kind == "end" or (token.kind == "operator" and token.text not in ("!", "-", "(")):
            self.fail(f"expected a value, not {token.text!r}" if token.text else "expected a value, not the end")
        self._take()
        if token.kind == "number":
            return Literal(self._finite(token))
        if token.kind == "duration":
            return Literal(self._duration(token))
        if token.kind == "text":
            return Literal(token.text[1:-1])
        if token.kind == "name":
            return self._named(token)
        if token.text != "(":
            return Unary(token.text, self._prefixed(depth + 1))
        found = self.expression(0, depth=depth + 1)
        if self.token.text != ")":
            self.fail("expected )")
        self._take()
        return found

    def _named(self, first: _Token) -> Expression:
        if first.text in ("true", "false"):
            return Literal(first.text == "true")
        path = [first.text]
        while self.token.text == ".":
            self._take()
            if self.token.kind != "name":
                self.fail("expected a name after the dot")
            path.append(self._take().text)
        return Dotted(tuple(path), first.position)

    def _take(self) -> _Token:
        token = self.token
        if token.kind != "end":
            self._next += 1
        return token

    def _finite(self, token: _Token) -> float:
        value = float(token.text)
        if not math.isfinite(value):
            raise _invalid("a number that large does not exist", token.position, self._form)
        return value

    def _duration(self, token: _Token) -> timedelta:
        if not self._form.durations:
            raise _invalid(f"a {self._form.what} has no durations", token.position, self._form)
        try:
            return duration(token.text)
        except Invalid:
            raise _invalid("a duration that long does not exist", token.position, self._form) from None

    @staticmethod
    def _tokenized(text: str, form: _Form) -> list[_Token]:
        found: list[_Token] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise _invalid(f"{text[position]!r} means nothing here", position, form)
            if match.lastgroup != "space":
                found.append(_Token(str(match.lastgroup), match.group(), position))
            position = match.end()
        if len(found) > _MOST_TOKENS:
            raise _invalid(f"more than {_MOST_TOKENS} words", found[_MOST_TOKENS].position, form)
        return [*found, _Token("end", "", len(text))]


def _invalid(problem: str, position: int, form: _Form) -> Invalid:
    return Invalid(
        f"The {form.what} breaks at position {position + 1}: {problem}.",
        remedy=f'Write e.g. "{form.example}".',
        fields={form.field: f"position {position + 1}: {problem}"},
    )


def _looked_up(path: tuple[str, ...], namespace: Namespace) -> Value:
    found: bool | float | str | datetime | timedelta | Namespace | None = namespace
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    if isinstance(found, bool | str | datetime | timedelta):
        return found
    return _number(found)


def _truth(value: Value) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _both(operator: str, left: bool | None, right: bool | None) -> bool | None:  # noqa: FBT001  # truth values, not flags
    decisive = operator == "||"
    if left is decisive or right is decisive:
        return decisive
    return None if left is None or right is None else not decisive


def _negated(value: Value) -> Value:
    if isinstance(value, timedelta):
        return -value
    number = _number(value)
    return None if number is None else -number


def _combined(operator: str, left: Value, right: Value) -> Value:
    if operator in ("==", "!="):
        if left is None or right is None or type(left) is not type(right):
            return None
        return (left == right) == (operator == "==")
    if isinstance(left, datetime | timedelta) or isinstance(right, datetime | timedelta):
        try:
            return _timed(operator, left, right)
        except OverflowError:
            return None
    a, b = _number(left), _number(right)
    return None if a is None or b is None else _computed(operator, a, b)


def _computed(operator: str, a: float, b: float) -> Value:
    if operator in _COMPARISONS:
        return _compared(operator, a, b)
    if operator == "/":
        return None if b == 0 else _number(a / b)
    return _number({"+": a + b, "-": a - b, "*": a * b}[operator])


def _compared(operator: str, a: Any, b: Any) -> bool:
    return bool({"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator])


def _timed(operator: str, left: Value, right: Value) -> Value:
    """Times and durations; UNKNOWN where they do not go together."""
    if operator in _COMPARISONS:
        return _compared(operator, left, right) if type(left) is type(right) else None
    if isinstance(left, datetime) and isinstance(right, datetime):
        return left - right if operator == "-" else None
    if isinstance(left, timedelta) and isinstance(right, datetime):
        left, right = right, left if operator == "+" else None
    if not isinstance(right, timedelta) or not isinstance(left, datetime | timedelta):
        return None
    if operator == "/" and isinstance(left, timedelta) and right:
        return _number(float(left // MICROSECOND) / float(right // MICROSECOND))
    if operator == "+":
        return left + right
    return left - right if operator == "-" else None
