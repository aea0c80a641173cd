"""Drift tests beside other implementations and calculations by hand.

Where rows have values that the grid has cells for, histograms lose nothing, and the answers must be those of
``scipy.stats`` on the rows themselves.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from modelwright.core.errors import Invalid
from modelwright.stats.drift import DRIFT_TESTS, Kind
from modelwright.stats.histogram import Histogram
from modelwright.stats.profile import grid, profile


def drift(name, reference, current):
    cells = grid(reference)
    return DRIFT_TESTS.get(name)(profile(cells, reference), profile(cells, current), cells)


@pytest.fixture(params=range(5))
def delays(request):
    """Whole minutes, the second period later and narrower; all of its values occur in the first."""
    rng = np.random.default_rng(request.param)
    before = np.concatenate([np.arange(-30, 200), rng.poisson(20, 3000) - 10])
    return before.astype(float), rng.choice(before[before > -5], 700 + request.param).astype(float)


def test_ks_is_scipys_on_the_rows(delays):
    theirs = stats.ks_2samp(*delays, method="asymp")
    ours = drift("ks", *delays)
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=0.05)


@pytest.mark.parametrize("distance", [0.4, 0.8, 1.36, 2.0])
def test_the_p_value_of_ks_is_kolmogorovs_at_many_rows(distance):
    """scipy.stats.kstwobign at a known distance: a share of the second half million is above the median."""
    rows = 500_000
    moved = round(distance * np.sqrt(2 / rows) * rows)
    before = np.repeat([0.0, 1.0], rows // 2)
    after = np.repeat([0.0, 1.0], [rows // 2 - moved, rows // 2 + moved])
    exact = stats.kstwobign.sf(moved / rows * np.sqrt(rows / 2))
    assert drift("ks", before, after).p_value == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_ks_on_smooth_rows_is_too_low_by_less_than_a_cell(seed):
    rng = np.random.default_rng(seed)
    before, after = rng.normal(size=50_000), rng.normal(0.03, 1.02, 20_000)
    exact = stats.ks_2samp(before, after, method="asymp").statistic
    assert exact - 1 / 2000 <= drift("ks", before, after).statistic <= exact


def test_wasserstein_is_scipys_on_the_rows(delays):
    assert drift("wasserstein", *delays).statistic == pytest.approx(stats.wasserstein_distance(*delays), rel=1e-12)


@pytest.mark.parametrize("shift", [0.01, 0.3])
def test_wasserstein_on_smooth_rows_is_close_to_scipys(shift):
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=50_000), rng.normal(shift, 1.0, 50_000)
    exact = stats.wasserstein_distance(before, after)
    assert drift("wasserstein", before, after).statistic == pytest.approx(exact, rel=0.03)


def test_the_effect_of_wasserstein_is_in_deviations(delays):
    found = drift("wasserstein", *delays)
    assert found.effect.amount == pytest.approx(found.statistic / delays[0].std(), rel=1e-9)
    assert found.effect.words.startswith("numbers moved by 0.")


@pytest.fixture(params=range(5))
def carriers(request):
    rng = np.random.default_rng(request.param)
    before = rng.choice(np.array(["UA", "B6", "EV", "DL"], object), 4000, p=[0.5, 0.3, 0.15, 0.05])
    return before, rng.choice(np.array(["UA", "B6", "EV", "DL"], object), 900, p=[0.45, 0.33, 0.15, 0.07])


def counts(before, after):
    names = sorted(set(before) | set(after))
    return np.array([[(side == name).sum() for name in names] for side in (before, after)])


def test_chi2_is_scipys_on_the_rows(carriers):
    theirs = stats.chi2_contingency(counts(*carriers), correction=False)
    ours = drift("chi2", *carriers)
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    assert ours.by_chance == theirs.dof


def test_chi2_takes_the_rarest_categories_together():
    """By hand: a sixth of the rows is current, so 30 are needed to expect 5; c and b have 10, with the next one 64."""
    before = np.repeat(["a", "b", "c", "d"], [46, 4, 3, 47])
    after = np.repeat(["a", "b", "c", "d"], [8, 2, 1, 9])
    theirs = stats.chi2_contingency([[53, 47], [11, 9]], correction=False)
    found = drift("chi2", before, after)
    assert found.statistic == pytest.approx(theirs.statistic, rel=1e-12)
    assert found.by_chance == 1


def test_chi2_of_too_few_rows_shows_nothing():
    found = drift("chi2", ["a"] * 50 + ["b"] * 50, ["b", "b", "c"])
    assert (found.statistic, found.p_value) == (0, 1)


def test_js_is_scipys_on_the_shares(carriers):
    assert drift("js", *carriers).statistic == pytest.approx(jensenshannon(*counts(*carriers), base=2), rel=1e-12)


def test_psi_is_the_sum_of_both_relative_entropies(carriers):
    """scipy.stats.entropy(p, q) is the Kullback-Leibler divergence; PSI is that of both directions."""
    p, q = counts(*carriers)
    assert drift("psi", *carriers).statistic == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), rel=1e-12)


def test_psi_by_hand():
    """Halves that become 0.6 and 0.4: 0.1 ln 1.2 - 0.1 ln 0.8 = 0.1 ln 1.5."""
    assert drift("psi", ["a"] * 5 + ["b"] * 5, ["a"] * 6 + ["b"] * 4).statistic == pytest.approx(0.1 * np.log(1.5))


def test_psi_counts_an_empty_cell_as_half_a_row():
    """By hand: (0.1 - 0.005) ln(0.1 / 0.005) for the new value, and 0.1 ln(1 / 0.9) for the old one."""
    found = drift("psi", ["a"] * 100, ["a"] * 90 + ["new"] * 10)
    assert found.statistic == pytest.approx(0.095 * np.log(20) + 0.1 * np.log(1 / 0.9), rel=1e-12)


def test_psi_of_numbers_is_on_tenths_of_the_reference():
    """By hand: all of the lowest tenth moves to the highest, so 0.2 ln 2 + 0.1 ln(0.1 / 0.005)."""
    before = np.arange(100.0)
    after = np.concatenate([before[10:], before[90:]])
    expected = 0.1 * np.log(2) + (0.1 - 0.005) * np.log(0.1 / 0.005)
    assert drift("psi", before, after).statistic == pytest.approx(expected, rel=1e-12)


def test_hellinger_by_hand():
    """Shares 0.25 and 0.75 that become 1 and 0: 1 - sqrt(0.25 * 1) is the square."""
    assert drift("hellinger", ["a", "b", "b", "b"], ["a"]).statistic == pytest.approx(np.sqrt(0.5), rel=1e-12)


def test_l_infinity_by_hand():
    found = drift("l-infinity", ["a"] * 8 + ["b"] * 2, ["a"] * 5 + ["b"] * 3 + ["c", None])
    assert found.statistic == pytest.approx(0.3)
    assert found.effect.words == "the share of 'a' fell from 80 % to 50 %"


@pytest.mark.parametrize("name", ["js", "hellinger"])
def test_nothing_in_common_is_one_apart(name):
    assert drift(name, ["a"], ["b"]).statistic == 1
    assert drift(name, [1.0, 2.0], [3.0]).statistic == 1


@pytest.mark.parametrize("name", ["psi", "js", "hellinger"])
def test_a_column_that_goes_missing_has_drifted(name):
    found = drift(name, np.arange(100.0), np.where(np.arange(100) % 2, np.nan, np.arange(100)))
    assert found.statistic > 0.3
    assert found.effect.words == "the share of missing rows grew from 0 % to 50 %"


@pytest.mark.parametrize("name", ["ks", "wasserstein"])
def test_tests_of_numbers_alone_refuse_where_there_are_none(name):
    with pytest.raises(Invalid, match=r"have no number: all 2 are missing\."):
        drift(name, [1.0, 2.0], [None, None])
    with pytest.raises(Invalid, match="no finite number"):
        drift(name, [np.inf, np.nan], [1.0])


def test_rows_beyond_the_reference_are_spread_up_to_the_farthest():
    """By hand: rows spread between 0 and 1 become rows between 1 and 3, known as: above 1, the farthest at 3."""
    before = np.linspace(0, 1, 1001)
    assert drift("wasserstein", before, before * 2 + 1).statistic == pytest.approx(1.5, rel=0.01)


def test_the_ends_of_the_floats_can_be_compared():
    largest = np.finfo(float).max
    assert drift("wasserstein", [-1e308, 1e308], [0.0]).statistic == pytest.approx(1e308)
    assert 0 < drift("wasserstein", [0.0], [-largest, largest]).statistic <= largest
    assert 0 < drift("wasserstein", [-largest, largest], [0.0]).statistic <= largest


def test_a_constant_that_moves_is_told_in_its_own_unit():
    found = drift("wasserstein", [5.0] * 10, [7.0] * 10)
    assert found.effect.unit == "the column's own unit"
    assert found.statistic == 2
    assert found.effect.words == "numbers moved by 2 on average, and the median moved from 5 to 7, 2 up"


@pytest.mark.parametrize(("rows", "distance"), [((-np.inf, np.inf), 0), ((np.inf, np.inf), 1)])
def test_infinities_count_as_the_farthest_number(rows, distance):
    """By hand: they lie at 0 and 2, as the reference does, or both at 2, so that half of the rows moved by 2."""
    assert drift("wasserstein", [0.0, 2.0], rows).statistic == distance


COUNTS = st.lists(st.one_of(st.just(0), st.integers(0, 5), st.integers(0, 10**12)), min_size=7, max_size=7)
GRIDS = {Kind.NUMERIC: grid([1.0, 2.0, 4.0]), Kind.CATEGORIES: grid([*"abcdef"])}


@pytest.mark.parametrize("name", DRIFT_TESTS.names())
@given(before=COUNTS, after=COUNTS, missing=st.tuples(st.integers(0, 9), st.integers(0, 9)))
@settings(deadline=None, max_examples=60)
def test_whatever_was_counted_the_answer_is_a_number_within_its_bounds(name, before, after, missing):
    test = DRIFT_TESTS.get(name)
    for kind in test.suits:
        sides = [
            Histogram.of(GRIDS[kind], np.array(counts), missing=gone)
            for counts, gone in zip((before, after), missing, strict=True)
        ]
        if not all(each.present for each in sides):
            continue
        found = test(*sides, GRIDS[kind])
        assert 0 <= found.statistic <= (test.highest or np.inf)
        assert test(sides[0], sides[0], GRIDS[kind]).statistic == 0
        assert test(sides[0] + sides[0], sides[0], GRIDS[kind]).statistic == 0
