"""A trigger starts what waits for it, on event time, unless loop protection says no; every refusal is recorded."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import Invalid
from modelwright.pipelines.model import Definition, Parameter, Status
from modelwright.pipelines.triggers import YEAR, due, refusal, span

MAY = datetime(2013, 5, 1, tzinfo=UTC)


def test_an_alarm_starts_every_pipeline_that_waits_for_it(desk):
    desk.define("one")
    desk.define("two", triggers=("data:flights", "alarm:delays"))
    desk.define("three", triggers=("alarm:other",))
    found = desk.alarm()
    assert [one.pipeline for one in found.started] == ["one", "two"]
    assert all(one.status is Status.QUEUED and one.at == MAY for one in found.started)
    assert found.started[0].parameters == {"until": "2013-05-01T00:00:00+00:00"}
    assert (found.started[0].cause.kind, found.started[0].cause.detail) == ("alarm", "a1")


def test_a_pipeline_without_until_gets_no_parameters(desk):
    desk.define(parameters=())
    assert desk.alarm().started[0].parameters == {}


def test_while_one_waits_or_runs_no_other_starts(desk):
    desk.define()
    desk.alarm()
    assert "is queued already" in desk.alarm(MAY + timedelta(days=99)).declined[0].reason
    claim = desk.executions.claim("worker")
    assert "is running already" in desk.alarm(MAY + timedelta(days=99)).declined[0].reason
    desk.executions.finish(claim.execution.id, "worker", claim.token, "failed")
    assert desk.alarm(MAY + timedelta(days=99)).started


def test_the_cooldown_is_measured_on_event_time(desk):
    desk.define(cooldown_seconds=28 * 86400)
    desk.alarm()
    desk.carry_out()
    desk.forward(days=400)  # the wall clock does not count
    assert desk.alarm(MAY + timedelta(days=27)).declined[0].reason == (
        "It started 27 days before, and its cooldown is 28 days."
    )
    assert desk.alarm(MAY + timedelta(days=28)).started


def test_the_budget_counts_starts_of_the_last_365_days(desk):
    desk.define(budget=2)
    for day in (0, 10):
        assert desk.alarm(MAY + timedelta(days=day)).started
        desk.carry_out()
    assert "its budget is 2" in desk.alarm(MAY + timedelta(days=364)).declined[0].reason
    assert desk.alarm(MAY + timedelta(days=365)).started


def test_a_refusal_is_an_event_and_is_listed(desk):
    desk.define()
    desk.alarm()
    desk.alarm(MAY + timedelta(days=1))
    assert desk.kinds() == [
        "pipelines.pipeline_registered",
        "pipelines.execution_queued",
        "pipelines.trigger_declined",
    ]
    [one] = desk.pipelines.declined("retrain").items
    assert (one.cause.subject, one.at, one.seq) == ("delays", MAY + timedelta(days=1), 1)


def test_a_parameter_that_no_trigger_gives_is_said(desk):
    desk.define(parameters=(Parameter(name="until"), Parameter(name="lr"), Parameter(name="k", required=False)))
    assert desk.alarm().declined[0].reason.startswith("It needs lr, which no trigger gives")


def test_a_new_commit_starts_a_pipeline_that_waits_for_commits(desk):
    desk.define(commit="a" * 40, triggers=("commit",))
    assert desk.pipelines.executions().items == []  # the first version is no change
    desk.define(commit="b" * 40, triggers=("commit",))
    [one] = desk.pipelines.executions().items
    assert (one.version, one.cause.kind, one.cause.subject) == (2, "commit", "b" * 40)
    desk.define(commit="b" * 40, triggers=("commit",))
    assert len(desk.pipelines.executions().items) == 1


def test_of_calendar_moments_that_were_missed_the_last_one_starts(desk):
    desk.define(triggers=("cron:0 3 * * *",))
    [schedule] = desk.pipelines.schedules()
    assert schedule.next_at == datetime(2026, 1, 5, 3, tzinfo=UTC)
    assert desk.pipelines.fire().started == ()
    desk.forward(days=3, hours=4)
    [one] = desk.pipelines.fire().started
    assert one.at == datetime(2026, 1, 8, 3, tzinfo=UTC)
    assert desk.pipelines.fire().started == ()
    assert desk.pipelines.schedules()[0].next_at == datetime(2026, 1, 9, 3, tzinfo=UTC)


def test_a_version_without_the_expression_ends_its_schedule(desk):
    desk.define(triggers=("cron:0 3 * * *", "cron:0 4 * * *"))
    desk.define(triggers=("cron:0 4 * * *",))
    assert [one.expression for one in desk.pipelines.schedules()] == ["0 4 * * *"]


MOMENTS = st.lists(st.timedeltas(timedelta(0), YEAR * 2), max_size=12)


@given(MOMENTS, st.integers(1, 5), st.integers(0, 90))
def test_starts_are_never_nearer_than_the_cooldown_nor_more_than_the_budget(moments, budget, days):
    """Whatever comes in whatever order of event time."""
    definition = Definition(
        entry="p:f", source="0" * 64, environment="0" * 64, cooldown_seconds=days * 86400, budget=budget
    )
    starts = []
    for at in sorted(MAY + moment for moment in moments):
        if refusal(definition, at, None, sorted((one for one in starts if one <= at), reverse=True)) is None:
            starts.append(at)
    assert all(later - earlier >= timedelta(days=days) for earlier, later in itertools.pairwise(starts))
    assert all(sum(at - YEAR < one <= at for one in starts) <= budget for at in starts)


def test_due_moments_are_in_utc():
    assert due("0 3 * * 1", datetime(2013, 1, 1, tzinfo=UTC)) == datetime(2013, 1, 7, 3, tzinfo=UTC)
    with pytest.raises(Invalid, match="ever comes true"):
        due("0 0 31 2 *", MAY)


@pytest.mark.parametrize(("said", "seconds"), [("90s", 90), ("90m", 5400), (3, 3), (timedelta(days=1), 86400)])
def test_spans(said, seconds):
    assert span(said, field="x").total_seconds() == seconds
