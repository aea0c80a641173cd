"""An execution from its claim to its end, in this process and its children."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from modelwright.core.errors import Invalid
from modelwright.core.ids import new_id
from modelwright.core.operation import Upload
from modelwright.core.settings import URL
from modelwright.execution.conductor import Conductor, Watch
from modelwright.execution.executors import here
from modelwright.execution.executors.base import Executor, Listener
from modelwright.execution.executors.inline import Inline
from modelwright.execution.executors.processes import Processes
from modelwright.pipelines.define import Pipeline
from modelwright.pipelines.model import Claim, Execution, Hit, Planned, Status, Step, StepRef, Told, Value
from modelwright.pipelines.places import only_here, script_of
from modelwright.pipelines.tracing import Graph

Where = Literal["processes", "inline"]


class Home(Protocol):
    """Where executions are recorded; a ``Workspace`` is one.

    Attributes:
        where: The home's folder or the server's address.
        pipelines: ``ws.pipelines``.
        executions: ``ws.executions``.
    """

    where: str
    pipelines: Any
    executions: Any


class HomeBooks:
    """A home as a conductor needs it; fulfils ``conductor.Books``."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def record(
        self, execution_id: str, owner: str, token: int, steps: tuple[Step, ...], plan: tuple[Planned, ...] | None
    ) -> Told:
        """Note how steps are."""
        told: Told = self._home.executions.record(execution_id, owner, token, steps, plan)
        return told

    def finish(
        self,
        execution_id: str,
        owner: str,
        token: int,
        status: Status,
        steps: tuple[Step, ...],
        *,
        plan: tuple[Planned, ...] | None,
        result: Value | None,
        error: str | None,
    ) -> Execution:
        """End it, or let go of it."""
        over: Execution = self._home.executions.finish(
            execution_id, owner, token, status, steps, plan=plan, result=result, error=error
        )
        return over

    def cached(self, keys: tuple[str, ...]) -> tuple[Hit, ...]:
        """Results that are known already."""
        hits: tuple[Hit, ...] = self._home.executions.cached(keys)
        return hits

    def send(self, source: bytes | Path) -> Upload:
        """Store bytes."""
        sent: Upload = self._home.executions.send(source)
        return sent

    def fetch(self, source: StepRef) -> bytes:
        """The bytes of a step's result."""
        data: bytes = self._home.pipelines.output_bytes(source.execution, source.step)
        return data


def run_here(
    pipeline: Pipeline[..., Any],
    home: Home,
    *,
    parameters: Mapping[str, Any] | None = None,
    resume: str | None = None,
    executor: Where | None = None,
    watch: Watch | None = None,
    begun: Callable[[Execution], None] | None = None,
) -> Execution:
    """Record an execution and carry it out here.

    Args:
        pipeline: What to execute.
        home: Where to record it.
        parameters: What to call it with.
        resume: An execution of this pipeline to go on with, with the parameters that it has.
        executor: ``"processes"``, or ``"inline"`` in this one; by default processes, if they can find the functions.
        watch: Sees every change of a step.
        begun: Is told the execution before its first step.

    Raises:
        Failed: A step failed for good.
        Conflict: The execution to resume is held by another process, or has succeeded.
        Invalid: The parameters or the body are wrong, or steps would start executions.
    """
    if here.stepping:
        raise Invalid(
            f"{pipeline.name}.run was called while a step's process imported its module.",
            remedy='Put it below `if __name__ == "__main__":`.',
        )
    owner = f"{socket.gethostname()}-{os.getpid()}-{new_id()}"
    if resume is None:
        plain = _plain(parameters or {})
        graph = pipeline.trace(plain)
        place = decided(graph, executor)
        claim: Claim = home.executions.open(pipeline.name, _entry(pipeline), plain, owner)
    else:
        asked: Execution = home.pipelines.execution(resume)
        if asked.pipeline != pipeline.name:
            raise Invalid(f"Execution {resume} is of {asked.pipeline}, not of {pipeline.name}.")
        graph = pipeline.trace(asked.parameters)
        place = decided(graph, executor)
        claim = home.executions.claim(owner, resume)
    if begun is not None:
        begun(claim.execution)
    return carried_out(graph, claim, home, executor=place, watch=watch)


def carried_out(
    graph: Graph,
    claim: Claim,
    home: Home,
    *,
    executor: Where,
    watch: Watch | None = None,
    scratch_in: Path | None = None,
) -> Execution:
    """Carry a claimed execution out where ``decided`` said, with larger results in a temporary folder.

    Raises:
        Failed: A step failed for good, or the execution was cancelled.
        Conflict: Another process holds it by now.
    """
    with tempfile.TemporaryDirectory(prefix="modelwright-", dir=scratch_in) as folder:
        scratch = Path(folder)
        conductor = Conductor(graph, claim, HomeBooks(home), scratch=scratch, watch=watch)
        return conductor.run(_executor(graph, conductor, scratch, executor, home.where))


def decided(graph: Graph, wanted: Where | None) -> Where:
    """Where the steps of a graph can run.

    Raises:
        Invalid: Not where it is wanted: no other process can find a function, or a time limit cannot be kept here.
    """
    stranger = only_here(graph)
    if wanted == "processes" and stranger is not None:
        raise Invalid(
            f"{stranger} is defined at a prompt or inside a function, where another process cannot find it.",
            remedy='Write it at the top of a file, or run with executor="inline".',
        )
    if wanted == "processes" or (wanted is None and stranger is None):
        return "processes"
    bounded = next((node.id for node in graph.nodes.values() if node.step.timeout is not None), None)
    if bounded is not None:
        raise Invalid(
            f"{bounded} has a time limit, which nobody can keep inside this process.",
            remedy='Run it with executor="processes", with every step at the top of a file.',
        )
    return "inline"


def _executor(graph: Graph, listener: Listener, scratch: Path, place: Where, where: str) -> Executor:
    steps = {node.id: node.step.function for node in graph.nodes.values()}
    if place == "inline":
        return Inline(steps, scratch, listener)
    scripts = [script_of(function) for function in steps.values() if function.__module__ == "__main__"]
    return Processes(scratch, listener, script=scripts[0] if scripts else None, environment={URL.name: where})


def _entry(pipeline: Pipeline[..., Any]) -> str:
    """``module:function``; of one that stands inside another function the last name, which is found by nobody else."""
    module = pipeline.function.__module__
    file = script_of(pipeline.function)
    name = file.stem if module == "__main__" and file is not None else module
    return f"{name}:{pipeline.function.__name__}"


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON has them."""
    try:
        found: dict[str, Any] = msgspec.to_builtins(dict(parameters), str_keys=True)
    except TypeError as error:
        raise Invalid(
            f"A parameter cannot be written down as JSON: {error}.",
            remedy="Give the reference of a dataset, and let a step read it.",
        ) from None
    return found
