"""Whether live traffic is in a situation more often than held-out rows were, day by day as a day is over.

What is ordinary is learnt from the days of the held-out rows; evidence is summed by the e-detectors of ``monitoring``,
so that looking every day for years costs one false alarm a year for all risks of an endpoint together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.alerts.inbox import Inbox
from modelwright.alerts.model import Finding, Rule
from modelwright.core.errors import NotFound
from modelwright.core.ids import Digest
from modelwright.core.schema import Contract, DType
from modelwright.core.unit import Unit
from modelwright.monitoring.cadence import Cadence
from modelwright.monitoring.evidence import Share, after
from modelwright.monitoring.inputs import level, since
from modelwright.monitoring.kept import Stream
from modelwright.predictions.columns import INPUT
from modelwright.predictions.log import WITH_REFUSALS, PredictionLog, View
from modelwright.risks.model import Evidence, Live, RisksCounted, Situation, Watch, Watched
from modelwright.risks.predicates import Cells, Predicate, of_arrow
from modelwright.stats.intervals import wilson

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s; SQLAlchemy
    import pyarrow as pa

    from modelwright.alerts.repository import AlertRepository
    from modelwright.models.service import ModelService
    from modelwright.risks.repository import RiskRepository

Counts = Callable[[Unit, str, int], tuple[Digest, RisksCounted] | None]
"""Finds the newest count of a version's held-out rows under the register in force, and its digest."""

_DAYS = Cadence.DAILY
_A_DAY = timedelta(days=1)
_LEAST_PRESENCE = 0.75
"""A day of which the version answered less is not judged: at another hour other things are asked."""
_RULES = frozenset({Rule.RISK})


class Watcher:
    """Watches the risks of whatever answers at an endpoint.

    Args:
        repository: How far it is.
        alerts: Where it tells.
        log: What was asked.
        models: What versions take.
        counts: What held-out rows were like.
    """

    def __init__(
        self,
        repository: RiskRepository,
        alerts: AlertRepository,
        *,
        log: PredictionLog,
        models: ModelService,
        counts: Counts,
    ) -> None:
        self._repository = repository
        self._alerts = alerts
        self._log = log
        self._models = models
        self._counts = counts

    def watch(self, unit: Unit, endpoint: str) -> Watched:
        """Judge the days that are over, a few weeks of them at most; see ``risks.watch``."""
        view = self._log.view(unit.project, endpoint, kinds=WITH_REFUSALS)
        span = view.span(before=unit.now)
        if span is None:
            raise NotFound(f"Endpoint {endpoint} has not answered about any event up to now.")
        before = self._repository.watch(unit.rows, unit.project, endpoint)
        watch = before or Watch(watched=Watched(endpoint=endpoint, until=_DAYS.next(_DAYS.start(span[0]))))
        inbox = Inbox(endpoint, self._alerts.newest(unit.rows, unit.project, endpoint), quiet=_DAYS.quiet, now=unit.now)
        days = list(_DAYS.between(watch.watched.until, span[1] - _DAYS.grace))
        for start, end in days[: _DAYS.at_once]:
            watch = self._judged(unit, view, watch, (start, end))
            if watch.watched.model is not None and watch.watched.version is not None:
                found = list(_findings(watch))
                inbox.found(watch.watched.model, watch.watched.version, found, at=end, locate=lambda _: "")
            inbox.passed(at=end, rules=_RULES)
        if watch != before:
            self._repository.put_watch(unit.rows, unit.project, watch)
        for alert in inbox.changed.values():
            self._alerts.put(unit.rows, unit.project, alert)
        for alert in inbox.told:
            unit.emit(alert.telling)
        return replace(watch.watched, more=len(days) > _DAYS.at_once)

    def _judged(self, unit: Unit, view: View, watch: Watch, day: tuple[datetime, datetime]) -> Watch:
        rows = view.asked(*day)
        on = replace(watch, watched=replace(watch.watched, until=day[1]))
        key = _leading(rows)
        if key is None:
            return on
        model, version, mine = key
        counted = self._counts(unit, model, version)
        evidence = counted[0] if counted else None
        if (watch.watched.model, watch.watched.version, watch.watched.evidence) != (model, version, evidence):
            on = _begun(on, model, version, counted, day[0])
        if counted is None or not on.streams:
            return on
        contract = self._models.get(unit, f"{model}@{version}").manifest.inputs
        return _added(on, counted[1], cells(mine, contract), mine.num_rows, day[0])


def cells(rows: pa.Table, contract: Contract) -> Mapping[str, Cells]:
    """The inputs of logged rows as they were asked; the log keeps times as text."""
    import pyarrow as pa  # weight: 0.3 s

    found = {}
    for column in contract.columns:
        name = INPUT + column.name
        if name not in rows.column_names:
            continue
        values = rows.column(name)
        if column.dtype is DType.TIMESTAMP and pa.types.is_string(values.type):
            values = values.cast(pa.timestamp("us", "UTC"))
        found[column.name] = of_arrow(values)
    return found


def _leading(rows: pa.Table) -> tuple[str, int, pa.Table] | None:
    """The version that answered most of a day, with its rows; none where none answered most of it."""
    import pyarrow.compute as pc  # weight: 0.1 s

    if not rows.num_rows:
        return None
    by_version = rows.group_by(["model", "version"]).aggregate([("version", "count")]).to_pylist()
    most = max(by_version, key=lambda row: row["version_count"])
    if most["version_count"] < _LEAST_PRESENCE * rows.num_rows:
        return None
    same = pc.and_(pc.equal(rows["model"], most["model"]), pc.equal(rows["version"], most["version"]))
    return most["model"], most["version"], rows.filter(same)


def _begun(
    watch: Watch, model: str, version: int, counted: tuple[Digest, RisksCounted] | None, since: datetime
) -> Watch:
    """Another version answers, or its held-out rows were counted anew: evidence begins anew."""
    if counted is None:
        problem = f"The risks of {model}@{version} were not counted. Run: modelwright risk count {model}@{version}"
        watched = replace(
            watch.watched, model=model, version=version, evidence=None, began=since, risks=(), problem=problem
        )
        return replace(watch, watched=watched, streams={})
    digest, found = counted
    risks = tuple(
        Live(risk=one.risk, held_out=one.share, reason="" if one.usual else _unwatched(one)) for one in found.situations
    )
    watched = replace(
        watch.watched, model=model, version=version, evidence=digest, began=since, risks=risks, problem=""
    )
    streams = {one.risk: Evidence() for one in found.situations if one.usual}
    return replace(watch, watched=watched, streams=streams)


def _unwatched(one: Situation) -> str:
    return one.reason or "Held-out rows of fewer than 14 days do not tell how days differ, so nothing is compared."


def _added(watch: Watch, found: RisksCounted, columns: Mapping[str, Cells], count: int, start: datetime) -> Watch:
    alarm = _alarm(watch)
    risks, streams = [], {}
    situations = {one.risk: one for one in found.situations}
    for live in watch.watched.risks:
        one = situations[live.risk]
        if one.usual is None:
            risks.append(live)
            continue
        met = Predicate(one.when).over(columns, count)
        matched, known = int(met.yes.sum()), int((~met.unknown).sum())
        kept = watch.streams[live.risk]
        usual = Share(usual=one.usual.share, most=one.usual.most, clumping=one.usual.clumping)
        before = Stream(sums=kept.sums, peaks=kept.peaks, begun=kept.begun)
        news = usual.evidence(matched, known)
        stream = after(before, news, period=int(start.timestamp()), threshold=alarm)
        streams[live.risk] = Evidence(sums=stream.sums, peaks=stream.peaks, begun=stream.begun)
        total, of = live.matched + matched, live.known + known
        risks.append(
            replace(
                live,
                matched=total,
                known=of,
                unknown=live.unknown + count - known,
                share=wilson(total, of) if of else None,
                newest=wilson(matched, known) if known else None,
                level=level(stream, math.log(alarm)),
                since=since(stream),
            )
        )
    return replace(watch, watched=replace(watch.watched, risks=tuple(risks)), streams=streams)


def _alarm(watch: Watch) -> float:
    """The evidence that alarms: one false alarm a year, over all risks that are watched."""
    return _DAYS.per_year * max(1, len(watch.streams))


def _findings(watch: Watch) -> Iterator[Finding]:
    over = sorted((live for live in watch.watched.risks if live.level >= 1), key=lambda live: -live.level)
    if not over:
        return
    told = tuple(_told(live) for live in over)
    others = f" and {len(over) - 1} more" if len(over) > 1 else ""
    yield Finding(
        rule=Rule.RISK,
        summary=f"Traffic is in the situation {over[0].risk}{others} more often than held-out rows were: {told[0]}.",
        details=told,
        since=min(live.since for live in over if live.since is not None),
        impact=max(
            (live.newest.estimate - live.held_out.estimate for live in over if live.newest and live.held_out),
            default=0.0,
        ),
    )


def _told(live: Live) -> str:
    newest, held_out = live.newest, live.held_out
    if newest is None or held_out is None:
        return live.risk
    return f"{live.risk}: {newest.estimate:.2%} of the rows of the last day, against {held_out.estimate:.2%}"
