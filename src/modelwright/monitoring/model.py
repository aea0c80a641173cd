"""Monitors, and what they found in each period."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from modelwright.alerts.model import Severity
from modelwright.core.events import Event
from modelwright.core.ids import Digest, Id, Name
from modelwright.core.shown import Shown
from modelwright.monitoring.cadence import Cadence
from modelwright.stats.model import Drift, Interval

ColumnName = Annotated[str, Meta(min_length=1, max_length=250)]
"""An input of the model."""

Budget = Annotated[float, Meta(ge=0.01, le=100.0)]
"""False alarms a year."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an endpoint is watched.

    Attributes:
        cadence: How long a period is, on event time.
        columns: The inputs to watch; none means all of the reference's.
        false_alarms_per_year: The budget of all streams of a version together, on ordinary days.
    """

    cadence: Cadence = Cadence.DAILY
    columns: tuple[ColumnName, ...] | None = None
    false_alarms_per_year: Budget = 1.0


class Standing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a monitor has come, on event time.

    Attributes:
        began: The first period's beginning.
        inputs_until: Inputs are judged up to here.
        outcomes_until: Labels are judged up to here.
        rows: Predictions in the periods judged.
    """

    began: datetime
    inputs_until: datetime
    outcomes_until: datetime
    rows: int = 0


class ReferenceNote(Struct, frozen=True, kw_only=True):
    """What a version is compared with, in words.

    Attributes:
        model: The model.
        version: Its version.
        source: The dataset version and the window.
        evidence: Digest of the evaluation.
        rows: How many rows it has.
        days: Its whole days.
        matures_after: Seconds after the event in which a label counts.
        threshold: Averaged evidence at which a stream alarms: a false alarm once in so many periods at most.
        streams: Things watched, among which the budget is divided.
        kpi: The charter's threshold of the metric.
        metric: How performance is measured: by the charter's KPI.
        performance: It on the reference, with an interval from its days.
        problem: Why the version is not compared; empty when it is.
    """

    model: Name
    version: int
    source: str = ""
    evidence: Digest | None = None
    rows: int = 0
    days: int = 0
    matures_after: float = 0.0
    threshold: float = 0.0
    streams: int = 0
    kpi: float | None = None
    metric: str = ""
    performance: Interval | None = None
    problem: str = ""


class Monitor(Shown, frozen=True, kw_only=True):
    """The state of an endpoint's monitor.

    Attributes:
        endpoint: Whose.
        verdict: How it is, in one sentence.
        severity: The gravest open alert's; none when nothing is open.
        settings: How it watches.
        references: What each version that answered is compared with.
        watermark: The newest event time in the log.
        standing: How far it has come; none before the first period.
        due_at: When the next period can be judged, on event time.
        open_alerts: How many alerts are open.
        grace: Seconds after a period's end for rows that come late.
    """

    endpoint: Name
    verdict: str
    severity: Severity | None
    settings: Settings
    references: tuple[ReferenceNote, ...]
    watermark: datetime | None
    standing: Standing | None
    due_at: datetime | None
    open_alerts: int
    grace: float

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.verdict}"


class Ran(Shown, frozen=True, kw_only=True):
    """What one run of a monitor did.

    Attributes:
        endpoint: Whose.
        inputs: Periods whose inputs were judged.
        outcomes: Periods whose labels were judged.
        raised: Alerts that are new.
        resolved: Alerts that ended.
        more: Whether more periods are due now.
    """

    endpoint: Name
    inputs: int = 0
    outcomes: int = 0
    raised: tuple[Id, ...] = ()
    resolved: tuple[Id, ...] = ()
    more: bool = False


class Trend(Struct, frozen=True, kw_only=True):
    """One period of one version.

    Attributes:
        start: Its first moment.
        end: The first moment after it.
        model: The model.
        version: Its version.
        rows: Its predictions.
        late: Those that came after its inputs had been judged; they count where labels are judged.
        drift: The highest evidence of any column that it moved, as a share of the alarm's on a log scale: 1 alarms.
        moved: The columns over the alarm's threshold.
        latency_p99_ms: The slowest hundredth of answers, in milliseconds.
        labelled: Rows whose label was known in time; none before labels have matured.
        coverage: The share of rows that this is.
        metric: What performance is, where labels have matured.
        performance: The metric in this period.
        trailing: The metric over trailing periods, resampled by days; the level is 99%.
        calibration: Labels less outputs over the same periods; positive means that the model promises too little.
        label_rate: The mean label.
        output: The mean output.
        reason: Why there is no performance; empty when there is.
    """

    start: datetime
    end: datetime
    model: Name
    version: int
    rows: int
    late: int = 0
    drift: float | None = None
    moved: tuple[ColumnName, ...] = ()
    latency_p99_ms: float | None = None
    labelled: int | None = None
    coverage: float | None = None
    metric: str = ""
    performance: float | None = None
    trailing: Interval | None = None
    calibration: Interval | None = None
    label_rate: float | None = None
    output: float | None = None
    reason: str = ""


class Bar(Struct, frozen=True, kw_only=True):
    """Some values of a column.

    Attributes:
        name: The range or the category.
        reference: Their share of the reference's rows.
        current: Their share of the period's rows.
    """

    name: str
    reference: float
    current: float


class ColumnStanding(Struct, frozen=True, kw_only=True):
    """A column against its reference.

    Attributes:
        column: The input.
        rows: Rows of the period.
        missing: Share of them without a value.
        reference_missing: The reference's share.
        unseen: Share with a value that the reference has not.
        evidence: That it has moved, now, as a share of the alarm's on a log scale: 1 alarms.
        moved: Whether it alarms.
        since: When the movement seems to have begun; none while it is ordinary.
        effect: What moved most, in words.
        tests: Test of the shelf -> how far the period is from the reference.
        bars: Both histograms, coarsened.
    """

    column: ColumnName
    rows: int
    missing: float
    reference_missing: float
    unseen: float
    evidence: float
    moved: bool
    since: datetime | None
    effect: str
    tests: dict[str, Drift]
    bars: tuple[Bar, ...]


class Columns(Struct, frozen=True, kw_only=True):
    """The inputs of a version in a span of time against its reference.

    Attributes:
        endpoint: Who answered.
        model: The model.
        version: Its version.
        since: The first event time.
        until: The first event time after it.
        columns: Those that moved most first.
        problem: Why there are none; empty when there are.
    """

    endpoint: Name
    model: Name
    version: int
    since: datetime | None
    until: datetime | None
    columns: tuple[ColumnStanding, ...] = ()
    problem: str = ""


class MonitorConfigured(Event, frozen=True, kw_only=True, tag="monitoring.monitor_configured"):
    """Somebody said how an endpoint is watched; its streams begin anew."""

    endpoint: Name
    cadence: Cadence
    columns: tuple[ColumnName, ...] | None
    false_alarms_per_year: float


class Judged(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a period's inputs showed. Kept.

    Attributes:
        rows: Its predictions.
        levels: Stream -> the evidence after it, as a share of the alarm's on a log scale.
        latency_p99_ms: The slowest hundredth of answers.
    """

    rows: int
    levels: dict[str, float]
    latency_p99_ms: float | None = None


class Outcome(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a period's labels showed. Kept, and added up over trailing periods.

    Attributes:
        rows: Its predictions.
        labelled: Those with a label in time.
        metric: What performance is; periods judged by another one do not add up with it.
        labels: The sum of labels.
        outputs: The sum of outputs of labelled rows.
        errors: The sum of what each row adds, where the metric is a mean.
        cells: Cells of the output's grid that hold labelled rows, where the metric is of ranks.
        negatives: Rows of label 0 in each.
        positives: Rows of label 1 in each.
        levels: Stream -> the evidence after it.
        performance: The metric in this period.
        trailing: Over trailing periods.
        calibration: Labels less outputs over trailing periods.
        reason: Why there is no performance.
    """

    rows: int
    labelled: int
    metric: str = ""
    labels: float = 0.0
    outputs: float = 0.0
    errors: float = 0.0
    cells: tuple[int, ...] = ()
    negatives: tuple[int, ...] = ()
    positives: tuple[int, ...] = ()
    levels: dict[str, float] = {}
    performance: float | None = None
    trailing: Interval | None = None
    calibration: Interval | None = None
    reason: str = ""

    @property
    def coverage(self) -> float:
        """The share of rows with a label."""
        return self.labelled / self.rows if self.rows else 0.0
