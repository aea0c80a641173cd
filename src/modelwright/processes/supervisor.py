"""The supervisor: starts the house's processes on sockets it has bound, and keeps them running until it is told to end.

It serves nothing and opens no database, so it has little to die of. The sockets are its own: while a process is being
started again, callers wait in the socket's queue instead of being refused.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
STEADY_SECONDS = 10.0  # a process that lived this long did not die of its start
GRACE_SECONDS = 10.0
_TICK_SECONDS = 0.1

Say = Callable[[str], None]
"""Tells the person at the terminal one line."""


class Spec(NamedTuple):
    """A process to keep running.

    Attributes:
        name: For people.
        module: Started as ``python -m module``.
        arguments: Its command line.
        descriptors: Open files it inherits.
        environment: What it sees besides the supervisor's own.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    descriptors: tuple[int, ...] = ()
    environment: Mapping[str, str] = {}


class _Child:
    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.process: subprocess.Popen[bytes] | None = None
        self.pause = 0.0
        self.since = 0.0
        self.due = 0.0


class Supervisor:
    """Keeps processes running.

    Args:
        specs: What to run.
        say: Hears of every death.
        grace: Seconds that processes have to end when told to.
    """

    def __init__(self, specs: Sequence[Spec], *, say: Say, grace: float = GRACE_SECONDS) -> None:
        self._children = [_Child(spec) for spec in specs]
        self._say = say
        self._grace = grace
        self._lifeline, self._held = os.pipe()  # children read, nobody writes: its end is the supervisor's end
        self._told = 0
        self._waker: socket.socket | None = None

    @property
    def processes(self) -> dict[str, int]:
        """Name -> process id of what runs now."""
        return {child.spec.name: child.process.pid for child in self._children if child.process is not None}

    def run(self) -> None:
        """Keep everything running until SIGTERM or SIGINT; a second one ends without grace. Main thread only."""
        with self._signals():
            try:
                while not self._told:
                    self._sleep(self.tend())
            finally:
                self.end()

    def tend(self) -> float:
        """Start what is due, bury what is dead.

        Returns:
            Seconds until something is due; a death may come earlier.
        """
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._bury(child)
            if child.process is None and child.due <= time.monotonic():
                self._start(child)
        waiting = [child.due for child in self._children if child.process is None]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else LONGEST_PAUSE_SECONDS

    def end(self) -> None:
        """Tell every process to end, wait for the grace, then make them."""
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        until = time.monotonic() + self._grace
        while any(process.poll() is None for process in running) and time.monotonic() < until and self._told < 2:
            self._sleep(_TICK_SECONDS)
        for process in running:
            if process.poll() is None:
                process.kill()
            process.wait()
        for child in self._children:
            child.process = None
        os.close(self._held)
        os.close(self._lifeline)

    def _start(self, child: _Child) -> None:
        spec = child.spec
        child.since = time.monotonic()
        child.process = subprocess.Popen(  # noqa: S603  # our own interpreter and modules
            [
                sys.executable,
                "-P",
                "-m",
                "modelwright.processes.child",
                str(self._lifeline),
                spec.module,
                *spec.arguments,
            ],
            stdin=subprocess.DEVNULL,
            pass_fds=(self._lifeline, *spec.descriptors),
            env={**os.environ, **spec.environment},
            process_group=0,  # Ctrl-C reaches the supervisor alone, which then ends them in order
        )

    def _bury(self, child: _Child) -> None:
        code = child.process.wait() if child.process else 0
        lived = time.monotonic() - child.since
        child.process = None
        longer = max(FIRST_PAUSE_SECONDS, 2 * child.pause)
        child.pause = FIRST_PAUSE_SECONDS if lived >= STEADY_SECONDS else min(longer, LONGEST_PAUSE_SECONDS)
        child.due = time.monotonic() + child.pause
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        self._say(f"{child.spec.name} ended {how} after {lived:.1f} s; it starts again in {child.pause:.1f} s.")

    def _sleep(self, seconds: float) -> None:
        """Wait, or less: a signal or a death ends it."""
        if self._waker is None:
            time.sleep(min(seconds, _TICK_SECONDS))
            return
        if select.select([self._waker], [], [], seconds)[0]:
            self._waker.recv(4096)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        self._waker, written = socket.socketpair()
        written.setblocking(False)
        before = {
            number: signal.signal(number, handler)
            for number, handler in (
                (signal.SIGTERM, self._on_told),
                (signal.SIGINT, self._on_told),
                (signal.SIGCHLD, lambda *_: None),  # its byte wakes the loop
            )
        }
        waker_before = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(waker_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._waker.close()
            written.close()
            self._waker = None

    def _on_told(self, *_: Any) -> None:
        self._told += 1
