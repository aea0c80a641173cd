"""Steps in this process, one after another: for tests, notebooks and small steps. It cannot kill a step."""

from __future__ import annotations

import io
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from modelwright.execution.executors.base import Done, Job, Listener, done
from modelwright.pipelines.progress import hears


class _Tee(io.TextIOBase):
    """What is written goes where it went before, and to the listener."""

    def __init__(self, before: Any, heard: Callable[[bytes], None]) -> None:
        self._before = before
        self._heard = heard

    def write(self, text: str) -> int:
        self._heard(text.encode(errors="replace"))
        self._before.write(text)
        return len(text)

    def flush(self) -> None:
        self._before.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._before, name)  # `buffer`, which goes past the log

    def writable(self) -> bool:
        return True


class Inline:
    """Runs a job when it is started; fulfils ``Executor``.

    Args:
        functions: Step -> its plain function.
        scratch: Where larger results lie.
        listener: Hears what ``sys.stdout`` and ``sys.stderr`` are told, and progress.
    """

    size = 1
    bounds_time = False

    def __init__(self, functions: Mapping[str, Callable[..., Any]], scratch: Path, listener: Listener) -> None:
        self._functions = functions
        self._scratch = scratch
        self._listener = listener
        self._done: list[Done] = []

    def start(self, job: Job) -> None:
        """Run it to its end."""

        def heard(data: bytes) -> None:
            self._listener.wrote(job.step, data)

        token = hears.set(lambda said: self._listener.progressed(job.step, said))
        before = time.process_time()
        try:
            with redirect_stdout(_Tee(sys.stdout, heard)), redirect_stderr(_Tee(sys.stderr, heard)):
                answer, error = done(job, self._functions[job.step], self._scratch)
        finally:
            hears.reset(token)
        if error is not None:
            heard("".join(traceback.format_exception(error)).encode(errors="replace"))
        self._done.append(replace(answer, cpu_seconds=time.process_time() - before))

    def wait(self, seconds: float) -> list[Done]:
        """What was started since."""
        answered, self._done = self._done, []
        if not answered:
            time.sleep(seconds)
        return answered

    def kill(self) -> None:
        """A step cannot be ended from outside here; its result will be refused."""

    def close(self) -> None:
        """Nothing runs between two starts."""
