"""Every service of the house: the one list from which the operation table and the workspace are made."""

from __future__ import annotations

from functools import cache

from modelwright.access.delegations import DelegationService
from modelwright.access.service import GrantService, ProjectService, UserService
from modelwright.access.tokens import TokenService
from modelwright.alerts.service import AlertService
from modelwright.approvals.service import ApprovalService
from modelwright.assurance.service import EmergencyService, RecheckService
from modelwright.core.operation import Service, Table
from modelwright.data.service import DataService
from modelwright.documents.service import DocumentService
from modelwright.features.service import FeatureService
from modelwright.framing.assumptions import AssumptionService
from modelwright.framing.feasibility import FeasibilityService
from modelwright.governance.checks.service import CheckService
from modelwright.governance.effects.service import EffectService
from modelwright.governance.evidence import EvidenceService
from modelwright.governance.service import CharterService, GateService, PolicyService
from modelwright.ledger.service import LedgerService
from modelwright.lifecycle.service import LifecycleService
from modelwright.lineage.service import LineageService
from modelwright.models.service import ModelService
from modelwright.monitoring.service import MonitorService
from modelwright.notifications.service import NotificationService
from modelwright.pipelines.executing import ExecutionService
from modelwright.pipelines.service import PipelineService
from modelwright.predictions.service import LabelService, PredictionService
from modelwright.risks.service import RiskService
from modelwright.rollouts.service import RolloutService
from modelwright.search.service import SearchService
from modelwright.serving.service import EndpointService
from modelwright.tracking.service import RunService

SERVICES: tuple[type[Service], ...] = (
    DataService,
    FeatureService,
    ModelService,
    RunService,
    CharterService,
    FeasibilityService,
    AssumptionService,
    PolicyService,
    RiskService,
    EvidenceService,
    EffectService,
    CheckService,
    GateService,
    ApprovalService,
    EndpointService,
    RecheckService,
    EmergencyService,
    PipelineService,
    ExecutionService,
    RolloutService,
    PredictionService,
    LabelService,
    MonitorService,
    AlertService,
    LineageService,
    LedgerService,
    LifecycleService,
    UserService,
    GrantService,
    ProjectService,
    TokenService,
    DelegationService,
    DocumentService,
    NotificationService,
    SearchService,
)


@cache
def operation_table() -> Table:
    """Every operation, by name."""
    return Table(SERVICES)
