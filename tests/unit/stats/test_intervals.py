"""Intervals agree with independent computations and hold the truth as often as they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from modelwright.core.errors import Invalid
from modelwright.stats.intervals import auc_interval, bootstrap, difference, interval, mean_interval, wilson
from modelwright.stats.scores import METRICS, metric

BETWEEN = (0.91, 0.985)
"""Share of 300 intervals of level 0.95 that hold the truth: 3 standard deviations below 0.95, nearly 3 above."""


def scored(rng, n, *, share=0.4, gap=1.0):
    labels = (rng.random(n) < share).astype(int)
    return labels, labels * gap + rng.normal(size=n)


def as_probability(scores):
    return 1 / (1 + np.exp(-scores))


def delong_by_definition(labels, scores):
    """The variance from every pair, as in DeLong et al. (1988), equations 4 to 7."""
    ahead = np.sign(scores[labels == 1][:, None] - scores[labels == 0][None, :]) / 2 + 0.5
    m, n = ahead.shape
    return ahead.mean(), ahead.mean(axis=1).var(ddof=1) / m + ahead.mean(axis=0).var(ddof=1) / n


@pytest.mark.parametrize("decimals", [8, 0], ids=["distinct scores", "many ties"])
def test_delong_agrees_with_its_definition_by_pairs(decimals):
    labels, scores = scored(np.random.default_rng(3), 150)
    found = auc_interval(labels, np.round(scores, decimals))
    area, variance = delong_by_definition(labels, np.round(scores, decimals))
    logit = np.log(area / (1 - area))
    reach = norm.ppf(0.975) * np.sqrt(variance) / (area * (1 - area))
    ends = as_probability(np.array([logit - reach, logit + reach]))
    assert (found.estimate, found.low, found.high) == pytest.approx((area, *ends), rel=1e-12)
    assert found.method == "delong"


def test_delong_holds_the_true_area_as_often_as_it_says():
    rng = np.random.default_rng(11)
    truth = norm.cdf(1 / np.sqrt(2))
    found = [auc_interval(*scored(rng, 120)) for _ in range(300)]
    assert BETWEEN[0] <= np.mean([each.low <= truth <= each.high for each in found]) <= BETWEEN[1]


def test_the_bootstrap_holds_the_true_area_as_often_as_it_says():
    rng = np.random.default_rng(12)
    truth = norm.cdf(1 / np.sqrt(2))
    found = [bootstrap("roc_auc", *scored(rng, 150), seed=rng, replicates=300) for _ in range(300)]
    assert BETWEEN[0] <= np.mean([each.low <= truth <= each.high for each in found]) <= BETWEEN[1]


def test_the_paired_bootstrap_holds_the_true_difference_as_often_as_it_says():
    rng = np.random.default_rng(13)

    def one():
        truth = rng.normal(size=150)
        near, far = truth + rng.normal(0, 1, 150), truth + rng.normal(0, 1.5, 150)
        return difference("rmse", truth, near, far, seed=rng, replicates=300)

    found = [one() for _ in range(300)]
    assert BETWEEN[0] <= np.mean([each.low <= 0.5 <= each.high for each in found]) <= BETWEEN[1]


def test_the_bootstrap_of_the_area_agrees_with_delong():
    labels, scores = scored(np.random.default_rng(4), 2000)
    by_resampling, by_formula = bootstrap("roc_auc", labels, scores, seed=4), auc_interval(labels, scores)
    assert by_resampling.estimate == by_formula.estimate
    assert by_resampling.low == pytest.approx(by_formula.low, abs=0.003)
    assert by_resampling.high == pytest.approx(by_formula.high, abs=0.003)


@pytest.mark.parametrize("name", METRICS)
def test_the_bootstrap_agrees_with_resampling_rows_one_by_one(name):
    rng = np.random.default_rng(5)
    labels, scores = scored(rng, 80)
    scores = np.round(as_probability(scores), 1)
    order = np.lexsort((labels, scores))
    y, s = labels[order], scores[order]
    found = bootstrap(name, labels, scores, seed=5, replicates=200)
    rows = np.random.default_rng(5).integers(0, 80, size=(200, 80))
    slow = [metric(name)(y[each], s[each]) for each in rows]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])), rel=1e-12)


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.sampled_from(sorted(METRICS)))
def test_the_order_of_rows_changes_no_bootstrap(seed, name):
    rng = np.random.default_rng(seed)
    labels, scores = np.arange(40) % 2, np.round(rng.random(40), 1)
    mixed = rng.permutation(40)
    first = bootstrap(name, labels, scores, replicates=100)
    second = bootstrap(name, labels[mixed], scores[mixed], replicates=100)
    assert (first.estimate, first.low, first.high) == pytest.approx(
        (second.estimate, second.low, second.high), rel=1e-12
    )


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.sampled_from(sorted(METRICS)))
def test_a_difference_changes_its_sign_with_the_sides(seed, name):
    rng = np.random.default_rng(seed)
    labels, a, b = np.arange(40) % 2, rng.random(40), rng.random(40)
    one = difference(name, labels, a, b, replicates=100)
    other = difference(name, labels, b, a, replicates=100)
    assert (one.estimate, one.low, one.high) == pytest.approx((-other.estimate, -other.high, -other.low))


@pytest.mark.parametrize("name", METRICS)
def test_the_better_of_two_models_has_a_positive_difference(name):
    rng = np.random.default_rng(6)
    labels = np.arange(2000) % 2
    good = np.clip(labels * 0.4 + 0.3 + rng.normal(0, 0.2, 2000), 0, 1)
    bad = np.clip(labels * 0.1 + 0.45 + rng.normal(0, 0.4, 2000), 0, 1)
    assert difference(name, labels, good, bad, replicates=200).low > 0


def test_pairing_makes_a_difference_surer_than_two_intervals():
    rng = np.random.default_rng(7)
    labels, scores = scored(rng, 1000)
    found = difference("roc_auc", labels, scores, scores + rng.normal(0, 0.1, 1000), replicates=300)
    alone = auc_interval(labels, scores)
    assert found.high - found.low < (alone.high - alone.low) / 3


def test_equal_scores_differ_by_nothing():
    labels, scores = scored(np.random.default_rng(8), 100)
    found = difference("roc_auc", labels, scores, scores)
    assert (found.estimate, found.low, found.high) == (0, 0, 0)


def test_a_seed_fixes_the_interval_and_a_generator_moves_on():
    labels, scores = scored(np.random.default_rng(9), 100)
    rng = np.random.default_rng(1)
    assert bootstrap("roc_auc", labels, scores, seed=1) == bootstrap("roc_auc", labels, scores, seed=1)
    assert bootstrap("roc_auc", labels, scores, seed=rng) != bootstrap("roc_auc", labels, scores, seed=rng)


def test_resamples_without_one_class_are_left_out():
    found = bootstrap("roc_auc", [0, 0, 0, 0, 1], [1, 2, 3, 5, 4], seed=0)
    assert 0 <= found.low <= found.estimate <= found.high <= 1


@pytest.mark.parametrize("turned", [1, -1])
def test_a_perfect_ranking_of_few_rows_claims_no_certainty(turned):
    found = auc_interval([0] * 50 + [1] * 10, turned * np.arange(60))
    bound = wilson(10 if turned == 1 else 0, 10)
    assert (found.estimate, found.low, found.high) == (bound.estimate, bound.low, bound.high)
    assert found.method == "wilson of the smaller class"


@pytest.mark.parametrize(("successes", "n"), [(0, 20), (1, 20), (7, 13), (20, 20), (1, 1), (421, 10_000)])
def test_wilson_agrees_with_scipy(successes, n):
    expected = binomtest(successes, n).proportion_ci(confidence_level=0.9, method="wilson")
    found = wilson(successes, n, level=0.9)
    assert (found.estimate, found.low, found.high) == pytest.approx((successes / n, expected.low, expected.high))


def test_a_mean_has_its_normal_interval():
    values = np.random.default_rng(10).normal(size=50)
    low, high = norm.interval(0.95, loc=values.mean(), scale=values.std(ddof=1) / np.sqrt(50))
    found = mean_interval(values)
    assert (found.low, found.high) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("name", "method"),
    [("roc_auc", "delong"), ("accuracy", "wilson"), ("brier", "bootstrap percentile"), ("mae", "bootstrap percentile")],
)
def test_each_metric_gets_the_interval_that_suits_it(name, method):
    labels, scores = scored(np.random.default_rng(14), 100)
    found = interval(name, labels, as_probability(scores), replicates=100)
    assert found.method == method
    assert found.estimate == pytest.approx(metric(name)(labels, as_probability(scores)))


@pytest.mark.parametrize("level", [0, 1, 1.5])
def test_a_level_outside_0_to_1_is_refused(level):
    for each in (bootstrap, interval):
        with pytest.raises(Invalid, match="level is"):
            each("roc_auc", [0, 1, 0, 1], [1, 2, 3, 4], level=level)


def test_too_little_is_refused_with_its_numbers():
    with pytest.raises(Invalid, match="Of 3 rows 1 have label 1"):
        auc_interval([0, 0, 1], [1, 2, 3])
    with pytest.raises(Invalid, match="replicates is 10"):
        bootstrap("roc_auc", [0, 1], [1, 2], replicates=10)
    with pytest.raises(Invalid, match="5 of 3 is not a rate"):
        wilson(5, 3)
    with pytest.raises(Invalid, match="scores_b 3"):
        difference("rmse", [1, 2], [1, 2], [1, 2, 3])
