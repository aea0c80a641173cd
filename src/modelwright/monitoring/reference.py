"""What a model version is compared with: the rows it was evaluated on, with their times, scores and labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from modelwright.core.ids import Digest, Name
from modelwright.core.unit import Unit
from modelwright.predictions.model import microseconds

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

Floats = NDArray[np.float64]
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class ReferenceData:
    """A version's newest evaluation as rows.

    Attributes:
        evidence: Digest of the evaluation.
        source: The dataset version and the window, in words.
        table: The model's inputs, one row each.
        event_at: When each happened, in microseconds since 1970.
        scores: What the version said of each.
        labels: What came; NaN where it is not known.
        binary: Whether the labels are 0 and 1.
        since: The window's beginning; none without one.
        until: The window's end; none without one.
        matures_after: How long after the event a label counts.
        metric: The KPI's.
        threshold: What it must reach.
        latency_limit_ms: The charter's limit of the 99th percentile.
    """

    evidence: Digest
    source: str
    table: pa.Table
    event_at: NDArray[np.int64]
    scores: Floats
    labels: Floats
    binary: bool
    since: datetime | None
    until: datetime | None
    matures_after: timedelta
    metric: str
    threshold: float
    latency_limit_ms: float | None

    def whole_days(self) -> list[tuple[datetime, datetime]]:
        """The days of UTC that lie within the window, each with its end."""
        if not len(self.event_at):
            return []
        first, last = (_moment(int(edge)) for edge in (self.event_at.min(), self.event_at.max()))
        since, until = self.since or first, self.until or last + timedelta(microseconds=1)
        start = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if start < since:
            start += _DAY
        return list(_days(start, until))

    def rows(self, start: datetime, end: datetime) -> NDArray[np.intp]:
        """The rows of a span, in order."""
        inside = (self.event_at >= microseconds(start)) & (self.event_at < microseconds(end))
        return np.flatnonzero(inside)


class References(Protocol):
    """Finds references; installed from above, where evaluations are known."""

    def __call__(self, unit: Unit, model: Name, version: int) -> ReferenceData | None:
        """The version's newest evaluation on rows that have event times, or none."""
        ...

    def asked(self, unit: Unit, model: Name) -> tuple[str, float] | None:
        """The metric and the threshold of the model's KPI as it is now; none without a charter."""
        ...


def _days(start: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start + _DAY <= until:
        yield start, start + _DAY
        start += _DAY


def _moment(at: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
