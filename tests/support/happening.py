"""Events that happen without the rooms that they happen in."""

from datetime import UTC, datetime

from modelwright.alerts.model import AlertRaised, Severity
from modelwright.app.workspace import Platform
from modelwright.core.events import Actor, Event, Recorded
from modelwright.core.ids import new_id
from modelwright.ledger.append import append
from modelwright.ledger.repository import LedgerRepository

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def happens(platform: Platform, *events: Event, project: str = "default", actor: str = "ada") -> None:
    """Entries of the ledger, in one transaction."""
    recorded = [
        Recorded(event=event, project=project, actor=Actor(id=actor), recorded_at=NOW, request_id=new_id())
        for event in events
    ]
    with platform.records.writing() as rows:
        append(rows, recorded, repository=LedgerRepository(), keys=platform.keys, causation_id="")


def alarm(**more: object) -> AlertRaised:
    """An alarm of the endpoint ``delays``."""
    given = {
        "alert_id": new_id(),
        "endpoint": "delays",
        "rule": "performance",
        "severity": Severity.ALARM,
        "at": NOW,
        "model": "flight-delay",
        "version": 4,
        "summary": "It is worse by 0.05.",
    }
    return AlertRaised(**{**given, **more})
