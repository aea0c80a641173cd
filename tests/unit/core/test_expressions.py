"""Conditions: Kleene's logic, positions in errors, and nothing but Invalid from any text."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import Invalid
from modelwright.core.expressions import (
    Binary,
    Dotted,
    Expression,
    Literal,
    Unary,
    duration,
    evaluate,
    holds,
    names,
    parse,
    parse_row,
)

TRUTHS = (True, False, None)


def kleene_and(a, b):
    """Strong Kleene conjunction as the minimum of false < unknown < true (Kleene 1952, section 64)."""
    rank = {False: 0, None: 1, True: 2}
    return {rank_: value for value, rank_ in rank.items()}[min(rank[a], rank[b])]


@pytest.mark.parametrize("a", TRUTHS)
@pytest.mark.parametrize("b", TRUTHS)
def test_conjunction_and_disjunction_follow_kleenes_tables(a, b):
    """&& is the minimum of false < unknown < true, || the maximum, ! the mirror."""
    known = {"a": a, "b": b}

    def negated(value):
        return None if value is None else not value

    assert holds(parse("a && b"), known) is kleene_and(a, b)
    assert holds(parse("a || b"), known) is negated(kleene_and(negated(a), negated(b)))
    assert holds(parse("!a"), known) is negated(a)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("10 - 3 - 2", 5.0),
        ("-2 * -3", 6.0),
        ("8 / 2 / 2", 2.0),
        ("1e3 == 1000", True),
        (".5 < 0.75", True),
        ("1 < 2 && 2 < 3 || false", True),
        ("true || true && false", True),
        ("!true == false", True),
        ("'a' == \"a\"", True),
        ("'a' != 'b'", True),
        ("e.score.low >= 0.6 && e.n >= 200", True),
    ],
)
def test_operators_bind_as_in_cel(text, value):
    assert evaluate(parse(text), {"e": {"score": {"low": 0.7}, "n": 250}}) == value


@pytest.mark.parametrize(
    "text",
    [
        "e.missing > 1",
        "missing",
        "e > 1",
        "1 / 0 > 0",
        "'a' < 'b'",
        "1 == 'a'",
        "true == 1",
        "1e308 * 10 > 0",
        "nan > 0 || nan <= 0",
        "infinite > 0",
        "e.n.deeper == 1",
        "1 + 1",
        "'yes'",
    ],
)
def test_what_has_no_truth_value_is_unknown(text):
    assert holds(parse(text), {"e": {"n": 1.0}, "nan": math.nan, "infinite": math.inf}) is None


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 1),
        ("a &&", 5),
        ("a & b", 3),
        ("(a", 3),
        ("a)", 2),
        ("a < b < c", 7),
        ("e.", 3),
        ("a b", 3),
        ("__import__('os')", 11),
        ("1e999", 1),
        ("a == 'open", 6),
        ("[1]", 1),
    ],
)
def test_an_error_names_the_position(text, position):
    with pytest.raises(Invalid, match=f"position {position}:"):
        parse(text)


@pytest.mark.parametrize(
    "text", ["(" * 500 + "1" + ")" * 500, "!" * 900 + "a", "-" * 200 + "1", "1+" * 499 + "1", "a" * 1001]
)
def test_a_condition_has_a_length_and_a_depth(text):
    with pytest.raises(Invalid):
        parse(text)


@given(st.text(max_size=60) | st.text(alphabet="ae.() !&|<>=+-*/'\"019", max_size=60))
def test_no_text_does_more_than_being_invalid(text):
    try:
        found = parse(text)
    except Invalid:
        return
    assert holds(found, {"a": 1.0, "e": {"a": True}}) in TRUTHS
    assert all(text[name.position :].startswith(name.path[0]) for name in names(found))


def expressions() -> st.SearchStrategy[Expression]:
    leaves = st.sampled_from(
        [Literal(True), Literal(False), Literal(0.0), Literal(2.0), Literal("x")]
    ) | st.sampled_from([Dotted((name,), 0) for name in "abc"])
    operators = st.sampled_from(["||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/"])
    return st.recursive(
        leaves,
        lambda inner: st.builds(Unary, st.sampled_from(["!", "-"]), inner) | st.builds(Binary, operators, inner, inner),
        max_leaves=12,
    )


values = st.sampled_from([True, False, 0.0, 1.0, -3.0, "x"])


@given(expressions(), st.fixed_dictionaries(dict.fromkeys("abc", values)), st.sets(st.sampled_from("abc")))
def test_learning_a_name_never_changes_a_definite_answer(expression, known, forgotten):
    """Monotone in information: what was true or false with less stays so with more."""
    less = {name: value for name, value in known.items() if name not in forgotten}
    before = evaluate(expression, less)
    assert before is None or before == evaluate(expression, known)


LEFT = datetime(2013, 3, 10, 6, 30, tzinfo=UTC)
TIMES = {"left": LEFT, "landed": LEFT + timedelta(hours=3), "n": 2.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("left - 1h", LEFT - timedelta(hours=1)),
        ("90m + left", LEFT + timedelta(minutes=90)),
        ("landed - left", timedelta(hours=3)),
        ("(landed - left) / 30m", 6.0),
        ("landed - left > 2h && landed > left", True),
        ("-1d + 1w", timedelta(days=6)),
        ("1ms == 1000us", True),
    ],
)
def test_a_row_knows_times_and_durations(text, value):
    assert evaluate(parse_row(text), TIMES) == value


@pytest.mark.parametrize("text", ["left + landed", "left * 2", "left > 1h", "1h / 0s", "left - n", "left - 9999999d"])
def test_what_times_cannot_do_is_unknown(text):
    assert evaluate(parse_row(text), TIMES) is None


def test_a_condition_of_a_policy_has_no_durations():
    with pytest.raises(Invalid, match="position 9: a condition has no durations"):
        parse("e.age > 1h")


@pytest.mark.parametrize("text", ["", "6", "h", "6 h", "1.5h", "6H", "-1h", "9999999999h"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(Invalid, match="not a duration"):
        duration(text)
