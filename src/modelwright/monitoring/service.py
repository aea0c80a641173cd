"""The use cases of monitors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.alerts.model import Severity
from modelwright.core.clock import as_utc
from modelwright.core.errors import Invalid, NotFound
from modelwright.core.ids import Name
from modelwright.core.operation import Page, Service, limited, operation, paged
from modelwright.core.unit import Unit
from modelwright.monitoring.cadence import Cadence
from modelwright.monitoring.model import (
    Budget,
    ColumnName,
    Columns,
    Monitor,
    MonitorConfigured,
    Ran,
    Settings,
    Standing,
    Trend,
)

if TYPE_CHECKING:  # weight: SQLAlchemy, pyarrow and numpy, which a remote client does without
    from modelwright.alerts.repository import AlertRepository
    from modelwright.monitoring.repository import HourRepository, MonitorRepository
    from modelwright.monitoring.running import Runner
    from modelwright.predictions.log import PredictionLog
    from modelwright.store.ports import Records

_SHOWN_PERIODS = 7


class MonitorService(Service):
    """Judge what endpoints are asked, answer and get right, and see how it stands."""

    noun = "monitors"

    def __init__(
        self,
        repository: MonitorRepository,
        alerts: AlertRepository,
        hours: HourRepository,
        *,
        runner: Callable[[], Runner],
        log: PredictionLog,
        telemetry: Records,
    ) -> None:
        self._repository = repository
        self._alerts = alerts
        self._hours = hours
        self._runner = runner
        self._log = log
        self._telemetry = telemetry

    @operation(permission="monitors:read", kind="query")
    def get(self, unit: Unit, endpoint: Name) -> Monitor:
        """How an endpoint is: a verdict in one sentence, and what it rests on.

        Args:
            unit: The unit of work.
            endpoint: Its name.

        Raises:
            NotFound: The endpoint has not answered anything.
        """
        from modelwright.monitoring import showing  # weight: numpy

        span = self._log.view(unit.project, endpoint).span(before=unit.now)
        settings = self._repository.settings(unit.rows, unit.project, endpoint)
        standing = self._repository.standing(unit.rows, unit.project, endpoint)
        if span is None and settings == Settings():
            raise _nothing_yet(endpoint)
        versions = list(self._repository.versions(unit.rows, unit.project, endpoint).values())
        newest = self._repository.periods(unit.rows, unit.project, endpoint, limit=4 * _SHOWN_PERIODS)
        every = self._alerts.found(unit.rows, unit.project, endpoint, unresolved=True)
        told = sorted((alert for alert in every if not alert.is_muted(unit.now)), key=lambda alert: alert.rank)
        return Monitor(
            endpoint=endpoint,
            verdict=showing.verdict(endpoint, standing, versions, told, newest),
            severity=min((alert.severity for alert in told), default=None, key=lambda each: each is Severity.INFORM),
            settings=settings,
            references=tuple(each.note for each in versions),
            watermark=span[1] if span else None,
            standing=standing,
            due_at=settings.cadence.next(standing.inputs_until) + settings.cadence.grace if standing else None,
            open_alerts=len(told),
            grace=settings.cadence.grace.total_seconds(),
        )

    def is_behind(self, unit: Unit, endpoint: Name) -> bool:
        """Whether there is a period to judge now; for other rooms, and cheap."""
        return self._runner().is_behind(unit, endpoint)

    @operation(permission="monitors:read", kind="query")
    def list(self, unit: Unit, limit: int = 100, after: str = "") -> Page[Monitor]:
        """Monitors, by endpoint: one for each that has answered.

        Args:
            unit: The unit of work.
            limit: Monitors a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        names = {*self._log.endpoints(unit.project), *self._repository.endpoints(unit.rows, unit.project)}
        wanted = sorted(name for name in names if name > after)[: limited(limit) + 1]
        found = []
        for name in wanted:
            try:
                found.append(self.get(unit, name))
            except NotFound:  # a folder without an answer in it
                continue
        return paged(found, limit, lambda monitor: monitor.endpoint)

    @operation(permission="monitors:write", kind="command", idempotent=True)
    def run(self, unit: Unit, endpoint: Name) -> Ran:
        """Judge the periods of an endpoint that have passed and were not judged yet, some weeks of days at most.

        The inputs and answers of a period are judged when its end and the grace have passed by the endpoint's
        watermark, its labels when they have matured. Running again judges nothing twice.

        Args:
            unit: The unit of work.
            endpoint: Its name.

        Returns:
            What was judged and raised, and whether more is due.

        Raises:
            NotFound: The endpoint has not answered anything.
        """
        return self._runner().run(unit, endpoint)

    @operation(permission="monitors:write", kind="command")
    def configure(
        self,
        unit: Unit,
        endpoint: Name,
        cadence: Cadence = Cadence.DAILY,
        columns: tuple[ColumnName, ...] | None = None,
        false_alarms_per_year: Budget = 1.0,
    ) -> Monitor:
        """Say how an endpoint is watched. Evidence begins anew, and references are learnt again; open alerts stay.

        Args:
            unit: The unit of work.
            endpoint: Its name.
            cadence: How long its periods are, on event time.
            columns: The inputs to watch; none means all.
            false_alarms_per_year: The budget of all that is watched of a version, on ordinary days. Lowered, real
                changes are told later.

        Raises:
            NotFound: The endpoint has not answered anything.
            Invalid: A column is named twice, or there is none.
        """
        if columns is not None and (not columns or len(set(columns)) < len(columns)):
            raise Invalid("The columns are not at least one, each once.", fields={"columns": "not each once"})
        if self._log.view(unit.project, endpoint).span(before=unit.now) is None:
            raise _nothing_yet(endpoint)
        new = Settings(cadence=cadence, columns=columns, false_alarms_per_year=false_alarms_per_year)
        self._repository.configure(unit.rows, unit.project, endpoint, new)
        standing = self._repository.standing(unit.rows, unit.project, endpoint)
        if standing is not None:
            self._repository.advance(unit.rows, unit.project, endpoint, _aligned(standing, cadence))
        unit.emit(
            MonitorConfigured(
                endpoint=endpoint, cadence=cadence, columns=columns, false_alarms_per_year=false_alarms_per_year
            )
        )
        return self.get(unit, endpoint)

    @operation(permission="monitors:read", kind="query")
    def trends(self, unit: Unit, endpoint: Name, limit: int = 400, after: str | None = None) -> Page[Trend]:
        """What each period showed, newest first.

        Drift and latency, and once labels have matured performance and calibration with intervals and label coverage.

        Args:
            unit: The unit of work.
            endpoint: Its name.
            limit: Periods a page, 1 to 1,000; of several versions each counts.
            after: ``next`` of the page before.
        """
        from modelwright.monitoring.showing import trend  # weight: numpy

        before = None if after is None else _place(after)
        found = self._repository.periods(unit.rows, unit.project, endpoint, before=before, limit=limited(limit) + 1)
        return paged(
            [trend(each) for each in found], limit, lambda each: f"{each.start.isoformat()} {each.model}@{each.version}"
        )

    @operation(permission="monitors:read", kind="query")
    def columns(
        self, unit: Unit, endpoint: Name, since: datetime | None = None, until: datetime | None = None
    ) -> Columns:
        """The inputs of the version that answered last against its reference.

        Both histograms, the evidence that a column has moved, and what the tests of the shelf say.

        Args:
            unit: The unit of work.
            endpoint: Its name.
            since: The first event time; by default of the last seven periods judged.
            until: The first event time after it.
        """
        from modelwright.monitoring import showing  # weight: numpy

        newest = self._repository.periods(unit.rows, unit.project, endpoint, limit=50)
        if not newest:
            raise _nothing_judged(endpoint)
        key = newest[0].key
        own = [each for each in newest if each.key == key]
        first = own[:_SHOWN_PERIODS][-1].start if since is None else as_utc(since, field="since")
        last = own[0].end if until is None else as_utc(until, field="until")
        watching = self._repository.versions(unit.rows, unit.project, endpoint).get(key)
        answer = Columns(endpoint=endpoint, model=key[0], version=key[1], since=first, until=last)
        if watching is None or watching.norm is None:
            problem = watching.note.problem if watching is not None else "The version has not been judged yet."
            return replace(answer, problem=problem)
        with self._telemetry.reading() as rows:
            hours = self._hours.between(rows, unit.project, endpoint, key, first, last)
        if not hours:
            return replace(answer, problem="No predictions were judged in this span.")
        norm = self._runner().norm(watching.norm)
        return replace(answer, columns=showing.columns(norm, watching.kept, hours))


def _aligned(standing: Standing, cadence: Cadence) -> Standing:
    """A standing at the next beginning of a period."""
    start = cadence.start(standing.inputs_until)
    edge = start if start == standing.inputs_until else cadence.next(start)
    return replace(standing, inputs_until=edge, outcomes_until=edge)


def _place(after: str) -> tuple[datetime, str, int]:
    """The period and version in a page's ``next``."""
    start, _, ref = after.partition(" ")
    model, _, version = ref.rpartition("@")
    if not (model and version.isascii() and version.isdigit() and len(version) < 19):
        raise Invalid(f"after is {after[:80]!r}, which no page answered.", fields={"after": "not a position"})
    return as_utc(start, field="after"), model, int(version)


def _nothing_yet(endpoint: str) -> NotFound:
    return NotFound(
        f"Endpoint {endpoint} has not answered about any event up to now.",
        remedy="Check the name: modelwright endpoint list. A monitor begins with the first answer.",
    )


def _nothing_judged(endpoint: str) -> NotFound:
    return NotFound(
        f"No period of {endpoint} has been judged yet.", remedy=f"Judge what is due: modelwright monitor run {endpoint}"
    )
