"""The composition root: one home opened in process, with every service on its adapters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
from msgspec.structs import replace

from modelwright.access.delegations import DelegationService
from modelwright.access.principal import Doorkeeper
from modelwright.access.repository import (
    AddressRepository,
    DelegationRepository,
    GrantRepository,
    SessionRepository,
    TokenRepository,
    UserRepository,
)
from modelwright.access.service import GrantService, ProjectService, UserService
from modelwright.access.sessions import SessionService
from modelwright.access.tokens import TokenService
from modelwright.alerts.repository import AlertRepository
from modelwright.alerts.service import AlertService
from modelwright.app import projections
from modelwright.app.databases import control_database, telemetry_database
from modelwright.app.entrance import Entrance, Presented
from modelwright.app.expectations import challenged, expectations
from modelwright.app.home import Home
from modelwright.app.reactions import REACTIONS, Reaction, reacting
from modelwright.app.services import operation_table
from modelwright.app.unit import Units
from modelwright.approvals.repository import ApprovalRepository
from modelwright.approvals.service import ApprovalService
from modelwright.approvals.standing import Standings
from modelwright.assurance.alarms import Alarms
from modelwright.assurance.aliases import Aliases
from modelwright.assurance.circumstances import circumstances
from modelwright.assurance.repository import AssuranceRepository
from modelwright.assurance.service import EmergencyService, RecheckService, Ways
from modelwright.core import wire
from modelwright.core.clock import Clock, utc_now
from modelwright.core.errors import Error
from modelwright.core.events import Actor, ActorKind
from modelwright.core.identity import DEFAULT_PROJECT, OWNER, Identity
from modelwright.core.ids import Name
from modelwright.core.operation import Download, Operation, Service, Upload
from modelwright.core.settings import ACTING, ANCHOR_FILE
from modelwright.core.unit import Unit
from modelwright.data.repository import DatasetRepository
from modelwright.data.service import DataService
from modelwright.documents.repository import DocumentRepository
from modelwright.documents.service import DocumentService
from modelwright.facts.gather import Rooms
from modelwright.features.repository import FeatureRepository
from modelwright.features.service import FeatureService
from modelwright.framing.assumptions import AssumptionService
from modelwright.framing.feasibility import FeasibilityService
from modelwright.framing.repository import FramingRepository
from modelwright.framing.standing import Feasible
from modelwright.governance.checks.making import makings
from modelwright.governance.checks.relying import relied_on, relying
from modelwright.governance.checks.remade import Makings
from modelwright.governance.checks.service import CheckService
from modelwright.governance.decide import GovernanceGuard
from modelwright.governance.effects.service import EffectService
from modelwright.governance.evidence import EvidenceService
from modelwright.governance.phases.asking import PhaseGates
from modelwright.governance.phases.repository import AnsweredRepository
from modelwright.governance.repository import GovernanceRepository
from modelwright.governance.service import CharterService, GateService, PolicyService
from modelwright.ledger.repository import LedgerRepository
from modelwright.ledger.service import LedgerService
from modelwright.lifecycle.references import EvaluatedRows, counted_risks
from modelwright.lifecycle.repository import LifecycleRepository
from modelwright.lifecycle.service import LifecycleService
from modelwright.lineage.repository import LineageRepository
from modelwright.lineage.service import LineageService
from modelwright.models.model import Manifest
from modelwright.models.repository import ModelRepository
from modelwright.models.service import ModelService
from modelwright.monitoring.repository import HourRepository, MonitorRepository
from modelwright.monitoring.service import MonitorService
from modelwright.notifications.repository import ChannelRepository
from modelwright.notifications.service import NotificationService
from modelwright.pipelines.executing import ExecutionService
from modelwright.pipelines.repository import ExecutionRepository, PipelineRepository
from modelwright.pipelines.service import PipelineService
from modelwright.predictions.labels import LabelWriter
from modelwright.predictions.log import PredictionLog
from modelwright.predictions.service import LabelService, PredictionService
from modelwright.risks.model import Standing as Register
from modelwright.risks.repository import RiskRepository
from modelwright.risks.service import RiskService
from modelwright.rollouts.conclusion import retiring, stopping
from modelwright.rollouts.repository import RolloutRepository
from modelwright.rollouts.service import RolloutService
from modelwright.search.repository import SearchRepository
from modelwright.search.service import SearchService
from modelwright.search.things import finding
from modelwright.serving.model import Deployment
from modelwright.serving.publisher import CallerPublisher, Publisher
from modelwright.serving.repository import DeploymentRepository
from modelwright.serving.service import EndpointService
from modelwright.store.adapters.duckdb_frames import DuckdbFrames
from modelwright.store.adapters.local_blobs import LocalBlobs
from modelwright.store.adapters.sqlite_keyvalue import SqliteKeyValue
from modelwright.store.keys import Keys
from modelwright.store.leases import RecordsQueue
from modelwright.store.outbox import RecordsOutbox
from modelwright.store.ports import Blobs, Frames, KeyValue, Outbox, Queue, Records
from modelwright.tracking.repository import MetricRepository, RunRepository
from modelwright.tracking.service import RunService

if TYPE_CHECKING:
    from modelwright.monitoring.running import Runner
    from modelwright.risks.watching import Watcher

_log = logging.getLogger(__name__)

_ABOUT_PEOPLE = frozenset({UserService.noun, GrantService.noun, TokenService.noun, DelegationService.noun})


class Platform:
    """All services of one home; ``close`` it when done.

    Args:
        home: An opened home.
        clock: The wall clock.
        reactions: What is done when something happens.

    Attributes:
        services: Noun -> service.
    """

    def __init__(self, home: Home, *, clock: Clock = utc_now, reactions: Sequence[Reaction] = REACTIONS) -> None:
        self.home = home
        self.clock = clock
        self.table = operation_table()
        self.keys = Keys(home.keys)
        self.records = control_database(home)
        self._lineage = LineageRepository()
        self.outbox: Outbox = RecordsOutbox(self.records, clock)
        self._search = SearchRepository()
        derived = (projections.lineage(self._lineage), finding(self._search), reacting(self.outbox, reactions))
        self.units = Units(self.records, self.keys, projections=derived, clock=clock)
        self.services = self._made()  # at once: threads share them from here on

    @cached_property
    def telemetry(self) -> Records:
        """Metric histories."""
        return telemetry_database(self.home)

    @cached_property
    def blobs(self) -> Blobs:
        """Content-addressed bytes."""
        return LocalBlobs(self.home.blobs)

    @cached_property
    def frames(self) -> Frames:
        """Tables at rest."""
        return DuckdbFrames(self.blobs)

    @cached_property
    def online(self) -> KeyValue:
        """Feature values by key and moment, for the endpoints."""
        return SqliteKeyValue(self.home.online)

    @cached_property
    def queue(self) -> Queue:
        """Leases of the home's jobs."""
        return RecordsQueue(self.records, self.clock)

    @cached_property
    def log(self) -> PredictionLog:
        """What was predicted, and what turned out."""
        return PredictionLog(self.home.log, records=self.records, frames=self.frames)

    @cached_property
    def labels(self) -> LabelWriter:
        """Keeps labels."""
        return LabelWriter(self.home.log)

    @cached_property
    def publisher(self) -> Publisher:
        """Brings routes to the workers."""
        return Publisher(self.home.folder, records=self.records, repository=DeploymentRepository(), keys=self.keys)

    @cached_property
    def standings(self) -> Standings:
        """What people have to do with versions: the guard asks."""
        return Standings(
            ApprovalRepository(),
            models=ModelRepository(),
            data=DatasetRepository(),
            governance=GovernanceRepository(),
            runs=RunRepository(),
            pipelines=PipelineRepository(),
            executions=ExecutionRepository(),
            addresses=AddressRepository(),
            blobs=self.blobs,
            doorkeeper=self.doorkeeper,
            keys=self.keys,
        )

    def _made(self) -> dict[str, Service]:
        governance, people, registers = GovernanceRepository(), self._people(), RiskRepository()
        deployments, assured = DeploymentRepository(), AssuranceRepository()
        feasible = Feasible(FramingRepository(), governance, ModelRepository())
        guard = GovernanceGuard(
            governance,
            signed=self.standings,
            circumstances=circumstances(assured, deployments),
            risks=registers.of,
            feasible=feasible,
            relying=relying(ModelRepository(), deployments),
            phases=_phases(self.standings),
        )
        data = DataService(DatasetRepository(), blobs=self.blobs, frames=self.frames)
        features = FeatureService(
            FeatureRepository(),
            data=data,
            records=self.records,
            frames=self.frames,
            store=self.online,
            queue=self.queue,
        )
        runs = RunService(RunRepository(), MetricRepository(), telemetry=self.telemetry, blobs=self.blobs)
        models = _models(self, runs, deployments, guard, feasible.admit)
        evidence = _evidence(self, governance, registers, models=models, data=data)
        rollouts, risks = RolloutRepository(), registers.of
        endpoints = _endpoints(self, deployments, rollouts, models=models, guard=guard, risks=risks)
        lineage = LineageService(self._lineage)
        ledger = LedgerService(LedgerRepository(), self.keys, anchor_file=ANCHOR_FILE.value)
        charters, predictions = CharterService(governance, guard), PredictionService(self.log, self.blobs)
        automation, executions = self._automation(rollouts)
        monitors, alerts = self._monitoring(
            EvaluatedRows(
                models=models, charters=charters, evidence=evidence, data=data, blobs=self.blobs, frames=self.frames
            )
        )
        challenges = RolloutService(
            rollouts,
            deployments,
            endpoints=endpoints,
            models=models,
            log=self.log,
            guard=guard,
            expectations=expectations(governance),
        )
        made: tuple[Service, ...] = (
            data,
            features,
            runs,
            models,
            charters,
            _risks(self, registers, governance, models),
            AssumptionService(FramingRepository(), data=data, features=features, models=models),
            FeasibilityService(FramingRepository(), governance),
            evidence,
            EffectService(governance, models=models, endpoints=endpoints, predictions=predictions),
            CheckService(evidence, models, _makings()),
            *self._gates(governance, guard, models, charters),
            endpoints,
            *_assurance(assured, endpoints, models, guard),
            automation,
            executions,
            challenges,
            predictions,
            LabelService(self.log, self.labels),
            monitors,
            alerts,
            lineage,
            ledger,
            SearchService(self._search, users=self._users, ledger=ledger, predictions=predictions),
            *people,
        )
        services = {service.noun: service for service in made}
        return {
            **services,
            LifecycleService.noun: _lifecycle(self, services),
            DocumentService.noun: self._documents(services, guard),
        }

    def _documents(self, services: Mapping[str, Any], guard: GovernanceGuard) -> DocumentService:
        """What is written from all that the others know."""
        asked = [field.name for field in fields(Rooms) if field.name in services]
        rooms = Rooms(**{name: services[name] for name in asked}, guard=guard, blobs=self.blobs)
        return DocumentService(DocumentRepository(), rooms, records=self.records, users=services["users"])

    def _people(self) -> tuple[Service, ...]:
        users, grants, tokens, sessions = UserRepository(), GrantRepository(), TokenRepository(), SessionRepository()
        delegations, self._users = DelegationRepository(), users
        self.doorkeeper = doorkeeper = Doorkeeper(users, grants, tokens, sessions, delegations)
        self.entrance = Entrance(self.records, doorkeeper, clock=self.clock)
        self.callers = CallerPublisher(self.home.folder, records=self.records, doorkeeper=doorkeeper, keys=self.keys)
        self.sessions = SessionService(sessions, users)
        return (
            UserService(users, grants, tokens, sessions, doorkeeper, AddressRepository()),
            GrantService(users, grants),
            ProjectService(grants, users, doorkeeper),
            TokenService(tokens, users),
            DelegationService(delegations, users, doorkeeper),
            NotificationService(ChannelRepository(), LedgerRepository(), records=self.records, keys=self.keys),
        )

    def _gates(
        self, governance: GovernanceRepository, guard: GovernanceGuard, models: ModelService, charters: CharterService
    ) -> list[Service]:
        approvals = ApprovalRepository()
        return [
            PolicyService(governance, guard),
            GateService(governance, guard, models),
            ApprovalService(approvals, models=models, guard=guard, standings=self.standings, charters=charters),
        ]

    def _automation(self, rollouts: RolloutRepository) -> tuple[PipelineService, ExecutionService]:
        pipelines, executions, held = PipelineRepository(), ExecutionRepository(), challenged(rollouts)
        return (
            PipelineService(pipelines, executions, queue=self.queue, blobs=self.blobs, held=held),
            ExecutionService(executions, pipelines, queue=self.queue, blobs=self.blobs),
        )

    def _monitoring(self, references: EvaluatedRows) -> tuple[MonitorService, AlertService]:
        monitors, alerts, hours = MonitorRepository(), AlertRepository(), HourRepository()

        @cache
        def runner() -> Runner:
            from modelwright.monitoring.running import Runner  # weight: numpy, which only judging needs

            return Runner(
                monitors,
                alerts,
                hours,
                log=self.log,
                records=self.records,
                telemetry=self.telemetry,
                references=references,
            )

        service = MonitorService(monitors, alerts, hours, runner=runner, log=self.log, telemetry=self.telemetry)
        return service, AlertService(alerts)

    def run(
        self,
        operation: Operation,
        request: msgspec.Struct,
        *,
        identity: Identity = OWNER,
        idempotency_key: str | None = None,
        request_id: str | None = None,
        causation_id: str = "",
    ) -> Any:
        """Carry an operation out as one unit of work; raises what ``Units.run`` and the service raise."""
        answer = self.units.run(
            operation,
            self.services[operation.noun],
            request,
            identity=identity,
            idempotency_key=idempotency_key,
            request_id=request_id,
            causation_id=causation_id,
        )
        if operation.kind == "command" and operation.noun in _ABOUT_PEOPLE:
            self.entrance.forget()
            _tell_endpoints(self.callers, self.clock())
        return answer

    def projects(self) -> tuple[str, ...]:
        """Every project, by name: what jobs go through."""
        with self.records.reading() as rows:
            return tuple(sorted({DEFAULT_PROJECT, *(each.name for each in GrantRepository().projects(rows))}))

    def identity(self, token: str | None, project: str | None) -> Identity:
        """Who opened the home in process: its owner, unless they come with a token and there is login.

        Raises:
            Denied: The token does not count.
            NotFound: There is no such project, or none of the token's user's.
        """
        if token and self.entrance.login():
            return self.entrance.identify(Presented("token", token), project)
        acting = ACTING.value
        owner = replace(OWNER, actor=Actor(id=acting, kind=ActorKind.SERVICE)) if acting else OWNER
        return owner.within(wire.convert(project or DEFAULT_PROJECT, Name))

    def close(self) -> None:
        """Let go of files and connections."""
        if "labels" in vars(self):
            self.labels.close()
        if "online" in vars(self):
            self.online.close()
        if "telemetry" in vars(self):
            self.telemetry.close()
        self.records.close()


def _lifecycle(platform: Platform, services: Mapping[str, Any]) -> LifecycleService:
    """What spans the others."""
    spanned = (
        *("data", "runs", "models", "evidence", "endpoints", "predictions", "lineage", "ledger"),
        *("approvals", "pipelines", "monitors", "rollouts"),
    )
    return LifecycleService(
        **{name: services[name] for name in spanned},
        outbox=platform.outbox,
        repository=LifecycleRepository(),
        records=platform.records,
        blobs=platform.blobs,
    )


def _moved(rollouts: RolloutRepository) -> Callable[[Unit, Deployment], None]:
    """What follows in the unit of work in which somebody moves an endpoint."""
    stop, resolve = stopping(rollouts), Alarms(AlertRepository()).moved

    def follow(unit: Unit, current: Deployment) -> None:
        stop(unit, current)
        resolve(unit, current)

    return follow


def _models(
    platform: Platform,
    runs: RunService,
    deployments: DeploymentRepository,
    guard: GovernanceGuard,
    admit: Callable[[Unit, Manifest], None],
) -> ModelService:
    return ModelService(
        ModelRepository(),
        blobs=platform.blobs,
        keys=platform.keys,
        runs=runs,
        guard=guard,
        admit=admit,
        relying=lambda unit, model: deployments.relying(unit.rows, unit.project, model),
    )


def _makings() -> Makings:
    return makings(RunRepository(), ExecutionRepository(), PipelineRepository())


def _endpoints(
    platform: Platform,
    deployments: DeploymentRepository,
    rollouts: RolloutRepository,
    *,
    models: ModelService,
    guard: GovernanceGuard,
    risks: Callable[[Unit, str], Register | None],
) -> EndpointService:
    return EndpointService(
        deployments,
        models=models,
        publisher=platform.publisher,
        guard=guard,
        risks=risks,
        moved=_moved(rollouts),
        retired=_retired(rollouts),
    )


def _phases(standings: Standings) -> PhaseGates:
    return PhaseGates(DatasetRepository(), ModelRepository(), AnsweredRepository(), signed=standings.of_phase)


def _retired(rollouts: RolloutRepository) -> Callable[[Unit, Deployment, int], None]:
    """What follows in the unit of work in which somebody retires an endpoint."""
    stop, resolve = retiring(rollouts), Alarms(AlertRepository()).retired

    def follow(unit: Unit, current: Deployment, generation: int) -> None:
        stop(unit, current, generation)
        resolve(unit, current)

    return follow


def _assurance(
    repository: AssuranceRepository, endpoints: EndpointService, models: ModelService, guard: GovernanceGuard
) -> tuple[RecheckService, EmergencyService]:
    alarms, ways = Alarms(AlertRepository()), Ways(endpoints, models, guard)
    return (
        RecheckService(
            repository,
            endpoints=endpoints,
            guard=guard,
            alarms=alarms,
            ways=ways,
            aliases=Aliases(repository, models=models, guard=guard, alarms=alarms),
        ),
        EmergencyService(repository, endpoints=endpoints, models=models, guard=guard, alarms=alarms, ways=ways),
    )


def _tell_endpoints(callers: CallerPublisher, now: datetime) -> None:
    """At once; the job worker would too, but may be down. What was done stays done when this fails."""
    try:
        callers.publish(now)
    except (OSError, Error) as error:
        _log.warning("Endpoints do not know yet who may ask: %s", error)


class LocalCaller:
    """Carries operations out in process; fulfils ``core.operation.Caller``.

    Args:
        platform: The opened home.
        identity: Who calls.
    """

    def __init__(self, platform: Platform, identity: Identity = OWNER) -> None:
        self._platform = platform
        self._identity = identity

    def call(self, operation: Operation, request: msgspec.Struct, *, idempotency_key: str | None = None) -> Any:
        """Carry out and answer the operation's response type."""
        return self._platform.run(operation, request, identity=self._identity, idempotency_key=idempotency_key)

    def upload(self, source: bytes | Path) -> Upload:
        """Store bytes; known bytes cost a hash."""
        stored = self._platform.blobs.put(source)
        return Upload(digest=stored.digest, size=stored.size)

    def download(self, handle: Download, operation: Operation, request: msgspec.Struct) -> bytes:
        """The bytes behind a handle."""
        return self._platform.blobs.read(handle.digest)

    def fetch(self, handle: Download, operation: Operation, request: msgspec.Struct, into: BinaryIO) -> None:
        """Write the bytes behind a handle."""
        into.writelines(self._platform.blobs.stream(handle.digest))

    def close(self) -> None:
        """Close the home."""
        self._platform.close()


def _evidence(
    platform: Platform,
    governance: GovernanceRepository,
    registers: RiskRepository,
    *,
    models: ModelService,
    data: DataService,
) -> EvidenceService:
    return EvidenceService(
        governance,
        models=models,
        data=data,
        risks=registers,
        records=platform.records,
        blobs=platform.blobs,
        frames=platform.frames,
        relied=relied_on(ModelRepository(), DeploymentRepository()),
    )


def _risks(
    platform: Platform, registers: RiskRepository, governance: GovernanceRepository, models: ModelService
) -> RiskService:
    counts = counted_risks(governance, registers)

    def watcher() -> Watcher:
        from modelwright.risks.watching import Watcher  # weight: numpy and the statistics, for the few who watch

        return Watcher(registers, AlertRepository(), log=platform.log, models=models, counts=counts)

    return RiskService(registers, models=models, users=UserRepository(), watcher=watcher)
