"""``ws.pipelines`` and ``ws.executions``: verbs that take functions and bytes beside the operations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelwright.core.operation import Face, Upload
from modelwright.core.source import git, installed, project_root, snapshot
from modelwright.pipelines.define import Pipeline
from modelwright.pipelines.model import Definition, Execution, PipelineVersion, Value
from modelwright.pipelines.places import place_of


class PipelinesFace(Face):
    """``ws.pipelines``."""

    def register(self, pipeline: Pipeline[..., Any]) -> PipelineVersion:
        """Make a function and its project's source the pipeline's next version, which workers carry out.

        Args:
            pipeline: A function under ``@mw.pipeline``, in a file of a project.

        Raises:
            Invalid: It was defined at a prompt or inside a function.
        """
        place = place_of(pipeline)
        root = project_root(place.file)
        definition = Definition(
            entry=f"{place.module}:{pipeline.function.__name__}",
            folder=place.base.relative_to(root).as_posix(),
            source=snapshot(root, self._caller),
            environment=self._caller.upload(installed().encode()).digest,
            commit=git(root, "rev-parse", "HEAD"),
            parameters=pipeline.parameters,
            triggers=pipeline.triggers,
            cooldown_seconds=pipeline.cooldown.total_seconds(),
            budget=pipeline.budget,
        )
        return self.define(pipeline.name, definition)  # type: ignore[no-any-return]  # an operation of this face

    def result(self, execution_id: str, step: str | None = None) -> Any:
        """What a pipeline answered, or what a step did, as the object it was.

        Args:
            execution_id: The execution.
            step: The step; none for the pipeline's answer.
        """
        from modelwright.pipelines.values import decode  # weight: the codecs

        value = self._value(execution_id, step)
        if value is None:
            return None
        return decode(value.data if value.data is not None else self.output_bytes(execution_id, step))

    def output_bytes(self, execution_id: str, step: str | None = None) -> bytes:
        """The bytes of a result that is kept as a blob, checked against its digest."""
        return self._fetch("output", execution_id, step)

    def _value(self, execution_id: str, step: str | None) -> Value | None:
        if step is None:
            execution: Execution = self.execution(execution_id)
            return execution.result
        found = {one.id: one for one in self.steps(execution_id)}
        return found[step].output if step in found else None


class ExecutionsFace(Face):
    """``ws.executions``."""

    def send(self, source: bytes | Path) -> Upload:
        """Send bytes ahead of an operation that names them."""
        return self._caller.upload(source)
