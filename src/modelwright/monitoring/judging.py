"""The periods that are due, in order: inputs when a period has passed, outcomes when its labels have matured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from modelwright.alerts.inbox import Inbox
from modelwright.alerts.model import Finding, Rule
from modelwright.monitoring import inputs, labels
from modelwright.monitoring.kept import Kept
from modelwright.monitoring.labels import OUTCOME_RULES
from modelwright.monitoring.model import Judged, Outcome, Settings, Standing
from modelwright.monitoring.norm import Norm
from modelwright.monitoring.outcomes import usable
from modelwright.monitoring.profiles import by_hour, column_of, count
from modelwright.monitoring.slices import MISSING, slices, worst
from modelwright.predictions.log import View
from modelwright.predictions.model import microseconds
from modelwright.stats.histogram import Histogram

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

INPUT_RULES = frozenset({Rule.DRIFT, Rule.CONTRACT, Rule.OUTPUT_DRIFT, Rule.LATENCY})
"""What the inputs of a period are judged by; the other rules wait for labels."""

FEWEST_ROWS = 20
"""A version's period with fewer rows is not judged."""
LEAST_PRESENCE = 0.75
"""Nor is one in which the version answered only a part of the time: at another hour other things are asked."""
LEAST_LABELS = 0.8
"""A period waits for its labels while it has less than this share of what the reference had."""
PATIENCE = timedelta(days=3)
"""It waits no longer than this after its labels should have been there: some never come, and others wait behind."""
LOOK_BACK = timedelta(days=28)
"""Rows of at most so long are looked through for the segment in which a finding is worst."""
SLOW_PERIODS = 3
"""So many periods in a row over the latency limit are an alert."""

Key = tuple[str, int]
"""Model and version."""
Period = tuple[datetime, datetime]


@dataclass
class Work:
    """What judging made, to be written down.

    Attributes:
        standing: How far the monitor is now.
        kept: Version -> its evidence.
        judged: What inputs showed of a version in a period.
        outcomes: What labels showed.
        hours: Histograms of each version and hour.
        periods: How many were judged, by ``inputs`` and by ``outcomes``.
        more: Whether more are due.
    """

    standing: Standing
    kept: dict[Key, Kept]
    judged: list[tuple[Key, Period, Judged]] = field(default_factory=list)
    outcomes: list[tuple[Key, Period, Outcome]] = field(default_factory=list)
    hours: list[tuple[Key, datetime, dict[str, Histogram]]] = field(default_factory=list)
    periods: dict[str, int] = field(default_factory=lambda: {"inputs": 0, "outcomes": 0})
    more: bool = False


class Judge:
    """One run over an endpoint's log.

    Args:
        view: The log.
        settings: The monitor's.
        norms: Version -> what it is compared with; versions without one are only counted.
        inbox: The alerts.
        watermark: The newest event time.
        past: Version -> the outcomes of trailing periods, by their beginning.
    """

    def __init__(
        self,
        view: View,
        settings: Settings,
        norms: Mapping[Key, Norm],
        inbox: Inbox,
        *,
        watermark: datetime,
        past: Mapping[Key, Mapping[datetime, Outcome]],
    ) -> None:
        self._view = view
        self._cadence = settings.cadence
        self._norms = norms
        self._inbox = inbox
        self._passed = watermark - settings.cadence.grace
        self._past = {key: dict(found) for key, found in past.items()}

    def run(self, standing: Standing, kept: Mapping[Key, Kept]) -> Work:
        """Judge what is due, at most as many periods as one run may."""
        work = Work(standing, dict(kept))
        self._inputs(work)
        self._outcomes(work)
        return work

    def due(self, since: datetime, *, matured: timedelta = timedelta(0)) -> list[Period]:
        """The periods that have passed: as many as one run judges, and one more where there are more."""
        passed = self._cadence.between(since, max(self._passed - matured, since))
        return list(islice(passed, self._cadence.at_once + 1))

    def _inputs(self, work: Work) -> None:
        due = self.due(work.standing.inputs_until)
        now = due[: self._cadence.at_once]
        work.more |= len(due) > len(now)
        if not now:
            return
        table = self._view.between(now[0][0], now[-1][1]).sort_by(
            [("event_at", "ascending"), ("prediction_id", "ascending")]
        )
        for period, rows in _cut(table, now):
            for key, mine in _versions(rows):
                self._judge_inputs(work, key, period, mine, _presence(rows, mine))
            self._inbox.passed(at=period[1], rules=INPUT_RULES)
        work.standing = replace(work.standing, inputs_until=now[-1][1], rows=work.standing.rows + table.num_rows)
        work.periods["inputs"] = len(now)

    def _judge_inputs(self, work: Work, key: Key, period: Period, rows: pa.Table, presence: float) -> None:
        norm = self._norms.get(key)
        slow = inputs.latency_ms(_latencies(rows))
        if norm is None or rows.num_rows < FEWEST_ROWS or presence < LEAST_PRESENCE:
            work.judged.append((key, period, Judged(rows=rows.num_rows, levels={}, latency_p99_ms=slow)))
            return
        hours = list(by_hour(norm.grids, rows, *period))
        work.hours += [(key, hour, found) for hour, found in hours]
        whole = {name: count(grid, rows, name) for name, grid in norm.grids.items()}  # the sum of the hours, sooner
        kept = work.kept.get(key, Kept())
        units, phase = self._cadence.units(*period), period[0].hour % self._cadence.phases
        streams = dict(kept.streams)
        for name, evidence in inputs.evidence(norm, whole, units=units, phase=phase):
            streams[name] = norm.after(streams.get(name), evidence, period[0])
        over = norm.latency_limit_ms is not None and slow is not None and slow > norm.latency_limit_ms
        work.kept[key] = Kept(streams=streams, slow=kept.slow + 1 if over else 0)
        mine = {name: stream for name, stream in streams.items() if name not in labels.STREAMS}
        levels = {name: inputs.level(stream, norm.alarm) for name, stream in mine.items()}
        work.judged.append((key, period, Judged(rows=rows.num_rows, levels=levels, latency_p99_ms=slow)))
        findings = [*inputs.findings(norm, mine, whole), *_slow(work.kept[key], norm, slow, period)]
        self._inbox.found(*key, findings, at=period[1], locate=lambda _: "")

    def is_behind(self, standing: Standing) -> bool:
        """Whether there is a period to judge now: one that has passed, or one whose labels are there."""
        if self.due(standing.inputs_until):
            return True
        due, matured = self._mature(standing)
        if not due:
            return False
        rows = self._view.labelled(*due[0], known_within=matured)
        return not self._waits(rows, due[0], matured)

    def _mature(self, standing: Standing) -> tuple[list[Period], timedelta]:
        """The periods whose labels have had their time, and how long that is."""
        matured = max((each.matures_after for each in self._norms.values()), default=timedelta(0))
        passed = self.due(standing.outcomes_until, matured=matured)
        return [each for each in passed if each[1] <= standing.inputs_until], matured

    def _outcomes(self, work: Work) -> None:
        due, matured = self._mature(work.standing)
        now = due[: self._cadence.at_once]
        if not now:
            return
        table = self._view.labelled(now[0][0], now[-1][1], known_within=matured)
        table = table.sort_by([("event_at", "ascending"), ("prediction_id", "ascending")])
        for period, rows in _cut(table, now):
            if self._waits(rows, period, matured):
                break
            for key, mine in _versions(rows):
                self._judge_outcomes(work, key, period, mine, _presence(rows, mine), matured)
            self._inbox.passed(at=period[1], rules=OUTCOME_RULES)
            work.periods["outcomes"] += 1
            work.standing = replace(work.standing, outcomes_until=period[1])
        work.more |= work.periods["outcomes"] == len(now) < len(due)

    def _waits(self, rows: pa.Table, period: Period, matured: timedelta) -> bool:
        """Whether labels that should be there are still on their way."""
        if not rows.num_rows or self._passed >= period[1] + matured + PATIENCE:
            return False
        usual = min((each.coverage for each in self._norms.values()), default=0.0)
        labelled: int = rows.num_rows - rows.column("label").null_count
        return bool(labelled < LEAST_LABELS * usual * rows.num_rows)

    def _judge_outcomes(
        self, work: Work, key: Key, period: Period, rows: pa.Table, presence: float, matured: timedelta
    ) -> None:
        norm = self._norms.get(key)
        if norm is None:
            return
        past = self._past.setdefault(key, {})
        judges = rows.num_rows >= FEWEST_ROWS and presence >= LEAST_PRESENCE
        kept = work.kept.get(key, Kept())
        outcome, streams = labels.judged(norm, kept.streams, rows, period, past, cadence=self._cadence, judges=judges)
        work.kept[key] = replace(kept, streams=streams)
        past[period[0]] = outcome
        work.outcomes.append((key, period, outcome))
        if judges:
            findings = list(labels.findings(norm, streams, outcome))
            self._inbox.found(
                *key, findings, at=period[1], locate=lambda finding: self._located(key, finding, period[1], matured)
            )

    def _located(self, key: Key, finding: Finding, until: datetime, matured: timedelta) -> str:
        """The slice in which it is worst, of the rows since it began, of four weeks at most."""
        norm = self._norms[key]
        if finding.rule is Rule.LABEL_RATE or not norm.categories:
            return ""
        since = max(finding.since, until - LOOK_BACK)
        rows = self._view.labelled(since, until, known_within=matured, inputs=True)
        rows = next((mine for version, mine in _versions(rows) if version == key), rows.slice(0, 0))
        found, scores = labels.in_time(rows, norm.matures_after), _numbers(rows, "output")
        known = np.flatnonzero(usable(found, scores))
        texts = {name: _texts(rows, name)[known] for name in norm.categories}
        current = slices(texts, found[known], scores[known], norm.note.metric)
        return worst(norm.slices, current, by="bias" if finding.rule is Rule.CALIBRATION else "loss")


def _cut(table: pa.Table, periods: Sequence[Period]) -> Iterator[tuple[Period, pa.Table]]:
    """The rows of each period, of rows in order of event time."""
    times = _times(table)
    for start, end in periods:
        first, last = np.searchsorted(times, [microseconds(start), microseconds(end)])
        yield (start, end), table.slice(int(first), int(last - first))


def _versions(rows: pa.Table) -> Iterator[tuple[Key, pa.Table]]:
    """The rows of each version, in order of event time."""
    import pyarrow.compute as pc  # weight: 0.1 s

    for model in sorted(pc.unique(rows.column("model")).to_pylist()):
        of_model = rows.filter(pc.equal(rows.column("model"), model))
        for version in sorted(pc.unique(of_model.column("version")).to_pylist()):
            yield (model, version), of_model.filter(pc.equal(of_model.column("version"), version))


def _presence(whole: pa.Table, mine: pa.Table) -> float:
    """The share of a period's rows that lie between a version's first and last answer."""
    times, own = _times(whole), _times(mine)
    first, after = np.searchsorted(times, own[0]), np.searchsorted(times, own[-1], side="right")
    return float((after - first) / len(times))


def _slow(kept: Kept, norm: Norm, slow: float | None, period: Period) -> Iterator[Finding]:
    if kept.slow >= SLOW_PERIODS and slow is not None and norm.latency_limit_ms is not None:
        yield Finding(
            rule=Rule.LATENCY,
            summary=f"The slowest hundredth of answers took {slow:.3g} ms, over the charter's limit of"
            f" {norm.latency_limit_ms:g} ms, for {kept.slow} periods in a row.",
            since=period[0],
            impact=slow / norm.latency_limit_ms - 1,
        )


def _times(table: pa.Table) -> NDArray[np.int64]:
    return np.asarray(table.column("event_at").to_numpy().astype("datetime64[us]").astype(np.int64))


def _latencies(rows: pa.Table) -> NDArray[np.float64]:
    """One for each request."""
    first = rows.column("position").to_numpy() == 0
    return np.asarray(rows.column("latency_us").to_numpy()[first], dtype=np.float64)


def _numbers(rows: pa.Table, name: str) -> NDArray[np.float64]:
    """A column of floats; NaN where there is none."""
    return np.asarray(rows.column(name).to_numpy(), dtype=np.float64)


def _texts(rows: pa.Table, name: str) -> Any:
    """An input as text."""
    import pyarrow.compute as pc  # weight: 0.1 s

    column = column_of(name)
    if column not in rows.column_names:
        return np.full(rows.num_rows, MISSING, dtype=object)
    return pc.fill_null(rows.column(column).cast("string"), MISSING).to_numpy()
