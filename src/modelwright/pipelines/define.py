"""``@step`` and ``@pipeline``: plain functions that know how to be parts of a graph, and still are plain functions."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, get_type_hints, overload

import msgspec

from modelwright.core.clock import as_utc
from modelwright.core.errors import Error, Invalid
from modelwright.pipelines.model import Parameter
from modelwright.pipelines.tracing import Graph, current, traced
from modelwright.pipelines.triggers import checked, span

P = ParamSpec("P")
R = TypeVar("R")
_MOST_RETRIES = 100


class Step(Generic[P, R]):
    """A function that is a step where a pipeline calls it, and itself everywhere else.

    Attributes:
        function: The plain function.
        name: What it is called in graphs.
        retries: How often it is tried again.
        timeout: After how long a try is killed; none for never.
        cache: Whether a result that is known from another execution is taken instead of running it.
    """

    def __init__(self, function: Callable[P, R], *, retries: int, timeout: timedelta | None, cache: bool) -> None:
        if not 0 <= retries <= _MOST_RETRIES:
            raise Invalid(f"retries is {retries}, not 0 to {_MOST_RETRIES}.", fields={"retries": "out of range"})
        _check_plain(function, "step")
        self.function = function
        self.name = function.__name__
        self.retries = retries
        self.timeout = timeout
        self.cache = cache
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Note the call where a pipeline is read; else run the function."""
        graph = current()
        if graph is None:
            return self.function(*args, **kwargs)
        return graph.add(self, args, kwargs)  # type: ignore[return-value]  # a handle stands for the result

    def __repr__(self) -> str:
        return f"<step {self.name}>"


class Pipeline(Generic[P, R]):
    """A function whose step calls make a graph; called plainly it runs them one after another and records nothing.

    Attributes:
        function: The plain function.
        name: What it is called.
        triggers: When it starts by itself.
        cooldown: How long after a start triggers start nothing.
        budget: How many starts by triggers there may be in 365 days.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None,
        triggers: Sequence[str],
        cooldown: timedelta | None,
        budget: int | None,
    ) -> None:
        _check_plain(function, "pipeline")
        if budget is not None and budget < 1:
            raise Invalid(f"budget is {budget}, not 1 start in 365 days or more.", fields={"budget": "too small"})
        self.function = function
        self.name = name or function.__name__.replace("_", "-")
        self.triggers = tuple(checked(trigger) for trigger in triggers)
        self.cooldown = cooldown or timedelta(0)
        self.budget = budget
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function, and record nothing."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"

    @property
    def entry(self) -> str:
        """``module:function``."""
        return f"{self.function.__module__}:{self.function.__qualname__}"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What the function takes."""
        return tuple(
            Parameter(name=one.name, kind=_written(one.annotation), required=one.default is one.empty)
            for one in inspect.signature(self.function).parameters.values()
        )

    def trace(self, parameters: Mapping[str, Any]) -> Graph:
        """The graph of one call.

        Args:
            parameters: As JSON has them; each is read by the function's annotation.

        Raises:
            Invalid: A parameter is missing, unknown or of another type, or the body handles results.
        """
        return traced(self.function, self.bound(parameters))

    def bound(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters as the function's annotations want them; raises as ``trace``."""
        signature = inspect.signature(self.function)
        try:
            signature.bind(**parameters)
        except TypeError as error:
            raise Invalid(f"{self.name}: {error}.", remedy=f"It takes {signature}.") from None
        hints = get_type_hints(self.function)
        return {name: _read(name, value, hints.get(name, Any)) for name, value in parameters.items()}


@overload
def step(function: Callable[P, R], /) -> Step[P, R]: ...


@overload
def step(
    *, retries: int = 0, timeout: str | float | timedelta | None = None, cache: bool = True
) -> Callable[[Callable[P, R]], Step[P, R]]: ...


def step(
    function: Callable[..., Any] | None = None,
    /,
    *,
    retries: int = 0,
    timeout: str | float | timedelta | None = None,
    cache: bool = True,
) -> Any:
    """Make a plain function a step. Called outside a pipeline it just runs.

    Args:
        function: The function, where the decorator stands without brackets.
        retries: How often a failed step is tried again, with growing pauses.
        timeout: ``"10m"``: a try that takes longer is killed. It needs a process of its own, so a run with
            ``executor="inline"`` refuses it.
        cache: False for what acts on the world: registers a model, starts a rollout. Such a step runs in every
            execution, and once it succeeded it is never run again in the same one.

    Example:
        >>> @step(retries=2)
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> double(21)
        42
    """
    length = None if timeout is None else span(timeout, field="timeout")

    def made(plain: Callable[..., Any]) -> Step[..., Any]:
        return Step(plain, retries=retries, timeout=length, cache=cache)

    return made if function is None else made(function)


def found(entry: str, modules: Mapping[str, Any] | None = None) -> Pipeline[..., Any]:
    """The pipeline at ``module:function`` of a module that is loaded.

    Raises:
        Invalid: There is none.
    """
    module, _, name = entry.partition(":")
    pipeline = getattr((sys.modules if modules is None else modules).get(module), name, None)
    if not isinstance(pipeline, Pipeline):
        raise Invalid(f"{entry} is no pipeline.", remedy="Write @mw.pipeline(…) above the function.")
    return pipeline


def _check_plain(function: Callable[..., Any], what: str) -> None:
    if (
        not inspect.isfunction(function)
        or inspect.iscoroutinefunction(function)
        or inspect.isgeneratorfunction(function)
    ):
        raise Invalid(f"A {what} is a plain function, not {function!r}.", remedy="Write it with def, without yield.")
    if not function.__name__.isidentifier():
        raise Invalid(f"A {what} needs a name, which {function.__name__} has not.", remedy="Write it with def.")


def _written(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _read(name: str, value: Any, hint: Any) -> Any:
    try:
        if isinstance(value, str):
            if "datetime" in _written(hint):
                return as_utc(value, field=name)
            return msgspec.convert(value, hint, strict=False)
        return msgspec.convert(msgspec.to_builtins(value), hint) if hint is not Any else value
    except Error:
        raise
    except (msgspec.ValidationError, TypeError) as error:
        raise Invalid(f"{name} is {value!r}: {error}.", fields={name: "of another type"}) from None
