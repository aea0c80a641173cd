"""Monitors: a verdict in a sentence, then trends and columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from modelwright import charts
from modelwright.charts import Mark
from modelwright.monitoring.model import Columns, Monitor, ReferenceNote, Trend
from modelwright.stats.model import Interval
from modelwright.ui.page import Ask, View

_MOST_MARKS = 160
_SHOWN = 40


def load_list(ask: Ask) -> View:
    """Monitors by endpoint."""
    page = ask.workspace.monitors.list(after=ask.word("after"))
    return View("monitors", "Monitors", {"monitors": page.items, "after": page.next})


def load(ask: Ask) -> View:
    """One endpoint's monitor."""
    monitor: Monitor = ask.workspace.monitors.get(ask.path["name"])
    found: list[Trend] = ask.read_all("monitors.trends", monitor.endpoint, limit=1000)
    columns: Columns | None = ask.read("monitors.columns", monitor.endpoint)
    versions = sorted({f"{one.model}@{one.version}" for one in found})
    shown = thinned(sorted(found, key=lambda one: (one.start, one.model, one.version)))
    newest = next((note for note in reversed(monitor.references) if not note.problem), None)
    context = {
        "monitor": monitor,
        "alerts": ask.read_all("alerts.list", endpoint=monitor.endpoint, which="all", limit=20),
        "versions": versions,
        "performance": performance(shown, versions, newest, monitor.endpoint),
        "calibration": calibration(shown, versions, monitor.endpoint),
        "drift": drift(shown, versions, monitor.endpoint),
        "trends": found[:_SHOWN],
        "columns": columns,
        "shapes": {} if columns is None else shapes(columns),
        "metric": newest.metric if newest is not None else "",
    }
    return View("monitor", f"Monitor of {monitor.endpoint}", context)


def thinned(trends: Sequence[Trend]) -> Sequence[Trend]:
    """Every so many periods, so that a chart of a year stays light; the newest is always among them."""
    step = -(-len(trends) // _MOST_MARKS) or 1
    return trends[::-1][::step][::-1]


def performance(trends: Sequence[Trend], versions: Sequence[str], note: ReferenceNote | None, endpoint: str) -> object:
    """The metric over trailing periods, with label coverage; periods that were judged by another one are left empty."""

    def mark(one: Trend, series: int) -> Mark:
        interval, other = one.trailing, one.metric if note is not None and one.metric != note.metric else ""
        said = f"{_when(one)}: {interval or one.reason}{f', by {other}' if other else ''}"
        interval = None if other else interval
        if one.coverage is not None:
            said += f"; {one.coverage:.0%} of {one.rows:,} rows have a label"
        value, low, high = _ends(interval)
        return Mark(one.start, series, said, value, low, high, one.coverage)

    lines = []
    if note is not None and note.performance is not None:
        lines.append((note.performance.estimate, "reference"))
    if note is not None and note.kpi is not None:
        lines.append((note.kpi, f"KPI {note.kpi:g}"))
    return charts.trend(_marks(trends, versions, mark), name=f"Performance of {endpoint} over time", lines=lines)


def calibration(trends: Sequence[Trend], versions: Sequence[str], endpoint: str) -> object:
    """Labels less answers over trailing periods."""

    def mark(one: Trend, series: int) -> Mark:
        interval = one.calibration
        return Mark(one.start, series, f"{_when(one)}: {interval or one.reason}", *_ends(interval))

    name = f"Labels less answers of {endpoint} over time"
    return charts.trend(_marks(trends, versions, mark), name=name, lines=[(0.0, "as promised")])


def drift(trends: Sequence[Trend], versions: Sequence[str], endpoint: str) -> object:
    """The highest evidence of any input."""

    def mark(one: Trend, series: int) -> Mark:
        moved = f"; moved: {', '.join(one.moved)}" if one.moved else ""
        return Mark(one.start, series, f"{_when(one)}{moved}", one.drift)

    name = f"Evidence that inputs of {endpoint} moved, over time"
    return charts.trend(_marks(trends, versions, mark), name=name, lines=[(1.0, "told from here on")])


def shapes(columns: Columns) -> dict[str, object]:
    """Column -> its drawing."""
    return {
        each.column: charts.shapes(
            [(bar.name, bar.reference, bar.current) for bar in each.bars], name=f"{each.column} against its reference"
        )
        for each in columns.columns
    }


def _marks(trends: Sequence[Trend], versions: Sequence[str], mark: Callable[[Trend, int], Mark]) -> list[Mark]:
    return [mark(one, versions.index(f"{one.model}@{one.version}")) for one in trends]


def _ends(interval: Interval | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if interval is None else (interval.estimate, interval.low, interval.high)


def _when(one: Trend) -> str:
    return f"{one.start:%d %b %Y} {one.model}@{one.version}"
