"""LAW: kill -9 of whoever executes, at any moment: another one goes on, no success is recorded twice, nothing that
succeeded is done again, and a holder that was taken for dead can publish nothing.
"""

import os
import signal
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import update

import modelwright as mw
from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller
from modelwright.core import wire
from modelwright.core.clock import utc_now
from modelwright.core.errors import Conflict
from modelwright.core.source import SourceFile, SourceSnapshot
from modelwright.jobs.launcher import Launcher
from modelwright.pipelines.model import Status, StepStatus
from modelwright.pipelines.repository import schedules
from modelwright.store.leases import leases
from support.homes import fresh_platform
from support.house import House, awaits, cli, python

pytestmark = pytest.mark.slow

PIPELINE = '''
import os
import time
from datetime import datetime
from pathlib import Path

import modelwright as mw

NOTES = Path(os.environ["NOTES"])


def noted(word):
    """One line, appended at once: what really happened."""
    with open(NOTES / "done", "a") as file:
        file.write(f"{word}\\n")


def held(name):
    """Wait while the test wants it."""
    (NOTES / f"reached-{name}").write_text(str(os.getpid()))
    while (NOTES / f"hold-{name}").exists():
        time.sleep(0.02)


@mw.step
def prepare(until: datetime):
    noted("prepare")
    return {"until": until}


@mw.step(cache=False)
def register(data, number):
    held(f"register-{number}")
    noted(f"register {number}")
    return number


@mw.step(cache=False)
def release(numbers):
    print("releasing", numbers)
    mw.progress(1, 4, "guard first")
    held("release")
    noted("release")
    return max(numbers)


@mw.pipeline(on=["alarm:delays"])
def retrain(until: datetime):
    held("body")
    data = prepare(until)
    return release([register(data, 1), register(data, 2)])
'''


class Scene:
    """A home, a registered pipeline, and what its steps really did."""

    def __init__(self, folder, monkeypatch):
        self.platform = fresh_platform(folder)
        self.ws = Workspace(self.platform.table, LocalCaller(self.platform), str(self.platform.home.folder))
        self.notes, self.project = folder / "notes", folder / "project"
        for place in (self.notes, self.project):
            place.mkdir()
        monkeypatch.setenv("NOTES", str(self.notes))
        (self.project / "modelwright.toml").write_text('name = "flights"\n')
        (self.project / "pipeline.py").write_text(PIPELINE)
        monkeypatch.chdir(self.project)
        cli("--home", self.platform.home.folder, "pipeline", "register", "pipeline.py:retrain")

    def start(self):
        return self.ws.pipelines.start("retrain", {"until": "2013-05-01"}).id

    def hold(self, name):
        (self.notes / f"hold-{name}").write_text("")

    def go(self, name):
        (self.notes / f"hold-{name}").unlink()

    def reached(self, name, launcher):
        """Wait until a step waits there; its process id."""
        place = self.notes / f"reached-{name}"
        return int(turned(launcher, lambda: place.exists() and place.read_text()))

    def forget(self, name):
        (self.notes / f"reached-{name}").unlink()

    def ended(self, execution, *launchers):
        def over():
            found = self.ws.pipelines.execution(execution)
            return found if found.over else None

        return turned(launchers, over)

    def reported(self, execution, step):
        return any(one.id == step and one.status.done for one in self.ws.pipelines.steps(execution))

    @property
    def done(self):
        file = self.notes / "done"
        return file.read_text().splitlines() if file.exists() else []

    def close(self):
        self.platform.close()


def turned(launchers, holds):
    """Let launchers work until something holds."""
    several = launchers if isinstance(launchers, tuple) else (launchers,)

    def look():
        for launcher in several:
            launcher.turn()
        return holds()

    return awaits(look, "what the launchers work for")


@pytest.fixture
def scene(tmp_path, monkeypatch):
    with closing(Scene(tmp_path, monkeypatch)) as made:
        yield made


@pytest.fixture
def launcher(scene):
    with closing(Launcher(scene.platform)) as made:
        yield made


EVERYTHING = ["prepare", "register 1", "register 2", "release"]


def test_a_registered_pipeline_is_carried_out_from_its_snapshot(scene, launcher):
    (scene.project / "pipeline.py").write_text("raise SystemExit('another source')\n")
    execution = scene.start()
    assert scene.ended(execution, launcher).status is Status.SUCCEEDED
    assert sorted(scene.done) == EVERYTHING
    assert scene.ws.pipelines.result(execution) == 2
    launcher.turn()
    awaits(lambda: not launcher.processes or launcher.turn(), "it is buried")
    assert not (scene.platform.home.work / execution).exists()


@pytest.mark.parametrize("point", ["body", "register-1", "register-2", "release"])
def test_kill_9_of_the_execution_at_a_point_and_another_process_goes_on(point, scene, launcher):
    scene.hold(point)
    execution = scene.start()
    stepper = scene.reached(point, launcher)
    before = scene.done
    awaits(
        lambda: point == "body" or scene.reported(execution, "prepare"), "what is remembered waits 20 ms for company"
    )
    os.kill(launcher.processes[execution], signal.SIGKILL)
    awaits(lambda: not alive(stepper), "what it had started ends itself")
    scene.forget(point)
    scene.go(point)
    found = scene.ended(execution, launcher)
    assert (found.status, found.crashes) == (Status.SUCCEEDED, 1)
    assert scene.done[: len(before)] == before
    assert sorted(scene.done) == EVERYTHING  # each of them once
    assert all(step.status is StepStatus.SUCCEEDED for step in scene.ws.pipelines.steps(execution))


def test_kill_9_of_a_steps_process_is_a_failed_try_and_names_the_signal(scene, launcher):
    scene.hold("release")
    execution = scene.start()
    os.kill(scene.reached("release", launcher), signal.SIGKILL)
    found = scene.ended(execution, launcher)
    assert found.status is Status.FAILED
    assert "release: Its process ended by signal 9" in found.error
    scene.go("release")
    assert scene.ws.pipelines.resume(execution).status is Status.QUEUED
    assert scene.ended(execution, launcher).status is Status.SUCCEEDED
    assert sorted(scene.done) == EVERYTHING


def test_two_workers_race_and_every_step_runs_once(scene, launcher):
    with closing(Launcher(scene.platform)) as other:
        executions = [scene.start() for _ in range(3)]
        both = [threading.Thread(target=one.turn) for one in (launcher, other)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert len(launcher.processes) + len(other.processes) == 1  # of one pipeline one at a time
        for execution in executions:
            assert scene.ended(execution, launcher, other).status is Status.SUCCEEDED
    assert sorted(scene.done) == sorted(["prepare", *EVERYTHING[1:] * 3])  # `prepare` was remembered


def test_a_holder_that_was_taken_for_dead_publishes_nothing(scene, launcher):
    """It is stopped, not killed: its lease ends, another one takes over, then it wakes up."""
    scene.hold("register-1")
    execution = scene.start()
    scene.reached("register-1", launcher)
    pid = launcher.processes[execution]
    os.kill(pid, signal.SIGSTOP)
    try:
        with scene.platform.records.writing() as rows:
            expire(rows, execution)
        claim = scene.ws.executions.claim("second")
        assert claim.execution.id == execution
        scene.go("register-1")
        awaits(lambda: "register 1" in scene.done, "its step ends meanwhile")
    finally:
        os.kill(pid, signal.SIGCONT)
    turned(launcher, lambda: not launcher.processes)
    assert scene.ws.pipelines.execution(execution).status is Status.RUNNING  # still the second one's
    assert not scene.reported(execution, "register")
    scene.ws.executions.finish(execution, "second", claim.token, "interrupted")
    assert scene.ended(execution, launcher).status is Status.SUCCEEDED


def expire(rows, execution):
    name = f"pipelines.execution.{execution}"
    rows.execute(update(leases).where(leases.c.name == name).values(until=datetime(2000, 1, 1, tzinfo=UTC)))


def test_log_and_progress_are_there_while_a_step_runs(scene, launcher):
    scene.hold("release")
    execution = scene.start()
    scene.reached("release", launcher)
    steps = scene.ws.pipelines.steps
    [step] = awaits(
        lambda: [one for one in steps(execution) if one.id == "release" and one.progress and one.log], "it is heard"
    )
    assert scene.ws.pipelines.logs(execution, "release").text == "releasing [1, 2]\n"
    assert (step.status, step.progress.done, step.progress.note) == (StepStatus.RUNNING, 1, "guard first")
    scene.go("release")
    scene.ended(execution, launcher)


def test_the_calendar_starts_what_is_due(scene, launcher):
    definition = scene.ws.pipelines.get("retrain").definition
    scene.ws.pipelines.define("minutely", replace(definition, triggers=("cron:* * * * *",)))
    launcher.fire()
    assert scene.ws.pipelines.executions(name="minutely").items == []
    with scene.platform.records.writing() as rows:
        rows.execute(update(schedules).values(next_at=utc_now() - timedelta(days=400)))
    launcher.fire()
    launcher.fire()
    [execution] = scene.ws.pipelines.executions(name="minutely").items
    assert utc_now() - execution.at < timedelta(minutes=2)
    assert scene.ended(execution.id, launcher).status is Status.SUCCEEDED


def test_cancelling_kills_what_is_under_way(scene, launcher):
    scene.hold("release")
    execution = scene.start()
    stepper = scene.reached("release", launcher)
    scene.ws.pipelines.cancel(execution)
    assert scene.ended(execution, launcher).status is Status.CANCELLED
    awaits(lambda: not alive(stepper), "the step is killed")
    assert "release" not in scene.done


def test_a_worker_that_ends_leaves_its_executions_to_the_next(scene):
    scene.hold("release")
    execution = scene.start()
    with closing(Launcher(scene.platform)) as first:
        scene.reached("release", first)
    found = scene.ws.pipelines.execution(execution)
    assert (found.status, found.crashes) == (Status.QUEUED, 0)
    scene.go("release")
    with closing(Launcher(scene.platform)) as second:
        assert scene.ended(execution, second).status is Status.SUCCEEDED
    assert sorted(scene.done) == EVERYTHING


def test_a_module_that_cannot_be_imported_fails_its_execution_with_the_reason(scene, launcher):
    text = PIPELINE.replace("import time\n", "import time\nimport no_such_module\n")
    source = scene.platform.blobs.put(text.encode())
    digest = scene.platform.blobs.put(_snapshot("pipeline.py", source)).digest
    definition = {"entry": "pipeline:retrain", "source": digest, "environment": source.digest}
    scene.ws.pipelines.define("broken", definition)
    execution = scene.ws.pipelines.start("broken").id
    found = scene.ended(execution, launcher)
    assert found.status is Status.FAILED
    assert "No module named 'no_such_module'" in found.error


def _snapshot(path, stored):
    file = SourceFile(path=path, digest=stored.digest, size=stored.size)
    return wire.canonical(SourceSnapshot(files=(file,)))


@pytest.mark.parametrize("path", ["../evil.py", "/tmp/evil.py", "a/../../evil.py"])
def test_a_snapshot_that_leads_out_of_its_folder_is_not_unpacked(path, scene, launcher):
    stored = scene.platform.blobs.put(b"print()")
    digest = scene.platform.blobs.put(_snapshot(path, stored)).digest
    scene.ws.pipelines.define("evil", {"entry": "evil:f", "source": digest, "environment": digest})
    execution = scene.ws.pipelines.start("evil").id
    found = scene.ended(execution, launcher)
    assert found.status is Status.FAILED
    assert "no path inside it" in found.error


SCRIPT = """
import sys
import modelwright as mw
sys.path.insert(0, sys.argv[1])
import pipeline
with mw.connect(sys.argv[2]) as ws:
    pipeline.retrain.run(workspace=ws, until="2013-05-01")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_scripts_execution_goes_on_after_ctrl_c_and_after_kill_9(number, scene):
    home = scene.platform.home.folder
    scene.hold("release")
    with python(SCRIPT, scene.project, home) as process:
        stepper = int(
            awaits(
                lambda: (scene.notes / "reached-release").exists() and (scene.notes / "reached-release").read_text(),
                "x",
            )
        )
        process.send_signal(number)
        process.wait(60)
    awaits(lambda: not alive(stepper), "its step is killed")
    scene.go("release")
    [left] = scene.ws.pipelines.executions().items
    if number == signal.SIGKILL:
        with pytest.raises(Conflict, match="is running"):
            scene.ws.executions.claim("another", left.id)
        with scene.platform.records.writing() as rows:
            expire(rows, left.id)
    assert scene.ws.pipelines.execution(left.id).status is Status.INTERRUPTED
    said = cli("--home", home, "pipeline", "resume", left.id, "--json").json
    assert (said["id"], said["status"]) == (left.id, "succeeded")
    assert sorted(scene.done) == EVERYTHING


def test_an_alarm_retrains_through_the_workers_of_a_house(scene):
    """The whole way, in the processes that `modelwright up` starts, one of them killed meanwhile."""
    home = scene.platform.home.folder
    scene.hold("register-2")
    with House(home, workers=1) as house, closing(mw.connect(house.api)) as ws:
        said = cli("--url", house.api, "pipeline", "trigger", "alarm", "delays", "--at", "2013-05-01", "--json").json
        execution = said["started"][0]["id"]
        awaits((scene.notes / "reached-register-2").exists, "it runs")
        assert ws.pipelines.execution(execution).status is Status.RUNNING
        house.replaced("jobs", house.kill("jobs"))
        scene.go("register-2")
        found = awaits(lambda: (one := ws.pipelines.execution(execution)).over and one, "it goes on by itself")
        assert found.status is Status.SUCCEEDED
        assert found.cause.kind == "alarm"
        shown = cli("--url", house.api, "pipeline", "show", execution).out
        assert "because of   alarm delays" in shown
        assert ws.pipelines.result(execution) == 2
    assert sorted(scene.done) == EVERYTHING


def alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
