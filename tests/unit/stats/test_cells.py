"""What histograms say."""

import numpy as np
import pytest

from modelwright.core.errors import Invalid
from modelwright.stats.cells import coarse, cumulative, mean_and_deviation, quantile
from modelwright.stats.effects import median_moved
from modelwright.stats.profile import grid, profile


def both(reference, current):
    cells = grid(reference)
    return profile(cells, reference), profile(cells, current), cells


def seen(reference, current, cells):
    return [(each.name, each.reference, each.current) for each in coarse(*both(reference, current), cells=cells)]


def test_numbers_are_cut_at_equal_shares_of_the_reference():
    rows = np.random.default_rng(0).normal(size=10_000)
    found = coarse(*both(rows, rows), cells=10)
    assert len(found) == 10
    assert all(abs(each.reference - 1000) <= 5 for each in found)


def test_what_is_beyond_the_reference_and_what_is_missing_stand_apart():
    found = seen([1.0, 2.0, 3.0, 4.0, np.nan], [0.0, 2.0, 9.0, 9.0, np.nan, np.nan], 2)
    assert found == [("below 1", 0, 1), ("1 to 2", 2, 1), ("2 to 4", 2, 0), ("above 4", 0, 2), ("missing", 1, 2)]


def test_a_value_that_many_rows_share_is_a_cell():
    rows = [0.0] * 50 + list(range(1, 51))
    assert seen(rows, rows, 4)[0] == ("0", 50, 50)


def test_frequent_categories_stay_and_rare_ones_are_taken_together():
    found = seen([*"aaabbcd"], [*"abcz"], 3)
    assert found == [("a", 3, 1), ("b", 2, 1), ("other", 2, 1), ("unseen", 0, 1)]


def test_all_categories_stay_where_there_is_room():
    assert [name for name, *_ in seen([*"aab"], [*"ab"], 2)] == ["a", "b"]
    assert [name for name, *_ in seen([*"aabc"], [*"ab"], 3)] == ["a", "b", "c"]


def test_a_column_without_any_number_has_one_cell():
    assert seen([np.inf], [np.inf, 1.0], 10) == [("any number", 1, 2)]


def test_phrases_fit_a_sentence():
    phrases = [each.phrase for each in coarse(*both([1.0, 2.0, 3.0, 4.0], [0.0, 5.0, None]), cells=2)]
    assert phrases == [
        "numbers below 1",
        "numbers from 1 to 2",
        "numbers above 2, up to 4",
        "numbers above 4",
        "missing rows",
    ]


def test_a_cell_is_asked_for_at_least():
    with pytest.raises(Invalid, match="cells is 0"):
        coarse(*both([1.0], [1.0]), cells=0)


@pytest.mark.parametrize("share", [0.01, 0.25, 0.5, 0.9, 1.0])
def test_quantiles_of_smooth_rows_are_numpys_within_a_cell(share):
    rows = np.random.default_rng(0).normal(size=50_000)
    reference, _, cells = both(rows, rows)
    near = np.quantile(rows, [max(0, share - 0.0005), min(1, share + 0.0005)])
    assert near[0] - 1e-9 <= quantile(reference, cells, share) <= near[1] + 1e-9


@pytest.mark.parametrize("share", [0, 0.2, 0.5, 0.51, 1])
def test_quantiles_of_few_values_are_exact(share):
    rows = np.array([1.0, 1, 2, 3, 3, 3, 7, 7, 7, 7])
    reference, _, cells = both(rows, rows)
    assert quantile(reference, cells, share) == np.quantile(rows, share, method="inverted_cdf")


def test_mean_and_deviation_of_few_values_are_exact():
    rows = np.array([1.0, 1, 2, 3, 3, 3, 7, 7, 7, 7])
    reference, _, cells = both(rows, rows)
    assert mean_and_deviation(reference, cells) == pytest.approx((rows.mean(), rows.std()), rel=1e-12)


def test_mean_and_deviation_of_smooth_rows_are_close():
    rows = np.random.default_rng(0).normal(3, 2, 50_000)
    reference, _, cells = both(rows, rows)
    assert mean_and_deviation(reference, cells) == pytest.approx((rows.mean(), rows.std()), rel=0.001)


def test_a_share_beyond_all_is_refused():
    reference, _, cells = both([1.0], [1.0])
    with pytest.raises(Invalid, match=r"share is 1\.5"):
        quantile(reference, cells, 1.5)


def test_without_a_finite_number_there_is_no_quantile_and_no_mean():
    _, current, cells = both([1.0], [np.inf, np.nan])
    assert quantile(current, cells, 0.5) is None
    assert mean_and_deviation(current, cells) is None


def test_numbers_at_the_ends_of_the_floats_have_a_deviation():
    reference, current, cells = both([-1e308, 1e308], [1e308])
    assert mean_and_deviation(reference, cells) == pytest.approx((0, 1e308))
    assert median_moved(reference, current, cells).amount == pytest.approx(1.8, abs=0.21)


def test_the_distribution_function_is_exact_at_the_edges():
    rows = np.random.default_rng(0).normal(size=9000)
    reference, _, cells = both(rows, rows)
    exact = np.searchsorted(np.sort(rows), cells.edges, side="right") / 9000
    assert cumulative(reference, cells, "reference") == pytest.approx(exact, rel=1e-12)


def test_a_median_that_stays_says_so():
    assert median_moved(*both([1.0, 2, 3], [1.0, 2, 3])).words == "the median stayed at 2"
    assert "no finite number" in median_moved(*both([1.0], [None])).words
