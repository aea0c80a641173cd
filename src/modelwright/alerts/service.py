"""The use cases of alerts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from modelwright.alerts.model import OF_PEOPLE, Alert, AlertHandled, AlertState
from modelwright.core.clock import as_utc
from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.core.ids import Id, Name
from modelwright.core.operation import Page, Service, limited, operation, paged
from modelwright.core.unit import Unit

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.alerts.repository import AlertRepository

Which = Literal["open", "all"]
"""The alerts to list."""

_LONGEST_NOTE = 2000


class AlertService(Service):
    """See what deserves attention, and say that somebody has seen it."""

    noun = "alerts"

    def __init__(self, repository: AlertRepository) -> None:
        self._repository = repository

    @operation(permission="alerts:read", kind="query")
    def list(
        self,
        unit: Unit,
        endpoint: Name | None = None,
        which: Which = "open",
        limit: int = 100,
        after: Id | None = None,
    ) -> Page[Alert]:
        """Alerts, the first to look at first: unhandled ones before others, alarms before information, then by impact.

        Args:
            unit: The unit of work.
            endpoint: Of this endpoint alone.
            which: ``open``, or ``all``: also those that are resolved or muted.
            limit: Alerts a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        found = self._repository.found(unit.rows, unit.project, endpoint, unresolved=which == "open")
        shown = [alert for alert in found if which == "all" or not alert.is_muted(unit.now)]
        ranked = sorted(shown, key=lambda alert: (alert.state is AlertState.RESOLVED, alert.rank))
        places = {alert.id: place for place, alert in enumerate(ranked)}
        first = 0 if after is None else places.get(after, len(ranked)) + 1
        return paged(ranked[first : first + limited(limit) + 1], limit, lambda alert: alert.id)

    @operation(permission="alerts:read", kind="query")
    def get(self, unit: Unit, id: Id) -> Alert:  # noqa: A002  # the name that callers write
        """One alert.

        Args:
            unit: The unit of work.
            id: Its id.

        Raises:
            NotFound: There is none.
        """
        found = self._repository.get(unit.rows, unit.project, id)
        if found is None:
            raise NotFound(f"There is no alert {id}.", remedy="List them: modelwright alert list")
        return found

    @operation(permission="alerts:write", kind="command")
    def acknowledge(self, unit: Unit, id: Id, note: str = "") -> Alert:  # noqa: A002  # as above
        """Say that somebody has seen an alert and sees to it. It stays until it is over.

        Args:
            unit: The unit of work.
            id: Its id.
            note: Your words, at most 2,000 characters.

        Raises:
            Conflict: It is resolved.
        """
        alert = self.get(unit, id).require_open()
        return self._handled(unit, replace(alert, state=AlertState.ACKNOWLEDGED), note)

    @operation(permission="alerts:write", kind="command")
    def mute(self, unit: Unit, id: Id, until: datetime, note: str = "") -> Alert:  # noqa: A002  # as above
        """Let nobody be told of an alert, nor of the same found again, until a moment of the wall clock.

        Args:
            unit: The unit of work.
            id: Its id.
            until: When it is shown again, if it is still there.
            note: Why, for the record.

        Raises:
            Invalid: The moment has passed.
        """
        moment = as_utc(until, field="until")
        if moment <= unit.now:
            raise Invalid(
                f"until is {moment.isoformat()}, which has passed.",
                remedy="Give a time to come, e.g. in a week.",
                fields={"until": "has passed"},
            )
        return self._handled(unit, replace(self.get(unit, id), muted_until=moment), note)

    @operation(permission="alerts:write", kind="command")
    def resolve(self, unit: Unit, id: Id, note: str = "") -> Alert:  # noqa: A002  # as above
        """Say that an alert is over. The same found again is a new alert.

        Args:
            unit: The unit of work.
            id: Its id.
            note: What was done.

        Raises:
            Conflict: It is resolved already, or ends with its reason alone: gates, emergency.
        """
        alert = self.get(unit, id).require_open()
        if alert.rule in OF_PEOPLE:
            raise Conflict(
                f"An alert about {alert.rule} ends when its reason does.",
                remedy=f"{alert.advice} Or mute it: modelwright alert mute {alert.id}",
            )
        return self._handled(unit, replace(alert, state=AlertState.RESOLVED, resolved_at=alert.last_seen), note)

    def _handled(self, unit: Unit, alert: Alert, note: str) -> Alert:
        if len(note) > _LONGEST_NOTE:
            raise Invalid(
                f"The note has {len(note):,} characters, not at most {_LONGEST_NOTE:,}.", fields={"note": "too long"}
            )
        handled = replace(alert, handled_by=unit.actor.id, note=note or alert.note)
        self._repository.put(unit.rows, unit.project, handled)
        unit.emit(
            AlertHandled(
                alert_id=alert.id,
                endpoint=alert.endpoint,
                state=alert.state,
                muted_until=alert.muted_until,
                note=note,
            )
        )
        return handled
