"""What each event lets be found: the whole projection on one page.

It keeps nothing that the ledger does not have, and nothing of people: users are looked up where they are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modelwright.alerts.model import AlertRaised, AlertRepeated
from modelwright.approvals.model import ApprovalRequested
from modelwright.core.events import Event, Recorded
from modelwright.core.unit import Projection, Unit
from modelwright.data.model import VersionCommitted
from modelwright.documents.model import DocumentKept
from modelwright.features.model import ViewApplied
from modelwright.framing.model import AssumptionRecorded, AssumptionWithdrawn, FeasibilityDecided
from modelwright.governance.model import CharterPublished, EvidenceRecorded, PolicyPublished
from modelwright.models.model import AliasMoved, VersionRegistered
from modelwright.monitoring.model import MonitorConfigured
from modelwright.pipelines.model import ExecutionQueued, PipelineRegistered
from modelwright.rollouts.model import RolloutStarted
from modelwright.search.model import Kind, Thing
from modelwright.search.repository import SearchRepository
from modelwright.serving.model import EndpointMoved
from modelwright.tracking.model import RunFinished, RunStarted


def finding(repository: SearchRepository) -> Projection:
    """The projection that keeps what can be found."""

    def project(unit: Unit, recorded: Recorded) -> None:
        for thing in things(recorded.event):
            repository.put(unit.rows, recorded.project, thing, recorded.recorded_at)

    return project


def things(event: Event) -> Iterator[Thing]:
    """What can be found once this has happened."""
    for kind, found in _FOUND.items():
        if isinstance(event, kind):
            yield from found(event)


def _data(event: VersionCommitted) -> Iterator[Thing]:
    ref = f"{event.name}@{event.version}"
    yield _named(Kind.DATASET, event.name)
    yield _named(Kind.DATASET_VERSION, ref, says=f"{event.rows:,} rows", ids=(event.digest, *event.parts))


def _view(event: ViewApplied) -> Iterator[Thing]:
    says = ", ".join(event.features)
    ref = f"{event.view}@{event.version}"
    yield _named(Kind.VIEW, event.view, says=says, words=" ".join((event.view, *event.features)))
    yield _named(Kind.VIEW_VERSION, ref, ids=(event.digest,))


def _run(event: RunStarted) -> Iterator[Thing]:
    ids = (event.run_id, *(each.lower() for each in (event.commit, event.source) if each))
    yield Thing(kind=Kind.RUN, key=event.run_id, name=event.run_id, says=event.name, ids=ids)
    yield _named(Kind.EXPERIMENT, event.name)


def _finished(event: RunFinished) -> Iterator[Thing]:
    kept = tuple(artifact.digest for artifact in event.artifacts)
    yield Thing(kind=Kind.RUN, key=event.run_id, name=event.run_id, says=event.name, ids=kept)


def _version(event: VersionRegistered) -> Iterator[Thing]:
    yield _named(Kind.MODEL, event.model)
    yield _named(Kind.VERSION, f"{event.model}@{event.version}", says=event.flavour, ids=(event.package,))


def _alias(event: AliasMoved) -> Iterator[Thing]:
    ref = f"{event.model}@{event.version}"
    yield _named(Kind.ALIAS, f"{event.model}@{event.alias}", says=f"is {ref}", of=ref)


def _charter(event: CharterPublished) -> Iterator[Thing]:
    question = event.charter.question
    yield _named(Kind.CHARTER, event.model, says=question, words=f"{event.model} {question}", ids=(event.digest,))


def _feasibility(event: FeasibilityDecided) -> Iterator[Thing]:
    says = event.says.replace("_", " ")
    yield _named(Kind.FEASIBILITY, event.model, says=f"{says}, {event.stage} the data work", ids=(event.digest,))


def _assumption(event: AssumptionRecorded) -> Iterator[Thing]:
    about = " ".join(one for one in (event.data, event.view, event.feature) if one)
    words = f"{event.name} {event.statement} {about}"
    yield _named(Kind.ASSUMPTION, event.name, says=event.statement, words=words, ids=(event.digest,))


def _withdrawn(event: AssumptionWithdrawn) -> Iterator[Thing]:
    yield _named(Kind.ASSUMPTION, event.name, says="withdrawn")


def _policy(event: PolicyPublished) -> Iterator[Thing]:
    yield _named(Kind.POLICY, event.tier, says=f"version {event.version}", ids=(event.digest,))


def _evidence(event: EvidenceRecorded) -> Iterator[Thing]:
    ref = f"{event.model}@{event.version}"
    yield Thing(
        kind=Kind.EVIDENCE,
        key=event.digest,
        name=f"{event.evidence} of {ref}",
        says=f"on {event.dataset.ref}",
        of=ref,
        ids=(event.digest,),
    )


def _document(event: DocumentKept) -> Iterator[Thing]:
    ref, what = f"{event.model}@{event.version}", event.document.value.replace("_", " ")
    name = f"{what} of {ref}"
    key = f"{ref}/{event.document.value}"
    yield Thing(kind=Kind.DOCUMENT, key=key, name=name, of=ref, words=name, ids=(event.digest,))


def _approval(event: ApprovalRequested) -> Iterator[Thing]:
    ref = event.basis.ref
    name = f"{ref} as {event.alias}" if event.basis.phase is None else event.basis.about
    yield Thing(kind=Kind.APPROVAL, key=event.request_id, name=name, of=ref, words=name, ids=(event.request_id,))


def _pipeline(event: PipelineRegistered) -> Iterator[Thing]:
    yield _named(Kind.PIPELINE, event.pipeline, says=f"version {event.version}", ids=(event.digest, event.source))


def _execution(event: ExecutionQueued) -> Iterator[Thing]:
    name = event.execution_id
    yield Thing(kind=Kind.EXECUTION, key=name, name=name, says=f"of {event.pipeline}", ids=(name,))


def _endpoint(event: EndpointMoved) -> Iterator[Thing]:
    ref = f"{event.model}@{event.version}"
    yield _named(Kind.ENDPOINT, event.endpoint, says=f"answers with {ref}", of=ref)
    yield _named(Kind.MONITOR, event.endpoint, says=f"watches {ref}", of=ref)


def _monitor(event: MonitorConfigured) -> Iterator[Thing]:
    yield _named(Kind.MONITOR, event.endpoint, says=event.cadence.value)


def _rollout(event: RolloutStarted) -> Iterator[Thing]:
    ref = f"{event.model}@{event.version}"
    name = f"{ref} behind {event.endpoint}"
    yield Thing(kind=Kind.ROLLOUT, key=event.rollout_id, name=name, of=ref, words=name, ids=(event.rollout_id,))


def _alert(event: AlertRaised | AlertRepeated) -> Iterator[Thing]:
    yield Thing(
        kind=Kind.ALERT,
        key=event.alert_id,
        name=event.summary,
        says=event.endpoint,
        of=f"{event.model}@{event.version}",
        words=f"{event.rule} {event.summary} {event.endpoint}",
        ids=(event.alert_id,),
    )


def _named(kind: Kind, key: str, *, says: str = "", of: str = "", words: str = "", ids: tuple[str, ...] = ()) -> Thing:
    return Thing(kind=kind, key=key, name=key, says=says, of=of, words=words or key, ids=ids)


_FOUND: dict[type[Event], Callable[..., Iterator[Thing]]] = {
    VersionCommitted: _data,
    ViewApplied: _view,
    RunStarted: _run,
    RunFinished: _finished,
    VersionRegistered: _version,
    AliasMoved: _alias,
    CharterPublished: _charter,
    FeasibilityDecided: _feasibility,
    AssumptionRecorded: _assumption,
    AssumptionWithdrawn: _withdrawn,
    PolicyPublished: _policy,
    EvidenceRecorded: _evidence,
    DocumentKept: _document,
    ApprovalRequested: _approval,
    PipelineRegistered: _pipeline,
    ExecutionQueued: _execution,
    EndpointMoved: _endpoint,
    MonitorConfigured: _monitor,
    RolloutStarted: _rollout,
    AlertRaised: _alert,
    AlertRepeated: _alert,
}
