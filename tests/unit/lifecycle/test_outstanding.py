"""What still follows is counted until it has happened, also while whoever does it has vanished."""

from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller
from modelwright.core.guard import Decision
from modelwright.models.lookup import Lookup
from modelwright.pipelines.model import Status
from modelwright.store.leases import leases
from support.homes import fresh_platform


def allowing(_unit, transition):
    return Decision(transition=transition, allowed=True, tier="minimal", policy="0" * 64, gates=())


@pytest.fixture
def platform(tmp_path):
    with closing(fresh_platform(tmp_path)) as made:
        for noun in ("endpoints", "models"):
            made.services[noun]._guard = allowing
        yield made


@pytest.fixture
def ws(platform):
    made = Workspace(platform.table, LocalCaller(platform), "here")
    model = Lookup(["carrier"], {("UA",): 0.2}, otherwise=0.25)
    made.endpoints.deploy("delays", made.models.save(model, "delay", example={"carrier": ["UA"]}).ref)
    nothing = platform.blobs.put(b"").digest
    made.pipelines.define("retrain", {"entry": "pipeline:go", "source": nothing, "environment": nothing})
    return made


def vanish(platform):
    """Whoever holds a lease has not been heard of for long."""
    with platform.records.writing() as rows:
        rows.execute(update(leases).values(until=datetime(2000, 1, 1, tzinfo=UTC)))


def test_an_execution_is_outstanding_until_it_has_ended(ws, platform):
    def outstanding():
        return ws.lifecycle.outstanding("delays").executions

    assert outstanding() == 0
    execution = ws.pipelines.start("retrain")
    assert outstanding() == 1
    ws.executions.claim("first")
    vanish(platform)
    assert ws.pipelines.execution(execution.id).status is Status.INTERRUPTED
    assert outstanding() == 1  # another worker takes it up
    claim = ws.executions.claim("second")
    ws.executions.finish(execution.id, "second", claim.token, "succeeded")
    assert outstanding() == 0


def test_a_scripts_execution_that_was_left_waits_for_a_person_and_is_not_outstanding(ws, platform):
    ws.executions.open("retrain", "pipeline:go", {}, "a script")
    assert ws.lifecycle.outstanding("delays").executions == 1
    vanish(platform)
    assert ws.lifecycle.outstanding("delays").executions == 0
