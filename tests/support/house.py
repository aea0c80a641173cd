"""A home's processes as a person starts them: ``modelwright up``, told to end or killed, and started again."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

COMMAND = [sys.executable, "-m", "modelwright"]
PATIENCE_SECONDS = 120.0
TESTS = Path(__file__).parents[1]
_KINDS = {"modelwright.server.run": "api", "modelwright.jobs.worker": "jobs"}


def awaits(holds: Callable[[], Any], what: str, *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Look until something holds; what it then is."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)
    return found


class Said(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def cli(*arguments: object, code: int | None = 0, env: Mapping[str, str] | None = None) -> Said:
    """Type a command; it never ends in a traceback."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
        env={**os.environ, **(env or {})},
    )
    said = Said(done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in said.out + said.err, said
    assert code is None or said.code == code, said
    return said


class House:
    """``modelwright up`` on one home, as often as it takes; every start listens on fresh ports.

    Args:
        home: The home's folder.
        workers: Inference workers.
    """

    def __init__(self, home: Path, *, workers: int = 2) -> None:
        self.home = home
        self.workers = workers
        self.api = self.serving = ""
        self._log = home.parent / "up.log"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> Self:
        """Start it, and wait until it says that both ports answer."""
        wait_until_free(self.home)
        options = ["--home", str(self.home), "--port", "0", "--serve-port", "0", "--workers", str(self.workers)]
        with self._log.open("a") as log:
            self._process = subprocess.Popen([*COMMAND, "up", *options], stdout=subprocess.PIPE, stderr=log, text=True)
        watchdog = threading.Timer(PATIENCE_SECONDS, self._process.kill)
        watchdog.start()
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        watchdog.cancel()
        assert "ready" in line, self.said()
        self.api, self.serving = re.findall(r"http://[\d.]+:\d+", line)
        return self

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the supervisor a signal; its exit code, once no process of the home is left."""
        process, self._process = self._process, None
        assert process is not None
        assert process.stdout is not None
        process.send_signal(number)
        code = process.wait(PATIENCE_SECONDS)
        process.stdout.close()
        wait_until_free(self.home)
        return code

    def revived(self) -> None:
        """Start it again if somebody has killed its supervisor; whether it lives then is for the caller to find out."""
        if self._process is not None and self._process.poll() is not None:
            self.end(0)
            with suppress(AssertionError):  # killed once more before it was ready
                self.start()

    def kill(self, name: str) -> int:
        """Kill -9 one of its processes; which one it was."""
        pid = self.processes[name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def replaced(self, name: str, dead: int) -> None:
        """Wait until another process stands in for a dead one."""
        awaits(lambda: self.processes.get(name, dead) != dead, f"{name} has been started again")

    @property
    def processes(self) -> dict[str, int]:
        """Name -> process id: ``api``, ``inference-1``, …, ``jobs``."""
        assert self._process is not None
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
        )
        found = {}
        for pid, parent, command in (line.split(None, 2) for line in listed.stdout.splitlines() if line.count(" ") > 2):
            words = command.split()
            if int(parent) != self._process.pid or "modelwright.processes.child" not in words:
                continue
            module = words[words.index("modelwright.processes.child") + 2]
            found[_KINDS.get(module) or f"inference-{words[words.index('--worker') + 1]}"] = int(pid)
        return found

    def said(self) -> str:
        """What its processes wrote on stderr, from the first start on."""
        return self._log.read_text()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.end()


def wait_until_free(home: Path) -> None:
    """Wait until the last process of a home has ended: the lock that all of them hold is free then."""
    lock = home / "up.lock"
    if not lock.exists():
        return
    with lock.open("r+") as held:
        alarm = threading.Timer(PATIENCE_SECONDS, os.kill, (os.getpid(), signal.SIGALRM))
        alarm.start()
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
        finally:
            alarm.cancel()


@contextmanager
def python(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A script in a process of its own, whose lines can be read; killed at the end if it still runs."""
    paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},  # the script may import what tests share
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
