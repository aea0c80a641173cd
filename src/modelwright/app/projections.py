"""What each event adds to the lineage graph: the whole projection on one page."""

from __future__ import annotations

from collections.abc import Iterator

from modelwright.core.events import Event, Recorded
from modelwright.core.unit import Projection, Unit
from modelwright.features.model import TrainingSetMade, ViewMaterialized
from modelwright.framing.model import AssumptionRecorded
from modelwright.governance.model import EvidenceRecorded
from modelwright.lineage.model import Edge, NodeKind, node
from modelwright.lineage.repository import LineageRepository
from modelwright.models.model import VersionRegistered
from modelwright.rollouts.model import RolloutStarted
from modelwright.serving.model import EndpointMoved
from modelwright.tracking.model import DatasetReadByRun, DatasetWrittenByRun, RunStarted

Link = tuple[str, str, str]
"""Source node, target node, relation."""


def lineage(repository: LineageRepository) -> Projection:
    """The projection that draws the graph."""

    def project(unit: Unit, recorded: Recorded) -> None:
        for source, target, relation in links(recorded.event):
            edge = Edge(source=source, target=target, relation=relation, at=recorded.recorded_at)
            repository.add(unit.rows, recorded.project, edge)

    return project


def links(event: Event) -> Iterator[Link]:
    """The edges that an event tells of."""
    match event:
        case RunStarted(run_id=run, source=str(source)):
            yield node(NodeKind.SOURCE, source), node(NodeKind.RUN, run), "executed"
        case DatasetReadByRun(run_id=run, read=read):
            yield node(NodeKind.DATA, read.ref), node(NodeKind.RUN, run), "read"
        case DatasetWrittenByRun(run_id=run, written=written):
            yield node(NodeKind.RUN, run), node(NodeKind.DATA, written.ref), "made"
        case VersionRegistered():
            yield from _of_version(event)
        case EvidenceRecorded(digest=evidence, model=model, version=version, dataset=dataset):
            yield node(NodeKind.MODEL, f"{model}@{version}"), node(NodeKind.EVIDENCE, evidence), "evaluated"
            yield node(NodeKind.DATA, dataset.ref), node(NodeKind.EVIDENCE, evidence), "measured on"
        case AssumptionRecorded(name=name, version=version, data=data, view=view):
            said = node(NodeKind.ASSUMPTION, f"{name}@{version}")
            yield from ((node(NodeKind.DATA, data), said, "judged"),) if data else ()
            yield from ((node(NodeKind.FEATURES, view), said, "judged"),) if view else ()
        case RolloutStarted(endpoint=endpoint, model=model, version=version):
            yield node(NodeKind.MODEL, f"{model}@{version}"), node(NodeKind.ENDPOINT, endpoint), "challenged"
        case EndpointMoved(endpoint=endpoint, model=model, version=version):
            yield node(NodeKind.MODEL, f"{model}@{version}"), node(NodeKind.ENDPOINT, endpoint), "served"
        case TrainingSetMade() | ViewMaterialized():
            yield from _of_features(event)
        case _:
            return


def _of_features(event: TrainingSetMade | ViewMaterialized) -> Iterator[Link]:
    view = node(NodeKind.FEATURES, event.view)
    for read in event.reads:
        yield node(NodeKind.DATA, read.ref), view, "read"
    if isinstance(event, TrainingSetMade) and event.run_id is not None:
        yield view, node(NodeKind.RUN, event.run_id), "trained on"


def _of_version(event: VersionRegistered) -> Iterator[Link]:
    model = node(NodeKind.MODEL, f"{event.model}@{event.version}")
    if event.run_id is not None:
        yield node(NodeKind.RUN, event.run_id), model, "trained"
    if event.features is not None:
        yield node(NodeKind.FEATURES, event.features.ref), model, "described"
