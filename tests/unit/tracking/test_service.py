"""A run says what was tried, keeps every point once, and is lost only as long as it is silent."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.core.ids import Pinned
from modelwright.core.operation import Upload

from .conftest import NOW, point

FLIGHTS = Pinned(ref="flights@1", digest="a" * 64)
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)


@pytest.fixture
def run(runs):
    return runs.start("train", parameters={"depth": "3"}, tags={"team": "desk"})


def test_a_run_begins_running_with_what_was_chosen(runs, run):
    found = runs.get(run.id)
    assert (found.status, found.started_at, found.started_by) == ("running", NOW, "owner")
    assert (found.parameters, found.tags, found.metrics) == ({"depth": "3"}, {"team": "desk"}, {})


def test_a_finished_run_says_when_and_what_it_took(runs, run, clock):
    clock.forward(seconds=90)
    cost = {"wall_seconds": 90.0, "cpu_seconds": 80.0, "peak_memory_mb": 100.0}
    done = runs.finish(run.id, "finished", cost=cost)
    assert (done.status, done.finished_at, done.cost.cpu_seconds) == ("finished", NOW + timedelta(seconds=90), 80.0)
    assert runs.get(run.id) == done


def test_to_finish_again_the_same_way_changes_nothing(runs, run, clock, ledger):
    first = runs.finish(run.id, "finished")
    clock.forward(hours=1)
    assert runs.finish(run.id, "finished") == first
    assert len(ledger.list(kind="tracking.run_finished").items) == 1


@pytest.mark.parametrize("status", ["running", "lost"])
def test_a_run_ends_finished_or_failed(runs, run, status):
    with pytest.raises(Invalid, match="ends finished or failed"):
        runs.finish(run.id, status)
    assert runs.get(run.id).status == "running"


def test_an_error_is_kept_within_bounds(runs, run):
    assert runs.finish(run.id, "failed", error="x" * 9000).error == "x" * 2000


def test_a_point_sent_again_under_its_position_is_the_same_point(runs, run):
    runs.log(run.id, [point(value=1.0, seq=0), point(value=2.0, seq=1)])
    runs.log(run.id, [point(value=9.0, seq=1), point(value=3.0, seq=2)])
    assert [(each.seq, each.value) for each in runs.history(run.id, "loss").items] == [(0, 1.0), (1, 2.0), (2, 3.0)]


@given(st.lists(st.integers(0, 9), max_size=4))
@SHARED
def test_however_batches_are_cut_and_repeated_each_point_is_kept_once(runs, cuts):
    run = runs.start("train")
    points = [point(value=float(n), seq=n) for n in range(10)]
    for cut in [*cuts, 0]:
        runs.log(run.id, points[cut:])
    assert [each.value for each in runs.history(run.id, "loss").items] == [float(n) for n in range(10)]


@given(st.floats())
@SHARED
def test_every_float_comes_back_bit_for_bit_or_as_its_word(runs, value):
    run = runs.start("train")
    word = value if math.isfinite(value) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    runs.log(run.id, [point(value=word)])
    (kept,) = runs.history(run.id, "loss").items
    assert kept.value == word
    assert runs.get(run.id).metrics == {"loss": word}
    assert runs.list(name="train", limit=1).items[0].metrics == {"loss": word}


def test_a_whole_number_is_a_number(runs, run):
    runs.log(run.id, [point(value=1)])
    assert [type(each.value) for each in runs.history(run.id, "loss").items] == [float]


@given(st.lists(st.tuples(st.integers(-5, 5), st.floats(-9, 9)), min_size=1, max_size=8))
@SHARED
def test_the_newest_value_is_that_of_the_largest_step_and_of_equal_steps_the_last(runs, logged):
    run = runs.start("train")
    runs.log(run.id, [point(value=value, step=step, seq=seq) for seq, (step, value) in enumerate(logged)])
    newest = max(range(len(logged)), key=lambda seq: (logged[seq][0], seq))
    assert runs.get(run.id).metrics == {"loss": logged[newest][1]}


def test_a_history_is_read_a_page_at_a_time_and_by_metric(runs, run):
    runs.log(run.id, [point(("loss", "auc")[seq % 2], float(seq), seq=seq) for seq in range(6)])
    page = runs.history(run.id, "loss", limit=2)
    assert ([each.value for each in page.items], page.next) == ([0.0, 2.0], "2")
    page = runs.history(run.id, "loss", limit=2, after=page.next)
    assert ([each.value for each in page.items], page.next) == ([4.0], None)
    assert runs.history(run.id, "nothing").items == []


def test_a_moment_keeps_every_microsecond_and_comes_back_in_utc(runs, run):
    at = datetime(2013, 1, 1, 0, 15, 0, 123457, tzinfo=timezone(timedelta(hours=-5)))
    runs.log(run.id, [point(at=at)])
    (kept,) = runs.history(run.id, "loss").items
    assert kept.at == datetime(2013, 1, 1, 5, 15, 0, 123457, tzinfo=UTC)
    assert kept.at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seq": -1},
        {"seq": 2**62},
        {"step": 2**62},
        {"step": -(2**62)},
        {"key": ""},
        {"key": "a\nb"},
        {"key": "x" * 251},
        {"value": "high"},
        {"value": None},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001  # that is what is wrong with it
    ],
)
def test_a_point_that_cannot_be_kept_is_refused_with_all_of_its_batch(runs, run, wrong):
    with pytest.raises(Invalid):
        runs.log(run.id, [point("fine"), point(**{"seq": 1, **wrong})])
    assert runs.get(run.id).metrics == {}


def test_a_batch_has_a_bound(runs, run):
    with pytest.raises(Invalid, match="10001 points at once"):
        runs.log(run.id, [point(seq=seq) for seq in range(10_001)])


def test_a_silent_run_is_lost_after_two_minutes_and_alive_again_when_it_writes(runs, run, clock):
    clock.forward(minutes=2)
    assert runs.get(run.id).status == "running"
    clock.forward(seconds=1)
    assert runs.get(run.id).status == "lost"
    assert runs.list().items[0].status == "lost"
    runs.log(run.id, [point()])
    assert runs.get(run.id).status == "running"
    clock.forward(minutes=3)
    assert runs.get(run.id).status == "lost"


def test_a_heartbeat_without_points_keeps_a_run_alive(runs, run, clock):
    for _ in range(4):
        clock.forward(minutes=1, seconds=30)
        assert runs.log(run.id, []) == 0
    assert runs.get(run.id).status == "running"


def test_a_run_that_ended_is_never_lost(runs, run, clock):
    runs.finish(run.id, "failed", error="KeyError: 'x'")
    clock.forward(days=400)
    assert (runs.get(run.id).status, runs.get(run.id).error) == ("failed", "KeyError: 'x'")


def test_a_lost_run_can_still_be_finished(runs, run, clock):
    clock.forward(days=1)
    assert runs.finish(run.id, "finished").status == "finished"


def test_a_parameter_keeps_its_first_value_and_a_tag_takes_the_newest(runs, run):
    with pytest.raises(Conflict, match="Parameter 'depth' of this run is '3' already, not '4'"):
        runs.annotate(run.id, parameters={"width": "1", "depth": "4"}, tags={"team": "science"})
    assert runs.get(run.id).parameters == {"depth": "3"}
    assert runs.get(run.id).tags == {"team": "desk"}
    changed = runs.annotate(run.id, parameters={"width": "1", "depth": "3"}, tags={"team": "science"})
    assert (changed.parameters, changed.tags) == ({"depth": "3", "width": "1"}, {"team": "science"})


def test_parameters_and_tags_have_bounds(runs, run):
    assert len(runs.start("many", tags={f"t{n}": "" for n in range(1000)}).tags) == 1000
    with pytest.raises(Invalid, match="1001 tags"):
        runs.start("many", tags={f"t{n}": "" for n in range(1001)})
    with pytest.raises(Invalid, match="1001 parameters"):
        runs.annotate(run.id, parameters={f"p{n}": "" for n in range(1000)})
    with pytest.raises(Invalid):
        runs.annotate(run.id, tags={"long": "x" * 6001})


def test_what_a_run_read_and_made_is_recorded_once_in_its_order(runs, run, ledger):
    weather = Pinned(ref="weather@2", digest="b" * 64)
    for pinned in (FLIGHTS, weather, FLIGHTS):
        runs.read_dataset(run.id, pinned)
        runs.write_dataset(run.id, pinned)
    found = runs.get(run.id)
    assert found.reads == found.writes == (FLIGHTS, weather)
    assert len(ledger.list(kind="tracking.dataset_read").items) == 2
    assert len(ledger.list(kind="tracking.dataset_written").items) == 2


def test_a_file_is_kept_under_its_name_and_replaced_under_the_same(runs, run):
    for path, data in (("b.txt", b"1"), ("a/plot.svg", b"22"), ("b.txt", b"333")):
        runs.keep(run.id, path, runs.send(data))
    found = runs.get(run.id).artifacts
    assert [(artifact.path, artifact.size) for artifact in found] == [("a/plot.svg", 2), ("b.txt", 3)]
    handle = runs.artifact(run.id, "a/plot.svg")
    assert (handle.filename, handle.size) == ("plot.svg", 2)
    with pytest.raises(NotFound, match="kept no 'c'"):
        runs.artifact(run.id, "c")


def test_a_files_size_is_that_of_its_bytes_whatever_was_said(runs, run):
    sent = runs.send(b"four")
    assert runs.keep(run.id, "x", Upload(digest=sent.digest, size=99)).artifacts[0].size == 4


def test_bytes_that_were_not_sent_are_not_kept(runs, run):
    with pytest.raises(Invalid, match="have not been sent"):
        runs.keep(run.id, "x", Upload(digest="0" * 64, size=1))
    with pytest.raises(Invalid, match="have not been sent"):
        runs.start("train", capture={"source": "0" * 64})


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", ".hidden", "a/../b", "", "x\n"])
def test_a_file_name_that_is_not_plain_is_refused(runs, run, path):
    with pytest.raises(Invalid, match="a relative path of plain names"):
        runs.keep(run.id, path, runs.send(b"x"))


def test_runs_are_listed_newest_first_a_page_at_a_time_and_by_name(runs):
    made = [runs.start(("train", "tune")[n % 2]).id for n in range(5)]
    page = runs.list(limit=3)
    rest = runs.list(limit=3, after=page.next)
    assert sorted(made, reverse=True) == [run.id for run in (*page.items, *rest.items)]
    assert {run.name for run in runs.list(name="tune").items} == {"tune"}
    assert len(runs.list(name="tune").items) == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda runs: runs.get("0" * 32),
        lambda runs: runs.log("0" * 32, []),
        lambda runs: runs.finish("0" * 32, "finished"),
        lambda runs: runs.annotate("0" * 32),
        lambda runs: runs.read_dataset("0" * 32, FLIGHTS),
        lambda runs: runs.history("0" * 32, "loss"),
    ],
)
def test_a_run_that_is_not_there_is_not_found(runs, call):
    with pytest.raises(NotFound, match="There is no run"):
        call(runs)
