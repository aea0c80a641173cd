"""The use cases that span rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.core.errors import NotFound
from modelwright.core.ids import Id, Pinned
from modelwright.core.operation import Service, operation
from modelwright.core.unit import Unit
from modelwright.lifecycle.model import Overview, Trace
from modelwright.lineage.model import NodeKind, node
from modelwright.predictions.model import Prediction
from modelwright.serving.model import Deployment

if TYPE_CHECKING:  # weight: what these services import is loaded by whoever makes them
    from modelwright.data.service import DataService
    from modelwright.governance.evidence import EvidenceService
    from modelwright.ledger.service import LedgerService
    from modelwright.lineage.service import LineageService
    from modelwright.models.service import ModelService
    from modelwright.predictions.service import PredictionService
    from modelwright.serving.service import EndpointService
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
        endpoints: EndpointService,
        predictions: PredictionService,
        lineage: LineageService,
        ledger: LedgerService,
    ) -> None:
        self._data = data
        self._runs = runs
        self._models = models
        self._evidence = evidence
        self._endpoints = endpoints
        self._predictions = predictions
        self._lineage = lineage
        self._ledger = ledger

    @operation(permission="lifecycle:read", kind="query")
    def trace(self, unit: Unit, prediction_id: Id) -> Trace:
        """Follow one prediction back to its endpoint, version, evidence, run, source snapshot and data.

        Args:
            unit: The unit of work.
            prediction_id: As the endpoint answered it.

        Raises:
            NotFound: No endpoint answered with this id.
        """
        prediction = self._predictions.get(unit, prediction_id)
        version = self._models.get(unit, f"{prediction.model}@{prediction.version}")
        origin = self._lineage.up(unit, node(NodeKind.MODEL, version.ref)) if version.manifest.run_id else None
        data = [named.removeprefix("data:") for named in (origin.nodes if origin else ()) if named.startswith("data:")]
        return Trace(
            prediction=prediction,
            deployment=self._deployment(unit, prediction),
            version=version,
            evidence=self._evidence.list(unit, version.ref),
            run=self._runs.get(unit, version.manifest.run_id) if version.manifest.run_id else None,
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

    def _deployment(self, unit: Unit, prediction: Prediction) -> Deployment:
        for deployment in self._endpoints.history(unit, prediction.endpoint, limit=_MOST).items:
            same = (deployment.model, deployment.version) == (prediction.model, prediction.version)
            if same and deployment.at <= prediction.received_at:
                return deployment
        raise NotFound(
            f"No deployment of {prediction.model}@{prediction.version} to {prediction.endpoint} is recorded."
        )
