"""Time. ``recorded_at`` is the wall clock; ``event_at`` and ``known_at`` come from callers. All are aware UTC."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from modelwright.core.errors import Invalid
from modelwright.core.wire import described

Duration = Annotated[str, described(r"\A[0-9]{1,5}[smhd]\Z", "a number and s, m, h or d, e.g. 14d")]
"""A length of time as people write it."""

_UNITS = {
    "us": timedelta(microseconds=1),
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DURATION = re.compile(r"\A([0-9]{1,9})(us|ms|[smhdw])\Z", re.ASCII)

Clock = Callable[[], datetime]
"""Answers the present moment, aware and in UTC. The one seam through which rooms see the time."""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Whole microseconds since then are how the log and the online store keep times."""


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def duration(text: str) -> timedelta:
    """Read a length of time, e.g. ``6h``.

    Raises:
        Invalid: It is not a whole number and one of ``us ms s m h d w``, or longer than Python can count.

    Example:
        >>> duration("14d")
        datetime.timedelta(days=14)
    """
    match = _DURATION.match(text)
    try:
        if match is not None:
            return int(match[1]) * _UNITS[match[2]]
    except OverflowError:
        pass
    raise Invalid(f"{text[:40]!r} is not a duration.", remedy="Write a whole number and a unit, e.g. 6h or 7d.")


def shortly(span: timedelta) -> str:
    """A length of time as ``duration`` reads it, in the largest unit that says it whole.

    Example:
        >>> shortly(timedelta(hours=36)), shortly(timedelta(days=7))
        ('36h', '7d')
    """
    for unit in ("d", "h", "m", "s", "ms"):
        if span and span % _UNITS[unit] == timedelta(0):
            return f"{span // _UNITS[unit]}{unit}"
    return f"{span // _UNITS['us']}us"


def as_utc(value: datetime | str, *, field: str = "time") -> datetime:
    """Read a moment and move it to UTC.

    Args:
        value: An aware ``datetime``, an ISO 8601 text with an offset, or a bare date ``2013-04-01``, which is its
            midnight in UTC.
        field: The name used in the error.

    Raises:
        Invalid: Not a time, or a time without an offset (a guess would be silently wrong by hours).

    Example:
        >>> as_utc("2013-01-01T05:15:00-05:00").isoformat()
        '2013-01-01T10:15:00+00:00'
    """
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise Invalid(
                f"{field} is {value!r}, which is not an ISO 8601 time.", fields={field: "not a time"}
            ) from None
        if len(value) == len("2013-04-01"):
            moment = moment.replace(tzinfo=UTC)
    else:
        moment = value
    if moment.tzinfo is None:
        raise Invalid(
            f"{field} is {value}, which names no time zone.",
            remedy="Add an offset, e.g. 2013-04-01T05:00:00Z.",
            fields={field: "has no time zone"},
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Invalid(f"{field} is {value}, which UTC cannot hold.", fields={field: "out of range"}) from None
