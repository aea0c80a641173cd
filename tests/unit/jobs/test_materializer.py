"""What was materialised once follows its datasets; what nobody asked for stays as it is."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from modelwright import features as f
from modelwright.app.connect import Workspace
from modelwright.app.home import Home
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.jobs.leasing import Leases
from modelwright.jobs.materializer import Materializer

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
weather = f.source("weather", entity="origin", event_time="at")
VIEWS = [f.view(name, [weather.latest("temp")]) for name in ("followed", "forgotten")]


def observations(*temps: float) -> pa.Table:
    at = [NOON + timedelta(hours=hour) for hour in range(len(temps))]
    return pa.table({"origin": ["JFK"] * len(temps), "at": pa.array(at, pa.timestamp("us", "UTC")), "temp": temps})


@pytest.fixture
def platform(tmp_path):
    with closing(Platform(Home(tmp_path / "home").open(create=True))) as opened:
        yield opened


def test_a_new_version_of_a_dataset_reaches_the_online_store_by_itself(platform, monkeypatch):
    monkeypatch.setattr("modelwright.jobs.materializer.EVERY_SECONDS", 0.0)
    ws = Workspace(platform.table, LocalCaller(platform), "")
    job = Materializer(platform, Leases(platform.queue, "worker"))
    ws.data.add("weather", observations(40.0), event_time="at")
    followed, forgotten = (ws.features.apply(view) for view in VIEWS)
    ws.features.materialize(followed)
    assert not job.turn()
    ws.data.add("weather", observations(40.0, 41.5), event_time="at")
    assert job.turn()
    assert not job.turn()
    asked = [{"origin": "JFK"}]
    assert ws.features.online(followed, asked, at=NOON + timedelta(hours=2)) == [{"temp": 41.5}]
    assert ws.features.freshness(forgotten.ref).until is None
