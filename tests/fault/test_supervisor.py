import os
import select
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from modelwright.processes.supervisor import Spec, Supervisor

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX processes")

_STEADY = """
import os, signal, sys, time
fifo = sys.argv[1]
def told(*_):
    open(fifo, "w").write(f"ended {os.getpid()}\\n"); os._exit(0)
signal.signal(signal.SIGTERM, told)
open(fifo, "w").write(f"began {os.getpid()} {os.environ.get('OMP_NUM_THREADS')} {sys.argv[2:]}\\n")
while True: signal.pause()
"""
_STUBBORN = _STEADY.replace("told)", "signal.SIG_IGN)")
_BROKEN = "raise SystemExit(3)"


class Heard:
    """Lines that processes write into one pipe with a name."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = str(path)
        self._fd = os.open(path, os.O_RDWR)
        self._rest = b""

    def line(self, seconds=20.0):
        until = time.monotonic() + seconds
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._fd], [], [], max(0.0, until - time.monotonic()))
            assert ready, "nobody said anything"
            self._rest += os.read(self._fd, 4096)
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def close(self):
        os.close(self._fd)


@pytest.fixture
def heard(tmp_path):
    with closing(Heard(tmp_path / "fifo")) as hearing:
        yield hearing


@pytest.fixture
def modules(tmp_path, monkeypatch):
    for name, text in (("steady", _STEADY), ("stubborn", _STUBBORN), ("broken", _BROKEN)):
        (tmp_path / f"{name}_mod.py").write_text(text)
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    monkeypatch.setenv("PYTHONPATH", paths)


@contextmanager
def kept(*specs, grace=10.0):
    said = []
    supervisor = Supervisor(specs, say=said.append, grace=grace)
    try:
        yield supervisor, said
    finally:
        supervisor.end()


def _gone(pid, seconds=20.0):
    """Whether a process ends: it is no more, or only its parent has still to take note."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if (stat := Path(f"/proc/{pid}/stat")).exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.01)
    return False


def _tended_until(supervisor, told, seconds=20.0):
    """Tend until something is so; a process may show as dead before all its threads are. Answers the last pause."""
    until = time.monotonic() + seconds
    pause = supervisor.tend()
    while not told():
        assert time.monotonic() < until
        time.sleep(0.01)
        pause = supervisor.tend()
    return pause


def test_a_dead_process_is_started_again(heard, modules):
    with kept(Spec("a", "steady_mod", (heard.path, "x"), (), {"OMP_NUM_THREADS": "1"})) as (supervisor, said):
        supervisor.tend()
        word, pid, threads, arguments = heard.line().split(" ", 3)
        assert (word, threads, arguments) == ("began", "1", "['x']")
        os.kill(int(pid), signal.SIGKILL)
        pause = _tended_until(supervisor, lambda: said)
        assert 0 < pause <= 0.1
        assert "a ended by signal 9" in said[0]
        while not supervisor.processes:
            time.sleep(pause)
            pause = supervisor.tend()
        assert heard.line().startswith("began")


def test_one_that_dies_at_once_is_started_ever_more_slowly(modules):
    pauses = []
    with kept(Spec("b", "broken_mod")) as (supervisor, said):
        supervisor.tend()
        for _ in range(4):
            while supervisor.processes:
                time.sleep(0.005)
                supervisor.tend()
            pauses.append(float(said[-1].rpartition(" in ")[2].removesuffix(" s.")))
            while not supervisor.processes:
                time.sleep(0.01)
                supervisor.tend()
    assert pauses == [0.1, 0.2, 0.4, 0.8]
    assert "exit code 3" in said[0]


def test_they_are_told_to_end_and_made_to_when_they_do_not(heard, modules):
    specs = (Spec("a", "steady_mod", (heard.path,)), Spec("s", "stubborn_mod", (heard.path,)))
    with kept(*specs, grace=0.5) as (supervisor, _):
        supervisor.tend()
        pids = {int(heard.line().split()[1]), int(heard.line().split()[1])}
        assert pids == set(supervisor.processes.values())
    assert heard.line().startswith("ended")
    assert all(_gone(pid) for pid in pids)


_KEEPER = """
import sys
from modelwright.processes.supervisor import Spec, Supervisor
Supervisor([Spec("a", "steady_mod", (sys.argv[1],)), Spec("s", "steady_mod", (sys.argv[1],))], say=print).run()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_however_the_keeper_ends_they_end(heard, modules, number):
    keeper = subprocess.Popen([sys.executable, "-c", _KEEPER, heard.path], stdout=subprocess.DEVNULL)
    pids = {int(heard.line().split()[1]), int(heard.line().split()[1])}
    keeper.send_signal(number)
    assert keeper.wait(20) == (-9 if number == signal.SIGKILL else 0)
    assert {int(heard.line().removeprefix("ended ")) for _ in pids} == pids
    assert all(_gone(pid) for pid in pids)
