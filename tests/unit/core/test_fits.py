"""The quick look never lets through what the contract refuses."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.schema import Column, Contract, DType, Fits

BOUNDS = st.none() | st.floats(-1e19, 1e19, allow_nan=False)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(2**63 - 3, 2**63 + 3),
    st.integers(-(2**63) - 3, -(2**63) + 3),
    st.floats(),
    st.sampled_from(["a", "b", ""]),
    st.just(datetime(2013, 1, 1, tzinfo=UTC)),
    st.lists(st.none(), max_size=1),
)


@st.composite
def columns(draw):
    dtype = draw(st.sampled_from(DType))
    number = dtype in {DType.INT64, DType.FLOAT64}
    return Column(
        name="x",
        dtype=dtype,
        nullable=draw(st.booleans()),
        minimum=draw(BOUNDS) if number else None,
        maximum=draw(BOUNDS) if number else None,
        categories=draw(st.none() | st.just(("a",))) if dtype is DType.STRING else None,
    )


@given(columns(), st.lists(VALUES, max_size=3))
def test_what_it_picks_has_no_violation(column, values):
    contract = Contract(columns=(column,))
    table = {"x": values, "superfluous": [1]}
    picked = Fits(contract).pick(table, len(values))
    if picked is not None:
        assert picked == {"x": values}
        assert contract.violations(picked) == []


@given(st.lists(st.none() | st.floats(-1e9, 1e9), min_size=1))
def test_it_picks_ordinary_numbers_at_once(values):
    contract = Contract(columns=(Column(name="x", dtype=DType.FLOAT64, nullable=True, minimum=-1e9, maximum=1e9),))
    assert Fits(contract).pick({"x": values}, len(values)) == {"x": values}


def test_columns_of_another_length_are_not_picked():
    contract = Contract(columns=(Column(name="x", dtype=DType.FLOAT64), Column(name="y", dtype=DType.FLOAT64)))
    assert Fits(contract).pick({"x": [1.0], "y": [1.0, 2.0]}, 1) is None


@pytest.mark.parametrize("dtype", [DType.STRING, DType.BOOL, DType.TIMESTAMP])
def test_bounds_on_what_is_no_number_are_refused(dtype):
    with pytest.raises(ValueError, match="bounds are for numbers"):
        Column(name="x", dtype=dtype, minimum=0)
    if dtype is not DType.STRING:
        with pytest.raises(ValueError, match="categories are for strings"):
            Column(name="x", dtype=dtype, categories=("a",))


def test_a_contract_refuses_names_that_sql_cannot_tell_apart():
    with pytest.raises(ValueError, match="columns named twice: Temp, temp"):
        Contract(columns=(Column(name="temp", dtype=DType.FLOAT64), Column(name="Temp", dtype=DType.FLOAT64)))
