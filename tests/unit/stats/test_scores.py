"""Metrics agree with scikit-learn 1.9 on drawn data, with numbers worked out by hand, and with their own laws."""

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import Invalid
from modelwright.stats import scores
from modelwright.stats.scores import METRICS, metric


def at_a_tenth(y, s, w):
    """Recall and precision where a tenth of the rows is reached on scikit-learn's ROC curve."""
    ones, zeros = (
        (np.ones(len(y)) if w is None else w)[y == 1].sum(),
        (np.ones(len(y)) if w is None else w)[y == 0].sum(),
    )
    false, true, _ = sk.roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    recall = np.interp(0.1 * (ones + zeros), true * ones + false * zeros, true)
    return recall, recall * ones / (0.1 * (ones + zeros))


REFERENCE = {
    "roc_auc": lambda y, s, w: sk.roc_auc_score(y, s, sample_weight=w),
    "average_precision": lambda y, s, w: sk.average_precision_score(y, s, sample_weight=w),
    "recall_at_10pct": lambda y, s, w: at_a_tenth(y, s, w)[0],
    "precision_at_10pct": lambda y, s, w: at_a_tenth(y, s, w)[1],
    "log_loss": lambda y, s, w: sk.log_loss(y, s, sample_weight=w),
    "brier": lambda y, s, w: sk.brier_score_loss(y, s, sample_weight=w),
    "accuracy": lambda y, s, w: sk.accuracy_score(y, s >= 0.5, sample_weight=w),
    "rmse": lambda y, s, w: sk.root_mean_squared_error(y, s, sample_weight=w),
    "mae": lambda y, s, w: sk.mean_absolute_error(y, s, sample_weight=w),
}


def drawn(seed, n=400, *, decimals=8):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return labels, np.round(rng.beta(2 + labels, 3 - labels), decimals), rng.exponential(size=n)


binary_rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=2, max_size=40).filter(
    lambda rows: {label for label, _ in rows} == {0, 1}
)


def columns(rows):
    labels, levels = zip(*rows, strict=True)
    return np.array(labels), np.array(levels) / 20


def test_every_metric_has_a_reference_and_a_function_of_its_name():
    assert set(REFERENCE) == set(METRICS)
    labels, predicted, _ = drawn(0)
    for name in METRICS:
        assert getattr(scores, name)(labels, predicted) == metric(name)(labels, predicted)


@pytest.mark.parametrize("decimals", [8, 1], ids=["distinct scores", "many ties"])
@pytest.mark.parametrize("name", METRICS)
def test_a_metric_agrees_with_scikit_learn(name, decimals):
    labels, predicted, weights = drawn(1, decimals=decimals)
    assert metric(name)(labels, predicted) == pytest.approx(REFERENCE[name](labels, predicted, None), rel=1e-12)
    assert metric(name)(labels, predicted, weights) == pytest.approx(
        REFERENCE[name](labels, predicted, weights), rel=1e-12
    )


def test_a_certain_mistake_costs_as_much_as_in_scikit_learn():
    assert metric("log_loss")([0, 1, 1], [1.0, 1.0, 0.25]) == pytest.approx(sk.log_loss([0, 1, 1], [1.0, 1.0, 0.25]))


@pytest.mark.parametrize(
    ("labels", "predicted", "area"),
    [
        ([0, 1], [1, 2], 1.0),
        ([0, 1], [2, 1], 0.0),
        ([0, 1], [1, 1], 0.5),
        ([0, 0, 1, 1], [1, 2, 2, 3], 3.5 / 4),
        ([1, 0, 0, 0], [5, 5, 5, 9], 1.0 / 3),
    ],
)
def test_the_area_counts_pairs_and_half_of_ties(labels, predicted, area):
    assert metric("roc_auc")(labels, predicted) == pytest.approx(area, rel=1e-15)


def test_the_highest_tenth_is_what_a_threshold_on_it_finds():
    labels, predicted, _ = drawn(2)
    acted = predicted >= np.sort(predicted)[-40]
    assert metric("recall_at_10pct")(labels, predicted) == pytest.approx(sk.recall_score(labels, acted), rel=1e-12)
    assert metric("precision_at_10pct")(labels, predicted) == pytest.approx(
        sk.precision_score(labels, acted), rel=1e-12
    )


@given(binary_rows)
def test_without_a_difference_between_scores_the_highest_tenth_is_guessed(rows):
    labels, _ = columns(rows)
    assert metric("recall_at_10pct")(labels, np.zeros(len(rows))) == pytest.approx(0.1)
    assert metric("precision_at_10pct")(labels, np.zeros(len(rows))) == pytest.approx(labels.mean())


@given(binary_rows)
def test_the_area_is_blind_to_a_monotone_transform(rows):
    labels, predicted = columns(rows)
    assert metric("roc_auc")(labels, predicted) == metric("roc_auc")(labels, np.exp(3 * predicted) - 7)


@given(binary_rows)
def test_turned_scores_turn_the_area(rows):
    labels, predicted = columns(rows)
    turned = metric("roc_auc")(labels, -predicted)
    assert metric("roc_auc")(labels, predicted) + turned == pytest.approx(1)


@settings(max_examples=30)
@given(binary_rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_weights_of_one_change_nothing(rows, random):
    labels, predicted = columns(rows)
    mixed = list(range(len(rows)))
    random.shuffle(mixed)
    for each in METRICS.values():
        value = each(labels, predicted)
        assert each(labels[mixed], predicted[mixed]) == pytest.approx(value, rel=1e-12)
        assert each(labels, predicted, np.ones(len(rows))) == value


@settings(max_examples=30)
@given(binary_rows, st.data())
def test_a_weight_of_k_counts_like_k_rows(rows, data):
    labels, predicted = columns(rows)
    weights = np.array(data.draw(st.lists(st.integers(1, 4), min_size=len(rows), max_size=len(rows))))
    for each in METRICS.values():
        repeated = each(np.repeat(labels, weights), np.repeat(predicted, weights))
        assert each(labels, predicted, weights) == pytest.approx(repeated, rel=1e-12)


def test_an_unknown_metric_is_refused_with_the_known_ones():
    with pytest.raises(Invalid) as caught:
        metric("gini")
    assert "'gini'" in caught.value.message
    assert all(name in caught.value.remedy for name in METRICS)


@pytest.mark.parametrize(
    ("name", "labels", "predicted", "message"),
    [
        ("roc_auc", [0, 1, 1], [0.1, 0.2], "labels 3, scores 2"),
        ("roc_auc", [0, 1, 1], [0.1, float("nan"), 0.3], "first row 1: nan"),
        ("roc_auc", [0, 1], [0.1, float("inf")], "first row 1: inf"),
        ("roc_auc", [0, 1], [0.1, None], "first row 1: nan"),
        ("roc_auc", [], [], "labels is empty"),
        ("roc_auc", [0, 2], [0.1, 0.2], "neither 0 nor 1, first row 1: 2"),
        ("roc_auc", [1, 1], [0.1, 0.2], "of 2 rows 2 have label 1"),
        ("average_precision", [0, 0], [0.1, 0.2], "of 2 rows 0 have label 1"),
        ("log_loss", [0, 1], [0.1, 1.5], "outside 0 to 1, first row 1: 1.5"),
        ("rmse", [1e200, 1], [0, 0], "first row 0: 1e\\+200"),
        ("rmse", [[1, 2]], [[1, 2]], r"labels has shape \(1, 2\)"),
        ("rmse", ["a", "b"], [1, 2], "labels has values of type <U1"),
        ("rmse", [10**400, 1], [1, 2], "labels cannot be read as numbers"),
    ],
)
def test_input_that_a_metric_cannot_use_is_refused_with_its_values(name, labels, predicted, message):
    with pytest.raises(Invalid, match=message) as caught:
        metric(name)(labels, predicted)
    assert caught.value.remedy


@pytest.mark.parametrize("weights", [[-1, 1], [0, 0]])
def test_weights_that_weigh_nothing_are_refused(weights):
    with pytest.raises(Invalid, match="weights lie between"):
        metric("brier")([0, 1], [0.1, 0.2], weights)


def test_a_class_of_weight_zero_is_an_absent_class():
    with pytest.raises(Invalid, match="of 1 rows 1 have label 1"):
        metric("roc_auc")([0, 1], [0.1, 0.2], [0, 1])
