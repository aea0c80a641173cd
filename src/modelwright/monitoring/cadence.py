"""Periods of event time: hours, days, weeks and months of UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum

_GRACE_PARTS = 24


class Cadence(StrEnum):
    """How long a monitor's periods are."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"

    @property
    def per_year(self) -> float:
        """Periods a year."""
        return {"hourly": 8766.0, "daily": 365.25, "weekly": 52.18, "monthly": 12.0}[self.value]

    @property
    def grace(self) -> timedelta:
        """How long after its end a period waits for rows that come late: a twenty-fourth of it."""
        return timedelta(days=365.25) / self.per_year / _GRACE_PARTS

    @property
    def phases(self) -> int:
        """Kinds of period that are compared with their like: the hours of the day."""
        return 24 if self is Cadence.HOURLY else 1

    @property
    def quiet(self) -> timedelta:
        """An alert that has not been seen for so long is over."""
        return {"hourly": timedelta(days=1), "daily": timedelta(days=7), "weekly": timedelta(days=14)}.get(
            self.value, timedelta(days=62)
        )

    @property
    def trailing(self) -> int:
        """How many periods the intervals of performance look back on: four weeks, or more of longer ones."""
        return {"hourly": 28 * 24, "daily": 28, "weekly": 8, "monthly": 6}[self.value]

    @property
    def at_once(self) -> int:
        """Periods that one run judges at most: it shall answer within seconds."""
        return {"hourly": 168, "daily": 28, "weekly": 4, "monthly": 1}[self.value]

    def start(self, moment: datetime) -> datetime:
        """The beginning of the period that holds a moment.

        Example:
            >>> Cadence.WEEKLY.start(datetime(2013, 5, 16, 7, tzinfo=UTC)).date().isoformat()
            '2013-05-13'
        """
        at = moment.astimezone(UTC)
        if self is Cadence.HOURLY:
            return at.replace(minute=0, second=0, microsecond=0)
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        if self is Cadence.WEEKLY:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is Cadence.MONTHLY else day

    def next(self, start: datetime) -> datetime:
        """The beginning of the period after the one that begins here."""
        if self is Cadence.MONTHLY:
            return (start + timedelta(days=32)).replace(day=1)
        return start + {"hourly": timedelta(hours=1), "daily": timedelta(days=1)}.get(self.value, timedelta(days=7))

    def between(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Each whole period from one beginning to a moment, as its beginning and its end."""
        while (end := self.next(since)) <= until:
            yield since, end
            since = end

    def units(self, start: datetime, end: datetime) -> float:
        """How many of the units that the reference is calibrated on a period has: days, or one hour."""
        return 1.0 if self is Cadence.HOURLY else (end - start) / timedelta(days=1)
