"""Differences of two models on rows that come in blocks."""

import numpy as np
import pytest
from scipy import stats

from modelwright.core.errors import Invalid
from modelwright.stats.intervals import difference
from modelwright.stats.paired import block_difference


def days_of(rng, *, days=14, rows=60, weather=1.0):
    """Labels that share their day's weather, and two equally good models that err by days."""
    day = np.repeat(np.arange(days), rows)
    x = rng.normal(size=days * rows)
    chance = 1 / (1 + np.exp(-(x + weather * rng.normal(size=days)[day])))
    labels = (rng.uniform(size=len(x)) < chance).astype(float)

    def model():
        margin = x + 0.5 * rng.normal(size=days)[day] + rng.normal(0, 0.5, len(x))
        return 1 / (1 + np.exp(-margin))

    return labels, model(), model(), day


def test_with_days_of_one_size_it_is_the_t_interval_of_the_days_means():
    """Golden: scipy's one-sample t interval of the daily differences of squared errors."""
    labels, a, b, day = days_of(np.random.default_rng(3))
    found = block_difference("brier", labels, a, b, day, replicates=20_000)
    gain = (b - labels) ** 2 - (a - labels) ** 2
    wanted = stats.ttest_1samp([gain[day == each].mean() for each in range(14)], 0).confidence_interval(0.95)
    assert found.estimate == pytest.approx(gain.mean())
    assert (found.low, found.high) == pytest.approx(wanted, rel=0.02, abs=0.02 * (wanted.high - wanted.low))


def test_the_difference_of_areas_by_hand():
    """Golden: pairs of one positive and one negative row, counted by hand: 3 of 4 against 2 of 4 on every day."""
    labels = np.tile([1.0, 1.0, 0.0, 0.0], 7)
    a, b = np.tile([0.9, 0.4, 0.5, 0.1], 7), np.tile([0.9, 0.1, 0.5, 0.2], 7)
    found = block_difference("roc_auc", labels, a, b, np.repeat(np.arange(7), 4))
    assert (found.estimate, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


@pytest.mark.parametrize("metric", ["roc_auc", "brier"])
def test_it_holds_what_it_promises_where_rows_that_are_taken_for_independent_do_not(metric):
    """Both models are equally good, so 0 is the truth: 95% of the intervals hold it, 60% of those by rows."""
    rng = np.random.default_rng(11)
    held = {"blocks": 0, "rows": 0}
    for _ in range(120):
        labels, a, b, day = days_of(rng)
        blocks = block_difference(metric, labels, a, b, day, replicates=200, seed=rng)
        rows = difference(metric, labels, a, b, replicates=200, seed=rng)
        held["blocks"] += blocks.low <= 0 <= blocks.high
        held["rows"] += rows.low <= 0 <= rows.high
    assert held["blocks"] >= 108
    assert held["rows"] <= 96


def test_the_sign_says_who_is_better_whichever_way_the_metric_points():
    rng = np.random.default_rng(5)
    truth, day = rng.normal(size=700), np.repeat(np.arange(14), 50)
    near, far = truth + rng.normal(0, 1, 700), truth + rng.normal(0, 2, 700)
    for metric in ("rmse", "mae"):
        assert block_difference(metric, truth, near, far, day).low > 0
        assert block_difference(metric, truth, far, near, day).high < 0


def test_the_same_seed_gives_the_same_interval_whatever_the_blocks_are_called():
    labels, a, b, day = days_of(np.random.default_rng(1))
    found = block_difference("roc_auc", labels, a, b, day)
    assert block_difference("roc_auc", labels, a, b, day * 1000 - 7) == found
    assert block_difference("roc_auc", labels, a, b, day, level=0.99).low < found.low


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"blocks": np.arange(84) % 6}, "6 blocks"),
        ({"blocks": np.arange(83)}, "different lengths"),
        ({"labels": np.zeros(84)}, "both classes"),
        ({"replicates": 99}, "replicates"),
        ({"level": 1.0}, "level"),
    ],
)
def test_what_it_does_not_take(given, words):
    labels, a, b, day = days_of(np.random.default_rng(1), days=7, rows=12)
    arguments = {"labels": labels, "scores_a": a, "scores_b": b, "blocks": day} | given
    with pytest.raises(Invalid, match=words):
        block_difference("roc_auc", **arguments)
