"""``mw.pipeline``: a pipeline that knows where to record what it does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from modelwright.app.connect import Workspace, connect
from modelwright.core.errors import Invalid, NotFound
from modelwright.pipelines.define import Pipeline, found
from modelwright.pipelines.triggers import span

if TYPE_CHECKING:
    from modelwright.execution.running import Where
    from modelwright.pipelines.model import Execution, Step

P = ParamSpec("P")
R = TypeVar("R")


class RunnablePipeline(Pipeline[P, R], Generic[P, R]):
    """What ``@mw.pipeline`` makes of a function."""

    def run(
        self,
        *,
        workspace: Workspace | None = None,
        executor: Where | None = None,
        resume: str | None = None,
        **parameters: Any,
    ) -> Execution:
        """Record an execution and carry it out here, in processes of its own; progress on stderr, on a terminal only.

        Args:
            workspace: Where to record it; by default ``connect()``.
            executor: ``"processes"``, or ``"inline"`` in this process; by default processes, if they can find the
                functions.
            resume: An execution to go on with; what succeeded is kept. It keeps its parameters.
            parameters: What to call the pipeline with.

        Raises:
            Failed: A step failed for good; the message says how to resume.
            Invalid: The parameters or the body are wrong.
        """
        from modelwright.execution.running import run_here  # weight: subprocess and the executors

        with nullcontext(workspace) if workspace else connect() as opened:
            begun: list[Execution] = []
            try:
                return run_here(
                    self,
                    opened,
                    parameters=parameters,
                    resume=resume,
                    executor=executor,
                    watch=_watch_of_a_terminal(),
                    begun=begun.append,
                )
            except KeyboardInterrupt:
                for execution in begun:
                    sys.stderr.write(f"Go on with it: modelwright pipeline resume {execution.id}\n")
                raise


@overload
def pipeline(function: Callable[P, R], /) -> RunnablePipeline[P, R]: ...


@overload
def pipeline(
    *,
    on: Sequence[str] = (),
    cooldown: str | float | timedelta | None = None,
    budget: int | None = None,
    name: str | None = None,
) -> Callable[[Callable[P, R]], RunnablePipeline[P, R]]: ...


def pipeline(
    function: Callable[..., Any] | None = None,
    /,
    *,
    on: Sequence[str] = (),
    cooldown: str | float | timedelta | None = None,
    budget: int | None = None,
    name: str | None = None,
) -> Any:
    """Make a function whose body calls steps a pipeline.

    Called plainly, it runs its steps one after another and records nothing. ``.run(…)`` records an execution and runs
    it here; ``ws.pipelines.register`` hands it to workers, who also start it by its triggers.

    Args:
        function: The function, where the decorator stands without brackets.
        on: When it starts by itself: ``alarm:<endpoint>``, ``data:<dataset>``, ``cron:<minute hour day month weekday>``
            in UTC, ``commit``.
        cooldown: ``"28d"``: how long after a start triggers start nothing, on event time.
        budget: How many starts by triggers there may be in 365 days of event time.
        name: What to call it; by default the function's name with hyphens.
    """
    length = None if cooldown is None else span(cooldown, field="cooldown")

    def made(plain: Callable[..., Any]) -> RunnablePipeline[..., Any]:
        return RunnablePipeline(plain, name=name, triggers=on, cooldown=length, budget=budget)

    return made if function is None else made(function)


def load(target: str) -> RunnablePipeline[..., Any]:
    """Import a pipeline from a project.

    Args:
        target: ``pipeline.py:retrain``, or ``module:retrain`` as seen from the working directory.

    Raises:
        NotFound: There is no such file or module.
        Invalid: There is no pipeline of that name, or its module cannot be imported.
    """
    place, _, name = target.rpartition(":")
    file = Path(place)
    folder, module = (file.parent, file.stem) if place.endswith(".py") else (Path(), place)
    if not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise Invalid(f"{target!r} does not name a pipeline.", remedy="Write FILE:FUNCTION, e.g. pipeline.py:retrain.")
    if place.endswith(".py") and not file.is_file():
        raise NotFound(f"There is no file {place}.", remedy="Give its path as seen from here.")
    sys.path.insert(0, str(folder.resolve()))
    try:
        import_module(module)
    except Exception as error:
        kind = NotFound if isinstance(error, ModuleNotFoundError) and error.name == module else Invalid
        raise kind(f"{place} cannot be imported: {type(error).__name__}: {error}.") from error
    pipeline = found(f"{module}:{name}")
    if not isinstance(pipeline, RunnablePipeline):
        raise Invalid(f"{target} is no pipeline of this release.", remedy="Write @mw.pipeline() above the function.")
    return pipeline


def _watch_of_a_terminal() -> Callable[[Step], None] | None:
    if not sys.stderr.isatty():
        return None
    said: dict[str, str] = {}

    def watch(step: Step) -> None:
        if said.get(step.id) != step.status:
            said[step.id] = step.status
            sys.stderr.write(f"{step.status:<10} {step.id}{f': {step.error}' if step.error else ''}\n")

    return watch
