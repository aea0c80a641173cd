"""A metric on each value of a column."""

import numpy as np
import pytest

from modelwright.core.errors import Invalid
from modelwright.stats.intervals import auc_interval
from modelwright.stats.slices import by_slice


@pytest.fixture
def flights():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 1000)
    return labels, labels + rng.normal(size=1000)


def test_a_slice_is_the_metric_on_its_rows(flights):
    labels, scores = flights
    origin = np.where(np.arange(1000) % 3 == 0, "JFK", "LGA")
    found = by_slice("roc_auc", labels, scores, "origin", origin)
    assert [(each.value, each.n) for each in found] == [("LGA", 666), ("JFK", 334)]
    jfk = origin == "JFK"
    assert found[1].interval == auc_interval(labels[jfk], scores[jfk])
    assert found[1].positives == labels[jfk].sum()


def test_a_slice_below_support_says_so(flights):
    found = by_slice("roc_auc", *flights, "origin", ["EWR"] * 801 + ["LGA"] * 199)
    assert found[1].interval is None
    assert found[1].reason == "199 rows, fewer than the 200 asked for"


@pytest.mark.parametrize("positives", [0, 1, 299, 300])
def test_a_slice_of_one_class_has_no_area_but_a_reason(positives):
    labels = np.arange(300) < positives
    (found,) = by_slice("roc_auc", labels, np.arange(300), "origin", ["EWR"] * 300)
    assert found.interval is None
    assert found.reason == f"{positives} of 300 rows have label 1; roc_auc needs two of each class"


def test_a_slice_of_one_class_has_a_brier_score():
    (found,) = by_slice("brier", np.zeros(300), np.full(300, 0.1), "origin", ["EWR"] * 300)
    assert found.interval is not None
    assert found.interval.estimate == pytest.approx(0.01)


def test_missing_values_are_a_slice_of_their_own(flights):
    hour = np.where(np.arange(1000) < 300, np.nan, 7.0)
    found = by_slice("roc_auc", *flights, "hour", hour)
    assert [(each.value, each.n) for each in found] == [("7.0", 700), (None, 300)]
    none = by_slice("roc_auc", *flights, "carrier", [None] * 300 + ["AA"] * 700)
    assert [each.value for each in none] == ["AA", None]


def test_a_regression_has_no_positives(flights):
    (found,) = by_slice("mae", *flights, "all", np.zeros(1000, dtype=int))
    assert (found.value, found.positives) == ("0", None)


def test_the_order_of_rows_changes_nothing(flights):
    labels, scores = flights
    origin = np.array(["JFK", "LGA", "EWR", "HPN"])[np.arange(1000) % 4]
    mixed = np.random.default_rng(2).permutation(1000)
    assert by_slice("roc_auc", labels, scores, "origin", origin) == by_slice(
        "roc_auc", labels[mixed], scores[mixed], "origin", origin[mixed]
    )


def test_a_column_of_names_is_refused(flights):
    rng = np.random.default_rng(3)
    with pytest.raises(Invalid, match="tail has 1001 distinct values"):
        by_slice("mae", np.zeros(1001), np.zeros(1001), "tail", rng.permutation(1001))
    with pytest.raises(Invalid, match="origin 3"):
        by_slice("roc_auc", *flights, "origin", ["a", "b", "c"])
    with pytest.raises(Invalid, match=r"origin has shape \(2, 2\)"):
        by_slice("roc_auc", *flights, "origin", np.zeros((2, 2)))
