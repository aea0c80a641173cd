"""Read everything on record about a version, through the doors of the rooms that know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwright.core import wire
from modelwright.core.errors import Corrupted, NotFound
from modelwright.core.guard import Action, Transition
from modelwright.core.ids import Ref
from modelwright.core.source import SourceSnapshot
from modelwright.core.unit import Snapshot, Unit
from modelwright.data.model import DatasetVersion
from modelwright.facts.record import Entry, Record, Subject, Watched
from modelwright.features.model import TrainingRecord, ViewVersion
from modelwright.governance import matching
from modelwright.governance.charter import CharterVersion
from modelwright.governance.model import Evidence, Kind
from modelwright.governance.signoffs import Signature, counting
from modelwright.models.model import CHAMPION, MANIFEST_TYPE, Manifest, ModelVersion
from modelwright.pipelines.model import Execution, PipelineVersion
from modelwright.serving.model import Deployment

if TYPE_CHECKING:  # weight: what these services import is loaded by whoever makes them
    from modelwright.alerts.service import AlertService
    from modelwright.approvals.service import ApprovalService
    from modelwright.data.service import DataService
    from modelwright.features.service import FeatureService
    from modelwright.framing.assumptions import AssumptionService
    from modelwright.framing.feasibility import FeasibilityService
    from modelwright.governance.decide import GovernanceGuard
    from modelwright.governance.evidence import EvidenceService
    from modelwright.governance.service import CharterService
    from modelwright.ledger.service import LedgerService
    from modelwright.models.service import ModelService
    from modelwright.monitoring.service import MonitorService
    from modelwright.pipelines.service import PipelineService
    from modelwright.risks.service import RiskService
    from modelwright.rollouts.service import RolloutService
    from modelwright.serving.service import EndpointService
    from modelwright.store.ports import Blobs
    from modelwright.tracking.service import RunService

ABOUT = (
    "models.version_registered",
    "models.alias_moved",
    "governance.transition_decided",
    "serving.endpoint_moved",
    "serving.endpoint_retired",
    "rollouts.started",
    "rollouts.concluded",
    "approvals.signed",
)
"""The kinds of entry that tell of a version's life."""

_PAGE = 1000
_TRAINING_SETS = 50
"""Newest training sets of a view among which a version's is looked for."""
_LOCK = "requirements.txt"


@dataclass(frozen=True)
class Rooms:
    """Whom to ask."""

    models: ModelService
    risks: RiskService
    assumptions: AssumptionService
    feasibility: FeasibilityService
    evidence: EvidenceService
    charters: CharterService
    guard: GovernanceGuard
    runs: RunService
    pipelines: PipelineService
    data: DataService
    features: FeatureService
    endpoints: EndpointService
    rollouts: RolloutService
    monitors: MonitorService
    alerts: AlertService
    approvals: ApprovalService
    ledger: LedgerService
    blobs: Blobs


def gathered(rooms: Rooms, unit: Unit, version: ModelVersion, *, against: Ref | None) -> Record:
    """What is on record about a version.

    Args:
        rooms: Whom to ask.
        unit: The unit of work.
        version: The version.
        against: The version to compare it with; by default the one that it replaced, or would replace.

    Raises:
        NotFound: There is no version to compare with of that name.
        Corrupted: What is stored is not what was recorded.
    """
    charter = _charter(rooms, unit, version.model)
    entries = tuple(_entries(rooms, unit, version))
    other = _other(rooms, unit, version, entries, against)
    deployments = tuple(_deployments(rooms, unit, version))
    endpoints = list(dict.fromkeys(deployment.endpoint for deployment in deployments))
    subject = _subject(rooms, unit, version, charter)
    found = Record(
        subject=subject,
        signer=_signer(rooms, unit, version),
        register=rooms.risks.standing(unit, version.model),
        assumptions=rooms.assumptions.of(unit, version.ref),
        feasibility=rooms.feasibility.history(unit, version.model),
        against=None if other is None else _subject(rooms, unit, other, charter),
        charter=charter,
        deployments=deployments,
        entries=entries,
        rollouts=tuple(
            rollout
            for rollout in reversed(rooms.rollouts.list(unit, limit=_PAGE).items)
            if rollout.challenger.package == version.package and rollout.challenger.ref == version.ref
        ),
        watched=tuple(_watched(rooms, unit, endpoints)),
        pipeline=_pipeline(rooms, unit, subject.execution),
        alerts=tuple(
            sorted(
                (
                    alert
                    for endpoint in endpoints
                    for alert in rooms.alerts.list(unit, endpoint, "all", limit=_PAGE).items
                    if (alert.model, alert.version) == (version.model, version.version)
                ),
                key=lambda alert: alert.id,
            )
        ),
    )
    return _decided(rooms, unit, found)


def _signer(rooms: Rooms, unit: Unit, version: ModelVersion) -> str:
    """The home's key, once it has verified the manifest that is on record."""
    from modelwright.store.keys import opened  # weight: cryptography

    key = rooms.models.signer(unit)
    payload = opened(rooms.models.package(unit, version.ref).signed, bytes.fromhex(key), MANIFEST_TYPE)
    if wire.sha256(payload) != version.package:
        raise Corrupted(f"The manifest of {version.ref} is not the one that was signed.")
    return key


def _charter(rooms: Rooms, unit: Unit, model: str) -> CharterVersion | None:
    try:
        return rooms.charters.get(unit, model)
    except NotFound:
        return None


def _decided(rooms: Rooms, unit: Unit, found: Record) -> Record:
    """The same with what the gates say, and whose signatures count, at the moment of the newest record.

    Evidence and signatures age by the clock, and a document does not.
    """
    then = Snapshot(unit, unit.rows)
    then.now = found.as_of
    version = found.version
    policy, basis, decision = rooms.guard.to_sign(
        then,
        Transition(
            action=Action.SET_ALIAS,
            model=version.model,
            version=version.version,
            package=version.package,
            target=CHAMPION,
        ),
    )
    counted: list[Signature] = []
    if basis is not None:
        standing = rooms.approvals.standing(unit, version.ref)
        for asked in policy.policy.signoffs:
            good, _ = counting(asked, basis, standing.signatures, found.as_of)
            counted += [one for one in good if standing.authors.keys().isdisjoint(one.people)]
    return found.decided(decision, counted)


def _entries(rooms: Rooms, unit: Unit, version: ModelVersion) -> Iterator[Entry]:
    found = []
    for kind in ABOUT:
        after: str | None = None
        while True:
            page = rooms.ledger.list(unit, kind, limit=_PAGE, after=after)
            found += [entry for entry in page.items if _is_about(entry.envelope.body, version)]
            after = page.next
            if after is None:
                break
    for entry in sorted(found, key=lambda one: one.envelope.seq):
        said = entry.envelope
        yield Entry(
            seq=said.seq, leaf=entry.leaf, kind=said.kind, at=said.recorded_at, by=said.actor_id, body=said.body
        )


def _is_about(body: dict[str, object], version: ModelVersion) -> bool:
    decision = body.get("decision")
    move = decision.get("transition") if isinstance(decision, dict) else body.get("basis", body)
    told = move if isinstance(move, dict) else {}
    return (told.get("model"), told.get("version"), told.get("package")) == (
        version.model,
        version.version,
        version.package,
    )


def _other(
    rooms: Rooms, unit: Unit, version: ModelVersion, entries: Sequence[Entry], against: Ref | None
) -> ModelVersion | None:
    """The one that is asked for, else the one that it replaced, else the one it would replace, else the one before."""
    if against is not None:
        return rooms.models.get(unit, against)
    replaced = [
        entry.body["previous"]
        for entry in entries
        if entry.kind == "models.alias_moved" and entry.body["alias"] == CHAMPION and entry.body["previous"]
    ]
    wanted = [str(number) for number in reversed(replaced)] + [CHAMPION, str(version.version - 1)]
    for selector in wanted:
        try:
            found = rooms.models.get(unit, f"{version.model}@{selector}")
        except NotFound:
            continue
        if found.version != version.version:
            return found
    return None


def _deployments(rooms: Rooms, unit: Unit, version: ModelVersion) -> Iterator[Deployment]:
    for endpoint in rooms.endpoints.list(unit, limit=_PAGE).items:
        for deployment in reversed(rooms.endpoints.history(unit, endpoint.name, limit=_PAGE).items):
            if (deployment.model, deployment.package) == (version.model, version.package):
                yield deployment


def _watched(rooms: Rooms, unit: Unit, endpoints: Sequence[str]) -> Iterator[Watched]:
    for endpoint in endpoints:
        try:
            settings = rooms.monitors.get(unit, endpoint).settings
        except NotFound:  # nothing has been answered there yet
            continue
        yield Watched(endpoint=endpoint, settings=settings)


def _pipeline(rooms: Rooms, unit: Unit, execution: Execution | None) -> PipelineVersion | None:
    try:
        return rooms.pipelines.get(unit, execution.pipeline) if execution else None
    except NotFound:  # a script ran its own function
        return None


def _subject(rooms: Rooms, unit: Unit, version: ModelVersion, charter: CharterVersion | None) -> Subject:
    manifest = version.manifest
    run = rooms.runs.get(unit, manifest.run_id) if manifest.run_id else None
    evidence = _counting(rooms, unit, version, charter)
    judged_on = sorted({found.dataset.ref for found in evidence.values()})
    view = rooms.features.get(unit, manifest.features.ref) if manifest.features else None
    return Subject(
        version=version,
        evidence=evidence,
        run=run,
        execution=_execution(rooms, unit, run.tags.get("execution") if run else None),
        data=tuple(_dataset(rooms, unit, read.ref) for read in manifest.data),
        judged_on=tuple(_dataset(rooms, unit, ref) for ref in judged_on),
        view=view,
        training=_training(rooms, unit, view, manifest),
        source=_snapshot(rooms, manifest.source),
        packages=_packages(rooms, version),
    )


def _counting(rooms: Rooms, unit: Unit, version: ModelVersion, charter: CharterVersion | None) -> dict[str, Evidence]:
    """What the gates would read, without regard to age."""
    if charter is None:
        return {}
    found = rooms.evidence.list(unit, version.ref)
    altered = next((one for one in found if not one.intact), None)
    if altered is not None:
        raise Corrupted(
            f"Evidence {altered.digest[:12]}… is not what was recorded.",
            remedy="Run `modelwright ledger verify`, and restore control.db from a backup.",
        )
    bound = matching.bound(
        Transition(
            action=Action.SET_ALIAS,
            model=version.model,
            version=version.version,
            package=version.package,
            target=CHAMPION,
        ),
        charter,
        found,
    )
    newest = max((one.made_at for one in bound), default=version.registered_at)
    counting = matching.newest(bound, newest)
    counting.pop(Kind.DOCUMENTS, None)  # what documents lack is no part of them: counting again must find the same
    return counting


def _execution(rooms: Rooms, unit: Unit, tag: str | None) -> Execution | None:
    try:
        return rooms.pipelines.execution(unit, tag) if tag else None
    except NotFound:  # somebody's own tag of that name
        return None


def _dataset(rooms: Rooms, unit: Unit, ref: Ref) -> DatasetVersion:
    return rooms.data.get(unit, ref)


def _training(rooms: Rooms, unit: Unit, view: ViewVersion | None, manifest: Manifest) -> TrainingRecord | None:
    if view is None:
        return None
    for record in rooms.features.training_sets(unit, view.ref, limit=_TRAINING_SETS).items:
        if record.run_id is not None and record.run_id == manifest.run_id:
            return record
        made = rooms.runs.get(unit, record.run_id).writes if record.run_id is not None else ()
        if any(written in manifest.data for written in made):  # it was kept as the dataset that the run read
            return record
    return None


def _snapshot(rooms: Rooms, digest: str | None) -> SourceSnapshot | None:
    if digest is None or rooms.blobs.missing([digest]):
        return None
    return wire.decode(rooms.blobs.read(digest), SourceSnapshot)


def _packages(rooms: Rooms, version: ModelVersion) -> tuple[str, ...]:
    lock = next((file for file in version.manifest.files if file.path == _LOCK), None)
    if lock is None or rooms.blobs.missing([lock.digest]):
        return ()
    return tuple(rooms.blobs.read(lock.digest).decode(errors="replace").split())
