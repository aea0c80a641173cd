"""LAW: a monitor that is killed between computing and writing has judged nothing, and the next run tells each alert once."""

from contextlib import closing

import pytest

from modelwright.alerts.repository import AlertRepository
from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.jobs.worker import Worker
from modelwright.monitoring.repository import MonitorRepository
from modelwright.testing.faults import killed
from support import watched
from support.watched import ENDPOINT, answered, workspace


@pytest.mark.parametrize(
    ("kind", "step"), [(MonitorRepository, "keep"), (MonitorRepository, "advance"), (AlertRepository, "put")]
)
def test_a_monitor_killed_while_it_writes_tells_each_alert_once(tmp_path, kind, step):
    with closing(watched.platform(tmp_path)) as made:
        answered(made, range(watched.DAYS, watched.DAYS + 12), shift=2.0)

    def opened() -> Platform:
        return Platform(Home(tmp_path / ".modelwright").open(create=False))

    def work(fatal):
        platform = opened()
        setattr(kind, step, lambda *_: fatal())
        workspace(platform).monitors.run(ENDPOINT)

    killed(work)
    with closing(opened()) as platform:
        ws = workspace(platform)
        assert ws.monitors.get(ENDPOINT).standing is None
        assert ws.alerts.list(which="all").items == []
        ran = ws.monitors.run(ENDPOINT)
        told = [entry for entry in ws.ledger.list(limit=1000).items if entry.envelope.kind == "alerts.alert_raised"]
        assert len(told) == len(ran.raised) == len(ws.alerts.list(which="all").items) > 0
        assert ws.ledger.verify().intact


def test_the_job_worker_runs_monitors_that_have_something_to_judge(tmp_path):
    with closing(watched.platform(tmp_path)) as made:
        answered(made, range(watched.DAYS, watched.DAYS + 12), shift=2.0)
        worker = Worker(made, "here")
        worker.turn()  # ships, then judges
        standing = workspace(made).monitors.get(ENDPOINT).standing
        assert standing.inputs_until == watched.START + (watched.DAYS + 11) * watched.DAY
        assert workspace(made).alerts.list().items
        [event] = {
            entry.envelope.actor_id
            for entry in workspace(made).ledger.list(limit=1000).items
            if entry.envelope.kind == "alerts.alert_raised"
        }
        assert event == "monitors"
