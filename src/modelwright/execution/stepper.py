"""A process in which steps run: ``python -m modelwright.execution.stepper``, spoken to by ``executors.processes``.

It ends itself, and all it started, as soon as whoever started it is gone: a step must not go on where nobody would hear
of its end.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import resource
import runpy
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from msgspec.structs import replace

from modelwright.core.errors import Invalid
from modelwright.execution.executors import here
from modelwright.execution.executors.base import Done, Job, done, said
from modelwright.execution.executors.frames import Begin, Begun, Ended, Message, Said, framed, received
from modelwright.pipelines.define import Step
from modelwright.pipelines.model import Progress
from modelwright.pipelines.progress import Hears, hears

MAIN = "__main__"
_PROGRESS_SECONDS = 0.1
_ALIAS = "__mp_main__"  # a script that is loaded again is not run: its `if __name__ == "__main__"` is false


def main() -> None:
    """Carry jobs out, one after another."""
    parser = argparse.ArgumentParser(prog="modelwright.execution.stepper", description=__doc__)
    parser.add_argument("--channel", type=int, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--path", type=json.loads, required=True)
    parser.add_argument("--arguments", type=json.loads, required=True)
    parser.add_argument("--script", type=Path)
    given = parser.parse_args()
    here.stepping = True
    sys.path[:], sys.argv[:] = given.path, given.arguments  # a script that is loaded again may look at them
    channel = socket.socket(fileno=given.channel)
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(channel, jobs), name="channel", daemon=True).start()
    talk = threading.Lock()

    def tell(message: Message) -> None:
        with talk:
            channel.sendall(framed(message))

    while True:
        job = jobs.get()
        answer = _carried_out(job, given.scratch, given.script, tell)
        sys.stdout.flush()
        sys.stderr.flush()
        tell(Ended(answer))


def _listen(channel: socket.socket, jobs: queue.SimpleQueue[Job]) -> None:
    while isinstance(message := received(channel), Begin):
        jobs.put(message.job)
    os.killpg(0, signal.SIGKILL)


def _carried_out(job: Job, scratch: Path, script: Path | None, tell: Callable[[Message], None]) -> Done:
    before = _cpu()
    try:
        function = _function(job, script)
    except BaseException as error:  # noqa: BLE001  # a module that is imported may do anything, exit included
        traceback.print_exc()
        return Done(step=job.step, error=f"{job.module} cannot be imported: {said(error)}", cpu_seconds=_cpu() - before)
    tell(Begun(job.step))
    token = hears.set(_sparing(lambda progress: tell(Said(job.step, progress))))
    before = _cpu()
    problem: BaseException | None
    try:
        answer, problem = done(job, function, scratch)
    except BaseException as error:  # noqa: BLE001  # SystemExit and the like end a step, not this process
        answer, problem = Done(step=job.step, error=said(error)), error
    finally:
        hears.reset(token)
    if problem is not None:
        traceback.print_exception(problem)
    return replace(answer, cpu_seconds=_cpu() - before)


def _sparing(hear: Hears) -> Hears:
    """Ten times a second is enough for people; the last word counts."""
    heard = 0.0

    def hears_some(progress: Progress) -> None:
        nonlocal heard
        now = time.monotonic()
        if now - heard > _PROGRESS_SECONDS or progress.done == progress.total:
            heard = now
            hear(progress)

    return hears_some


def _function(job: Job, script: Path | None) -> Callable[..., Any]:
    found: Any = _script(script) if job.module == MAIN else import_module(job.module)
    for part in job.function.split("."):
        found = getattr(found, part)
    if not isinstance(found, Step):
        raise Invalid(f"{job.module}:{job.function} is no step.", remedy="Write @mw.step above the function.")
    function: Callable[..., Any] = found.function
    return function


def _script(script: Path | None) -> ModuleType:
    if _ALIAS not in sys.modules:
        if script is None:
            raise Invalid("A step was defined at a prompt, where no other process can find it.")
        module = ModuleType(_ALIAS)
        module.__dict__.update(runpy.run_path(str(script), run_name=_ALIAS))
        sys.modules[_ALIAS] = sys.modules[MAIN] = module
    return sys.modules[_ALIAS]


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    main()
