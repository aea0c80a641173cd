"""Situations over columns say of each row what the expression says of it alone."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import Invalid
from modelwright.core.expressions import holds, parse_row
from modelwright.core.schema import DType
from modelwright.risks.predicates import Predicate, of_arrow, of_values

TYPES = {
    "a": DType.FLOAT64,
    "n": DType.INT64,
    "s": DType.STRING,
    "r": DType.STRING,
    "b": DType.BOOL,
    "t": DType.TIMESTAMP,
    "u": DType.TIMESTAMP,
}
_MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  # bounds are naive there
VALUES = {
    DType.FLOAT64: st.floats(allow_nan=True, width=64),
    DType.INT64: st.integers(-(2**63), 2**63 - 1),
    DType.STRING: st.sampled_from(["", "AA", "ZZ", "Zoë ☃"]),
    DType.BOOL: st.booleans(),
    DType.TIMESTAMP: _MOMENTS,
}
ROWS = st.fixed_dictionaries({name: st.none() | VALUES[dtype] for name, dtype in TYPES.items()})

_LEAVES = st.sampled_from(
    [*TYPES, "missing", "true", "false", "0", "1.5", "1e308", '"AA"', "''", "1h", "3w", "30000d", "0s"]
)
EXPRESSIONS = st.recursive(
    _LEAVES,
    lambda inner: (
        st.tuples(
            inner, st.sampled_from(["&&", "||", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/"]), inner
        ).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})")
        | inner.map(lambda one: f"!({one})")
        | inner.map(lambda one: f"-({one})")
    ),
    max_leaves=8,
)


def met(text, rows):
    """What a predicate says of plain rows: True, False or None for each."""
    columns = {name: of_values([row[name] for row in rows], dtype) for name, dtype in TYPES.items()}
    found = Predicate(text).over(columns, len(rows))
    return [None if unknown else bool(yes) for yes, unknown in zip(found.yes, found.unknown, strict=True)]


@given(EXPRESSIONS, st.lists(ROWS, min_size=1, max_size=5))
@settings(max_examples=600, deadline=None)
def test_a_predicate_over_columns_is_the_expression_of_each_row(text, rows):
    expression = parse_row(text)
    assert met(text, rows) == [holds(expression, row) for row in rows]


@given(
    st.lists(ROWS, min_size=1, max_size=5),
    st.sampled_from(["a > 1", "n >= 0 && s == 'AA'", "u - t > 1h", "b", "r != s"]),
)
@settings(deadline=None)
def test_tables_and_plain_values_say_the_same(rows, text):
    arrow = {
        DType.FLOAT64: pa.float64(),
        DType.INT64: pa.int64(),
        DType.STRING: pa.string(),
        DType.BOOL: pa.bool_(),
        DType.TIMESTAMP: pa.timestamp("us", "UTC"),
    }
    columns = {
        name: of_arrow(pa.chunked_array([pa.array([row[name] for row in rows], arrow[dtype])]))
        for name, dtype in TYPES.items()
    }
    found = Predicate(text).over(columns, len(rows))
    assert [None if u else bool(y) for y, u in zip(found.yes, found.unknown, strict=True)] == met(text, rows)


def test_a_missing_value_is_unknown_and_neither_met_nor_not():
    found = Predicate("hour >= 22 || hour < 5").over({"hour": of_values([23, 12, None, 4], DType.INT64)}, 4)
    assert found.yes.tolist() == [True, False, False, True]
    assert found.unknown.tolist() == [False, False, True, False]


def test_one_side_may_decide_where_the_other_is_missing():
    columns = {"a": of_values([None, None], DType.FLOAT64), "s": of_values(["AA", "ZZ"], DType.STRING)}
    found = Predicate('a > 1 || s == "AA"').over(columns, 2)
    assert found.yes.tolist() == [True, False]
    assert found.unknown.tolist() == [False, True]


def test_a_column_of_nothing_is_unknown():
    found = Predicate("a > 1").over({"a": of_arrow(pa.chunked_array([pa.nulls(3)]))}, 3)
    assert found.unknown.all()
    assert not found.yes.any()


def test_a_wide_sum_of_spans_is_unknown_and_never_wraps():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    columns = {"t": of_values([now], DType.TIMESTAMP)}
    long = "13000000d"
    assert Predicate(f"{long} + {long} > 1h").over(columns, 1).unknown.all()
    assert now + timedelta(days=1) > now


@pytest.mark.parametrize(
    ("text", "says"), [("a.b > 1", "a.b is no column"), ("t - 999999999d > t", "too long"), ("a >", "position 4")]
)
def test_what_is_no_predicate_over_columns_is_refused(text, says):
    with pytest.raises(Invalid, match=says):
        Predicate(text)


def test_masks_have_one_entry_for_each_row_even_where_no_column_is_read():
    found = Predicate("1 < 2").over({}, 3)
    assert found.yes.tolist() == [True] * 3
    assert found.yes.shape == found.unknown.shape == (3,)
    assert found.yes.dtype == np.bool_
