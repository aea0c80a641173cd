"""What people see of a monitor: a verdict in a sentence, trends, and columns against their reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np
from msgspec.structs import replace

from modelwright.alerts.model import Alert, Severity
from modelwright.core.errors import Invalid
from modelwright.monitoring import inputs
from modelwright.monitoring.kept import Kept
from modelwright.monitoring.model import Bar, ColumnStanding, Standing, Trend
from modelwright.monitoring.norm import Norm
from modelwright.monitoring.profiles import column_of
from modelwright.monitoring.repository import Found, Watching
from modelwright.monitoring.watched import Watched, total
from modelwright.stats.cells import coarse
from modelwright.stats.drift.base import DRIFT_TESTS, Kind
from modelwright.stats.histogram import CategoryGrid, Histogram, NumericGrid
from modelwright.stats.model import Drift

_BARS = 12
_UNLABELLED_PERIODS = 7


def verdict(
    endpoint: str,
    standing: Standing | None,
    versions: Sequence[Watching],
    alerts: Sequence[Alert],
    newest: Sequence[Found],
) -> str:
    """How an endpoint is, in one sentence.

    Args:
        endpoint: Whose.
        standing: How far its monitor is.
        versions: What is known of the versions that answered.
        alerts: The open ones, the first to look at first.
        newest: Some periods, newest first.
    """
    if standing is None or standing.inputs_until == standing.began:
        return "Nothing has been judged yet: the first whole period has not passed."
    current = newest[0].key if newest else None
    note = next((each.note for each in versions if (each.note.model, each.note.version) == current), None)
    if note is None or note.problem:
        return f"It cannot be judged. {note.problem if note else 'No version answered.'}"
    until = f"{standing.inputs_until:%Y-%m-%d %H:%M}Z"
    if alerts:
        first = alerts[0]
        others = f" {len(alerts) - 1} more open." if len(alerts) > 1 else ""
        word = "Alarm" if first.severity is Severity.ALARM else "To know"
        return f"{word} about {first.model}@{first.version}, {first.rule}: {first.finding.summary}{others}"
    silent = [each for each in newest[: 2 * _UNLABELLED_PERIODS] if each.outcome is not None]
    if len(silent) >= _UNLABELLED_PERIODS and not any(each.outcome.labelled for each in silent if each.outcome):
        return f"Nothing alarms until {until}, but no labels come: performance is not known."
    known = "its labels too" if standing.outcomes_until > standing.began else "its labels have not matured"
    return f"Nothing alarms: {note.model}@{note.version} is as it was evaluated, until {until}, {known}."


def trend(found: Found) -> Trend:
    """A period for people."""
    judged, outcome = found.judged, found.outcome
    columns = {
        name.removeprefix("column:"): level for name, level in judged.levels.items() if name.startswith("column:")
    }
    common = Trend(
        start=found.start,
        end=found.end,
        model=found.key[0],
        version=found.key[1],
        rows=outcome.rows if outcome is not None else judged.rows,
        late=outcome.rows - judged.rows if outcome is not None else 0,
        drift=max(columns.values()) if columns else None,
        moved=tuple(name for name, level in sorted(columns.items()) if level >= 1),
        latency_p99_ms=judged.latency_p99_ms,
    )
    if outcome is None:
        return common
    labelled = outcome.labelled
    return replace(
        common,
        labelled=labelled,
        coverage=outcome.coverage,
        metric=outcome.metric,
        performance=outcome.performance,
        trailing=outcome.trailing,
        calibration=outcome.calibration,
        label_rate=outcome.labels / labelled if labelled else None,
        output=outcome.outputs / labelled if labelled else None,
        reason=outcome.reason,
    )


def columns(norm: Norm, kept: Kept, hours: Sequence[Mapping[str, Histogram]]) -> tuple[ColumnStanding, ...]:
    """Each watched input in some hours, those with most evidence first."""
    found = []
    for name, watched in norm.columns.items():
        stream = kept.streams.get(inputs.moved(name))
        current = total([hour[column_of(name)] for hour in hours])
        level = inputs.level(stream, norm.alarm)
        since = inputs.since(stream) if stream is not None and level >= 1 else None
        found.append(_column(name, watched, current, level=level, since=since))
    return tuple(sorted(found, key=lambda each: (-each.evidence, each.column)))


def _column(name: str, watched: Watched, current: Histogram, *, level: float, since: datetime | None) -> ColumnStanding:
    reference = watched.reference
    return ColumnStanding(
        column=name,
        rows=current.n,
        missing=current.missing / max(current.n, 1),
        reference_missing=reference.missing / max(reference.n, 1),
        unseen=current.unseen / max(current.present, 1),
        evidence=level,
        moved=level >= 1,
        since=since,
        effect=inputs.effect(watched, current).words,
        tests=_tests(watched, current),
        bars=_numeric_bars(watched.grid, reference, current)
        if isinstance(watched.grid, NumericGrid)
        else _category_bars(watched, current),
    )


def _tests(watched: Watched, current: Histogram) -> dict[str, Drift]:
    kind = Kind.CATEGORIES if isinstance(watched.grid, CategoryGrid) else Kind.NUMERIC
    found = {}
    for name in DRIFT_TESTS.names():
        test = DRIFT_TESTS.get(name)
        if kind in test.suits:
            try:
                found[name] = test(watched.reference, current, watched.grid)
            except Invalid:  # a side without values
                continue
    return found


def _category_bars(watched: Watched, current: Histogram) -> tuple[Bar, ...]:
    cells = coarse(watched.reference, current, watched.grid, cells=_BARS)
    before, after = (max(histogram.n, 1) for histogram in (watched.reference, current))
    return tuple(Bar(name=cell.name, reference=cell.reference / before, current=cell.current / after) for cell in cells)


def _numeric_bars(grid: NumericGrid, reference: Histogram, current: Histogram) -> tuple[Bar, ...]:
    """Ranges of equal width, unlike the grid's own: shapes are then as people expect them."""
    if not grid.edges:
        return ()
    edges = np.linspace(grid.edges[0], grid.edges[-1], _BARS + 1)
    inner = np.clip(np.searchsorted(edges, grid.edges, side="left"), 1, _BARS)
    inner[0] = 0  # what is below anything in the reference; what is above comes last
    place = np.append(inner, _BARS + 1)
    names = [f"below {edges[0]:.4g}", *(f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges))]
    before, after = (
        np.bincount(place, weights=each.counts(), minlength=_BARS + 2) / max(each.present, 1)
        for each in (reference, current)
    )
    bars = zip([*names, f"above {edges[-1]:.4g}"], before, after, strict=True)
    return tuple(Bar(name=name, reference=float(was), current=float(now)) for name, was, now in bars)
