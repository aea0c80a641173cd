"""How values are written: numbers rounded to what is known, times relative, digests short."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from markupsafe import Markup

from modelwright.core.guard import Verdict

_UNITS = (
    ("year", 365 * 86400),
    ("month", 30 * 86400),
    ("week", 7 * 86400),
    ("day", 86400),
    ("hour", 3600),
    ("minute", 60),
)
_SPACE = "\u202f"
"""A narrow space that does not break, between a number and its unit."""


def number(value: Any, digits: int = 4) -> str:
    """A number for people: whole ones in full, others with four digits that count.

    Example:
        >>> number(336776), number(0.741234), number(1234567.8), number(2e-7), number("nan")
        ('336,776', '0.7412', '1,234,568', '2e-07', 'nan')
    """
    if value is None or isinstance(value, (bool, str)):
        return "" if value is None else str(value)
    if isinstance(value, int) or not math.isfinite(value):
        return f"{value:,}"
    size = abs(value)
    if value == 0 or 1e-4 <= size < 1e15:
        places = 0 if size >= 1000 else digits - 1 - (math.floor(math.log10(size)) if size else 0)
        return f"{value:,.{0 if value == int(value) else max(places, 0)}f}"
    return f"{value:.{digits - 1}g}"


def places_of(low: float, high: float) -> int:
    """Decimal places that an interval's width supports: its half-width to one digit, to two where that begins with 1.

    Example:
        >>> places_of(0.7297, 0.7527), places_of(0.6919, 0.7071), places_of(120.0, 180.0)
        (3, 3, 0)
    """
    half = (high - low) / 2
    if half <= 0 or not math.isfinite(half):
        return 4
    power = math.floor(math.log10(half))
    return min(max(int(half < 2 * 10**power) - power, 0), 6)


def rounded(interval: Any) -> tuple[str, str, str]:
    """Estimate, low and high of an interval, each to the places its width supports."""
    places = places_of(interval.low, interval.high)
    shown = [f"{round(value, places) + 0.0:,.{places}f}" for value in (interval.estimate, interval.low, interval.high)]
    return shown[0], shown[1], shown[2]


def plain_interval(interval: Any) -> str:
    """An interval in one line of text, for a chart's titles."""
    estimate, low, high = rounded(interval)
    return f"{estimate} [{low}, {high}]"


def interval(value: Any, reason: str = "") -> Markup:
    """An interval for a table's cell, or why there is none."""
    if value is None:
        return Markup('<span class="none" title="{}">none</span>').format(reason or "not computed")
    estimate, low, high = rounded(value)
    said = f"{value.level:.0%} interval, n = {value.n:,}, {value.method}"
    return Markup('<span class="interval" title="{}"><b>{}</b> <i>{} \u2013 {}</i></span>').format(
        said, estimate, low, high
    )


def distance(now: datetime, then: datetime) -> str:
    """How long ago, or in how long.

    Example:
        >>> from datetime import timedelta
        >>> moment = datetime(2013, 1, 22, tzinfo=UTC)
        >>> distance(moment, moment - timedelta(days=21)), distance(moment, moment + timedelta(hours=2))
        ('3 weeks ago', 'in 2 hours')
    """
    seconds = (now - then).total_seconds()
    for unit, size in _UNITS:
        count = int(abs(seconds) // size)
        if count:
            text = plural(count, unit)
            return f"{text} ago" if seconds > 0 else f"in {text}"
    return "just now"


def age(now: datetime, then: datetime) -> str:
    """How old: ``3 weeks``."""
    return distance(now, then).removesuffix(" ago").replace("just now", "under a minute")


def moment(then: datetime | None, now: datetime) -> Markup:
    """A time, relative, with the exact one on hover."""
    if then is None:
        return Markup('<span class="none">never</span>')
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(
        then.astimezone(UTC).isoformat(timespec="seconds"), exact(then), distance(now, then)
    )


def exact(then: datetime | None) -> str:
    """A time to the second, in UTC."""
    return "" if then is None else f"{then.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def later(now: datetime, days: int) -> str:
    """A moment some days on, as operations read it."""
    return (now + timedelta(days=days)).isoformat()


def day(then: datetime | None) -> str:
    """A time to the day, in UTC."""
    return "" if then is None else f"{then.astimezone(UTC):%d %b %Y}"


def duration(seconds: float | None) -> str:
    """A span of time.

    Example:
        >>> [duration(value).replace(_SPACE, " ") for value in (0.0123, 4.25, 64, 7260)]
        ['12 ms', '4.2 s', '1 min 4 s', '2 h 1 min']
    """
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f}{_SPACE}ms"
    if seconds < 60:
        return f"{seconds:.1f}{_SPACE}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}{_SPACE}min {whole % 60}{_SPACE}s"
    return f"{whole // 3600}{_SPACE}h {whole % 3600 // 60}{_SPACE}min"


def size(count: int | None) -> str:
    """A number of bytes.

    Example:
        >>> [size(value).replace(_SPACE, " ") for value in (812, 4_321, 5_200_000)]
        ['812 B', '4.3 kB', '5.2 MB']
    """
    if count is None:
        return ""
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f}{_SPACE}{unit}" if unit == "B" or amount >= 100 else f"{amount:.1f}{_SPACE}{unit}"


def digest(value: str | None, shown: int = 10) -> Markup:
    """A digest or an identifier: its beginning; the whole on hover, a click copies it."""
    if not value:
        return Markup('<span class="none">none</span>')
    return Markup('<button type="button" class="digest" data-copy="{}" title="{}">{}</button>').format(
        value, value, value[:shown]
    )


def is_digest(value: str) -> bool:
    """Whether a text is a SHA-256 or an identifier."""
    return len(value) in (32, 64) and set(value) <= set("0123456789abcdef")


def verdict(value: Verdict | str) -> Markup:
    """A verdict as its coloured word. Green is used here and nowhere else."""
    word = str(value)
    return Markup('<span class="verdict {}">{}</span>').format(word.lower(), word.replace("_", " "))


def plural(count: int, noun: str, nouns: str = "") -> str:
    """A count with its noun.

    Example:
        >>> plural(1, "run"), plural(12000, "run"), plural(2, "entry", "entries")
        ('1 run', '12,000 runs', '2 entries')
    """
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def listed(words: list[str], most: int = 4) -> str:
    """Words in a sentence.

    Example:
        >>> listed(["kpi", "slices", "baseline"]), listed(["kpi"])
        ('kpi, slices and baseline', 'kpi')
    """
    if len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1} more"]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""


def cell(value: Any) -> str:
    """A value of a column: a number as such, a time to the minute, a text cut short.

    Example:
        >>> cell("2013-01-01T10:15:00Z"), cell(4983.0), cell(None)
        ('2013-01-01 10:15', '4,983', '')
    """
    text = number(value)
    if isinstance(value, str) and len(text) > 16 and text[10:11] == "T" and text[:4].isdigit():
        return text[:16].replace("T", " ")
    return clipped(text, 22)


def clipped(text: Any, most: int = 80) -> str:
    """A text cut to a length."""
    whole = str(text)
    return whole if len(whole) <= most else whole[: most - 1] + "…"
