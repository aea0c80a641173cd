"""Steps in processes of their own: killed when their time is over, replaced when they crash, heard while they run."""

import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from modelwright.execution.executors.base import Job
from modelwright.execution.executors.processes import Processes
from modelwright.pipelines.model import Failed, Status, StepStatus
from modelwright.pipelines.values import decode, encode
from support.house import awaits

MODULE = """
import os
import subprocess
import sys
import time
from pathlib import Path

import modelwright as mw


@mw.step
def double(x):
    print("doubling", x)
    mw.progress(1, 1, "done")
    return 2 * x


@mw.step
def whoami(_):
    return os.getpid()


@mw.step
def large(size):
    return b"x" * size


@mw.step
def chatty(lines):
    for line in range(lines):
        print("line", line)
        print("error", line, file=sys.stderr)
    return lines


@mw.step
def sleeps(folder):
    child = subprocess.Popen(["sleep", "60"])
    Path(folder, "child").write_text(str(child.pid))
    time.sleep(60)


@mw.step
def crashes(_):
    os.kill(os.getpid(), 9)


@mw.step
def leaves(_):
    sys.exit(3)


@mw.step(retries=1, timeout="300ms")
def slow_once(folder):
    mark = Path(folder, "tried")
    if not mark.exists():
        mark.write_text("")
        time.sleep(60)
    return "done"


@mw.pipeline()
def patient(folder: str):
    return slow_once(folder)


@mw.pipeline()
def wide(n: int):
    return [double(x) for x in range(n)]
"""


class Heard:
    def __init__(self):
        self.log, self.progress = {}, {}

    def wrote(self, step, data):
        self.log[step] = self.log.get(step, b"") + data

    def progressed(self, step, progress):
        self.progress[step] = progress


class Pool:
    """Processes, and what is asked of them."""

    def __init__(self, folder, project):
        self.heard = Heard()
        self.folder = folder
        self.module = project.module("pooled", MODULE)
        self.processes = Processes(folder, self.heard, size=2)

    def start(self, function, argument, *, step=None, seconds=None):
        call = encode([[argument], {}])
        self.processes.start(
            Job(
                execution="e" * 32,
                step=step or function,
                module="pooled",
                function=function,
                call=call,
                inputs={},
                seconds=seconds,
            )
        )

    def answer(self):
        return awaits(lambda: self.processes.wait(0.5), "an answer")[0]

    def close(self):
        self.processes.close()


@pytest.fixture
def pool(tmp_path, project):
    folder = tmp_path / "scratch"
    folder.mkdir()
    with closing(Pool(folder, project)) as made:
        yield made


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_step_answers_and_is_heard(pool):
    pool.start("double", 21)
    done = pool.answer()
    assert decode(done.output.data) == 42
    assert pool.heard.log == {"double": b"doubling 21\n"}
    assert pool.heard.progress["double"].note == "done"
    assert done.cpu_seconds >= 0


def test_a_process_serves_many_steps(pool):
    pids = set()
    for number in range(5):
        pool.start("whoami", number)
        pids.add(decode(pool.answer().output.data))
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_all_that_a_step_wrote_is_its_own_and_is_there_when_it_ends(pool):
    for number in (300, 2000):
        pool.start("chatty", number, step=f"chatty{number}")
        pool.answer()
        assert pool.heard.log[f"chatty{number}"].count(b"\n") == 2 * number


def test_a_large_result_lies_in_the_scratch_folder(pool):
    pool.start("large", 5_000_000)
    output = pool.answer().output
    assert output.data is None
    assert decode((pool.folder / output.digest).read_bytes()) == b"x" * 5_000_000


def test_a_step_that_takes_too_long_is_killed_with_all_it_started(pool):
    pool.start("sleeps", str(pool.folder), seconds=0.5)
    began = time.monotonic()
    done = pool.answer()
    assert "longer than its time limit of 0.5 s" in done.error
    assert time.monotonic() - began < 30
    child = int((pool.folder / "child").read_text())
    awaits(lambda: gone(child), "its child is killed too")
    pool.start("double", 1)
    assert decode(pool.answer().output.data) == 2


@pytest.mark.parametrize(("step", "words"), [("crashes", "ended by signal 9"), ("leaves", "SystemExit: 3")])
def test_a_step_that_ends_its_process_fails_alone(pool, step, words):
    pool.start(step, 0)
    pool.start("double", 4)
    answers = {done.step: done for done in (pool.answer(), pool.answer())}
    assert words in answers[step].error
    assert decode(answers["double"].output.data) == 8


def test_killing_ends_everything_from_any_thread(pool):
    pool.start("sleeps", str(pool.folder))
    child = int(awaits(lambda: (pool.folder / "child").exists() and (pool.folder / "child").read_text(), "it runs"))
    pool.processes.kill()
    assert pool.processes.wait(5) == []
    awaits(lambda: gone(child), "its child is killed")


def test_a_timeout_is_a_try_that_failed(ws, project, tmp_path):
    module = project.module("patience", MODULE)
    execution = module.patient.run(workspace=ws, folder=str(tmp_path))
    [step] = ws.pipelines.steps(execution.id)
    assert "time limit of 0.3 s" in step.failed[0].error
    assert step.status is StepStatus.SUCCEEDED
    assert ws.pipelines.result(execution.id) == "done"


def test_a_fan_out_uses_processes(ws, project):
    module = project.module("widely", MODULE)
    execution = module.wide.run(workspace=ws, n=40)
    assert execution.status is Status.SUCCEEDED
    assert ws.pipelines.result(execution.id) == [2 * x for x in range(40)]


def test_a_script_without_a_guard_is_told_to_have_one(ws, project, tmp_path):
    text = MODULE.replace("def double(x):", "def double(x):\n    import unguarded")
    (project.folder / "unguarded.py").write_text("import hushed\nhushed.wide.run(n=1)\n")
    module = project.module("hushed", text)
    with pytest.raises(Failed, match="if __name__"):
        module.wide.run(workspace=ws, n=1)
