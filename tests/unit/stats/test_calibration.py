"""Reliability bins, the calibration error and the bias."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from modelwright.core.errors import Invalid
from modelwright.stats.calibration import reliability
from modelwright.stats.intervals import wilson


def honest(rng, n, *, too_high=0.0):
    chance = rng.uniform(0, 0.9, n)
    return rng.random(n) < chance, chance + too_high


def test_bins_agree_with_scikit_learns_quantile_curve():
    labels, scores = honest(np.random.default_rng(1), 1000)
    rates, means = calibration_curve(labels, scores, n_bins=10, strategy="quantile")
    bins = reliability(labels, scores, replicates=100).bins
    assert [each.rate for each in bins] == pytest.approx(rates)
    assert [each.mean_score for each in bins] == pytest.approx(means)


def test_bins_share_the_rows_and_carry_wilson_intervals():
    labels, scores = honest(np.random.default_rng(2), 103)
    bins = reliability(labels, scores, bins=4, replicates=100).bins
    assert [each.n for each in bins] == [25, 26, 26, 26]
    expected = wilson(round(bins[0].rate * 25), 25)
    assert (bins[0].rate_low, bins[0].rate_high) == (expected.low, expected.high)


def test_equal_scores_share_a_bin():
    found = reliability([0, 1, 0, 1, 1, 1], [0.2, 0.2, 0.2, 0.2, 0.2, 0.9], bins=3, replicates=100)
    assert [(each.low, each.high, each.n) for each in found.bins] == [(0.2, 0.2, 5), (0.9, 0.9, 1)]


def test_the_error_is_the_weighted_gap_by_hand():
    """Two bins of two rows: |0.2 - 0.5| and |0.8 - 1.0|, half the rows each."""
    found = reliability([0, 1, 1, 1], [0.1, 0.3, 0.7, 0.9], bins=2, replicates=100)
    assert found.error.estimate == pytest.approx((0.3 + 0.2) / 2)
    assert found.bias.estimate == pytest.approx(-0.25)


@pytest.mark.parametrize("too_high", [0.0, 0.1])
def test_the_errors_interval_holds_the_truth_at_least_as_often_as_it_says(too_high):
    rng = np.random.default_rng(3)
    found = [reliability(*honest(rng, 300, too_high=too_high), seed=rng, replicates=100).error for _ in range(300)]
    assert np.mean([each.low <= too_high <= each.high for each in found]) >= 0.93
    assert all(each.low <= each.estimate <= each.high for each in found)


def test_scores_that_promise_too_much_have_a_positive_bias():
    labels, scores = honest(np.random.default_rng(4), 3000, too_high=0.1)
    found = reliability(labels, scores, replicates=200)
    assert found.bias.low < 0.1 < found.bias.high
    assert found.bias.low > 0
    assert found.error.low > 0


def test_the_order_of_rows_changes_nothing():
    labels, scores = honest(np.random.default_rng(5), 200)
    mixed = np.random.default_rng(6).permutation(200)
    assert reliability(labels, scores).error == reliability(labels[mixed], scores[mixed]).error


def test_one_row_is_enough_for_an_answer():
    found = reliability([1], [0.25], replicates=100)
    assert (found.error.estimate, found.bias.estimate) == (0.75, -0.75)


@pytest.mark.parametrize(
    ("labels", "scores", "bins", "message"),
    [([0, 1], [0.1, 2.0], 10, "outside 0 to 1"), ([0, 1], [0.1], 10, "labels 2, scores 1"), ([0], [0], 1, "bins is 1")],
)
def test_input_it_cannot_use_is_refused(labels, scores, bins, message):
    with pytest.raises(Invalid, match=message):
        reliability(labels, scores, bins=bins)
