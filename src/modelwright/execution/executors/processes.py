"""Steps in a few processes of their own: a step that crashes or takes too long takes nothing else with it."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from modelwright.execution.executors.base import Done, Job, Listener
from modelwright.execution.executors.frames import Begin, Begun, Ended, Said, framed, received

_PIECE = 1 << 16


_CALM = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads of OpenMP, as scikit-learn's boosting uses them, otherwise spin while they wait for each other: with one core
taken by somebody else, 70 predictions of 2,000 rows took 9 s instead of 0.8."""


class _Worker:
    """One process: a channel for messages, and a pipe for what it writes."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self.channel, theirs = socket.socketpair()
        self.written, write = os.pipe()
        os.set_blocking(self.written, False)
        with theirs:
            command = [sys.executable, "-P", "-u", "-m", "modelwright.execution.stepper"]
            self.process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                [*command, "--channel", str(theirs.fileno()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=write,
                stderr=write,
                pass_fds=(theirs.fileno(),),
                env={**_CALM, **os.environ, **environment},
                start_new_session=True,  # Ctrl-C reaches whoever decides, and a kill reaches all that a step started
            )
        os.close(write)
        self.job: Job | None = None
        self.deadline: float | None = None

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def bury(self) -> int:
        self.kill()
        code = self.process.wait()
        self.channel.close()
        os.close(self.written)
        return code


class Processes:
    """A pool that grows as it is needed; fulfils ``Executor``.

    Args:
        scratch: Where larger results lie.
        listener: Hears what steps write and say.
        size: How many processes there may be; by default one per core.
        script: The script whose functions are steps, where they stand in ``__main__``.
        environment: What the processes see besides this one's own.
    """

    bounds_time = True

    def __init__(
        self,
        scratch: Path,
        listener: Listener,
        *,
        size: int | None = None,
        script: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.size = size or os.cpu_count() or 1
        self._listener = listener
        self._environment = dict(environment or {})
        self._arguments = [
            "--scratch",
            str(scratch),
            "--path",
            json.dumps([path or str(Path.cwd()) for path in sys.path]),
        ]
        self._arguments += ["--arguments", json.dumps(sys.argv)]
        self._arguments += ["--script", str(script)] if script else []
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._closed = False

    def start(self, job: Job) -> None:
        """Give it to a process that has nothing to do, or to a fresh one."""
        worker = next((one for one in self._workers if one.job is None), None) or self._more()
        worker.job, worker.deadline = job, None
        with suppress(BrokenPipeError, ConnectionResetError):  # it died meanwhile: `wait` finds out
            worker.channel.sendall(framed(Begin(job)))

    def wait(self, seconds: float) -> list[Done]:
        """Listen until a job ends, or the time is over."""
        until = time.monotonic() + seconds
        answered: list[Done] = []
        while not answered and not self._closed:
            deadlines = [worker.deadline for worker in self._workers if worker.deadline is not None]
            left = min([until, *deadlines]) - time.monotonic()
            for key, _ in self._selector.select(max(left, 0)):
                self._hear(key.data, key.fileobj, answered)
            answered += self._overdue()
            if time.monotonic() >= until:
                break
        return answered

    def kill(self) -> None:
        """End whatever runs, at once; from any thread, and again."""
        self._closed = True
        for worker in self._workers:
            worker.kill()

    def close(self) -> None:
        """Kill, and let go of what is left; by the thread that waits."""
        self.kill()
        for worker in self._workers:
            worker.bury()
        self._workers.clear()
        self._selector.close()

    def _more(self) -> _Worker:
        worker = _Worker(self._arguments, self._environment)
        self._workers.append(worker)
        self._selector.register(worker.channel, selectors.EVENT_READ, worker)
        self._selector.register(worker.written, selectors.EVENT_READ, worker)
        if self._closed:  # closed by another thread while it was being started
            worker.kill()
        return worker

    def _hear(self, worker: _Worker, source: Any, answered: list[Done]) -> None:
        if worker not in self._workers:  # buried in this same round
            return
        if source is not worker.channel:
            self._read(worker)
            return
        message = received(worker.channel)
        match message:
            case None:
                answered += self._dead(worker)
            case Begun():
                seconds = worker.job.seconds if worker.job else None
                worker.deadline = None if seconds is None else time.monotonic() + seconds
            case Said():
                self._listener.progressed(message.step, message.progress)
            case Ended():
                self._read(worker)  # all that it wrote lies in the pipe by now
                worker.job = worker.deadline = None
                answered.append(message.done)

    def _read(self, worker: _Worker) -> None:
        with suppress(BlockingIOError):
            while data := os.read(worker.written, _PIECE):
                if worker.job is not None:
                    self._listener.wrote(worker.job.step, data)
            with suppress(KeyError):
                self._selector.unregister(worker.written)  # the process has closed it

    def _overdue(self) -> list[Done]:
        now = time.monotonic()
        found = []
        for worker in [one for one in self._workers if one.deadline is not None and one.deadline <= now]:
            seconds = worker.job.seconds if worker.job else 0
            worker.kill()
            found += self._dead(worker, f"It took longer than its time limit of {seconds:g} s and was killed.")
        return found

    def _dead(self, worker: _Worker, why: str | None = None) -> list[Done]:
        """A process that is no more, and what that means for its job."""
        with suppress(OSError, KeyError, ValueError):
            self._read(worker)
        self._selector.unregister(worker.channel)
        with suppress(KeyError, ValueError):
            self._selector.unregister(worker.written)
        self._workers.remove(worker)
        code = worker.bury()
        if worker.job is None or self._closed:
            return []
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return [Done(step=worker.job.step, error=why or f"Its process ended by {how}.")]
