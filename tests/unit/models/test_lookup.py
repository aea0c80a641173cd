"""A lookup answers what it was given, through bytes and back, and its default for everything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import Corrupted, Invalid
from modelwright.core.schema import Column, Contract, DType
from modelwright.models.lookup import Lookup
from modelwright.models.model import Task
from modelwright.models.package import FLAVOURS

FLAVOUR = FLAVOURS.get("lookup")
INPUTS = Contract(columns=(Column(name="carrier", dtype=DType.STRING), Column(name="hour", dtype=DType.INT64)))
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
cells = st.tuples(words, st.integers(-(2**53), 2**53))
numbers = st.floats(allow_nan=False, allow_infinity=False)
tables = st.dictionaries(cells, numbers, max_size=20)


def columns(rows):
    return {"carrier": [row[0] for row in rows], "hour": [row[1] for row in rows]}


@given(tables, numbers, st.lists(cells, max_size=10))
def test_a_row_gets_its_value_or_the_default(values, otherwise, asked):
    rows = [*values, *asked]
    answers = Lookup(["carrier", "hour"], values, otherwise=otherwise)(columns(rows))
    assert answers.tolist() == [values.get(row, otherwise) for row in rows]


@given(tables, numbers, st.lists(cells, max_size=10))
def test_what_was_saved_answers_the_same_bit_for_bit(values, otherwise, asked):
    lookup = Lookup(["carrier", "hour"], values, otherwise=otherwise)
    back = FLAVOUR.load(FLAVOUR.save(lookup, INPUTS), INPUTS, FLAVOUR.task(lookup))
    rows = columns([*values, *asked])
    assert back(rows).tobytes() == lookup(rows).tobytes()


@given(st.permutations([(("UA", 1), 0.1), (("B6", 2), 0.2), (("AA", 1), 0.3), (("AA", 10), 0.4)]))
def test_equal_lookups_are_equal_bytes_in_whatever_order_they_were_filled(entries):
    lookup = Lookup(["carrier", "hour"], dict(entries), otherwise=0.5)
    ordered = Lookup(["carrier", "hour"], dict(sorted(entries)), otherwise=0.5)
    assert FLAVOUR.save(lookup, INPUTS) == FLAVOUR.save(ordered, INPUTS)


@given(tables, numbers)
def test_it_is_binary_exactly_when_every_answer_could_be_a_probability(values, otherwise):
    within = all(0 <= answer <= 1 for answer in [*values.values(), otherwise])
    task = FLAVOUR.task(Lookup(["carrier", "hour"], values, otherwise=otherwise))
    assert task is (Task.BINARY if within else Task.REGRESSION)


def test_a_lookup_of_columns_is_the_lookup_of_their_rows():
    rows = {"carrier": ["UA", "B6"], "rate": [0.2, 0.3]}
    assert Lookup.of(rows, keys=["carrier"], value="rate", otherwise=0.1).values == {("UA",): 0.2, ("B6",): 0.3}


@pytest.mark.parametrize("keys", [[], ["a", "a"]])
def test_keys_are_some_columns_and_each_once(keys):
    with pytest.raises(Invalid, match="different key columns"):
        Lookup(keys, {}, otherwise=0)


@pytest.mark.parametrize("row", [(), ("UA", 1), "U", "UA"])
def test_an_entry_has_a_tuple_with_one_value_per_key(row):
    """A bare text of one letter has one item too, and would never be found again."""
    with pytest.raises(Invalid, match="a tuple of 1 values"):
        Lookup(["carrier"], {row: 0.5}, otherwise=0)


def test_a_lookup_by_columns_that_its_rows_lack_is_not_saved():
    with pytest.raises(Invalid, match="lack the lookup's keys: weather"):
        FLAVOUR.save(Lookup(["weather"], {}, otherwise=0), INPUTS)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_an_answer_that_is_no_number_is_not_saved(number):
    with pytest.raises(Invalid):
        FLAVOUR.save(Lookup(["carrier"], {("UA",): number}, otherwise=0), INPUTS)


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"[]",
        b'{"keys":["carrier"],"entries":[[["UA"],"high"]],"otherwise":0}',
        b'{"keys":["carrier"],"entries":[],"otherwise":0,"code":"import os"}',
        b'{"keys":["carrier"],"entries":[[["UA","B6"],0.5]],"otherwise":0}',
        b'{"keys":[],"entries":[],"otherwise":0}',
    ],
)
def test_bytes_that_are_no_lookup_are_corrupted(data):
    with pytest.raises(Corrupted, match=r"lookup\.json is not a lookup"):
        FLAVOUR.load({"lookup.json": data}, INPUTS, Task.REGRESSION)
