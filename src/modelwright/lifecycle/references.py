"""What monitors compare with: the newest evaluation of a version, as rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from modelwright.core.clock import duration
from modelwright.core.errors import NotFound
from modelwright.core.ids import Digest, Name
from modelwright.core.unit import Unit
from modelwright.governance.model import Evaluation, Kind
from modelwright.models.model import Task
from modelwright.risks.model import RisksCounted

if TYPE_CHECKING:  # weight: pyarrow and numpy, and the services' own
    import pyarrow as pa

    from modelwright.data.service import DataService
    from modelwright.governance.evidence import EvidenceService
    from modelwright.governance.repository import GovernanceRepository
    from modelwright.governance.service import CharterService
    from modelwright.models.service import ModelService
    from modelwright.monitoring.reference import ReferenceData
    from modelwright.risks.repository import RiskRepository
    from modelwright.store.ports import Blobs, Frames


def counted_risks(
    repository: GovernanceRepository, registers: RiskRepository
) -> Callable[[Unit, str, int], tuple[Digest, RisksCounted] | None]:
    """Finds the newest count of a version's risks under the register in force."""

    def newest(unit: Unit, model: str, version: int) -> tuple[Digest, RisksCounted] | None:
        register = registers.register(unit.rows, unit.project, model)
        for found in repository.evidence_of(unit.rows, unit.project, model, version):
            values = found.values
            if isinstance(values, RisksCounted) and register and values.register == register.digest and found.intact:
                return found.digest, values
        return None

    return newest


class EvaluatedRows:
    """Finds references among evidence; fulfils ``monitoring.reference.References``.

    Args:
        models: The registry.
        charters: What models are for.
        evidence: What was found about them.
        data: Datasets.
        blobs: Where scores are.
        frames: Where rows are.
    """

    def __init__(
        self,
        *,
        models: ModelService,
        charters: CharterService,
        evidence: EvidenceService,
        data: DataService,
        blobs: Blobs,
        frames: Frames,
    ) -> None:
        self._models = models
        self._charters = charters
        self._evidence = evidence
        self._data = data
        self._blobs = blobs
        self._frames = frames

    def __call__(self, unit: Unit, model: Name, version: int) -> ReferenceData | None:
        """The rows of the newest evaluation on a dataset with event times."""
        from modelwright.governance import evaluation  # weight: pyarrow, numpy, 0.4 s
        from modelwright.monitoring.reference import ReferenceData

        found = self._models.get(unit, f"{model}@{version}")
        for evidence in self._evidence.list(unit, found.ref):
            values = evidence.values
            if evidence.kind is not Kind.EVALUATION or not isinstance(values, Evaluation) or not evidence.intact:
                continue
            data = self._data.get(unit, evidence.dataset.ref)
            if data.event_time is None:
                continue
            charter = self._charters.get(unit, model).charter
            inputs = [name for name in found.manifest.inputs.names if name in data.columns]
            wanted = [*inputs, charter.label.column, data.event_time, *([data.known_at] if data.known_at else [])]
            whole = self._frames.table([part.digest for part in data.parts], list(dict.fromkeys(wanted)))
            rows = evaluation.rows_in(whole, evidence.window, data.event_time)
            scores = evaluation.read_scores(self._blobs.read(values.scores), rows.num_rows, found.manifest.task)
            timed = rows[data.event_time].is_valid()
            scores, rows = scores[timed.to_numpy()], rows.filter(timed)
            return ReferenceData(
                evidence=evidence.digest,
                source=f"{data.ref} {evidence.window}",
                table=rows.select(inputs),
                event_at=_microseconds(rows, data.event_time),
                scores=scores,
                labels=rows[charter.label.column].cast("float64").to_numpy(),
                binary=found.manifest.task is Task.BINARY,
                since=evidence.window.since,
                until=evidence.window.until,
                matures_after=_matures_after(rows, data.event_time, data.known_at, duration(charter.label.known_after)),
                metric=charter.kpi.metric,
                threshold=charter.kpi.threshold,
                latency_limit_ms=charter.limits.latency_p99_ms,
            )
        return None

    def asked(self, unit: Unit, model: Name) -> tuple[str, float] | None:
        """The metric and threshold of the charter in force."""
        try:
            kpi = self._charters.get(unit, model).charter.kpi
        except NotFound:
            return None
        return kpi.metric, kpi.threshold


def _matures_after(rows: pa.Table, event_time: str, known_at: str | None, said: timedelta) -> timedelta:
    """What the charter says; where it says nothing, the delay within which 99 of 100 labels were known."""
    import numpy as np  # weight: 0.1 s

    if said or known_at is None:
        return said
    delays = _microseconds(rows, known_at) - _microseconds(rows, event_time)
    known = delays[rows[known_at].is_valid().to_numpy()]
    return timedelta(microseconds=int(np.quantile(known, 0.99))) if len(known) else timedelta(0)


def _microseconds(rows: pa.Table, name: str) -> Any:
    import numpy as np  # weight: 0.1 s

    return rows[name].to_numpy().astype("datetime64[us]").astype(np.int64)
