"""A pipeline's body as a graph: step calls answer handles instead of results, and a handle given on is an arrow."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, NamedTuple, NoReturn, Protocol

from modelwright.core.errors import Invalid
from modelwright.pipelines.model import Planned
from modelwright.pipelines.values import Taken

MOST_STEPS = 2_000
_current: ContextVar[Graph | None] = ContextVar("modelwright_graph", default=None)


class Callee(Protocol):
    """A step's function and its terms; ``define.Step`` is one.

    Attributes:
        function: The plain function.
        name: What it is called in graphs.
        retries: How often it is tried again.
        timeout: After how long a try is killed.
        cache: Whether a known result is taken.
    """

    function: Callable[..., Any]
    name: str
    retries: int
    timeout: timedelta | None
    cache: bool


class Handle:
    """What a step will answer, while a pipeline's body is read; ``handle["key"]`` is a part of it.

    Args:
        node: The step's id in its graph.
        path: Keys and positions that lead to the part.
    """

    __slots__ = ("node", "path")

    def __init__(self, node: str, path: tuple[str | int, ...] = ()) -> None:
        self.node = node
        self.path = path

    def __getitem__(self, key: str | int) -> Handle:
        if not isinstance(key, str | int):
            raise Invalid(f"{self!r} can be asked for a key or a position, not for {key!r}.")
        return Handle(self.node, (*self.path, key))

    def __repr__(self) -> str:
        return f"the result of {self.node}" + "".join(f"[{key!r}]" for key in self.path)

    def __bool__(self) -> NoReturn:  # noqa: PLE0304  # it answers nothing
        self._not_there("compare it")

    def __iter__(self) -> NoReturn:
        self._not_there("go through it")

    def __len__(self) -> NoReturn:  # noqa: PLE0303  # it answers nothing
        self._not_there("count it")

    def __str__(self) -> NoReturn:  # noqa: PLE0307  # it answers nothing
        self._not_there("write it into a text")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)  # what copy, inspect and the like look for
        self._not_there(f"use its .{name}")

    def _not_there(self, what: str) -> NoReturn:
        raise Invalid(
            f"{self!r} is not there yet while the pipeline is read, so its body cannot {what}.",
            remedy="Do that inside a step, or give the handle on to one.",
        )


class Node(NamedTuple):
    """A step call.

    Attributes:
        id: Its name in the graph.
        step: What is called.
        args: Positional arguments, handles among them.
        kwargs: The others.
        after: The steps whose results it takes, in the order they appear.
    """

    id: str
    step: Callee
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    after: tuple[str, ...]


class Graph:
    """The steps of one call of a pipeline, in the order of the calls, and what the body answered.

    Law: every arrow points to an earlier step, so the order of the calls is an order in which they can run; the same
    body with the same arguments makes the same graph.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.result: Any = None
        self._calls: dict[str, int] = {}

    def add(self, step: Callee, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Handle:
        """Note a call.

        Raises:
            Invalid: The step does not take these arguments, or there are too many steps.
        """
        try:
            inspect.signature(step.function).bind(*args, **kwargs)
        except TypeError as error:
            raise Invalid(f"{step.name}: {error}.", remedy=f"It takes {inspect.signature(step.function)}.") from None
        if len(self.nodes) >= MOST_STEPS:
            raise Invalid(f"The pipeline has more than {MOST_STEPS:,} steps.", remedy="Give each step more to do.")
        self._calls[step.name] = number = self._calls.get(step.name, 0) + 1
        name = step.name if number == 1 else f"{step.name}#{number}"
        after = tuple(dict.fromkeys(handle.node for handle in handles((args, kwargs))))
        strangers = [one for one in after if one not in self.nodes]
        if strangers:
            raise Invalid(f"{name} takes the result of {strangers[0]}, which belongs to another pipeline's call.")
        self.nodes[name] = Node(name, step, args, kwargs, after)
        return Handle(name)

    @property
    def plan(self) -> tuple[Planned, ...]:
        """The steps and their arrows."""
        return tuple(Planned(id=node.id, after=node.after) for node in self.nodes.values())


def traced(body: Callable[..., Any], arguments: Mapping[str, Any]) -> Graph:
    """Read a pipeline's body.

    Args:
        body: The plain function.
        arguments: What to call it with.

    Raises:
        Invalid: The body does something with a result that is not there yet.
    """
    graph = Graph()
    token = _current.set(graph)
    try:
        graph.result = body(**arguments)
    finally:
        _current.reset(token)
    return graph


def current() -> Graph | None:
    """The graph that is being read, if one is."""
    return _current.get()


def handles(value: object) -> Iterator[Handle]:
    """Every handle in a value, also inside lists, tuples and dicts."""
    if isinstance(value, Handle):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from handles(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from handles(item)


def filled(value: Any, digests: Mapping[str, str]) -> Any:
    """The value with each handle replaced by the mark of its content.

    Args:
        value: Arguments, or what a body answered.
        digests: Step -> digest of its result.
    """
    if isinstance(value, Handle):
        return Taken(digests[value.node], value.path)
    if type(value) in (list, tuple):
        return type(value)(filled(item, digests) for item in value)
    if type(value) is dict:
        return {key: filled(item, digests) for key, item in value.items()}
    return value
