"""The use cases that span rooms."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from modelwright.core import wire
from modelwright.core.errors import NotFound
from modelwright.core.ids import Id, Name, Pinned, Ref
from modelwright.core.operation import Service, Upload, operation
from modelwright.core.unit import Snapshot, Unit
from modelwright.lifecycle.model import Age, AgesCompared, Outstanding, Overview, Trace
from modelwright.lineage.model import NodeKind, node
from modelwright.pipelines.model import Execution, Status
from modelwright.predictions.model import Prediction
from modelwright.rollouts.model import Standing
from modelwright.serving.model import Deployment

if TYPE_CHECKING:  # weight: what these services import is loaded by whoever makes them
    from modelwright.approvals.service import ApprovalService
    from modelwright.data.service import DataService
    from modelwright.governance.evidence import EvidenceService
    from modelwright.ledger.service import LedgerService
    from modelwright.lifecycle.repository import LifecycleRepository
    from modelwright.lineage.service import LineageService
    from modelwright.models.service import ModelService
    from modelwright.monitoring.service import MonitorService
    from modelwright.pipelines.service import PipelineService
    from modelwright.predictions.service import PredictionService
    from modelwright.rollouts.service import RolloutService
    from modelwright.serving.service import EndpointService
    from modelwright.store.ports import Blobs, Outbox, Records
    from modelwright.tracking.service import RunService

_MOST = 1000


class LifecycleService(Service):
    """What no single room can answer."""

    noun = "lifecycle"

    def __init__(
        self,
        *,
        data: DataService,
        runs: RunService,
        models: ModelService,
        evidence: EvidenceService,
        approvals: ApprovalService,
        endpoints: EndpointService,
        predictions: PredictionService,
        lineage: LineageService,
        ledger: LedgerService,
        pipelines: PipelineService,
        monitors: MonitorService,
        rollouts: RolloutService,
        outbox: Outbox,
        repository: LifecycleRepository,
        records: Records,
        blobs: Blobs,
    ) -> None:
        self._data = data
        self._runs = runs
        self._models = models
        self._evidence = evidence
        self._approvals = approvals
        self._endpoints = endpoints
        self._predictions = predictions
        self._lineage = lineage
        self._ledger = ledger
        self._pipelines = pipelines
        self._monitors = monitors
        self._rollouts = rollouts
        self._outbox = outbox
        self._repository = repository
        self._records = records
        self._blobs = blobs

    @operation(permission="lifecycle:read", kind="query")
    def trace(self, unit: Unit, prediction_id: Id) -> Trace:
        """Follow one prediction back to endpoint, version, evidence, signatures, features, run, cause, source and data.

        Args:
            unit: The unit of work.
            prediction_id: As the endpoint answered it.

        Raises:
            NotFound: No endpoint answered with this id.
        """
        prediction = self._predictions.get(unit, prediction_id)
        deployment = self._deployment(unit, prediction)
        version = self._models.get(unit, f"{prediction.model}@{prediction.version}")
        origin = self._lineage.up(unit, node(NodeKind.MODEL, version.ref)) if version.manifest.run_id else None
        data = [named.removeprefix("data:") for named in (origin.nodes if origin else ()) if named.startswith("data:")]
        run = self._runs.get(unit, version.manifest.run_id) if version.manifest.run_id else None
        return Trace(
            prediction=prediction,
            deployment=deployment,
            version=version,
            evidence=self._evidence.list(unit, version.ref),
            signatures=tuple(
                signed
                for signed in self._approvals.standing(unit, version.ref).signatures
                if signed.at <= deployment.at
                and (signed.revoked_at is None or signed.revoked_at > deployment.at)
                and (signed.basis.package, signed.basis.policy) == (deployment.package, deployment.policy)
            ),
            view=version.manifest.features,
            run=run,
            execution=self._execution(unit, run.tags.get("execution")) if run else None,
            source=version.manifest.source,
            data=tuple(Pinned(ref=ref, digest=self._data.get(unit, ref).digest) for ref in data),
            lineage=origin.edges if origin else (),
        )

    @operation(permission="lifecycle:read", kind="query")
    def overview(self, unit: Unit) -> Overview:
        """How much the project holds."""
        endpoints = [endpoint.name for endpoint in self._endpoints.list(unit, limit=_MOST).items]
        return Overview(
            project=unit.project,
            datasets=len(self._data.list(unit, limit=_MOST).items),
            models=len(self._models.list(unit, limit=_MOST).items),
            runs=self._runs.count(unit),
            endpoints=len(endpoints),
            predictions=sum(self._predictions.counts(unit, name).answered for name in endpoints),
            ledger_entries=self._ledger.size(unit),
            at=unit.now,
        )

    @operation(permission="lifecycle:write", kind="command", idempotent=True)
    def compare_ages(self, unit: Unit, endpoint: Name, ref: Ref, scores: Upload) -> Age:
        """Compare what an endpoint answered with what a version would have, month by month on the same rows.

        Args:
            unit: The unit of work.
            endpoint: Who answered.
            ref: The version, usually the first that the endpoint answered with.
            scores: What the version answers to the logged rows: a Parquet file of ``prediction_id`` and ``score``.

        Raises:
            Invalid: The scores are something else, or of no logged prediction with a label.
        """
        from modelwright.lifecycle.age import compared  # weight: numpy and scipy

        with self._records.reading() as rows:  # long, and so before the transaction
            snapshot = Snapshot(unit, rows)
            version = self._models.get(snapshot, ref)
            logged = self._predictions.labelled(snapshot, endpoint)
        found = Age(
            endpoint=endpoint,
            frozen=version.ref,
            package=version.package,
            points=compared(logged, self._blobs.read(scores.digest)),
            scores=scores.digest,
            measured_at=unit.now,
            measured_by=unit.actor.id,
        )
        self._repository.add_age(unit.rows, unit.project, found)
        unit.emit(
            AgesCompared(
                endpoint=endpoint,
                frozen=found.frozen,
                package=found.package,
                scores=found.scores,
                digest=wire.digest(found),
            )
        )
        return found

    @operation(permission="lifecycle:read", kind="query")
    def age(self, unit: Unit, endpoint: Name) -> Age:
        """The newest comparison of an endpoint's first version with those that followed.

        Args:
            unit: The unit of work.
            endpoint: The endpoint.

        Raises:
            NotFound: None was made.
        """
        found = self._repository.newest_age(unit.rows, unit.project, endpoint)
        if found is None:
            raise NotFound(
                f"The versions of {endpoint} were never compared over time.",
                remedy=f"Compare them: modelwright endpoint age {endpoint} --measure",
            )
        return found

    @operation(permission="lifecycle:read", kind="query")
    def outstanding(self, unit: Unit, endpoint: Name) -> Outstanding:
        """What still follows from what has happened at an endpoint: whoever replays a past year waits for it.

        Args:
            unit: The unit of work.
            endpoint: The endpoint.
        """
        periods = self._monitors.is_behind(unit, endpoint)  # in the order in which one leads to the next,
        reactions = len(self._outbox.due(_MOST))  # so that what moves on meanwhile is met again further on
        executions = self._pipelines.executions(unit, limit=_MOST).items
        current = self._endpoints.get(unit, endpoint)
        rollout = self._rollout(unit, endpoint)
        unloaded = rollout is not None and any(worker.state is None for worker in rollout.workers)
        return Outstanding(
            endpoint=endpoint,
            reactions=reactions,
            executions=sum(_goes_on(execution) for execution in executions),
            periods=periods,
            look=rollout is not None and _passed(rollout.due_at, rollout.watermark),
            loading=bool(current.workers) and (not current.ready or unloaded),
        )

    def _rollout(self, unit: Unit, endpoint: str) -> Standing | None:
        """The running one."""
        try:
            standing = self._rollouts.standing(unit, endpoint, compare=False)
        except NotFound:
            return None
        return standing if standing.rollout.outcome is None else None

    def _execution(self, unit: Unit, tag: str | None) -> Execution | None:
        try:
            return self._pipelines.execution(unit, tag) if tag else None
        except NotFound:  # somebody's own tag of that name
            return None

    def _deployment(self, unit: Unit, prediction: Prediction) -> Deployment:
        for deployment in self._endpoints.history(unit, prediction.endpoint, limit=_MOST).items:
            same = (deployment.model, deployment.version) == (prediction.model, prediction.version)
            if same and deployment.at <= prediction.received_at:
                return deployment
        raise NotFound(
            f"No deployment of {prediction.model}@{prediction.version} to {prediction.endpoint} is recorded."
        )


def _goes_on(execution: Execution) -> bool:
    """Whether it is carried out, or will be: who holds it may have vanished; a script's waits for a person then."""
    lost = execution.status is Status.INTERRUPTED and execution.version is None
    return not execution.over and not lost


def _passed(moment: datetime | None, watermark: datetime | None) -> bool:
    return moment is not None and watermark is not None and moment <= watermark
