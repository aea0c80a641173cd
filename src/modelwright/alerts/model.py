"""Alerts: what somebody should know, or act on."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from modelwright.core.errors import Conflict
from modelwright.core.events import Event
from modelwright.core.ids import Id, Name
from modelwright.core.shown import Shown


class Severity(StrEnum):
    """Whether somebody should know, or should act."""

    INFORM = "inform"
    ALARM = "alarm"


class Rule(StrEnum):
    """What an alert is about."""

    PERFORMANCE = "performance"
    KPI = "kpi"
    CALIBRATION = "calibration"
    CONTRACT = "contract"
    DRIFT = "drift"
    OUTPUT_DRIFT = "output-drift"
    LABEL_RATE = "label-rate"
    LATENCY = "latency"
    GATES = "gates"
    EMERGENCY = "emergency"
    RISK = "risk"

    @property
    def severity(self) -> Severity:
        """Movement alone informs; a model that does worse, or is fed what it does not know, alarms."""
        return Severity.ALARM if self in _ALARMS else Severity.INFORM

    @property
    def advice(self) -> str:
        """What to do."""
        return _ADVICE[self]


OF_PEOPLE = frozenset({Rule.GATES, Rule.EMERGENCY})
"""What people have to see to: another model trained on newer data mends none of it."""

_ALARMS = frozenset({Rule.PERFORMANCE, Rule.KPI, Rule.CALIBRATION, Rule.CONTRACT}) | OF_PEOPLE
_ADVICE = {
    Rule.PERFORMANCE: "Retrain on newer data and compare in shadow; roll back if the version is new.",
    Rule.KPI: "Retrain, or roll back to a version that held the KPI; tell the business owner named in the charter.",
    Rule.CALIBRATION: "Retrain, or recalibrate: decisions by a threshold on this output now cost more than planned.",
    Rule.CONTRACT: "Ask whoever sends these columns what changed; mend it there before retraining.",
    Rule.DRIFT: "Nothing yet: look whether performance follows. If it does, that alert will say so.",
    Rule.OUTPUT_DRIFT: "Compare it with the inputs that moved; if none did, check the deployment.",
    Rule.LABEL_RATE: "Check the source of the labels; if it is sound, the world has moved: watch calibration.",
    Rule.LATENCY: "See the endpoint's page: load, workers, and the version's size.",
    Rule.GATES: "Evaluate it again, have it signed again, or deploy a version that passes.",
    Rule.EMERGENCY: "Let it pass the gates before its time is up, or end it: it is undone by itself.",
    Rule.RISK: "Look at the model's risks: whether the guard and the residual score still fit; tell the risk's owner.",
}


class AlertState(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Finding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a period shows of one rule.

    Attributes:
        rule: Which.
        summary: The effect in one sentence, with numbers.
        details: More of it, one sentence each.
        where: Where it is worst, e.g. ``origin = EWR``; empty when everywhere.
        since: When it seems to have begun, on event time.
        impact: Effect times share of rows, to rank by; comparable within a rule.
    """

    rule: Rule
    summary: str
    details: tuple[str, ...] = ()
    where: str = ""
    since: datetime
    impact: float = 0.0


class Alert(Shown, frozen=True, kw_only=True):
    """Something that deserves attention, however many periods it lasts.

    Attributes:
        id: Its id.
        endpoint: Where.
        model: The model.
        version: Its version.
        rule: What it is about.
        severity: Whether to know or to act.
        state: Where it stands.
        finding: What was found last.
        advice: What to do.
        raised_at: The end of the period that raised it, on event time.
        told_at: The end of the period in which it was told last; none if that was when it was raised.
        last_seen: The end of the last period that showed it.
        periods: How many have.
        resolved_at: The end of the period after which it counts as over.
        recorded_at: When it was recorded, on the wall clock.
        muted_until: Nobody is told before, on the wall clock.
        handled_by: Who acknowledged, muted or resolved it last, opaque.
        note: In whose words.
        alias: Which alias it is about, where it is about none of an endpoint; its model then stands as the endpoint.
    """

    id: Id
    endpoint: Name
    model: Name
    version: int
    rule: Rule
    severity: Severity
    state: AlertState = AlertState.OPEN
    finding: Finding
    advice: str
    raised_at: datetime
    told_at: datetime | None = None
    last_seen: datetime
    periods: int = 1
    resolved_at: datetime | None = None
    recorded_at: datetime
    muted_until: datetime | None = None
    handled_by: str = ""
    note: str = ""
    alias: Name | None = None

    @property
    def fingerprint(self) -> str:
        """What makes two findings one alert."""
        return f"{self.model}@{self.version}/{self.rule}" + (f"/{self.alias}" if self.alias else "")

    @property
    def rank(self) -> tuple[bool, bool, float, str]:
        """The place in the inbox, lowest first: unhandled before handled, alarms before the rest, then the impact."""
        handled = self.state is not AlertState.OPEN
        return handled, self.severity is not Severity.ALARM, -self.finding.impact, self.id

    def is_muted(self, now: datetime) -> bool:
        """Whether nobody is told now."""
        return self.muted_until is not None and now < self.muted_until

    @property
    def telling(self) -> AlertRaised | AlertRepeated:
        """The event that tells of it."""
        return (AlertRaised if self.told_at is None else AlertRepeated)(
            alert_id=self.id,
            endpoint=self.endpoint,
            rule=self.rule.value,
            severity=self.severity,
            at=self.told_at or self.raised_at,
            model=self.model,
            version=self.version,
            summary=self.finding.summary,
        )

    @property
    def clearing(self) -> AlertCleared:
        """The event that tells that it is over."""
        return AlertCleared(
            alert_id=self.id,
            endpoint=self.endpoint,
            rule=self.rule.value,
            severity=self.severity,
            at=self.resolved_at or self.last_seen,
            model=self.model,
            version=self.version,
            summary=self.finding.summary,
        )

    def require_open(self) -> Alert:
        """This alert if it is not over.

        Raises:
            Conflict: It is.
        """
        if self.state is AlertState.RESOLVED:
            raise Conflict(f"Alert {self.id} is resolved.", remedy="List the open ones: modelwright alert list")
        return self

    def __str__(self) -> str:
        return f"{self.severity} {self.endpoint} {self.model}@{self.version} {self.rule}: {self.finding.summary}"


class AlertRaised(Event, frozen=True, kw_only=True, tag="alerts.alert_raised"):
    """A monitor found something that was not there before."""

    alert_id: Id
    endpoint: Name
    rule: Name
    severity: Severity
    at: datetime
    model: Name
    version: int
    summary: str


class AlertRepeated(Event, frozen=True, kw_only=True, tag="alerts.alert_repeated"):
    """An alarm that was told some time ago is still seen; ``at`` is when, on event time."""

    alert_id: Id
    endpoint: Name
    rule: Name
    severity: Severity
    at: datetime
    model: Name
    version: int
    summary: str


class AlertCleared(Event, frozen=True, kw_only=True, tag="alerts.alert_cleared"):
    """What an alert was about has not been seen for long: it is over. ``at`` is when, on event time."""

    alert_id: Id
    endpoint: Name
    rule: Name
    severity: Severity
    at: datetime
    model: Name
    version: int
    summary: str


class AlertHandled(Event, frozen=True, kw_only=True, tag="alerts.alert_handled"):
    """Somebody acknowledged, muted or resolved an alert."""

    alert_id: Id
    endpoint: Name
    state: AlertState
    muted_until: datetime | None
    note: str
