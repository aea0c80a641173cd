"""From findings to alerts: one alert for as long as a thing lasts; an alarm is told again while it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from modelwright.alerts.model import Alert, AlertState, Finding, Rule, Severity
from modelwright.core.ids import new_id

TOLD_AGAIN = timedelta(days=7)
"""An alarm that is still seen so long after it was told, on event time, is told again: what it started may have been
declined or have come to nothing."""

Locate = Callable[[Finding], str]
"""Finds the slice in which a finding is worst."""


class Inbox:
    """An endpoint's alerts while findings come in.

    Args:
        endpoint: Whose.
        alerts: The newest alert of each fingerprint.
        quiet: What has not been found for so long is over, in the time of what happened.
        now: The wall clock.

    Attributes:
        changed: Alert id -> the alert as it is now, of those that are new or have changed.
        told: What somebody is to be told of, in order: alerts that are new, and alarms that last.
        resolved: Ids of those that ended.
    """

    def __init__(self, endpoint: str, alerts: Iterable[Alert], *, quiet: timedelta, now: datetime) -> None:
        self._endpoint = endpoint
        self._newest = {alert.fingerprint: alert for alert in alerts}
        self._quiet = quiet
        self._now = now
        self.changed: dict[str, Alert] = {}
        self.told: list[Alert] = []
        self.resolved: list[str] = []

    def found(self, model: str, version: int, findings: Iterable[Finding], *, at: datetime, locate: Locate) -> None:
        """What a period that ends at ``at`` showed of a version: alerts begin, or go on."""
        for finding in findings:
            known = self._newest.get(f"{model}@{version}/{finding.rule}")
            if known is not None and (known.state is not AlertState.RESOLVED or known.is_muted(self._now)):
                self._keep(self._told_again(self._gone_on(known, finding, at)))
            else:
                located = replace(finding, where=locate(finding))
                alert = begun(self._endpoint, model, version, located, at=at, now=self._now)
                self._keep(alert)
                self.told.append(alert)

    def passed(self, *, at: datetime, rules: frozenset[Rule]) -> None:
        """A period that ends at ``at`` has been judged by these rules: what it did not show for long is over."""
        for alert in list(self._newest.values()):
            over = alert.state is not AlertState.RESOLVED and at - alert.last_seen >= self._quiet
            if over and alert.rule in rules:
                self._keep(replace(alert, state=AlertState.RESOLVED, resolved_at=at))
                self.resolved.append(alert.id)

    def _keep(self, alert: Alert) -> None:
        self._newest[alert.fingerprint] = alert
        self.changed[alert.id] = alert

    def _gone_on(self, known: Alert, finding: Finding, at: datetime) -> Alert:
        again = known.state is AlertState.RESOLVED  # while it is muted: the same alert, and nobody is told
        return replace(
            known,
            state=AlertState.OPEN if again else known.state,
            resolved_at=None,
            finding=replace(finding, where=known.finding.where, since=known.finding.since),
            last_seen=at,
            periods=known.periods + 1,
        )

    def _told_again(self, alert: Alert) -> Alert:
        told = alert.told_at or alert.raised_at
        alarm = alert.severity is Severity.ALARM and not alert.is_muted(self._now)
        if not alarm or alert.last_seen - told < TOLD_AGAIN:
            return alert
        again = replace(alert, told_at=alert.last_seen)
        self.told.append(again)
        return again


def begun(endpoint: str, model: str, version: int, finding: Finding, *, at: datetime, now: datetime) -> Alert:
    """A new alert of what an endpoint answers with; ``at`` is on event time, ``now`` on the wall clock."""
    return Alert(
        id=new_id(),
        endpoint=endpoint,
        model=model,
        version=version,
        rule=finding.rule,
        severity=finding.rule.severity,
        finding=finding,
        advice=finding.rule.advice,
        raised_at=at,
        last_seen=at,
        recorded_at=now,
    )
