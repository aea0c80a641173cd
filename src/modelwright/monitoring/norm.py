"""What is learnt from a reference, once, and kept: grids, ordinary movement, thresholds."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from modelwright.core.errors import Invalid
from modelwright.monitoring.cadence import Cadence
from modelwright.monitoring.evidence import after
from modelwright.monitoring.kept import Stream
from modelwright.monitoring.model import ReferenceNote, Settings
from modelwright.monitoring.outcomes import loss, of_loss, performance_over, statistics, tally, usable
from modelwright.monitoring.profiles import OUTPUT, column_of
from modelwright.monitoring.reference import ReferenceData
from modelwright.monitoring.slices import MISSING, Slices, slices
from modelwright.monitoring.watched import Watched, watch
from modelwright.stats.histogram import CategoryGrid, Grid
from modelwright.stats.inputs import Floats
from modelwright.stats.ordinary import LEAST_DAYS, Ordinary, ordinary
from modelwright.stats.profile import grid, profile
from modelwright.stats.scores import METRICS

_MATERIAL = 0.05
"""A shift of the mean label, or of labels less outputs, that is worth a word: in standard deviations of the label."""
_MATERIAL_LOSS = 0.01
"""A loss that is worth a word: of a metric of which more is better, or as a share of the reference's own."""

_OTHER_STREAMS = 5
"""The output, the label rate, calibration, performance and the KPI."""

_BIAS, _LOSS = 1, 2
"""The places of labels less outputs and of the loss among the outcome statistics."""

_HOUR = timedelta(hours=1)

Rows = Sequence[NDArray[np.intp]]


class Norm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a version is compared with.

    Attributes:
        note: In words.
        columns: Input -> how it is ordinarily.
        output: How the answers are.
        outcomes: How three things move: the mean label, labels less outputs, and the loss.
        kpi: The movement of the loss around what the KPI allows.
        deviation: Of the reference's labels.
        bias: Labels less outputs on the reference, the mean of its days.
        binary: Whether labels are 0 and 1.
        coverage: The share of the reference's rows that have a label.
        latency_limit_ms: The charter's.
        slices: The reference's.
        whole: The loss on all of the reference's rows; none where it was learnt before that was kept.
    """

    note: ReferenceNote
    columns: dict[str, Watched]
    output: Watched
    outcomes: Ordinary
    kpi: Ordinary | None
    deviation: float
    bias: float
    binary: bool
    coverage: float
    latency_limit_ms: float | None
    slices: Slices
    whole: float | None = None

    @property
    def grids(self) -> dict[str, Grid]:
        """The cells of each column of the log that is watched."""
        return {**{column_of(name): each.grid for name, each in self.columns.items()}, OUTPUT: self.output.grid}

    @property
    def categories(self) -> list[str]:
        """The inputs to look for slices in."""
        return [name for name, each in self.columns.items() if isinstance(each.grid, CategoryGrid)]

    @property
    def alarm(self) -> float:
        """The log of the threshold."""
        return math.log(self.note.threshold)

    def after(self, stream: Stream | None, evidence: Floats, start: datetime) -> Stream:
        """A stream after the period that begins at ``start``."""
        period = int(start.timestamp())
        return after(stream or Stream(), evidence, period=period, threshold=self.note.threshold)

    def asking(self, threshold: float) -> Norm:
        """The same where the KPI asks for another threshold."""
        note = replace(self.note, kpi=threshold)
        return replace(self, note=note, kpi=_allowed(self.outcomes, note, self.whole))

    @property
    def matures_after(self) -> timedelta:
        """How long after its event a label counts."""
        return timedelta(seconds=self.note.matures_after)


def learn(data: ReferenceData, settings: Settings, model: str, version: int) -> Norm:
    """Everything that judging needs of a reference.

    Args:
        data: The reference.
        settings: The monitor's.
        model: The model.
        version: Its version.

    Raises:
        Invalid: It has fewer than 14 whole days, no label, or not such a column.
    """
    days = data.whole_days()
    if len(days) < LEAST_DAYS:
        raise Invalid(
            f"{model}@{version} was evaluated on {len(days)} whole days of {data.source}, not at least {LEAST_DAYS}.",
            remedy="Evaluate the version on a longer window of a dataset with an event time.",
        )
    rows = [data.rows(start, end) for start, end in _units(days, settings.cadence)]
    inside = np.concatenate(rows)
    known = inside[usable(data.labels[inside], data.scores[inside])]
    if not len(known):
        raise Invalid(
            f"No row of {data.source} that {model}@{version} was evaluated on has a label.",
            remedy="Evaluate the version on rows whose labels are known.",
        )
    phases = settings.cadence.phases
    columns = {name: _watched(data.table.column(name), rows, phases) for name in _chosen(data, settings.columns)}
    output = _watched(data.scores, rows, phases)
    texts = {name: _texts(data, name, known) for name, each in columns.items() if isinstance(each.grid, CategoryGrid)}
    outcomes, bias = _movement(data, rows, phases)
    note = _note(data, settings, model, version, days=days, output=output.grid, columns=len(columns))
    lost, _ = loss(data.labels[known], data.scores[known], data.metric)
    whole = None if np.isnan(lost) else lost
    return Norm(
        note=note,
        columns=columns,
        output=output,
        outcomes=outcomes,
        kpi=_allowed(outcomes, note, whole),
        deviation=float(data.labels[known].std()),
        bias=bias,
        binary=data.binary,
        coverage=len(known) / len(inside),
        latency_limit_ms=data.latency_limit_ms,
        slices=slices(texts, data.labels[known], data.scores[known], data.metric),
        whole=whole,
    )


def packed(norm: Norm) -> bytes:
    """As it is kept."""
    return zlib.compress(msgspec.msgpack.encode(norm), 6)


def unpacked(data: bytes) -> Norm:
    """What was kept."""
    return msgspec.msgpack.decode(zlib.decompress(data), type=Norm)


def _texts(data: ReferenceData, name: str, rows: NDArray[np.intp]) -> Any:
    import pyarrow.compute as pc  # weight: 0.1 s

    return pc.fill_null(data.table.column(name).take(rows).cast("string"), MISSING).to_numpy()


def _note(
    data: ReferenceData,
    settings: Settings,
    model: str,
    version: int,
    *,
    days: Sequence[tuple[datetime, datetime]],
    output: Grid,
    columns: int,
) -> ReferenceNote:
    streams = 2 * columns + _OTHER_STREAMS
    rows = {start: data.rows(start, end) for start, end in days}
    tallied = {start: tally(data.labels[some], data.scores[some], output, data.metric) for start, some in rows.items()}
    return ReferenceNote(
        model=model,
        version=version,
        source=data.source,
        evidence=data.evidence,
        rows=sum(map(len, rows.values())),
        days=len(days),
        matures_after=data.matures_after.total_seconds(),
        threshold=settings.cadence.per_year * streams / settings.false_alarms_per_year,
        streams=streams,
        kpi=data.threshold,
        metric=data.metric,
        performance=performance_over(tallied, data.metric),
    )


def _units(days: Sequence[tuple[datetime, datetime]], cadence: Cadence) -> list[tuple[datetime, datetime]]:
    """What the reference is calibrated on: days, or their hours."""
    if cadence is not Cadence.HOURLY:
        return list(days)
    return [(start + number * _HOUR, start + (number + 1) * _HOUR) for start, _ in days for number in range(24)]


def _chosen(data: ReferenceData, columns: Sequence[str] | None) -> Sequence[str]:
    there: Sequence[str] = data.table.column_names
    missing = [name for name in columns or () if name not in there]
    if missing:
        raise Invalid(f"The reference has no column {', '.join(missing)}.", remedy=f"It has: {', '.join(there[:30])}.")
    return there if columns is None else columns


def _watched(values: Any, rows: Rows, phases: int) -> Watched:
    cells = grid(values.take(np.concatenate(rows)))
    return watch(cells, [profile(cells, values.take(some)) for some in rows], phases=phases)


def _movement(data: ReferenceData, rows: Rows, phases: int) -> tuple[Ordinary, float]:
    """How the label rate, labels less outputs and the loss move, and the mean of the second."""
    found = []
    for some in rows:
        known = some[usable(data.labels[some], data.scores[some])]
        found.append(statistics(data.labels[known], data.scores[known], data.metric))
    values, noises = np.array([each for each, _ in found]), np.array([each for _, each in found])
    labels = data.labels[usable(data.labels, data.scores)]
    spread = _MATERIAL * float(labels.std())
    losses = values[np.isfinite(values[:, 2]), 2]
    usual = 1.0 if METRICS[data.metric].higher_is_better or not len(losses) else float(losses.mean())
    material = np.array([spread, spread, _MATERIAL_LOSS * usual])
    phase = np.arange(len(rows)) % phases
    movement = ordinary(values, np.nan_to_num(noises), material, phases=phase, batch=phases)
    bias = float(np.nanmean(values[:, _BIAS]))
    return _promised(movement, bias, material=spread), bias


def _allowed(movement: Ordinary, note: ReferenceNote, whole: float | None) -> Ordinary | None:
    """The movement of the loss around the KPI, which needs no tolerance: it is a number, and no reference's.

    A day's loss is not that of all days together, which the KPI is about: what separates days counts in the one alone.
    On the reference both are known, and their difference is taken over: of its rows, not of their cells, which tell
    less apart.
    """
    if note.kpi is None or note.performance is None:
        return None
    days = movement.only(_LOSS)
    if whole is None:
        whole = of_loss(note.performance.estimate, note.metric)
    centres = tuple((row[0] + of_loss(note.kpi, note.metric) - whole,) for row in days.centres)
    return replace(days, centres=centres, tolerances=(0.0,))


def _promised(movement: Ordinary, bias: float, *, material: float) -> Ordinary:
    """The movement with labels less outputs around 0, which is what a model promises, not around the reference's mean.

    So nothing need be allowed for the uncertainty of that mean. What the reference showed was accepted with the model,
    and is tolerated.
    """
    centres = tuple((*row[:_BIAS], row[_BIAS] - bias, *row[_BIAS + 1 :]) for row in movement.centres)
    tolerances = (*movement.tolerances[:_BIAS], material + abs(bias), *movement.tolerances[_BIAS + 1 :])
    return replace(movement, centres=centres, tolerances=tolerances)
