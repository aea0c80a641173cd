"""How far a graph has been carried out: which steps have all they take, and what they are called with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from modelwright.core.operation import Upload
from modelwright.execution.executors.base import place
from modelwright.execution.keys import code_of, environment, key_of
from modelwright.pipelines.model import StepRef, Value
from modelwright.pipelines.tracing import Graph, Node, filled
from modelwright.pipelines.values import Taken, checked, decode, encode, results


class Asked(NamedTuple):
    """A step whose inputs are there: what it is called with, and under which key its result is known."""

    node: Node
    call: bytes
    inputs: dict[str, Value]
    key: str | None


class Shelves(Protocol):
    """Where larger results lie."""

    def send(self, source: bytes | Path) -> Upload:
        """Store bytes."""
        ...

    def fetch(self, source: StepRef) -> bytes:
        """The bytes of a step's result."""
        ...


class Frontier:
    """The edge between what has a result and what waits for one.

    Args:
        graph: What to do.
        shelves: Where larger results lie.
        scratch: A folder in which executors find and leave them.
    """

    def __init__(self, graph: Graph, shelves: Shelves, scratch: Path) -> None:
        self._graph = graph
        self._shelves = shelves
        self._scratch = scratch
        self._outputs: dict[str, Value] = {}
        self._origins: dict[str, StepRef] = {}
        self._missing = {node.id: len(node.after) for node in graph.nodes.values()}
        self._next: dict[str, list[str]] = {name: [] for name in graph.nodes}
        for node in graph.nodes.values():
            for earlier in node.after:
                self._next[earlier].append(node.id)
        self._ready = deque(name for name, missing in self._missing.items() if not missing)
        self._environment = environment()
        self._codes: dict[Callable[..., object], str] = {}

    def ready(self) -> list[Asked]:
        """The steps that have become ready since."""
        found = [self._asked(self._graph.nodes[name]) for name in self._ready]
        self._ready.clear()
        return found

    def arrive(self, name: str, output: Value, origin: StepRef) -> None:
        """A step has a result, which makes others ready."""
        self._outputs[name] = output
        self._origins.setdefault(output.digest, origin)
        for later in self._next[name]:
            self._missing[later] -= 1
            if not self._missing[later]:
                self._ready.append(later)

    def supply(self, asked: Asked) -> None:
        """Put what a step takes where an executor finds it."""
        for digest, value in asked.inputs.items():
            if value.data is None and not place(self._scratch, digest).exists():
                place(self._scratch, digest).write_bytes(self._shelves.fetch(self._origins[digest]))

    def publish(self, output: Value) -> None:
        """Store what an executor left; what others may rely on lies there before anybody hears of it."""
        if output.data is None:
            self._shelves.send(place(self._scratch, output.digest))

    def answer(self) -> Value | None:
        """What the pipeline's body answered, with results in place of handles."""
        if self._graph.result is None:
            return None
        marked = filled(self._graph.result, {name: value.digest for name, value in self._outputs.items()})
        known = {value.digest: value for value in self._outputs.values()}
        if isinstance(marked, Taken) and not marked.path:
            return known[marked.digest]
        what = "The pipeline's answer"
        data, value = checked(decode(encode(marked, what=what), results(known, self._read)), what=what)
        if value.data is None:
            self._shelves.send(data)
        return value

    def _asked(self, node: Node) -> Asked:
        digests = {name: self._outputs[name].digest for name in node.after}
        call = encode(
            [filled(list(node.args), digests), filled(node.kwargs, digests)], what=f"An argument of {node.id}"
        )
        inputs = {self._outputs[name].digest: self._outputs[name] for name in node.after}
        if not node.step.cache:
            return Asked(node, call, inputs, None)
        function = node.step.function
        if function not in self._codes:
            self._codes[function] = code_of(function)
        return Asked(node, call, inputs, key_of(self._codes[function], call, self._environment))

    def _read(self, value: Value) -> bytes:
        file = place(self._scratch, value.digest)
        return file.read_bytes() if file.exists() else self._shelves.fetch(self._origins[value.digest])
