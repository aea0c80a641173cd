"""LAW: a reaction's call is made exactly if its event was recorded, and has its effect once, whatever dies when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from modelwright.alerts.model import Alert, Finding, Rule, Severity
from modelwright.app.connect import Workspace
from modelwright.app.home import Home
from modelwright.app.reactions import REACTIONS, Call, Reaction, reacting
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.core.errors import Invalid
from modelwright.core.events import Recorded
from modelwright.core.identity import DEFAULT_PROJECT
from modelwright.core.unit import Rows
from modelwright.jobs.reactor import ACTOR, react
from modelwright.pipelines.model import Declined, Execution
from modelwright.tracking.model import RunFinished, RunStarted
from support.homes import BEGINNING


def another(event: RunStarted, _at: datetime) -> Iterator[Call]:
    """Every run called ``first`` is followed by two called ``second``."""
    if event.name == "first":
        for _ in range(2):
            yield Call(operation="runs.start", arguments={"name": "second", "parameters": {"after": event.run_id}})


def impossible(event: RunFinished, _at: datetime) -> Iterator[Call]:
    """What nobody can carry out."""
    yield Call(operation="runs.get", arguments={"run_id": "0" * 32})


class House:
    """A home whose wall clock is set by hand."""

    def __init__(self, folder) -> None:
        self.now = BEGINNING
        reactions = (Reaction(RunStarted, another), Reaction(RunFinished, impossible))
        self.platform = Platform(Home(folder).open(create=True), clock=lambda: self.now, reactions=reactions)

    def do(self, name, /, **arguments):
        operation = self.platform.table.get(name)
        return self.platform.run(operation, operation.bind((), arguments))

    def react(self, run=None) -> int:
        return react(self.platform.outbox, self.platform.table, run or self.platform.run)

    @property
    def followers(self) -> int:
        return len(self.do("runs.list", name="second").items)


@pytest.fixture
def house(tmp_path) -> Iterator[House]:
    made = House(tmp_path / "home")
    with closing(made.platform):
        yield made


def test_what_happened_is_reacted_to_once(house):
    house.do("runs.start", name="first")
    assert house.followers == 0
    assert (house.react(), house.react()) == (2, 0)
    assert house.followers == 2


def test_what_is_none_of_a_reactions_business_is_left_alone(house):
    house.do("runs.start", name="other")
    assert house.platform.outbox.due(10) == []


def test_what_did_not_happen_is_not_reacted_to(house):
    with pytest.raises(Invalid):
        house.do("runs.start", name="first", capture={"diff": "0" * 64})
    assert house.platform.outbox.due(10) == []


@pytest.mark.parametrize("dies", [0, 1])
def test_a_worker_that_dies_after_a_call_and_before_it_is_settled_makes_it_twice_with_one_effect(house, dies):
    house.do("runs.start", name="first")
    calls = 0

    def killed_after(*given, **more):
        nonlocal calls
        house.platform.run(*given, **more)
        calls += 1
        if calls > dies:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        house.react(killed_after)
    assert house.react() == 2 - dies
    assert house.followers == 2


def test_a_call_that_fails_is_put_off_and_keeps_nobody(house):
    run = house.do("runs.start", name="other")
    cost = {"wall_seconds": 1.0, "cpu_seconds": 1.0, "peak_memory_mb": 1.0}
    house.do("runs.finish", run_id=run.id, status="finished", cost=cost)
    house.do("runs.start", name="first")
    assert house.react() == 2
    [failing] = house.platform.outbox.failing(10)
    assert (failing.topic, failing.attempts) == ("impossible", 1)
    assert failing.error.startswith("There is no run 00000000")
    assert house.platform.outbox.due(10) == []
    house.now += timedelta(seconds=1)
    assert house.platform.outbox.due(10) == [failing]


def test_the_ledger_says_who_reacted_and_to_what(house):
    house.do("runs.start", name="first")
    house.react()
    first, second, _ = reversed(house.do("ledger.list").items)
    assert (second.envelope.actor_id, second.envelope.actor_kind) == ("reactions", "service")
    assert second.envelope.causation_id == first.envelope.request_id != second.envelope.request_id


def test_a_new_version_of_a_dataset_starts_the_pipelines_that_wait_for_it(tmp_path):
    home = Home(tmp_path / "home").open(create=True)
    with closing(Platform(home)) as platform:
        ws = Workspace(platform.table, LocalCaller(platform), "")
        nothing = platform.blobs.put(b"").digest
        for dataset in ("flights", "weather"):
            definition = {
                "entry": "pipeline:go",
                "source": nothing,
                "environment": nothing,
                "triggers": [f"data:{dataset}"],
            }
            ws.pipelines.define(dataset, definition)
        version = ws.data.add("flights", {"delay": [1, 2]})
        assert react(platform.outbox, platform.table, platform.run) == 1
        [started] = ws.pipelines.executions().items
        assert (started.pipeline, started.cause.subject, started.cause.detail) == ("flights", "flights", version.ref)


ALARM, AGAIN = datetime(2013, 3, 2, tzinfo=UTC), datetime(2013, 3, 9, tzinfo=UTC)


class Alarmed:
    """A home with a pipeline that waits for an endpoint's alarms, and a monitor's word for what it sees."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.ws = Workspace(platform.table, LocalCaller(platform), "")
        nothing = platform.blobs.put(b"").digest
        definition = {"entry": "pipeline:go", "source": nothing, "environment": nothing, "triggers": ["alarm:delays"]}
        for name, more in (("retrain", {"parameters": [{"name": "until"}]}), ("other", {"triggers": ["alarm:fares"]})):
            self.ws.pipelines.define(name, definition | {"cooldown_seconds": 28 * 86400.0} | more)

    def told(self, rule: Rule, at: datetime, *, again: bool = False) -> None:
        """What ``monitors.run`` emits; then the worker reacts."""
        alert = Alert(
            id="a" * 32,
            endpoint="delays",
            model="delay",
            version=1,
            rule=rule,
            severity=rule.severity,
            finding=Finding(rule=rule, summary="It does worse.", since=ALARM),
            advice=rule.advice,
            raised_at=ALARM,
            told_at=at if again else None,
            last_seen=at,
            recorded_at=BEGINNING,
        )
        with self.platform.records.writing() as rows:
            unit = Emitting(rows)
            reacting(self.platform.outbox, REACTIONS)(
                unit,
                Recorded(
                    event=alert.telling,
                    project=DEFAULT_PROJECT,
                    actor=ACTOR,
                    recorded_at=BEGINNING,
                    request_id="1" * 32,
                ),
            )
        react(self.platform.outbox, self.platform.table, self.platform.run)

    @property
    def started(self) -> list[Execution]:
        return self.ws.pipelines.executions().items

    @property
    def declined(self) -> list[Declined]:
        return self.ws.pipelines.declined("retrain").items


class Emitting(NamedTuple):
    """The part of a unit of work that a projection needs."""

    rows: Rows


@pytest.fixture
def alarmed(tmp_path) -> Iterator[Alarmed]:
    with closing(Platform(Home(tmp_path / "home").open(create=True))) as platform:
        yield Alarmed(platform)


def test_an_alarm_starts_the_pipelines_that_wait_for_the_endpoint_at_its_event_time(alarmed):
    alarmed.told(Rule.PERFORMANCE, ALARM)
    [started] = alarmed.started
    assert (started.pipeline, started.at, started.parameters) == ("retrain", ALARM, {"until": ALARM.isoformat()})
    assert (started.cause.kind, started.cause.subject, started.cause.detail) == ("alarm", "delays", "a" * 32)
    assert alarmed.declined == []


@pytest.mark.parametrize("rule", [rule for rule in Rule if rule.severity is Severity.INFORM])
def test_what_only_informs_starts_nothing(alarmed, rule):
    alarmed.told(rule, ALARM)
    assert alarmed.started == alarmed.declined == []


def test_an_alarm_while_the_pipeline_waits_or_runs_is_declined_with_the_reason(alarmed):
    alarmed.told(Rule.PERFORMANCE, ALARM)
    alarmed.told(Rule.CALIBRATION, ALARM)
    [started], [declined] = alarmed.started, alarmed.declined
    assert declined.reason == f"Execution {started.id} is queued already."
    assert (declined.at, declined.cause.detail) == (ALARM, "a" * 32)


def test_an_alarm_that_lasts_is_declined_in_the_cooldown_and_starts_the_pipeline_again_after_it(alarmed):
    alarmed.told(Rule.PERFORMANCE, ALARM)
    alarmed.ws.pipelines.cancel(alarmed.started[0].id)  # nothing came of it
    alarmed.told(Rule.PERFORMANCE, AGAIN, again=True)
    [declined] = alarmed.declined
    assert (declined.at, declined.reason) == (AGAIN, "It started 7 days before, and its cooldown is 28 days.")
    after = ALARM + timedelta(days=28)
    alarmed.told(Rule.PERFORMANCE, after, again=True)
    assert [started.parameters["until"] for started in alarmed.started] == [after.isoformat(), ALARM.isoformat()]
