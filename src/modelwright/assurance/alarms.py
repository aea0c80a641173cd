"""Alarms of what people have to see to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.alerts.model import Alert, AlertState, Finding, Rule
from modelwright.assurance.model import AliasRecheck
from modelwright.core.unit import Unit
from modelwright.serving.model import Deployment

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.alerts.repository import AlertRepository


class Alarms:
    """Alerts of what people have to see to, raised and resolved.

    Args:
        repository: Alerts.
    """

    def __init__(self, repository: AlertRepository) -> None:
        self._repository = repository

    def raised(
        self, unit: Unit, current: Deployment | AliasRecheck, rule: Rule, summary: str, details: Sequence[str] = ()
    ) -> None:
        """Raise an alarm of what an endpoint answers with, or an alias points at, unless it is there already."""
        from modelwright.alerts.inbox import begun  # weight: `--help` does without

        alias = current.alias if isinstance(current, AliasRecheck) else None
        place = current.model if isinstance(current, AliasRecheck) else current.endpoint
        if any(self._open(unit, place, rule, current.version, alias)):
            return
        finding = Finding(rule=rule, summary=summary, details=tuple(details), since=unit.now)
        alert = begun(place, current.model, current.version, finding, at=unit.now, now=unit.now)
        alert = replace(alert, alias=alias)
        self._repository.put(unit.rows, unit.project, alert)
        unit.emit(alert.telling)

    def resolved(self, unit: Unit, endpoint: str, rule: Rule, alias: str | None = None) -> None:
        """Resolve the alarms of a rule; of an alias the model stands as the endpoint."""
        for alert in self._open(unit, endpoint, rule, alias=alias):
            self._over(unit, alert)

    def moved(self, unit: Unit, current: Deployment) -> None:
        """Somebody moved an endpoint: what was said about what answered before is over."""
        for alert in self._open(unit, current.endpoint, Rule.GATES):
            if (alert.model, alert.version) != (current.model, current.version):
                self._over(unit, alert)

    def retired(self, unit: Unit, current: Deployment) -> None:
        """Somebody retired an endpoint: whatever was said about it is over."""
        for alert in self._repository.found(unit.rows, unit.project, current.endpoint, unresolved=True):
            self._over(unit, alert)

    def _over(self, unit: Unit, alert: Alert) -> None:
        over = replace(alert, state=AlertState.RESOLVED, resolved_at=unit.now)
        self._repository.put(unit.rows, unit.project, over)
        unit.emit(over.clearing)

    def _open(
        self, unit: Unit, endpoint: str, rule: Rule, version: int | None = None, alias: str | None = None
    ) -> Iterator[Alert]:
        for alert in self._repository.found(unit.rows, unit.project, endpoint, unresolved=True, alias=alias):
            if alert.rule is rule and version in (None, alert.version):
                yield alert
