"""Monitors over a small log: what alarms, what informs, what waits, and that a restart changes nothing."""

from contextlib import closing
from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select

from modelwright.alerts.model import AlertState, Rule, Severity
from modelwright.alerts.repository import alerts
from modelwright.core.errors import Conflict, NotFound
from modelwright.monitoring import repository
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.model import Kind, PredictionBatch, encode, microseconds
from modelwright.predictions.segments import SegmentWriter
from support import watched
from support.watched import DAY, ENDPOINT, MODEL, NOW, START, answered, ran, rows, workspace

AFTER = watched.DAYS
"""The first day after the reference."""


@pytest.fixture
def platform(tmp_path):
    with closing(watched.platform(tmp_path)) as made:
        yield made


def raised(platform):
    return {alert.rule: alert for alert in workspace(platform).alerts.list(which="all").items}


def ledger(platform, kind):
    return [entry for entry in workspace(platform).ledger.list(limit=1000).items if entry.envelope.kind == kind]


def told_again(platform):
    """What the events say, newest last."""
    return [entry.envelope.body for entry in reversed(ledger(platform, "alerts.alert_repeated"))]


def test_ordinary_days_raise_nothing_and_the_monitor_says_so(platform):
    answered(platform, range(AFTER, AFTER + 60))
    ran(platform)
    monitor = workspace(platform).monitors.get(ENDPOINT)
    assert raised(platform) == {}
    assert monitor.verdict.startswith(f"Nothing alarms: {MODEL}@1 is as it was evaluated")
    assert monitor.severity is None


def test_inputs_that_move_inform_once_however_long_it_lasts(platform):
    answered(platform, range(AFTER, AFTER + 10))
    answered(platform, range(AFTER + 10, AFTER + 40), shift=1.5)
    ran(platform)
    alert = raised(platform)[Rule.DRIFT]
    assert alert.severity is Severity.INFORM
    assert abs(alert.finding.since - (START + (AFTER + 10) * DAY)) <= DAY
    assert alert.raised_at <= START + (AFTER + 14) * DAY
    assert alert.periods > 20
    assert alert.finding.summary.startswith("x moved beyond ordinary days: the median moved from")
    assert len(ledger(platform, "alerts.alert_raised")) == len(raised(platform))


def test_labels_that_belie_the_answers_alarm_and_the_worst_slice_is_named(platform):
    answered(platform, range(AFTER, AFTER + 5))
    answered(platform, range(AFTER + 5, AFTER + 35), bias=0.5, where="c")
    ran(platform)
    alert = raised(platform)[Rule.CALIBRATION]
    assert alert.severity is Severity.ALARM
    assert alert.finding.where == "group = c"
    assert "more than the answers promise" in alert.finding.summary
    assert Rule.DRIFT not in raised(platform)


def test_an_alarm_that_lasts_is_told_again_every_week_of_event_time(platform):
    answered(platform, range(AFTER, AFTER + 3))
    _answered_by(platform, range(AFTER + 3, AFTER + 24), group="new")
    ran(platform)
    alert = raised(platform)[Rule.CONTRACT]
    again = told_again(platform)
    week = timedelta(days=7)
    assert {told["rule"] for told in again} == {"contract"}  # what only informs is told once, and it lasted too
    assert Rule.DRIFT in raised(platform)
    assert [datetime.fromisoformat(told["at"]) for told in again] == [
        alert.raised_at + week,
        alert.raised_at + 2 * week,
    ]
    assert alert.told_at == alert.raised_at + 2 * week
    assert {told["alert_id"] for told in again} == {alert.id}


def test_an_alarm_is_not_told_again_while_it_is_muted_nor_when_it_is_over(platform):
    answered(platform, range(AFTER, AFTER + 3))
    _answered_by(platform, range(AFTER + 3, AFTER + 6), group="new")
    ran(platform)
    alert = raised(platform)[Rule.CONTRACT]
    workspace(platform).alerts.mute(alert.id, until=NOW + timedelta(days=1))
    _answered_by(platform, range(AFTER + 6, AFTER + 16), group="new")
    ran(platform)
    assert told_again(platform) == []
    answered(platform, range(AFTER + 16, AFTER + 40))
    ran(platform)
    assert raised(platform)[Rule.CONTRACT].state is AlertState.RESOLVED
    assert told_again(platform) == []


def test_values_that_nobody_has_seen_are_a_broken_contract(platform):
    answered(platform, range(AFTER, AFTER + 3))
    _answered_by(platform, range(AFTER + 3, AFTER + 6), group="new")
    ran(platform)
    alert = raised(platform)[Rule.CONTRACT]
    assert alert.severity is Severity.ALARM
    assert alert.finding.details == (
        "group: 100 % of rows have a value that the reference has not, 0.00534 % is usual",
    )


def test_a_column_that_became_text_counts_as_missing(platform):
    answered(platform, range(AFTER, AFTER + 3))
    _answered_by(platform, range(AFTER + 3, AFTER + 6), x="many")
    ran(platform)
    assert "x: 100 % of rows are missing" in raised(platform)[Rule.CONTRACT].finding.details[0]


def test_slow_answers_inform_after_three_days(platform):
    answered(platform, range(AFTER, AFTER + 6), latency_us=90_000)
    ran(platform)
    alert = raised(platform)[Rule.LATENCY]
    assert (alert.severity, alert.raised_at) == (Severity.INFORM, START + (AFTER + 4) * DAY)


def test_an_alert_is_over_after_a_quiet_week_and_the_same_again_is_a_new_one(platform):
    answered(platform, range(AFTER, AFTER + 5), shift=2.0)
    answered(platform, range(AFTER + 5, AFTER + 30))
    answered(platform, range(AFTER + 30, AFTER + 36), shift=2.0)
    ran(platform)
    drift = [a for a in workspace(platform).alerts.list(which="all").items if a.rule is Rule.DRIFT]
    assert [alert.state for alert in drift] == [AlertState.OPEN, AlertState.RESOLVED]
    assert drift[1].resolved_at - drift[1].last_seen == timedelta(days=7)


def test_what_is_muted_is_not_told_again(platform):
    answered(platform, range(AFTER, AFTER + 5), shift=2.0)
    ran(platform)
    first = raised(platform)[Rule.DRIFT]
    for alert in raised(platform).values():
        workspace(platform).alerts.mute(alert.id, until=NOW + timedelta(days=1))
    before = len(ledger(platform, "alerts.alert_raised"))
    answered(platform, range(AFTER + 5, AFTER + 30))
    answered(platform, range(AFTER + 30, AFTER + 36), shift=2.0)
    ran(platform)
    assert raised(platform)[Rule.DRIFT].id == first.id
    assert len(ledger(platform, "alerts.alert_raised")) == before
    assert workspace(platform).alerts.list().items == []


def test_day_by_day_with_a_restart_each_is_as_at_once(tmp_path):
    kept = []
    for name, steps in (("once", 1), ("daily", 30)):
        with closing(watched.platform(tmp_path / name)):
            pass
        for step in range(steps):
            with closing(watched.Platform(watched.Home(tmp_path / name / ".modelwright").open(create=False))) as made:
                for day in range(AFTER + step * 30 // steps, AFTER + (step + 1) * 30 // steps):
                    answered(made, range(day, day + 1), shift=1.0 if day >= AFTER + 12 else 0.0, bias=0.25)
                ran(made)
                if step == steps - 1:
                    kept.append(_everything(made))
    assert kept[0] == kept[1]


def test_running_again_judges_nothing_twice(platform):
    answered(platform, range(AFTER, AFTER + 10))
    assert sum(each.inputs for each in ran(platform)) == 8  # the first is never whole, the last has not passed
    assert ran(platform)[0].inputs == 0


def test_labels_that_are_on_their_way_are_waited_for(platform):
    answered(platform, range(AFTER, AFTER + 4), labels=False)
    ran(platform)
    standing = workspace(platform).monitors.get(ENDPOINT).standing
    assert standing.outcomes_until == standing.began
    watched.labelled(platform, range(AFTER, AFTER + 4))
    ran(platform)
    trends = workspace(platform).monitors.trends(ENDPOINT).items
    assert {trend.coverage for trend in trends if trend.labelled is not None} == {1.0}
    assert workspace(platform).monitors.get(ENDPOINT).standing.outcomes_until == START + (AFTER + 2) * DAY


def test_labels_that_do_not_come_are_waited_for_no_longer_than_three_days(platform):
    answered(platform, range(AFTER, AFTER + 10), labels=False)
    ran(platform)
    standing = workspace(platform).monitors.get(ENDPOINT).standing
    assert standing.inputs_until - standing.outcomes_until == 4 * DAY  # their own hours and three days, in whole days


def test_an_event_of_the_future_does_not_move_the_watermark(platform):
    answered(platform, range(AFTER, AFTER + 3))
    _answered_by(platform, range(20_000, 20_001))
    assert workspace(platform).monitors.get(ENDPOINT).watermark < START + (AFTER + 3) * DAY


def test_a_version_without_an_evaluation_raises_nothing_and_the_monitor_says_what_to_do(tmp_path):
    with closing(watched.platform(tmp_path, evaluated=False)) as platform:
        answered(platform, range(AFTER, AFTER + 10), shift=5.0)
        ran(platform)
        monitor = workspace(platform).monitors.get(ENDPOINT)
        assert "has no evaluation on rows with event times" in monitor.verdict
        assert f"modelwright model evaluate {MODEL}@1" in monitor.verdict
        assert raised(platform) == {}


def test_a_short_reference_is_said_to_be_short(tmp_path):
    with closing(watched.platform(tmp_path, days=9)) as platform:
        answered(platform, range(AFTER, AFTER + 3))
        ran(platform)
        assert "8 whole days" in workspace(platform).monitors.get(ENDPOINT).verdict


def test_configuring_begins_anew_at_the_next_period(platform):
    answered(platform, range(AFTER, AFTER + 30))
    ran(platform)
    weekly = workspace(platform).monitors.configure(ENDPOINT, cadence="weekly", columns=["x"])
    assert weekly.standing.inputs_until.weekday() == 0
    assert weekly.references == ()
    answered(platform, range(AFTER + 30, AFTER + 60))
    ran(platform)
    newest = workspace(platform).monitors.trends(ENDPOINT, limit=1).items[0]
    assert newest.end - newest.start == timedelta(days=7)
    assert [each.column for each in workspace(platform).monitors.columns(ENDPOINT).columns] == ["x"]


@pytest.mark.parametrize("cadence", ["hourly", "weekly", "monthly"])
def test_other_cadences_are_as_quiet(tmp_path, cadence):
    with closing(watched.platform(tmp_path)) as platform:
        answered(platform, range(AFTER, AFTER + 3))
        workspace(platform).monitors.configure(ENDPOINT, cadence=cadence)
        days = 12 if cadence == "hourly" else 100
        answered(platform, range(AFTER + 3, AFTER + days))
        ran(platform)
        assert raised(platform) == {}
        assert workspace(platform).monitors.trends(ENDPOINT, limit=2).items


def test_pages_of_trends_hold_every_period_once(platform):
    answered(platform, range(AFTER, AFTER + 12))
    ran(platform)
    trends, after = [], None
    while True:
        page = workspace(platform).monitors.trends(ENDPOINT, limit=3, after=after)
        trends += page.items
        after = page.next
        if after is None:
            break
    assert [trend.start for trend in trends] == [START + day * DAY for day in range(AFTER + 10, AFTER, -1)]


def test_an_alert_that_is_over_is_not_acknowledged(platform):
    answered(platform, range(AFTER, AFTER + 5), shift=2.0)
    ran(platform)
    alert = raised(platform)[Rule.DRIFT]
    workspace(platform).alerts.resolve(alert.id, note="looked at")
    with pytest.raises(Conflict):
        workspace(platform).alerts.acknowledge(alert.id)


def test_an_endpoint_that_never_answered_has_no_monitor(platform):
    with pytest.raises(NotFound):
        workspace(platform).monitors.run("nobody")


def _answered_by(platform, days, **inputs):
    """Answers whose inputs are all of one value."""
    with SegmentWriter(segment_folder(platform.home.log, ENDPOINT, Kind.PREDICTIONS), f"o{days.start}") as writer:
        for day in days:
            found = rows(day % 1000, seed=1)
            given = {"x": found["x"].tolist(), "group": found["group"].tolist()}
            given |= {name: [value] * watched.ROWS for name, value in inputs.items()}
            late = (day - day % 1000) * DAY
            batch = PredictionBatch(
                endpoint=ENDPOINT,
                model=MODEL,
                version=1,
                package="0" * 64,
                generation=1,
                received_at=microseconds(NOW),
                latency_us=900,
                ids=watched.ids(day),
                event_at=[microseconds(moment + late) for moment in found["at"]],
                inputs=given,
                outputs=found["score"].tolist(),
            )
            writer.append(encode(batch))


def _everything(made):
    """Every row of the room, without what a wall clock or chance decided."""
    found = {}
    with made.records.reading() as opened:
        for table in (repository.standings, repository.versions, repository.periods, alerts):
            entries = opened.execute(select(table)).mappings().all()
            found[table.name] = [{name: value for name, value in entry.items() if name != "id"} for entry in entries]
    with made.telemetry.reading() as opened:
        found["hours"] = opened.execute(select(repository.hours).order_by(repository.hours.c.hour)).all()
    for alert in found["alerts"]:
        alert["body"] = msgspec.structs.replace(alert["body"], id="", recorded_at=NOW)
    found["alerts"].sort(key=lambda alert: (alert["body"].raised_at, alert["fingerprint"]))
    return found
