"""The room's pure parts: periods, hours that add up, slices."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.monitoring.cadence import Cadence
from modelwright.monitoring.outcomes import loss, tally
from modelwright.monitoring.profiles import by_hour, count
from modelwright.monitoring.slices import slices, worst
from modelwright.monitoring.watched import total
from modelwright.stats.profile import grid

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
    was = slices({"group": group}, before, scores, binary=True)
    now = slices({"group": group}, after, scores, binary=True)
    assert worst(was, now, by="bias") == "group = b"
    assert worst(was, was, by="loss") == ""


def test_a_slice_of_few_rows_is_not_named():
    group = np.array(["big"] * 500 + ["small"] * 99, dtype=object)
    assert set(slices({"group": group}, np.ones(599), np.zeros(599), binary=False)["group"]) == {"big"}


def test_a_day_of_one_class_has_no_loss():
    assert np.isnan(loss(np.ones(50), np.linspace(0, 1, 50), binary=True)[0])


def test_a_tally_counts_every_labelled_row_once():
    labels = np.array([0.0, 1.0, np.nan, 1.0])
    found = tally(labels, np.array([0.1, 0.9, 0.5, 0.4]), grid([0.1, 0.4, 0.5, 0.9]), binary=True)
    assert (found.rows, found.labelled, sum(found.negatives), sum(found.positives)) == (4, 3, 1, 2)
