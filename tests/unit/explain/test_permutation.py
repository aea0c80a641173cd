"""Permutation importance."""

import numpy as np
import pytest
from scipy import stats as scipy_stats
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression

from modelwright.core.errors import Invalid
from modelwright.explain import Explainer
from modelwright.explain.methods.permutation import permutation
from modelwright.stats.scores import metric

explainer: Explainer = permutation


@pytest.fixture
def table():
    rng = np.random.default_rng(1)
    return {name: rng.normal(size=600) for name in ("minor", "major", "unused")}


@pytest.fixture
def hours(table):
    return 3 * table["major"] + table["minor"] + np.random.default_rng(2).normal(0, 0.1, 600)


def predict(table):
    return 3 * table["major"] + table["minor"]


def test_what_matters_more_comes_first_and_what_is_unused_drops_nothing(table, hours):
    found = permutation(predict, table, hours, "rmse")
    assert [each.column for each in found] == ["major", "minor", "unused"]
    assert found[1].drop.low > 0
    assert (found[2].drop.estimate, found[2].drop.low, found[2].drop.high) == (0, 0, 0)


def test_the_drop_is_near_its_value_by_hand(table, hours):
    """Shuffling x in c x adds c (x - x'), of variance 2 c^2 var(x), to an error of variance 0.01."""
    found = {each.column: each.drop.estimate for each in permutation(predict, table, hours, "rmse", repeats=20)}
    for name, factor in (("major", 3), ("minor", 1)):
        by_hand = np.sqrt(0.01 + 2 * factor**2 * table[name].var()) - 0.1
        assert found[name] == pytest.approx(by_hand, rel=0.02)


def test_drops_agree_with_scikit_learn(table, hours):
    matrix = np.column_stack(list(table.values()))
    model = LinearRegression().fit(matrix, hours)
    theirs = permutation_importance(
        model, matrix, hours, scoring="neg_root_mean_squared_error", n_repeats=30, random_state=0
    )
    ours = permutation(lambda t: model.predict(np.column_stack(list(t.values()))), table, hours, "rmse", repeats=30)
    mine = {each.column: each.drop.estimate for each in ours}
    assert [mine[name] for name in table] == pytest.approx(theirs.importances_mean, rel=0.03, abs=1e-3)


def test_a_drop_is_positive_for_metrics_of_either_direction(table, hours):
    late = hours > 0
    for name in ("roc_auc", "brier"):
        found = permutation(lambda t: 1 / (1 + np.exp(-predict(t))), table, late, name)
        assert found[0].column == "major"
        assert found[0].drop.low > 0


def test_the_interval_is_students_over_the_shuffles(table, hours):
    whole = metric("rmse")(hours, predict(table))
    rng = np.random.default_rng(9)
    shuffled = [{**table, "major": table["major"][rng.permutation(600)]} for _ in range(4)]
    drops = [metric("rmse")(hours, predict(each)) - whole for each in shuffled]
    low, high = scipy_stats.t.interval(0.95, 3, loc=np.mean(drops), scale=scipy_stats.sem(drops))
    found = permutation(predict, table, hours, "rmse", repeats=4, seed=9)[0].drop
    assert (found.low, found.high, found.n) == pytest.approx((low, high, 4))


def test_the_order_of_columns_changes_nothing(table, hours):
    turned = dict(reversed(table.items()))
    assert permutation(predict, table, hours, "rmse") == permutation(predict, turned, hours, "rmse")


def test_a_prediction_that_writes_into_its_input_harms_nobody(table, hours):
    def careless(given):
        given["major"] *= 3
        return given["major"] + given["minor"]

    before = {name: values.copy() for name, values in table.items()}
    found = permutation(careless, table, hours, "rmse")
    assert all((table[name] == before[name]).all() for name in table)
    assert found == permutation(predict, table, hours, "rmse")


def test_columns_of_text_are_shuffled_like_numbers():
    origin = np.array(["JFK", "LGA"] * 200, dtype=object)
    found = permutation(lambda t: (t["origin"] == "JFK").astype(float), {"origin": origin}, origin == "JFK", "accuracy")
    assert found[0].drop.estimate == pytest.approx(0.5, abs=0.05)


def test_input_it_cannot_use_is_refused(table, hours):
    with pytest.raises(Invalid, match="repeats is 1"):
        permutation(predict, table, hours, "rmse", repeats=1)
    with pytest.raises(Invalid, match="labels 5, minor 600"):
        permutation(predict, table, hours[:5], "rmse")
    with pytest.raises(Invalid, match="labels 600, scores 2"):
        permutation(lambda _: np.zeros(2), table, hours, "rmse")
