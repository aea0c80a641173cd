"""Everything on record about a version: what a document is made from, read in one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from modelwright.alerts.model import Alert
from modelwright.core.guard import Decision
from modelwright.core.source import SourceSnapshot
from modelwright.data.model import DatasetVersion
from modelwright.features.model import TrainingRecord, ViewVersion
from modelwright.framing.model import Assumed, Feasibility
from modelwright.governance.charter import CharterVersion
from modelwright.governance.model import Evidence
from modelwright.governance.signoffs import Signature
from modelwright.models.model import ModelVersion
from modelwright.monitoring.model import Settings
from modelwright.pipelines.model import Execution, PipelineVersion
from modelwright.risks.model import Standing
from modelwright.rollouts.model import Rollout
from modelwright.serving.model import Deployment
from modelwright.tracking.model import Run


class Subject(Struct, frozen=True, kw_only=True):
    """A version and what it came from.

    Attributes:
        version: The version.
        evidence: The newest of each kind that counts: of these bytes, under the charter in force, on one set of rows.
        run: The run that trained it.
        execution: The execution that the run was a step of.
        data: The dataset versions that the run read.
        judged_on: The dataset versions of the evidence.
        view: The feature view whose vectors it takes.
        training: The training set that was made for the run.
        source: The run's code, file by file.
        packages: The environment lock, a ``name==version`` each.
    """

    version: ModelVersion
    evidence: dict[str, Evidence] = {}
    run: Run | None = None
    execution: Execution | None = None
    data: tuple[DatasetVersion, ...] = ()
    judged_on: tuple[DatasetVersion, ...] = ()
    view: ViewVersion | None = None
    training: TrainingRecord | None = None
    source: SourceSnapshot | None = None
    packages: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """``model@version``."""
        return self.version.ref

    @property
    def moments(self) -> Iterator[datetime]:
        """When what is on record came to be."""
        yield self.version.registered_at
        yield from (found.made_at for found in self.evidence.values())
        yield from (version.created_at for version in (*self.data, *self.judged_on))
        if self.run is not None:
            yield self.run.finished_at or self.run.started_at
        if self.view is not None:
            yield self.view.applied_at


class Entry(Struct, frozen=True, kw_only=True):
    """A ledger entry about the version.

    Attributes:
        seq: Its position.
        leaf: Its hash.
        kind: Of the event.
        at: Wall clock.
        by: Who, opaque.
        body: The event.
    """

    seq: int
    leaf: str
    kind: str
    at: datetime
    by: str
    body: dict[str, Any]


class Watched(Struct, frozen=True, kw_only=True):
    """A monitor of an endpoint at which the version has answered."""

    endpoint: str
    settings: Settings


class Record(Struct, frozen=True, kw_only=True):
    """Everything on record about a version.

    Attributes:
        subject: The version.
        signer: The key that signs this home's packages, verified on this one's manifest, in hex.
        against: The version it is compared with.
        charter: The charter in force.
        decision: What the gates say of it as champion, at the moment of the newest record.
        signatures: Those that count then, role by role, oldest first.
        deployments: The changes that made an endpoint answer with it, oldest first.
        entries: The ledger's entries about it, oldest first.
        rollouts: Those in which it was the challenger, oldest first.
        watched: The monitors of the endpoints at which it has answered.
        pipeline: The pipeline that its execution belongs to, as it is registered now.
        alerts: Those about it, oldest first.
        register: The model's risk register as it stands.
        assumptions: What is assumed about the data it learned from and the features it takes, by name.
        feasibility: What was decided on whether the model is worth making, newest first.
    """

    subject: Subject
    signer: str
    against: Subject | None = None
    charter: CharterVersion | None = None
    decision: Decision | None = None
    signatures: tuple[Signature, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    entries: tuple[Entry, ...] = ()
    rollouts: tuple[Rollout, ...] = ()
    watched: tuple[Watched, ...] = ()
    pipeline: PipelineVersion | None = None
    alerts: tuple[Alert, ...] = ()
    register: Standing | None = None
    assumptions: tuple[Assumed, ...] = ()
    feasibility: tuple[Feasibility, ...] = ()

    @property
    def version(self) -> ModelVersion:
        """The version."""
        return self.subject.version

    @property
    def as_of(self) -> datetime:
        """When the newest of it was recorded."""
        return max(self._moments)

    @property
    def _moments(self) -> Iterator[datetime]:
        yield from self.subject.moments
        if self.against is not None:
            yield from self.against.moments
        if self.charter is not None:
            yield self.charter.published_at
        if self.register is not None:
            yield self.register.register.published_at
            yield from (judged.at for judged in self.register.judgements.values())
        yield from (assumed.said.at for assumed in self.assumptions)
        yield from (decision.at for decision in self.feasibility)
        yield from (deployment.at for deployment in self.deployments)
        yield from (entry.at for entry in self.entries)
        yield from (rollout.concluded_at or rollout.started_at for rollout in self.rollouts)
        yield from (alert.recorded_at for alert in self.alerts)

    def decided(self, decision: Decision, signatures: Sequence[Signature]) -> Record:
        """The same with what the gates say, and whose signatures count."""
        return replace(self, decision=decision, signatures=tuple(signatures))
