"""A period's inputs and outputs against the reference: evidence, and what it shows once it alarms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from modelwright.alerts.model import Finding, Rule
from modelwright.monitoring.evidence import averaged, beginning
from modelwright.monitoring.kept import Stream
from modelwright.monitoring.norm import Norm
from modelwright.monitoring.profiles import OUTPUT, column_of
from modelwright.monitoring.watched import Watched
from modelwright.stats.cells import coarse
from modelwright.stats.effects import median_moved, percent, share_moved
from modelwright.stats.histogram import Histogram, NumericGrid
from modelwright.stats.inputs import Floats
from modelwright.stats.model import Effect

Streams = dict[str, Stream]
"""Stream -> the evidence so far. Columns are called ``column:<name>`` and ``contract:<name>``."""


def moved(name: str) -> str:
    """The stream that says whether an input has moved."""
    return f"column:{name}"


def broken(name: str) -> str:
    """The stream that says whether an input is missing, or unknown, too often."""
    return f"contract:{name}"


def evidence(norm: Norm, found: Mapping[str, Histogram], *, units: float, phase: int) -> Iterator[tuple[str, Floats]]:
    """Each stream of inputs and outputs with a period's evidence."""
    for name, watched in norm.columns.items():
        histogram = found[column_of(name)]
        yield moved(name), watched.evidence(histogram, units=units, phase=phase)
        yield broken(name), watched.broken(histogram)
    yield OUTPUT, norm.output.evidence(found[OUTPUT], units=units, phase=phase)


def level(stream: Stream | None, alarm: float) -> float:
    """The evidence as a share of the alarm's, on a log scale: 1 alarms."""
    found = -math.inf if stream is None else averaged(stream)
    return round(max(found / alarm, 0.0), 6) if math.isfinite(found) else 0.0


def since(stream: Stream) -> datetime:
    """When the change seems to have begun."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=beginning(stream))


def findings(norm: Norm, streams: Streams, found: Mapping[str, Histogram]) -> Iterator[Finding]:
    """What a period shows of inputs and outputs, rule by rule, where a stream alarms."""
    over = {name: stream for name, stream in streams.items() if averaged(stream) >= norm.alarm}
    columns = sorted((n for n in norm.columns if moved(n) in over), key=lambda n: -averaged(over[moved(n)]))
    if columns:
        effects = {name: effect(norm.columns[name], found[column_of(name)]) for name in columns}
        first = columns[0]
        yield Finding(
            rule=Rule.DRIFT,
            summary=f"{first}{_others(columns)} moved beyond ordinary days: {effects[first].words} ({first}).",
            details=tuple(f"{name}: {each.words}" for name, each in effects.items()),
            since=min(since(over[moved(name)]) for name in columns),
            impact=max(abs(each.amount) for each in effects.values()),
        )
    lacking = [name for name in norm.columns if broken(name) in over]
    if lacking:
        shares = {name: _lack(norm.columns[name], found[column_of(name)]) for name in lacking}
        worst = max(shares, key=lambda name: shares[name][1])
        yield Finding(
            rule=Rule.CONTRACT,
            summary=f"Rows are not what the version was evaluated on. {worst}{_others(lacking)}: {shares[worst][0]}.",
            details=tuple(f"{name}: {words}" for name, (words, _) in shares.items()),
            since=min(since(over[broken(name)]) for name in lacking),
            impact=shares[worst][1],
        )
    if OUTPUT in over:
        change = effect(norm.output, found[OUTPUT])
        yield Finding(
            rule=Rule.OUTPUT_DRIFT,
            summary=f"The answers moved beyond ordinary days: {change.words}.",
            since=since(over[OUTPUT]),
            impact=abs(change.amount),
        )


def _others(names: Sequence[str]) -> str:
    """The columns beside the first that a sentence names."""
    return f" and {len(names) - 1} more input{'s' if len(names) > 2 else ''}" if len(names) > 1 else ""


def effect(watched: Watched, found: Histogram) -> Effect:
    """What moved most, in words."""
    grid = watched.grid
    if not found.present or not watched.reference.present:
        return Effect(amount=1.0, unit="share of rows", words="no row has a value")
    if isinstance(grid, NumericGrid):
        change = median_moved(watched.reference, found, grid)
        if change.amount:
            return change
    return share_moved(coarse(watched.reference, found, grid, cells=10))


def _lack(watched: Watched, found: Histogram) -> tuple[str, float]:
    """The share that is out of order, in words."""
    parts, most = [], 0.0
    for name, rows, of in (("missing", found.missing, found.n), ("unseen", found.unseen, found.present)):
        usual = watched.shares.get(name)
        if usual is not None and of and rows / of > usual.most:
            what = "are missing" if name == "missing" else "have a value that the reference has not"
            parts.append(f"{percent(rows / of)} of rows {what}, {percent(usual.usual)} is usual")
            most = max(most, rows / of)
    return " and ".join(parts) or "the share of missing or unknown values was beyond the usual", most


def latency_ms(latencies: Floats) -> float | None:
    """The slowest hundredth of requests, in milliseconds."""
    return float(np.quantile(latencies, 0.99)) / 1000 if len(latencies) else None
