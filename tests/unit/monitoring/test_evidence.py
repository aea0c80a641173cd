"""Ordinary movement and e-detectors: golden numbers by hand or from scipy, and the law that bounds false alarms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from scipy.special import logsumexp
from sklearn.metrics import roc_auc_score

from modelwright.core.errors import Invalid
from modelwright.monitoring.evidence import SIZES, after, averaged, beginning, evidence, share
from modelwright.monitoring.kept import Stream
from modelwright.monitoring.watched import watch
from modelwright.stats.binned import binned_auc, by_days, ratio
from modelwright.stats.ordinary import ordinary
from modelwright.stats.profile import grid, profile


def movement(values, material=0.0):
    column = np.asarray(values, dtype=float)[:, None]
    return ordinary(column, np.full(column.shape, 1e-9), np.array([material]))


def test_scale_and_tolerance_are_as_a_calculation_by_hand_says():
    days = [0.0, 0.0, 3.0, 3.0] * 4  # mean 1.5, variance 2.25 * 16 / 15
    found = movement(days, material=0.25)
    variance = 2.25 * 16 / 15
    lagged = (8 - 7) / 16  # pairs of equal neighbours less pairs of different ones, over all
    persistence = lagged + (1 + 3 * lagged) / 15
    inflation = (1 + persistence) / (1 - persistence)
    quantile = scipy_stats.chi2.ppf(0.1, 15)
    assert found.centres == ((1.5,),)
    assert found.scales[0] == pytest.approx(math.sqrt(variance * 15 / quantile * inflation), rel=2e-3)
    assert found.tolerances[0] == pytest.approx(0.25 + 2.5 * math.sqrt(variance * inflation / 16), rel=1e-9)


def test_thirteen_days_are_too_few():
    with pytest.raises(Invalid, match="13 whole days"):
        movement(range(13))


def test_scores_have_the_tails_of_students_t():
    found = movement(np.random.default_rng(0).normal(size=20))
    away = np.array([0.5, 1.0, 2.0, 4.0, 8.0])
    for t in away:
        value = found.centres[0][0] + found.tolerances[0] + t * found.scales[0]
        score = found.standardised(np.array([value]), np.array([1e-9]))[0, 0]
        exact = scipy_stats.norm.isf(scipy_stats.t.sf(t, 19))
        assert score == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize("shift", [-1.0, 0.0, 1.0])
def test_no_days_evidence_is_above_one_on_average_while_the_shift_is_tolerated(shift):
    found = movement(np.random.default_rng(3).normal(size=20))
    z = np.linspace(-12, 12, 20_001)
    density = scipy_stats.norm.pdf(z)
    values = found.centres[0][0] + shift * found.tolerances[0] + z * found.scales[0]
    each = np.array([evidence(found, np.array([value]), np.array([1e-9])) for value in values])
    assert (np.trapezoid(np.exp(each) * density[:, None], z, axis=0) <= 1 + 1e-9).all()


@pytest.mark.parametrize("true", [0.0, 0.004, 0.01])
def test_no_days_evidence_of_a_share_is_above_one_on_average_up_to_the_most(true):
    found = share(np.array([5.0, 3.0] * 10), np.full(20, 800.0), material=0.005)
    rows = np.arange(801)
    chance = scipy_stats.binom.logpmf(rows, 800, min(true, found.most))[:, None]
    each = np.array([found.evidence(float(count), 800.0) for count in rows])
    assert (logsumexp(chance + each * found.clumping, axis=0) <= 1e-9).all()  # clumping weakens it further


def test_a_stream_is_the_mean_of_sums_over_every_beginning():
    news = np.random.default_rng(1).normal(-0.2, 1, size=(30, 4))
    stream = Stream()
    for period, found in enumerate(news):
        stream = after(stream, found, period=period, threshold=1e9)
    sums = [sum(math.exp(news[begin:, column].sum()) for begin in range(30)) for column in range(4)]
    assert averaged(stream) == pytest.approx(math.log(np.mean(sums)), rel=1e-12)


def test_a_stream_says_since_when():
    stream = Stream()
    for period in range(40):
        found = np.array([1.0 if period >= 25 else -0.5, -0.5])
        stream = after(stream, found, period=period, threshold=100)
    assert beginning(stream) == 25


def test_a_period_without_a_value_leaves_the_stream_as_it_is():
    stream = after(Stream(), np.array([0.7, -0.3]), period=1, threshold=100)
    assert averaged(after(stream, np.array([np.nan, np.nan]), period=2, threshold=100)) == averaged(stream)


def test_evidence_fades_within_days_when_all_is_well_again():
    found = movement(np.random.default_rng(2).normal(size=30))
    stream, quiet = Stream(), 0
    for period in range(400):
        value = found.centres[0][0] + (5 * found.scales[0] if period < 365 else 0.0)
        stream = after(stream, evidence(found, np.array([value]), np.array([1e-9])), period=period, threshold=1e4)
        quiet += period >= 365 and averaged(stream) >= math.log(1e4)
    assert quiet <= 7


@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6), st.integers(1, 5))
def test_a_restart_changes_nothing(values, at):
    import msgspec

    def fed(stream, some, first):
        for number, value in enumerate(some):
            stream = after(stream, value * SIZES - SIZES**2 / 2, period=first + number, threshold=50)
        return stream

    half = fed(Stream(), values[:at], 0)
    again = msgspec.json.decode(msgspec.json.encode(half), type=Stream)
    assert fed(again, values[at:], at) == fed(Stream(), values, 0)


def test_a_watched_column_has_evidence_for_what_moved_alone():
    rng = np.random.default_rng(5)
    days = [rng.normal(size=500) for _ in range(30)]
    cells = grid(np.concatenate(days))
    watched = watch(cells, [profile(cells, day) for day in days])
    assert watched.evidence(profile(cells, rng.normal(size=500))).max() < 1
    assert watched.evidence(profile(cells, rng.normal(1.0, 1, size=500))).max() > 5
    assert watched.broken(profile(cells, np.append(rng.normal(size=400), np.full(100, np.nan)))).max() > 10


def test_a_category_of_a_single_reference_day_was_new_when_it_came():
    days = [["a"] * 60 + ["b"] * 40 for _ in range(20)]
    days[7] = ["a"] * 55 + ["rare"] * 5 + ["b"] * 40
    cells = grid([value for day in days for value in day])
    watched = watch(cells, [profile(cells, day) for day in days])
    assert watched.shares["unseen"].usual == pytest.approx(5.5 / 2001)


def test_the_area_from_counts_is_sklearns():
    rng = np.random.default_rng(9)
    labels, cells = rng.integers(0, 2, 400), rng.integers(0, 30, 400)
    negatives = np.bincount(cells[labels == 0], minlength=30)
    positives = np.bincount(cells[labels == 1], minlength=30)
    assert float(binned_auc(negatives, positives)) == pytest.approx(roc_auc_score(labels, cells), abs=1e-12)


def test_an_interval_over_days_knows_that_days_differ():
    rng = np.random.default_rng(4)
    days = rng.normal(0, 0.2, 40)
    sums = np.array([[(day + rng.normal(0, 0.1, 500)).sum(), 500] for day in days])
    found = by_days(sums, ratio, n=20_000, level=0.95, seed=0)
    error = days.std(ddof=1) / math.sqrt(40)  # of rows alone it would be twenty times smaller
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.2)


def test_four_days_have_no_interval():
    assert by_days(np.ones((4, 2)), ratio, n=4, level=0.95, seed=0) is None
