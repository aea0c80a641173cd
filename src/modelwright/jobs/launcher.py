"""Starting executions: each in a process of its own, in a folder with the source that was registered.

This process never imports a user's code. It claims, unpacks, starts, and buries.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from modelwright.app.workspace import Platform
from modelwright.core import wire
from modelwright.core.errors import Conflict, Error
from modelwright.core.events import Actor, ActorKind
from modelwright.core.identity import Identity
from modelwright.core.ids import new_id
from modelwright.core.settings import ACTING, OIDC_CLIENT_SECRET, PROJECT, SMTP, TOKEN, URL
from modelwright.core.source import unpack
from modelwright.pipelines.model import Claim, Schedule, Status, Triggered

_log = logging.getLogger(__name__)

CHILD = "modelwright.jobs.execution"
CLAIM = "claim.json"
SOURCE = "source"
AT_ONCE = 2
_GRACE_SECONDS = 8.0
_WORKER = Identity(actor=Actor(id="worker", kind=ActorKind.SERVICE), grants=frozenset({"pipelines:*"}))


class _Child(NamedTuple):
    project: str
    claim: Claim
    process: subprocess.Popen[bytes]
    folder: Path


class Launcher:
    """Takes executions up and has them carried out; several of them, in several processes, share the work.

    Args:
        platform: The opened home.
        at_once: How many executions it has carried out at a time.
    """

    def __init__(self, platform: Platform, *, at_once: int = AT_ONCE) -> None:
        self._platform = platform
        self._at_once = at_once
        self._children: list[_Child] = []
        self._lifeline, self._held = os.pipe()  # children read, nobody writes: its end is this process's end

    @property
    def processes(self) -> dict[str, int]:
        """Execution -> process id of what runs now."""
        return {child.claim.execution.id: child.process.pid for child in self._children}

    def turn(self) -> bool:
        """Bury what has ended, start what waits; whether there was anything."""
        ended = [one for one in self._children if one.process.poll() is not None]
        for child in ended:
            self._bury(child)
        started = [project for project in self._platform.projects() if self._claimed(project)]
        return bool(ended or started)

    def fire(self) -> bool:
        """Trigger what the calendar says is due; whether anything was."""
        fired = [project for project in self._platform.projects() if self._fired(project)]
        return bool(fired)

    def _claimed(self, project: str) -> bool:
        """Start what waits in a project; whether anything did."""
        started = False
        while len(self._children) < self._at_once:
            owner = f"{socket.gethostname()}-{os.getpid()}-{new_id()}"
            claim: Claim | None = self._call(project, "executions.claim", owner=owner)
            if claim is None:
                break
            self._start(project, claim)
            started = True
        return started

    def _fired(self, project: str) -> bool:
        schedules: tuple[Schedule, ...] = self._call(project, "pipelines.schedules")
        if not schedules or schedules[0].next_at > self._platform.clock():
            return False
        fired: Triggered = self._call(project, "pipelines.fire")
        for declined in fired.declined:
            _log.info("%s was due and did not start: %s", declined.pipeline, declined.reason)
        return True

    def close(self) -> None:
        """Tell every execution to stop, wait for the grace, then make it; they wait for another worker then."""
        os.close(self._held)
        os.close(self._lifeline)
        for child in self._children:
            child.process.terminate()
        for child in self._children:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(_GRACE_SECONDS)
            child.process.kill()
            child.process.wait()
            self._bury(child)

    def _start(self, project: str, claim: Claim) -> None:
        execution = claim.execution
        folder = self._platform.home.work / execution.id
        try:
            if claim.definition is None:
                raise Conflict(f"{execution.pipeline}@{execution.version} is not there any more.")
            shutil.rmtree(folder, ignore_errors=True)
            (folder / SOURCE).mkdir(parents=True, mode=0o700)
            unpack(claim.definition.source, self._platform.blobs.read, folder / SOURCE)
        except (Error, OSError) as error:
            said = f"The source could not be unpacked: {error}"[:4000]
            self._call(project, "executions.finish", **_held(claim), status=Status.FAILED, error=said)
            shutil.rmtree(folder, ignore_errors=True)
            return
        (folder / CLAIM).write_bytes(wire.encode(claim))
        home = self._platform.home
        environment = {**os.environ, **home.environment, URL.name: str(home.folder), PROJECT.name: project}
        environment[ACTING.name] = "pipelines"
        for setting in (TOKEN, SMTP, OIDC_CLIENT_SECRET):  # it works as the home's owner, and needs no other secret
            environment.pop(setting.name, None)
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [
                *(sys.executable, "-P", "-m", "modelwright.processes.child", str(self._lifeline), CHILD),
                *("--home", str(home.folder), "--folder", str(folder)),
            ],
            stdin=subprocess.DEVNULL,
            cwd=folder / SOURCE,
            pass_fds=(self._lifeline,),
            env=environment,
            process_group=0,
        )
        _log.info("%s %s started as process %s", execution.pipeline, execution.id, process.pid)
        self._children.append(_Child(project, claim, process, folder))

    def _bury(self, child: _Child) -> None:
        self._children.remove(child)
        code = child.process.wait()
        if code != 0:
            _log.warning("%s %s: its process ended with %s", child.claim.execution.pipeline, child.folder.name, code)
            self._call(child.project, "executions.abandon", **_held(child.claim))
        shutil.rmtree(child.folder, ignore_errors=True)

    def _call(self, project: str, name: str, **arguments: Any) -> Any:
        operation = self._platform.table.get(name)
        return self._platform.run(operation, operation.bind((), arguments), identity=_WORKER.within(project))


def _held(claim: Claim) -> dict[str, Any]:
    return {"execution_id": claim.execution.id, "owner": claim.owner, "token": claim.token}
