"""Files that people write are read as YAML 1.2's plain part, and nothing in them can hurt."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import Invalid
from modelwright.core.written import read, read_as
from modelwright.governance.charter import Charter


def test_plain_values_are_what_yaml_1_2_says():
    """YAML 1.1 would read yes as true, 010 as 8, 12:30 as 750 and 2013-04-01 as a date."""
    text = "a: yes\nb: 010\nc: 12:30\nd: 2013-04-01\ne: 1e3\nf: true\ng: null\nh: 14d\ni: '1'\nj: [1, -2.5]\nk: No"
    assert read(text, what="policy") == {
        "a": "yes",
        "b": 10,
        "c": "12:30",
        "d": "2013-04-01",
        "e": 1000.0,
        "f": True,
        "g": None,
        "h": "14d",
        "i": "1",
        "j": [1, -2.5],
        "k": "No",
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1\nb: *x",
        "a: !!python/object/apply:os.system [ls]",
        "a: !!binary aGk=",
        "<<: {a: 1}\na: [",
        "a: 1\na: 2",
        "? [1, 2]\n: 3",
        "- 1",
        "",
        "x",
        "a: " + "[" * 50 + "]" * 50,
        "a: [" + "1," * 6000 + "]",
        "a: " + "x" * 70_000,
        "a: 1\n---\nb: 2",
        "a: \x00",
        "a: 'open",
    ],
)
def test_more_than_plain_yaml_is_refused(text):
    with pytest.raises(Invalid):
        read(text, what="policy")


def test_an_error_names_the_line():
    with pytest.raises(Invalid, match="at line 2"):
        read("gates:\n\tkpi: {}", what="policy")


@given(st.text(max_size=80) | st.text(alphabet="a:{}[]&*!-'\"#|>\n 1", max_size=80))
def test_no_text_does_more_than_being_invalid(text):
    with contextlib.suppress(Invalid):
        assert isinstance(read(text, what="policy"), dict)


def test_a_field_that_does_not_fit_is_answered_with_the_fields_there_are():
    with pytest.raises(Invalid) as caught:
        read_as("question: Late?", Charter, what="charter")
    assert caught.value.message == "decision: Object missing required field `decision`."
    assert caught.value.remedy.startswith("A charter has: question, decision, kpi, ")
