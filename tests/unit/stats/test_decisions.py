"""Decisions and what they bring agree with scikit-learn's confusion matrix, with sums by hand, and with their own laws."""

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import Invalid
from modelwright.stats.decisions import Outcomes, Payoff, acted, best_threshold, money, moved, outcomes, worth
from modelwright.stats.model import Interval
from modelwright.stats.paired import block_difference, block_interval

FLIGHTS = Payoff(120, -30, 0, 0)

amounts = st.integers(-200, 200).map(float)
sensible = (
    st.tuples(amounts, amounts, amounts, amounts)
    .map(lambda four: Payoff(*four))
    .filter(
        lambda payoff: payoff.true_positive > payoff.false_negative and payoff.true_negative > payoff.false_positive
    )
)
chances = st.lists(st.integers(0, 20).map(lambda level: level / 20), min_size=1, max_size=30)


def drawn(seed, n=1400, days=14):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return labels, rng.beta(2 + labels, 3 - labels), rng.beta(2, 2, n), np.repeat(np.arange(days), n // days)


def expected(scores, actions, payoff):
    """What acting brings on average where a score is the chance of a positive."""
    p, a = np.asarray(scores), np.asarray(actions)
    acting = p * payoff.true_positive + (1 - p) * payoff.false_positive
    leaving = p * payoff.false_negative + (1 - p) * payoff.true_negative
    return float((a * acting + (1 - a) * leaving).sum())


def test_outcomes_are_scikit_learns_confusion_matrix():
    labels, scores, _, _ = drawn(1)
    (tn, fp), (fn, tp) = sk.confusion_matrix(labels, scores >= 0.4)
    assert outcomes(labels, acted(scores, 0.4)) == Outcomes(tp, fp, tn, fn)


def test_money_is_the_confusion_matrix_times_what_outcomes_are_worth():
    labels, scores, _, _ = drawn(2)
    (tn, fp), (fn, tp) = sk.confusion_matrix(labels, scores >= 0.2)
    payoff = Payoff(120, -30, 2, -7)
    by_hand = 120 * tp - 30 * fp + 2 * tn - 7 * fn
    actions = acted(scores, 0.2)
    assert worth(outcomes(labels, actions), payoff) == pytest.approx(by_hand)
    assert money(payoff)(labels, actions) == pytest.approx(1000 * by_hand / len(labels))


def test_the_threshold_is_elkans():
    """His example: the cost of a false positive over the costs of both mistakes, where being right is free."""
    assert best_threshold(Payoff(0, -1, 0, -4)) == pytest.approx(1 / 5)
    assert best_threshold(FLIGHTS) == pytest.approx(30 / 150)


@pytest.mark.parametrize("payoff", [Payoff(0, 0, 0, 0), Payoff(5, 1, 0, 0), Payoff(-1, -2, 0, 0)])
def test_a_payoff_that_leaves_nothing_to_decide_is_refused(payoff):
    with pytest.raises(Invalid, match="needs no score"):
        best_threshold(payoff)


@settings(deadline=None)
@given(chances, sensible, st.floats(0, 1))
def test_on_honest_chances_no_other_threshold_brings_more(scores, payoff, other):
    best = expected(scores, acted(scores, best_threshold(payoff)), payoff)
    assert best >= expected(scores, acted(scores, other), payoff) - 1e-6


@settings(deadline=None)
@given(chances, sensible, st.data())
def test_on_honest_chances_no_other_choice_of_rows_brings_more(scores, payoff, data):
    other = data.draw(st.lists(st.integers(0, 1), min_size=len(scores), max_size=len(scores)))
    best = expected(scores, acted(scores, best_threshold(payoff)), payoff)
    assert best >= expected(scores, other, payoff) - 1e-6


@settings(deadline=None)
@given(chances, st.integers(1, 10), st.one_of(st.none(), st.floats(0, 1)), st.data())
def test_a_day_has_room_for_so_many_and_no_more(scores, per_day, threshold, data):
    days = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(scores), max_size=len(scores))))
    actions = acted(scores, threshold, days=days, per_day=per_day)
    wanted = acted(scores, threshold)
    assert ((actions >= 0) & (actions <= wanted)).all()
    for day in np.unique(days):
        here = days == day
        assert actions[here].sum() == pytest.approx(min(per_day, wanted[here].sum()))
        for better, worse in zip(*np.meshgrid(np.flatnonzero(here), np.flatnonzero(here)), strict=True):
            higher = np.asarray(scores)[better] > np.asarray(scores)[worse]
            assert (actions[better][higher] >= actions[worse][higher]).all()


@settings(deadline=None)
@given(chances, st.data())
def test_the_order_of_rows_changes_no_decision(scores, data):
    days = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(scores), max_size=len(scores))))
    mixed = np.array(data.draw(st.permutations(range(len(scores)))))
    actions = acted(scores, 0.3, days=days, share=0.4)
    assert acted(np.asarray(scores)[mixed], 0.3, days=days[mixed], share=0.4) == pytest.approx(actions[mixed])


def test_a_share_of_a_day_without_a_threshold_is_used_up():
    labels, scores, _, days = drawn(3)
    actions = acted(scores, None, days=days, share=0.05)
    assert np.bincount(days, weights=actions) == pytest.approx(np.full(14, 5.0))
    assert sk.recall_score(labels[days == 0], actions[days == 0]) == pytest.approx(
        sk.recall_score(labels[days == 0], scores[days == 0] >= np.sort(scores[days == 0])[-5])
    )


def test_equal_scores_share_the_room_as_lots_would_on_average():
    rng = np.random.default_rng(5)
    scores = np.array([3, 2, 2, 2, 1.0])
    drawn_by_lot = np.mean([_first_two(scores, rng) for _ in range(4000)], axis=0)
    assert acted(scores, None, days=np.zeros(5), per_day=2) == pytest.approx(drawn_by_lot, abs=0.03)


def _first_two(scores, rng):
    order = np.lexsort((rng.random(len(scores)), -scores))[:2]
    return np.isin(np.arange(len(scores)), order).astype(float)


def test_a_limit_for_each_day_needs_days():
    with pytest.raises(Invalid, match="needs days"):
        acted([0.1], None, per_day=1)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), sensible)
def test_a_paired_difference_turns_with_its_sides(seed, payoff):
    labels, mine, theirs, days = drawn(seed, n=280)
    a, b = (acted(scores, best_threshold(payoff)) for scores in (mine, theirs))
    forth = block_difference(money(payoff), labels, a, b, days, replicates=100)
    back = block_difference(money(payoff), labels, b, a, days, replicates=100)
    assert (forth.estimate, forth.low, forth.high) == pytest.approx((-back.estimate, -back.high, -back.low))


def test_the_spread_of_money_over_days_is_that_of_a_mean_of_days():
    """With days of one size the spread of resampled days is the standard error of the mean of the days' money."""
    labels, scores, _, days = drawn(7)
    actions = acted(scores, best_threshold(FLIGHTS))
    each = np.where(labels == 1, 120 * actions, -30 * actions).reshape(14, 100).mean(axis=1) * 1000
    found = block_interval(money(FLIGHTS), labels, actions, days, replicates=4000)
    reach = 2.160369 * each.std(ddof=1) / np.sqrt(14)  # Student's t of 13 degrees of freedom, 97.5 %, from a table
    assert found.estimate == pytest.approx(each.mean())
    assert (found.high - found.low) / 2 == pytest.approx(reach, rel=0.05)


def test_two_intervals_are_apart_by_the_root_of_their_squared_reaches():
    """As the difference of two normal means: 3 and 4 standard errors make 5."""
    was, now = (
        Interval(estimate=10, low=7, high=13, n=5, method="t"),
        Interval(estimate=30, low=26, high=34, n=5, method="t"),
    )
    found = moved(was, now)
    assert (found.estimate, found.low, found.high) == (20, 15, 25)
    back = moved(now, was)
    assert (back.estimate, back.low, back.high) == (-20, -25, -15)


def test_intervals_of_different_levels_have_no_difference():
    with pytest.raises(Invalid, match="differ"):
        moved(
            Interval(estimate=1, low=0, high=2, level=0.9, n=5, method="t"),
            Interval(estimate=1, low=0, high=2, n=5, method="t"),
        )


@settings(deadline=None)
@given(sensible)
def test_acting_on_everything_and_on_nothing_bring_what_the_labels_say(payoff):
    labels = np.array([1, 1, 0, 0, 0])
    assume(payoff != Payoff(0, 0, 0, 0))
    assert worth(outcomes(labels, np.ones(5)), payoff) == 2 * payoff.true_positive + 3 * payoff.false_positive
    assert worth(outcomes(labels, np.zeros(5)), payoff) == 2 * payoff.false_negative + 3 * payoff.true_negative
