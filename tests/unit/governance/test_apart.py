"""Two groups apart, and quantiles, against other implementations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq

from modelwright.core.errors import Invalid
from modelwright.governance.checks.apart import gap, ratio
from modelwright.governance.checks.quantiles import quantile_interval
from modelwright.stats.intervals import wilson


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_gap_of_two_rates_is_newcombes(one, other, low, high):
    """Golden: Newcombe (1998), table II, method 10."""
    found = gap(wilson(*one), wilson(*other))
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


rates = st.tuples(st.integers(0, 60), st.integers(60, 200)).map(lambda drawn: wilson(*drawn))


@given(one=rates, other=rates)
def test_the_gap_turned_round_is_the_same_gap(one, other):
    there, back = gap(one, other), gap(other, one)
    assert (there.estimate, there.low, there.high) == pytest.approx((-back.estimate, -back.high, -back.low))
    assert there.low <= there.estimate <= there.high


@given(one=rates, other=st.tuples(st.integers(5, 60), st.integers(60, 200)).map(lambda drawn: wilson(*drawn)))
def test_the_ratio_is_where_the_gap_to_so_many_times_the_other_may_be_none(one, other):
    """Golden: the roots of the difference's limits, which the closed form solves, found by Brent's method."""
    found = ratio(one, other)
    assert found.low <= found.estimate <= found.high

    def lower(times):
        down = math.hypot(one.estimate - one.low, times * (other.high - other.estimate))
        return one.estimate - times * other.estimate - down

    def upper(times):
        up = math.hypot(one.high - one.estimate, times * (other.estimate - other.low))
        return one.estimate - times * other.estimate + up

    if one.low > 0:
        assert found.low == pytest.approx(brentq(lower, 0, 1e3), rel=1e-6)
    assert found.high == pytest.approx(brentq(upper, 0, 1e4), rel=1e-6)


def test_a_ratio_to_a_rate_that_may_be_nothing_is_unbounded():
    assert ratio(wilson(5, 100), wilson(0, 100)) is None


@pytest.mark.parametrize(("n", "share"), [(1000, 0.5), (1000, 0.99), (400, 0.99), (368, 0.99), (5000, 0.99), (53, 0.5)])
def test_the_interval_of_a_quantile_is_scipys(n, share):
    """Golden: scipy.stats.quantile_test's interval by order statistics."""
    values = np.random.default_rng(n).lognormal(size=n)
    found = quantile_interval(values, share)
    golden = stats.quantile_test(values, p=share).confidence_interval(0.95)
    assert (found.low, found.high) == (golden.low, golden.high)
    assert found.estimate == np.quantile(values, share, method="inverted_cdf")


def test_too_few_values_have_no_quantile_to_speak_of():
    with pytest.raises(Invalid, match="too few"):
        quantile_interval(np.arange(367), 0.99)
