"""Endpoints: what answers, how much, how fast, how well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import TypeVar

from modelwright import charts
from modelwright.assurance.model import Emergency, Recheck
from modelwright.charts import Bucket, Series
from modelwright.governance.charter import CharterVersion
from modelwright.lifecycle.model import Age, AgePoint
from modelwright.predictions.model import PeriodScore, Traffic
from modelwright.serving.model import Endpoint
from modelwright.stats.model import Interval
from modelwright.ui.page import Ask, View
from modelwright.ui.pages.effects import realised
from modelwright.ui.pages.standing import standing, standings

Found = TypeVar("Found", Recheck, Emergency)

_MOST_BUCKETS = 96
_LEAST_BUCKETS = 24


def load_list(ask: Ask) -> View:
    """Endpoints by name."""
    page = ask.workspace.endpoints.list(after=ask.word("after"))
    context = {"endpoints": standings(ask, page.items), "after": page.next}
    return View("endpoints", "Endpoints", context)


def load(ask: Ask) -> View:
    """One endpoint."""
    endpoint: Endpoint = ask.workspace.endpoints.get(ask.path["name"])
    traffic: list[Traffic] = ask.read("predictions.traffic", endpoint.name) or []
    stand = standing(ask, endpoint)
    charter: CharterVersion | None = ask.read("charters.get", endpoint.current.model)
    limit = charter.charter.limits.latency_p99_ms if charter is not None else None
    versions, kpi = named(stand.months, traffic), stand.kpi
    shown = buckets(traffic)
    age: Age | None = ask.read("lifecycle.age", endpoint.name)
    package = endpoint.current.package
    context = {
        "stand": stand,
        "endpoint": endpoint,
        "recheck": _of(ask.read_all("rechecks.list"), endpoint.name, package),
        "emergency": _of(ask.read_all("emergencies.list", "open"), endpoint.name, package),
        "rollouts": ask.read_all("rollouts.list", endpoint.name, limit=1),
        "history": ask.read_all("endpoints.history", endpoint.name, limit=20),
        "scores": sorted(stand.months, key=lambda one: (one.period_start, one.model, one.version), reverse=True),
        "months": charts.months(
            series(stand.months, versions),
            name=f"{stand.metric} of {endpoint.name} by month and version",
            floor=kpi.threshold if kpi is not None else None,
            floor_name=f"KPI {kpi.threshold:g}" if kpi is not None else "",
        ),
        "age": age,
        "aged": charts.months(aged(age), name=f"AUC of {endpoint.name}: the first version and what answered")
        if age is not None
        else "",
        **realised(ask.read("effects.realised", endpoint.name)),
        "volumes": charts.volumes(shown, versions, name="Predictions over time by version"),
        "latencies": charts.latencies(shown, name="Latency over time", limit_ms=limit),
        "traffic": sorted(traffic, key=lambda one: (one.period, one.version), reverse=True)[:48],
        "by_day": len({one.period for one in traffic}) > _MOST_BUCKETS,
        "limit": limit,
        "newest": ask.read_all("predictions.list", endpoint.name, limit=8),
    }
    return View("endpoint", endpoint.name, context)


def _of(found: Sequence[Found], endpoint: str, package: str) -> Found | None:
    """What was found of what an endpoint answers with."""
    return next((one for one in found if (one.endpoint, one.package) == (endpoint, package)), None)


def named(scores: Sequence[PeriodScore], traffic: Sequence[Traffic]) -> list[str]:
    """Every version that answered, the oldest first: its place is its colour in all charts of the page."""
    found = {(one.model, one.version) for one in scores} | {(one.model, one.version) for one in traffic}
    return [f"{model}@{version}" for model, version in sorted(found)]


def series(scores: Sequence[PeriodScore], versions: Sequence[str]) -> list[Series]:
    """The months of each version."""
    points: dict[str, dict[datetime, Interval | None]] = {version: {} for version in versions}
    for one in scores:
        points[f"{one.model}@{one.version}"][one.period_start] = one.interval
    return [Series(version, months) for version, months in points.items() if months]


def aged(age: Age) -> list[Series]:
    """The first version and what was answered, month by month; of a month with two versions the one with more rows."""
    months: dict[datetime, AgePoint] = {}
    for point in sorted(age.points, key=lambda point: point.n):
        months[point.period_start] = point
    frozen = {month: point.frozen for month, point in sorted(months.items())}
    live = {month: point.live for month, point in sorted(months.items())}
    return [Series(f"{age.frozen} frozen", frozen), Series("answered", live)]


def buckets(traffic: Sequence[Traffic]) -> list[Bucket]:
    """Hours, or days where the hours are too many to tell apart; the empty ones between them too, at least a day long.

    A day's median is the middle of its hours' medians, and its 99th percentile the worst hour's.
    """
    if not traffic:
        return []
    by_day = len({one.period for one in traffic}) > _MOST_BUCKETS
    step = timedelta(days=1) if by_day else timedelta(hours=1)
    groups: dict[datetime, list[Traffic]] = defaultdict(list)
    for one in traffic:
        groups[one.period.replace(hour=0) if by_day else one.period].append(one)
    last = max(groups)
    count = min(max((last - min(groups)) // step + 1, _LEAST_BUCKETS), _MOST_BUCKETS)
    starts = [last - step * back for back in range(count - 1, -1, -1)]
    return [_bucket(start, groups.get(start, []), by_day=by_day) for start in starts]


def _bucket(start: datetime, found: Sequence[Traffic], *, by_day: bool) -> Bucket:
    rows: dict[str, int] = defaultdict(int)
    for one in found:
        rows[f"{one.model}@{one.version}"] += one.rows
    return Bucket(
        start=start,
        name=f"{start:%d %b %Y}" if by_day else f"{start:%d %b %H:%M}",
        rows=dict(sorted(rows.items())),
        p50_ms=median([one.latency_p50_ms for one in found] or [0.0]),
        p99_ms=max([one.latency_p99_ms for one in found] or [0.0]),
    )
