"""LAW: an expression in SQL answers what it answers in Python, row by row."""

import math
from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import Invalid
from modelwright.core.expressions import MICROSECOND, Binary, Dotted, Literal, Unary, evaluate, parse_row
from modelwright.core.schema import DType
from modelwright.features.lines import query
from modelwright.store.formula import Kind, Marks, _Compiler, compiled, kind_of
from support.features import ARROW, hours

TYPES = {
    "n": DType.FLOAT64,
    "i": DType.INT64,
    "s": DType.STRING,
    "b": DType.BOOL,
    "t": DType.TIMESTAMP,
    'odd "name': DType.INT64,
}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | st.floats(),
            "i": st.none() | st.integers(-(2**63), 2**63 - 1),
            "s": st.sampled_from([None, "", "x", "it's", '$m0"; DROP']),
            "b": st.sampled_from([None, True, False]),
            "t": st.none() | st.integers(-9, 9).map(hours),
        }
    ),
    min_size=1,
    max_size=4,
)
LEAVES = st.sampled_from(
    [Literal(True), Literal(0.0), Literal(2.5), Literal(1e300), Literal("it's"), Literal(timedelta(hours=1))]
) | st.sampled_from([Dotted((name,), 0) for name in "nisbt"])
OPERATORS = st.sampled_from(["||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/"])
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.builds(Unary, st.sampled_from(["!", "-"]), inner) | st.builds(Binary, OPERATORS, inner, inner),
    max_leaves=6,
)


def same(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return one == other or math.isclose(one, other, rel_tol=1e-15)
    return one == other and type(one) is type(other)


@settings(max_examples=150, deadline=None)
@given(expression=EXPRESSIONS, rows=ROWS)
def test_sql_answers_what_python_answers(expression, rows):
    marks = Marks()
    try:
        found = _Compiler("generated", TYPES, marks).compile(expression)
    except Invalid:
        return  # types that do not go together are refused when the view is published
    table = pa.Table.from_pylist(rows, pa.schema([(name, ARROW[TYPES[name]]) for name in "nisbt"]))
    table = table.append_column("place", pa.array(range(len(rows))))
    answers = query(f"SELECT {found.sql} AS v FROM vectors ORDER BY place", marks, vectors=table)["v"].to_pylist()
    if found.kind is Kind.DURATION:
        answers = [None if value is None else value * MICROSECOND for value in answers]
    for row, answer in zip(rows, answers, strict=True):
        assert same(evaluate(expression, row), answer), row


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("i / 2 + n", Kind.NUMBER),
        ("t - 90m", Kind.TIME),
        ("(t - t) / 1h", Kind.NUMBER),
        ("t - t", Kind.DURATION),
        ("s == 'x' && !b", Kind.TRUTH),
        ("s", Kind.TEXT),
    ],
)
def test_an_expression_has_a_kind(text, kind):
    assert kind_of(text, TYPES) is kind


@pytest.mark.parametrize(
    "text", ["t + t", "s < 'x'", "n == s", "b + 1", "!n", "-s", "t * 2", "n && b", "t > 1h", "missing"]
)
def test_what_has_no_meaning_is_refused_before_anything_runs(text):
    with pytest.raises(Invalid):
        kind_of(text, TYPES)


def test_no_text_of_an_expression_becomes_sql():
    marks = Marks()
    sql = compiled('s == "\'; DROP TABLE facts; --" || i > 77', TYPES, marks).sql
    assert "DROP" not in sql
    assert "77" not in sql
    assert list(marks.values()) == ["'; DROP TABLE facts; --", 77.0]


def test_a_name_is_quoted():
    marks = Marks()
    assert _Compiler("x", TYPES, marks).compile(Dotted(('odd "name',), 0)).sql.count('"odd ""name"') == 2


def test_parsing_comes_first():
    with pytest.raises(Invalid, match="position 4"):
        kind_of("n +", TYPES)
    assert parse_row("n") == Dotted(("n",), 0)
