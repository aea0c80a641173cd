"""A monitor's run: computed on a snapshot, written at once, unless somebody else has judged meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from modelwright.alerts.inbox import Inbox
from modelwright.alerts.repository import AlertRepository
from modelwright.core.errors import Invalid, NotFound
from modelwright.core.unit import Rows, Snapshot, Unit
from modelwright.core.wire import sha256
from modelwright.monitoring.judging import Judge, Work
from modelwright.monitoring.kept import Kept
from modelwright.monitoring.labels import KPI, PERFORMANCE
from modelwright.monitoring.model import Ran, ReferenceNote, Settings, Standing
from modelwright.monitoring.norm import Norm, learn, packed, unpacked
from modelwright.monitoring.reference import References
from modelwright.monitoring.repository import HourRepository, Key, MonitorRepository, Watching
from modelwright.predictions.log import PredictionLog
from modelwright.store.ports import Records

_RETRY = timedelta(minutes=1)
"""How often it is looked for the evaluation of a version that has none, on the wall clock."""


class _Begun(NamedTuple):
    """What a run began from."""

    settings: Settings
    standing: Standing | None
    versions: Mapping[Key, Watching]


class Runner:
    """Runs monitors.

    Args:
        monitors: Their rows.
        alerts: Alerts' rows.
        hours: Histograms' rows.
        log: What was predicted.
        records: The control database, for snapshots.
        telemetry: The telemetry database.
        references: Finds what versions are compared with.
    """

    def __init__(
        self,
        monitors: MonitorRepository,
        alerts: AlertRepository,
        hours: HourRepository,
        *,
        log: PredictionLog,
        records: Records,
        telemetry: Records,
        references: References,
    ) -> None:
        self._monitors = monitors
        self._alerts = alerts
        self._hours = hours
        self._log = log
        self._records = records
        self._telemetry = telemetry
        self._references = references
        self._learnt: dict[str, Norm] = {}
        self._tried: dict[tuple[str, str, Key], tuple[datetime, ReferenceNote]] = {}

    def run(self, unit: Unit, endpoint: str) -> Ran:
        """Judge what is due of an endpoint; see ``monitors.run``."""
        view = self._log.view(unit.project, endpoint)
        span = view.span(before=unit.now)
        if span is None:
            raise NotFound(
                f"Endpoint {endpoint} has not answered about any event up to now.",
                remedy="Check the name: modelwright endpoint list. A monitor begins with the first answer.",
            )
        with self._records.reading() as rows:
            begun = self._begun(rows, unit.project, endpoint)
            norms = _Norms(self, Snapshot(unit, rows), endpoint, begun)
            cadence = begun.settings.cadence
            found = self._alerts.newest(rows, unit.project, endpoint)
            inbox = Inbox(endpoint, found, quiet=cadence.quiet, now=unit.now)
            past = {
                key: self._monitors.past(rows, unit.project, endpoint, key, limit=cadence.trailing)
                for key in begun.versions
            }
            judge = Judge(view, begun.settings, norms, inbox, watermark=span[1], past=past)
            standing = begun.standing or _first(span[0], begun.settings)
            work = judge.run(standing, {key: norms.kept(key) for key in begun.versions})
        if not any(work.periods.values()):
            return Ran(endpoint=endpoint)
        with self._telemetry.writing() as rows:
            self._hours.put(rows, unit.project, endpoint, work.hours)
        return self._written(unit, endpoint, begun, work, inbox, norms.watching(work))

    def is_behind(self, unit: Unit, endpoint: str) -> bool:
        """Whether a run would judge anything; it costs little."""
        view = self._log.view(unit.project, endpoint)
        span = view.span(before=unit.now)
        if span is None:
            return False
        with self._records.reading() as rows:
            begun = self._begun(rows, unit.project, endpoint)
            norms = _Norms(self, Snapshot(unit, rows), endpoint, begun)
            inbox = Inbox(endpoint, (), quiet=begun.settings.cadence.quiet, now=unit.now)
            judge = Judge(view, begun.settings, norms, inbox, watermark=span[1], past={})
            return judge.is_behind(begun.standing or _first(span[0], begun.settings))

    def _begun(self, rows: Rows, project: str, endpoint: str) -> _Begun:
        return _Begun(
            self._monitors.settings(rows, project, endpoint),
            self._monitors.standing(rows, project, endpoint),
            self._monitors.versions(rows, project, endpoint),
        )

    def _written(
        self, unit: Unit, endpoint: str, begun: _Begun, work: Work, inbox: Inbox, watching: Mapping[Key, Watching]
    ) -> Ran:
        same = (
            self._monitors.settings(unit.rows, unit.project, endpoint),
            self._monitors.standing(unit.rows, unit.project, endpoint),
        ) == (begun.settings, begun.standing)
        if not same:  # another worker judged these periods, or they are of settings that are no more
            return Ran(endpoint=endpoint, more=True)
        self._monitors.keep(unit.rows, unit.project, endpoint, watching)
        self._monitors.add_judged(unit.rows, unit.project, endpoint, work.judged)
        self._monitors.add_outcomes(unit.rows, unit.project, endpoint, work.outcomes)
        self._monitors.advance(unit.rows, unit.project, endpoint, work.standing)
        for alert in inbox.changed.values():
            self._alerts.put(unit.rows, unit.project, alert)
        for alert in inbox.told:
            unit.emit(alert.telling)
        for over in inbox.resolved:
            unit.emit(inbox.changed[over].clearing)
        return Ran(
            endpoint=endpoint,
            inputs=work.periods["inputs"],
            outcomes=work.periods["outcomes"],
            raised=tuple(alert.id for alert in inbox.told if alert.told_at is None),
            resolved=tuple(inbox.resolved),
            more=work.more,
        )

    def norm(self, kept: bytes) -> Norm:
        """What was kept; each is unpacked once."""
        name = sha256(kept)
        if name not in self._learnt:
            self._learnt[name] = unpacked(kept)
        return self._learnt[name]

    def asked(self, unit: Unit, model: str) -> tuple[str, float] | None:
        """The KPI's metric and threshold, as the charter in force has them."""
        return self._references.asked(unit, model)

    def learn(self, unit: Unit, endpoint: str, key: Key, settings: Settings) -> Norm | ReferenceNote:
        """What a version is compared with, or why with nothing; that is looked for again after a minute."""
        place = (unit.project, endpoint, key)
        tried = self._tried.get(place)
        if tried is not None and unit.now - tried[0] < _RETRY:
            return tried[1]
        model, version = key
        try:
            data = self._references(unit, model, version)
            if data is not None:
                return learn(data, settings, model, version)
            problem = (
                f"{model}@{version} has no evaluation on rows with event times. Evaluate it:"
                f" modelwright model evaluate {model}@{version} DATASET@N"
            )
        except (Invalid, NotFound) as error:
            problem = f"{error.message} {error.remedy}".strip()
        note = ReferenceNote(model=model, version=version, problem=problem)
        self._tried[place] = (unit.now, note)
        return note


class _Norms(Mapping[Key, Norm]):
    """What the versions of an endpoint are compared with, each found when it is first asked for."""

    def __init__(self, runner: Runner, snapshot: Unit, endpoint: str, begun: _Begun) -> None:
        self._runner = runner
        self._snapshot = snapshot
        self._endpoint = endpoint
        self._begun = begun
        self._found: dict[Key, Norm | ReferenceNote] = {}
        self._packed: dict[Key, bytes] = {}
        self._kept = {key: each.kept for key, each in begun.versions.items()}
        self._learnt_from: dict[Key, str] = {}
        for key, watching in begun.versions.items():
            if watching.norm is not None:
                self._take(key, watching.norm)

    def _take(self, key: Key, kept: bytes) -> None:
        """What was learnt, as long as the charter asks for the same; evidence against another KPI counts no more."""
        norm, asked = self._runner.norm(kept), self._runner.asked(self._snapshot, key[0])
        if asked is not None and asked[0] != norm.note.metric:
            self._forget(key, PERFORMANCE, KPI)
            self._learnt_from[key] = norm.note.source
            return  # to be learnt anew
        if asked is not None and asked[1] != norm.note.kpi:
            norm = norm.asking(asked[1])
            kept = packed(norm)
            self._forget(key, KPI)
        self._found[key], self._packed[key] = norm, kept

    def _forget(self, key: Key, *gone: str) -> None:
        streams = {name: each for name, each in self._kept[key].streams.items() if name not in gone}
        self._kept[key] = replace(self._kept[key], streams=streams)

    def kept(self, key: Key) -> Kept:
        """The evidence that still counts."""
        return self._kept[key]

    def __getitem__(self, key: Key) -> Norm:
        if key not in self._found:
            learnt = self._runner.learn(self._snapshot, self._endpoint, key, self._begun.settings)
            if isinstance(learnt, Norm):
                self._packed[key] = packed(learnt)
                learnt = self._runner.norm(self._packed[key])  # as it will be after a restart
                if self._learnt_from.get(key, learnt.note.source) != learnt.note.source:
                    self._kept[key] = Kept()  # it was against other rows
            self._found[key] = learnt
        found = self._found[key]
        if isinstance(found, ReferenceNote):
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[Key]:
        return (key for key, found in self._found.items() if isinstance(found, Norm))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def watching(self, work: Work) -> dict[Key, Watching]:
        """What to keep of the versions that the run met."""
        made = {}
        for key, found in self._found.items():
            note = found.note if isinstance(found, Norm) else found
            made[key] = Watching(note, self._packed.get(key), work.kept.get(key, Kept()))
        return made


def _first(event: datetime, settings: Settings) -> Standing:
    """Before the first period: the one in which the log begins is usually not whole, and is left out."""
    start = settings.cadence.next(settings.cadence.start(event))
    return Standing(began=start, inputs_until=start, outcomes_until=start)
