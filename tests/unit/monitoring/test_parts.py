"""The room's pure parts: periods, hours that add up, slices."""

import tracemalloc
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from modelwright.monitoring.cadence import Cadence
from modelwright.monitoring.model import Settings
from modelwright.monitoring.norm import learn
from modelwright.monitoring.outcomes import loss, of_loss, performance_over, statistics, tally
from modelwright.monitoring.profiles import by_hour, count
from modelwright.monitoring.reference import ReferenceData
from modelwright.monitoring.slices import slices, worst
from modelwright.monitoring.watched import total
from modelwright.predictions.model import microseconds
from modelwright.stats.profile import grid
from modelwright.stats.scores import METRICS, Kind

DAY = datetime(2013, 5, 1, tzinfo=UTC)


def test_periods_follow_each_other_without_a_gap():
    for cadence in Cadence:
        found = list(cadence.between(cadence.start(DAY), DAY + timedelta(days=70)))
        assert all(before[1] == after[0] for before, after in pairwise(found))
        assert all(cadence.start(end - timedelta(seconds=1)) == start for start, end in found)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 86_399), st.one_of(st.none(), st.floats(-5, 5)), st.sampled_from(["a", "b", None])),
        min_size=1,
        max_size=60,
    )
)
def test_hours_add_up_to_their_day(rows):
    rows.sort(key=lambda row: row[0])
    table = pa.table(
        {
            "event_at": pa.array([DAY + timedelta(seconds=row[0]) for row in rows], pa.timestamp("us", "UTC")),
            "input.x": pa.array([row[1] for row in rows], pa.float64()),
            "input.c": pa.array([row[2] for row in rows], pa.string()),
        }
    )
    grids = {"input.x": grid([-1.0, 0.0, 0.0, 2.0]), "input.c": grid(["a", "a", "b"])}
    hours = [found for _, found in by_hour(grids, table, DAY, DAY + timedelta(days=1))]
    for name, cells in grids.items():
        assert total([hour[name] for hour in hours]) == count(cells, table, name)


def test_the_slice_that_changed_most_is_named():
    rng = np.random.default_rng(0)
    scores, group = rng.uniform(size=4000), rng.choice(["a", "b", "c"], 4000).astype(object)
    before = (rng.uniform(size=4000) < scores).astype(float)
    after = np.where(group == "b", 1.0, before)
    was = slices({"group": group}, before, scores, "roc_auc")
    now = slices({"group": group}, after, scores, "roc_auc")
    assert worst(was, now, by="bias") == "group = b"
    assert worst(was, was, by="loss") == ""


def test_a_slice_of_few_rows_is_not_named():
    group = np.array(["big"] * 500 + ["small"] * 99, dtype=object)
    assert set(slices({"group": group}, np.ones(599), np.zeros(599), "mae")["group"]) == {"big"}


def test_a_day_of_many_rows_is_resampled_in_little_memory():
    """Half a million rows, of which all resamples at once would take gigabytes."""
    rng = np.random.default_rng(0)
    scores = rng.random(500_000)
    labels = (rng.random(500_000) < scores / 4).astype(float)
    tracemalloc.start()
    try:
        lost, variance = loss(labels, scores, "recall_at_10pct")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0 < lost < 1
    assert variance > 0
    assert peak < 200_000_000


def test_a_day_of_one_class_has_no_loss():
    assert np.isnan(loss(np.ones(50), np.linspace(0, 1, 50), "roc_auc")[0])


def test_a_tally_counts_every_labelled_row_once():
    labels = np.array([0.0, 1.0, np.nan, 1.0])
    found = tally(labels, np.array([0.1, 0.9, 0.5, 0.4]), grid([0.1, 0.4, 0.5, 0.9]), "roc_auc")
    assert (found.rows, found.labelled, sum(found.negatives), sum(found.positives)) == (4, 3, 1, 2)


@pytest.mark.parametrize("metric", METRICS)
def test_a_loss_is_the_metric_and_moves_by_chance_as_much_as_it_says(metric):
    """By drawing two hundred days: the mean of the variances is near the variance of the losses."""
    drawn = [day_of(seed, metric) for seed in range(200)]
    losses, variances = zip(*(loss(labels, scores, metric) for labels, scores in drawn), strict=True)
    for (labels, scores), lost in zip(drawn[:20], losses, strict=False):
        assert of_loss(lost, metric) == pytest.approx(METRICS[metric](labels, scores), abs=1e-9)
    assert np.mean(variances) == pytest.approx(np.var(losses), rel=0.35)


@pytest.mark.parametrize("metric", METRICS)
def test_days_add_up_to_the_metric_of_all_their_rows(metric):
    """Exactly where it is a mean; within what a hundred and twenty-eight cells tell apart where it is of ranks."""
    days = {DAY + timedelta(days=day): day_of(day, metric) for day in range(12)}
    labels, scores = (np.concatenate(side) for side in zip(*days.values(), strict=True))
    cells = grid(scores)
    tallied = {start: tally(*day, cells, metric) for start, day in days.items()}
    found, near = performance_over(tallied, metric), 5e-3 if METRICS[metric].of_ranks else 1e-9
    assert found.estimate == pytest.approx(METRICS[metric](labels, scores), abs=near)
    assert found.low < found.estimate < found.high
    assert found.n == len(labels)
    assert performance_over(tallied, "mae" if metric != "mae" else "rmse") is None


def test_a_monitor_of_rare_positives_alarms_of_no_kpi_that_is_met(rare):
    """The line is where the metric of the reference's rows is as far from the KPI as a day's is from its mean."""
    labels, scores, data = rare
    exact = METRICS["average_precision"](labels, scores)
    norm = learn(data, Settings(), "fraud", 1)
    days = [statistics(labels[day], scores[day], data.metric)[0][2] for day in np.arange(60_000).reshape(40, -1)]
    usual = np.nanmean(days)
    assert exact > 0.75
    assert norm.kpi.centres[0][0] - usual == pytest.approx(exact - 0.6, abs=0.01)
    assert norm.asking(0.7).kpi.centres[0][0] - usual == pytest.approx(exact - 0.7, abs=0.01)
    assert norm.note.performance.estimate == pytest.approx(exact, abs=0.03)


@pytest.fixture
def rare():
    """Forty days of rows of which one in two hundred is positive, and most of these are above all others."""
    rng = np.random.default_rng(1)
    labels = (rng.random(60_000) < 0.005).astype(float)
    scores = 1 / (1 + np.exp(3 - rng.normal(size=60_000) - 3.5 * labels))
    times = microseconds(DAY) + np.arange(60_000) * 57_600_000
    data = ReferenceData(
        evidence="e" * 64,
        source="payments@1",
        table=pa.table({}),
        event_at=times,
        scores=scores,
        labels=labels,
        binary=True,
        since=None,
        until=None,
        matures_after=timedelta(0),
        metric="average_precision",
        threshold=0.6,
        latency_limit_ms=None,
    )
    return labels, scores, data


@pytest.mark.parametrize("metric", ["roc_auc", "mae"])
def test_periods_of_before_the_kpi_was_watched_still_count(metric):
    days = {DAY + timedelta(days=day): day_of(day, metric) for day in range(12)}
    cells = grid(np.concatenate([scores for _, scores in days.values()]))
    tallied = {start: tally(*day, cells, metric) for start, day in days.items()}
    silent = {start: replace(outcome, metric="") for start, outcome in tallied.items()}
    assert performance_over(silent, metric) == performance_over(tallied, metric)
    assert performance_over(silent, "brier") is None


def day_of(seed, metric):
    """A day's labels and chances, or for a regression numbers."""
    rng = np.random.default_rng([7, seed])
    chance = rng.beta(2, 3, 400)
    if METRICS[metric].kind is Kind.BINARY:
        return (rng.random(400) < chance).astype(float), chance
    return chance + rng.normal(0, 0.3, 400), chance
