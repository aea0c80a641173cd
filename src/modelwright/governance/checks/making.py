"""How a version was made, from the records of its run and execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.core.unit import Unit
from modelwright.governance.checks.remade import Making, Makings
from modelwright.models.model import ModelVersion

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.pipelines.repository import ExecutionRepository, PipelineRepository
    from modelwright.tracking.repository import RunRepository


def makings(runs: RunRepository, executions: ExecutionRepository, pipelines: PipelineRepository) -> Makings:
    """Reads what runs captured, and the executions that they were steps of."""

    def found(unit: Unit, version: ModelVersion) -> Making:
        manifest = version.manifest
        run = runs.get(unit.rows, unit.project, manifest.run_id) if manifest.run_id else None
        if run is None:
            return Making(maker=version.registered_by)
        execution = executions.get(unit.rows, unit.project, run.tags.get("execution", ""))
        pipeline = None
        if execution is not None and execution.version is not None:
            registered = pipelines.version(unit.rows, unit.project, execution.pipeline, execution.version)
            pipeline = f"{execution.pipeline} {registered.digest if registered else execution.version}"
        return Making(
            maker=run.started_by if execution is None else execution.queued_by,
            data=manifest.data or None,
            source=manifest.source,
            parameters={"run": run.parameters, "execution": execution.parameters if execution else {}},
            seeds=run.capture.seeds,
            environment=manifest.environment,
            execution=execution.id if execution else None,
            pipeline=pipeline,
        )

    return found
