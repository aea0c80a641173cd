"""Registering, starting, claiming, reporting and ending executions, under leases."""

from datetime import timedelta

import pytest

from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.core.wire import sha256
from modelwright.pipelines.model import Planned, Status, Step, StepStatus, Value

LEASE = timedelta(seconds=30)


def value(data=b"v"):
    return Value(digest=sha256(data), size=len(data), data=data)


def report(desk, claim, *steps, plan=None):
    return desk.executions.record(claim.execution.id, claim.owner, claim.token, steps, plan)


@pytest.fixture
def claim(desk):
    desk.define()
    desk.pipelines.start("retrain", {"until": "2013-05-01"})
    return desk.executions.claim("first")


def test_the_same_definition_is_the_version_it_already_is(desk):
    assert desk.define().version == 1
    assert desk.define().version == 1
    assert desk.define(budget=3).version == 2
    assert [one.version for one in desk.pipelines.versions("retrain").items] == [2, 1]
    assert desk.pipelines.get("retrain").definition.budget == 3


def test_source_that_was_not_sent_is_refused(desk):
    with pytest.raises(Invalid, match="not been sent"):
        desk.define(source="0" * 64)


@pytest.mark.parametrize("folder", ["..", "/etc", "a/../b", ".git", "a//b"])
def test_a_folder_never_leads_out_of_the_source(desk, folder):
    with pytest.raises(Invalid, match="folder"):
        desk.define(folder=folder)


@pytest.mark.parametrize(("parameters", "words"), [({}, "needs 'until'"), ({"until": 1, "lr": 2}, "not take 'lr'")])
def test_wrong_parameters_are_refused_before_anything_is_queued(desk, parameters, words):
    desk.define()
    with pytest.raises(Invalid, match=words):
        desk.pipelines.start("retrain", parameters)
    with pytest.raises(NotFound, match="no pipeline 'other'"):
        desk.pipelines.start("other")


def test_an_execution_is_claimed_by_one(desk, claim):
    assert claim.execution.status is Status.RUNNING
    assert claim.definition.entry == "pipeline:retrain"
    assert desk.executions.claim("second") is None


def test_of_one_pipeline_one_execution_runs_at_a_time(desk, claim):
    desk.pipelines.start("retrain", {"until": "2013-06-01"})
    assert desk.executions.claim("second") is None
    desk.define("other", parameters=())
    desk.pipelines.start("other")
    assert desk.executions.claim("second").execution.pipeline == "other"


def test_who_is_silent_for_the_lease_is_replaced_and_refused(desk, claim):
    desk.forward(seconds=31)
    assert desk.pipelines.execution(claim.execution.id).status is Status.INTERRUPTED
    second = desk.executions.claim("second")
    assert second.token > claim.token
    done = Step(id="train", status=StepStatus.SUCCEEDED, output=value())
    with pytest.raises(Conflict, match="the lease of first is over"):
        report(desk, claim, done)
    with pytest.raises(Conflict):
        desk.executions.finish(claim.execution.id, "first", claim.token, "succeeded", (done,))
    assert desk.pipelines.steps(claim.execution.id) == ()
    assert desk.pipelines.execution(claim.execution.id).status is Status.RUNNING


def test_a_beat_keeps_the_lease(desk, claim):
    for _ in range(4):
        desk.forward(seconds=25)
        report(desk, claim)
    assert desk.executions.claim("second") is None


def test_what_an_earlier_holder_reported_is_handed_on(desk, claim):
    step = Step(id="train", status=StepStatus.SUCCEEDED, output=value())
    report(desk, claim, step, plan=(Planned(id="train"), Planned(id="release", after=("train",))))
    desk.forward(seconds=31)
    second = desk.executions.claim("second")
    assert second.steps == (step,)
    assert (second.execution.crashes, len(second.execution.plan)) == (1, 2)


def test_an_execution_whose_holders_vanish_again_and_again_fails(desk, claim):
    for number in range(2):
        desk.forward(seconds=31)
        assert desk.executions.claim(f"next-{number}").execution.id == claim.execution.id
    desk.forward(seconds=31)
    assert desk.executions.claim("last") is None
    found = desk.pipelines.execution(claim.execution.id)
    assert (found.status, found.crashes) == (Status.FAILED, 3)
    assert "vanished 3 times" in found.error


def test_a_holder_that_says_good_bye_lets_others_go_on_at_once(desk, claim):
    over = desk.executions.finish(claim.execution.id, "first", claim.token, "interrupted")
    assert over.status is Status.QUEUED
    again = desk.executions.claim("second")
    assert (again.execution.id, again.execution.crashes) == (claim.execution.id, 0)


def test_a_dead_holder_is_replaced_at_once_and_counted(desk, claim):
    desk.executions.abandon(claim.execution.id, "first", claim.token)
    assert desk.executions.claim("second").execution.crashes == 1
    desk.executions.abandon(claim.execution.id, "first", claim.token)  # it is not its own any more
    assert desk.executions.claim("third") is None


def test_a_finished_execution_stays_as_it_ended(desk, claim):
    ended = desk.executions.finish(claim.execution.id, "first", claim.token, "succeeded", result=value())
    assert desk.executions.finish(claim.execution.id, "first", claim.token, "failed") == ended
    with pytest.raises(Conflict, match="has ended: succeeded"):
        desk.pipelines.cancel(claim.execution.id)
    with pytest.raises(Conflict, match="is succeeded"):
        desk.pipelines.resume(claim.execution.id)


def test_cancelling_reaches_the_holder_with_its_next_report(desk, claim):
    assert not report(desk, claim).cancelling
    assert desk.pipelines.cancel(claim.execution.id).status is Status.RUNNING
    assert report(desk, claim).cancelling


def test_what_waits_is_cancelled_at_once(desk):
    desk.define()
    queued = desk.pipelines.start("retrain", {"until": "2013-05-01"})
    assert desk.pipelines.cancel(queued.id).status is Status.CANCELLED
    assert desk.executions.claim("worker") is None


def test_a_failed_execution_is_resumed_by_workers(desk, claim):
    desk.executions.finish(claim.execution.id, "first", claim.token, "failed", error="no disk")
    assert desk.pipelines.resume(claim.execution.id).status is Status.QUEUED
    assert desk.executions.claim("second").execution.id == claim.execution.id
    assert desk.kinds()[-2:] == ["pipelines.execution_ended", "pipelines.execution_resumed"]


def test_a_scripts_execution_is_never_claimed_by_workers(desk):
    opened = desk.executions.open("mine", "script:mine", {}, "script")
    desk.forward(seconds=31)
    assert desk.executions.claim("worker") is None
    with pytest.raises(Conflict, match="run by a script"):
        desk.pipelines.resume(opened.execution.id)
    assert desk.executions.claim("script-again", opened.execution.id).token == 2
    with pytest.raises(Conflict, match="is running"):
        desk.executions.claim("third", opened.execution.id)


def test_a_hit_names_its_source_and_never_another_hit(desk, claim):
    key = "a" * 64
    report(desk, claim, Step(id="train", status=StepStatus.SUCCEEDED, key=key, output=value()))
    other = desk.executions.open("other", "o:o", {}, "script")
    [hit] = desk.executions.cached((key, "b" * 64))
    assert (hit.source.execution, hit.source.step, hit.output) == (claim.execution.id, "train", value())
    taken = Step(id="t", status=StepStatus.CACHED, key=key, output=hit.output, reused=hit.source)
    report(desk, other, taken)
    assert desk.executions.cached((key,)) == (hit,)


def test_results_must_be_there_and_be_what_they_say(desk, claim):
    large = Value(digest=sha256(b"large"), size=5)
    with pytest.raises(Invalid, match="has not been sent"):
        report(desk, claim, Step(id="train", status=StepStatus.SUCCEEDED, output=large))
    with pytest.raises(Invalid, match="are others"):
        report(
            desk, claim, Step(id="train", status=StepStatus.SUCCEEDED, output=Value(digest="0" * 64, size=1, data=b"x"))
        )


def test_parameters_are_bounded(desk):
    with pytest.raises(Invalid, match="not at most 65,536"):
        desk.executions.open("mine", "script:mine", {"x": "y" * 70_000}, "script")
