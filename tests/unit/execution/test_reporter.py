"""Reports come in groups, survive silence of the home, and end everything once the lease is lost."""

import threading
from datetime import UTC, datetime

import pytest

from modelwright.core.errors import Conflict, Unavailable
from modelwright.execution import reporter as module
from modelwright.execution.reporter import Reporter
from modelwright.pipelines.model import Claim, Execution, Planned, Status, Step, StepStatus, Told
from support.house import awaits

NOW = datetime(2026, 1, 5, tzinfo=UTC)


class Desk:
    """Keeps what it is told; does what the test wants."""

    def __init__(self):
        self.calls, self.steps, self.raises, self.cancelling = [], {}, [], False
        self.gate = threading.Event()
        self.gate.set()

    def record(self, execution_id, owner, token, steps, plan):
        self.gate.wait(30)
        self.calls.append([step.id for step in steps])
        if self.raises:
            raise self.raises.pop(0)
        self.steps |= {step.id: step for step in steps}
        return Told(cancelling=self.cancelling)

    def finish(self, execution_id, owner, token, status, steps, *, plan, result, error):
        self.record(execution_id, owner, token, steps, plan)
        self.plan = plan
        return status


def step(name, status=StepStatus.RUNNING):
    return Step(id=name, status=status)


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def report(desk, monkeypatch):
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.01)
    made = []

    def begun(seconds=30.0):
        execution = Execution(id="e" * 32, pipeline="p", entry="p:f", at=NOW, queued_at=NOW, queued_by="o")
        claim = Claim(execution=execution, owner="me", token=1, seconds=seconds)
        over = threading.Event()
        made.append(Reporter(desk, claim, over.set))
        made[-1].over = over
        return made[-1]

    yield begun
    for one in made:
        one.stop()


def test_what_changes_together_is_reported_together(desk, report):
    reporter = report()
    for name in "abc":
        reporter.changed(step(name))
    awaits(lambda: len(desk.steps) == 3, "reported")
    assert len(desk.calls) <= 2


def test_of_a_step_the_newest_state_is_reported(desk, report):
    reporter = report()
    desk.gate.clear()
    for status in (StepStatus.RUNNING, StepStatus.FAILED, StepStatus.SUCCEEDED):
        reporter.changed(step("a", status))
    desk.gate.set()
    reporter.flush()
    assert desk.steps["a"].status is StepStatus.SUCCEEDED


def test_what_flush_returned_from_has_been_recorded(desk, report):
    reporter = report()
    for number in range(1200):
        reporter.changed(step(f"s#{number + 1}"))
    reporter.flush()
    assert len(desk.steps) == 1200
    assert max(map(len, desk.calls)) <= 500


def test_the_end_brings_the_plan_and_what_was_not_said(desk, report):
    reporter = report()
    desk.gate.clear()
    reporter.planned((Planned(id="a"),))
    reporter.changed(step("a", StepStatus.SUCCEEDED))
    desk.gate.set()
    assert reporter.finish(Status.SUCCEEDED) is Status.SUCCEEDED
    assert desk.steps["a"].status is StepStatus.SUCCEEDED


def test_without_news_there_is_a_heartbeat(desk, report):
    report(seconds=0.3)
    awaits(lambda: len(desk.calls) >= 3, "beats")
    assert desk.calls[0] == []


def test_a_home_that_is_silent_for_a_while_is_asked_again(desk, report):
    reporter = report()
    desk.raises = [Unavailable("busy")] * 3
    reporter.changed(step("a"))
    reporter.flush()
    assert desk.steps["a"].status is StepStatus.RUNNING
    assert not reporter.over.is_set()


def test_a_home_that_is_silent_for_the_lease_ends_everything(desk, report):
    reporter = report(seconds=0.2)
    desk.raises = [Unavailable("gone")] * 10_000
    awaits(reporter.over.is_set, "what runs is ended")
    assert reporter.lost
    assert reporter.finish(Status.SUCCEEDED) is None


def test_a_holder_that_is_refused_ends_everything_and_reports_no_more(desk, report):
    reporter = report()
    desk.raises = [Conflict("another one holds it")]
    reporter.changed(step("a"))
    awaits(reporter.over.is_set, "what runs is ended")
    said = len(desk.calls)
    reporter.changed(step("b"))
    reporter.flush()
    assert reporter.finish(Status.SUCCEEDED) is None
    assert len(desk.calls) == said
    assert desk.steps == {}


def test_cancelling_is_heard_with_the_next_report(desk, report):
    reporter = report(seconds=0.3)
    desk.cancelling = True
    awaits(reporter.over.is_set, "heard")
    assert reporter.cancelled
    assert not reporter.lost
