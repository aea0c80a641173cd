"""A matured period's labels against the reference: evidence, trailing intervals, and what they show once they alarm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from modelwright.alerts.model import Finding, Rule
from modelwright.monitoring.cadence import Cadence
from modelwright.monitoring.evidence import averaged, evidence
from modelwright.monitoring.inputs import Streams, level, since
from modelwright.monitoring.model import Outcome
from modelwright.monitoring.norm import Norm
from modelwright.monitoring.outcomes import calibration_over, of_loss, performance_over, tally, units_of
from modelwright.predictions.model import microseconds
from modelwright.stats.inputs import Floats
from modelwright.stats.model import Interval
from modelwright.stats.ordinary import Ordinary

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

LABEL_RATE, CALIBRATION, PERFORMANCE, KPI = "label rate", "calibration", "performance", "kpi"
STREAMS = (LABEL_RATE, CALIBRATION, PERFORMANCE, KPI)
"""The first three in the order of the norm's outcome statistics; the last watches the third once more."""

OUTCOME_RULES = frozenset({Rule.PERFORMANCE, Rule.KPI, Rule.CALIBRATION, Rule.LABEL_RATE})


def judged(
    norm: Norm,
    streams: Streams,
    rows: pa.Table,
    period: tuple[datetime, datetime],
    past: Mapping[datetime, Outcome],
    *,
    cadence: Cadence,
    judges: bool,
) -> tuple[Outcome, Streams]:
    """What a period's labels show, and the streams after it.

    Args:
        norm: What the version is compared with.
        streams: The evidence before.
        rows: The version's rows with their labels, in order of event time.
        period: Its beginning and end.
        past: The outcomes of earlier periods.
        cadence: The monitor's.
        judges: Whether there is enough to add to the evidence; counts are kept in any case.
    """
    found, scores = in_time(rows, norm.matures_after), _floats(rows, "output")
    counted = tally(found, scores, norm.output.grid, norm.note.metric)
    trailing = dict(sorted({**past, period[0]: counted}.items())[-cadence.trailing :])
    after = dict(streams)
    values = np.full(3, np.nan)
    if judges and counted.labelled:
        times = np.asarray(rows.column("event_at").to_numpy().astype("datetime64[us]").astype(np.int64))
        values, noises = units_of(times, _edges(period, cadence), found, scores, norm.note.metric)
        units, phase = cadence.units(*period), period[0].hour % cadence.phases
        for name, movement, place in _watched(norm):
            own = slice(place, place + 1)
            news = evidence(
                movement,
                values[own],
                np.nan_to_num(noises[own]),
                units=units,
                phase=phase,
                one_sided=name in (PERFORMANCE, KPI),
            )
            after[name] = norm.after(after.get(name), news, period[0])
    lost = float(values[2])
    outcome = replace(
        counted,
        levels={name: level(after.get(name), norm.alarm) for name in STREAMS},
        performance=None if np.isnan(lost) else of_loss(lost, norm.note.metric),
        trailing=performance_over(trailing, norm.note.metric),
        calibration=calibration_over(trailing),
        reason=_reason(counted, lost, judges=judges),
    )
    return outcome, after


def in_time(rows: pa.Table, matures_after: timedelta) -> Floats:
    """The labels that became known so soon after their event; NaN for the others."""
    after = rows.column("label_known_at").to_numpy() - rows.column("event_at").to_numpy()
    return np.where(after <= np.timedelta64(matures_after), _floats(rows, "label"), np.nan)  # NaT is not


def findings(
    norm: Norm,
    streams: Streams,
    outcome: Outcome,
) -> Iterator[Finding]:
    """What a period shows of labels, rule by rule, where a stream alarms.

    Args:
        norm: What the version is compared with.
        streams: The evidence after it.
        outcome: What the period showed.
    """
    over = {name: streams[name] for name in STREAMS if name in streams and averaged(streams[name]) >= norm.alarm}
    note, was, now = norm.note, norm.note.performance, outcome.trailing
    if PERFORMANCE in over and was is not None and now is not None:
        yield Finding(
            rule=Rule.PERFORMANCE,
            summary=f"{note.metric} is {_said(now)} over trailing periods; it was {_said(was)} on the reference,"
            f" and the loss is beyond ordinary days.",
            since=since(over[PERFORMANCE]),
            impact=abs(now.estimate - was.estimate),
        )
    if KPI in over and now is not None and note.kpi is not None:
        yield Finding(
            rule=Rule.KPI,
            summary=f"{note.metric} is {_said(now)} over trailing periods; the KPI asks for {note.kpi:g}, and days have"
            " missed it beyond their ordinary movement.",
            since=since(over[KPI]),
            impact=abs(now.estimate - note.kpi),
        )
    bias = outcome.calibration
    if CALIBRATION in over and bias is not None:
        promises = "less" if bias.estimate < 0 else "more"
        yield Finding(
            rule=Rule.CALIBRATION,
            summary=f"Labels come {_points(abs(bias.estimate), norm)} {promises} than the answers promise,"
            f" {_said(bias)}; on the reference the difference was {norm.bias:.3f}.",
            since=since(over[CALIBRATION]),
            impact=abs(bias.estimate) / max(norm.deviation, 1e-12),
        )
    if LABEL_RATE in over:
        rate, usual = outcome.labels / outcome.labelled, norm.outcomes.centres[0][STREAMS.index(LABEL_RATE)]
        yield Finding(
            rule=Rule.LABEL_RATE,
            summary=f"The mean label is {rate:.3g} in this period; {usual:.3g} is usual, and it has moved beyond"
            " ordinary days.",
            since=since(over[LABEL_RATE]),
            impact=abs(rate - usual) / max(norm.deviation, 1e-12),
        )


def _watched(norm: Norm) -> Iterator[tuple[str, Ordinary, int]]:
    """Each stream, what is ordinary, and the place of its statistic."""
    for place, name in enumerate((LABEL_RATE, CALIBRATION, PERFORMANCE)):
        yield name, norm.outcomes.only(place), place
    if norm.kpi is not None:
        yield KPI, norm.kpi, 2


def _edges(period: tuple[datetime, datetime], cadence: Cadence) -> list[int]:
    """Where the period's days begin, and its end; an hour is one."""
    start, end = period
    step = end - start if cadence is Cadence.HOURLY else timedelta(days=1)
    count = round((end - start) / step)
    return [microseconds(start + number * step) for number in range(count + 1)]


def _reason(outcome: Outcome, lost: float, *, judges: bool) -> str:
    if not outcome.labelled:
        return "No label was known in time."
    if not judges:
        return "The version answered too few rows, or only a part of the period."
    return "There are too few rows of a class." if np.isnan(lost) else ""


def _said(interval: Interval) -> str:
    return f"{interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _points(value: float, norm: Norm) -> str:
    return f"{100 * value:.1f} points" if norm.binary else f"{value:.3g}"


def _floats(rows: pa.Table, name: str) -> Floats:
    return np.asarray(rows.column(name).to_numpy(), dtype=np.float64)
