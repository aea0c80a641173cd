"""Kills processes of a house at named points. Every Python whose ``PYTHONPATH`` holds this folder imports it at its start.

A point is a file in the folder that ``KILL_AT`` names: ``within <event>`` is inside the transaction that records it,
``after <operation>`` when its transaction has been committed and nobody knows yet. The file says whom it hits: ``jobs``
the job worker alone, ``house`` every process at once. It goes with the kill, so that each point is hit once. Leases last
seconds here, so that those who take over need not be waited for.
"""

import os
import signal
import sys
import time
from datetime import timedelta
from importlib.machinery import PathFinder
from pathlib import Path

EFFECTIVE = {
    "monitors.run": lambda answer: answer.raised,
    "pipelines.trigger": lambda answer: answer.started,
    "executions.claim": lambda answer: answer is not None,
    "models.register": lambda answer: True,
    "rollouts.start": lambda answer: answer.rollout is not None,
    "rollouts.judge": lambda answer: answer.outcome is not None,
}
"""The operations that are points, and when."""


def reached(point):
    """Kill whom the point's file names, if it is there."""
    file = Path(os.environ["KILL_AT"]) / point
    try:
        whom = file.read_text()
        file.unlink()
    except FileNotFoundError:
        return
    worker = next(pid for pid in _line(os.getpid()) if b"modelwright.jobs.worker" in _read(pid, "cmdline"))
    supervisor = _parent(worker)
    for pid in [worker] if whom == "jobs" else [supervisor, *_descendants(supervisor)]:
        os.kill(pid, signal.SIGKILL)
    time.sleep(60)  # nothing more is done here: whoever started this process ends it


def _line(pid):
    while pid > 1:
        yield pid
        pid = _parent(pid)


def _parent(pid):
    return int(_read(pid, "stat").rpartition(b")")[2].split()[1])


def _descendants(pid):
    """Those that it started, and theirs; this process last, which is the one that kills."""
    found = [one for child in _children(pid) for one in (child, *_descendants(child))]
    return sorted(found, key=lambda one: one == os.getpid())


def _children(pid):
    others = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [other for other in others if _read(other, "stat") and _parent(other) == pid]


def _read(pid, name):
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _within_events(module):
    emit = module._Unit.emit

    def watched(self, event):
        emit(self, event)
        reached(f"within {event.__struct_config__.tag}")

    module._Unit.emit = watched


def _after_operations(module):
    run = module.Platform.run

    def watched(self, operation, *given, **more):
        answer = run(self, operation, *given, **more)
        if operation.name in EFFECTIVE and EFFECTIVE[operation.name](answer):
            reached(f"after {operation.name}")
        return answer

    module.Platform.run = watched


def _short_leases(module):
    module.DURATION = timedelta(seconds=4)


def _short_holding(module):
    module.LEASE = timedelta(seconds=6)


CHANGES = {
    "modelwright.app.unit": _within_events,
    "modelwright.app.workspace": _after_operations,
    "modelwright.jobs.leasing": _short_leases,
    "modelwright.pipelines.holding": _short_holding,
}


class Finder:
    """Changes modules when they have been imported."""

    def find_spec(self, name, path, target=None):
        if name not in CHANGES:
            return None
        spec = PathFinder.find_spec(name, path)
        carry_out = spec.loader.exec_module

        def changed(module):
            carry_out(module)
            CHANGES[name](module)

        spec.loader.exec_module = changed
        return spec


if "KILL_AT" in os.environ:
    sys.meta_path.insert(0, Finder())
