"""A statistic over many periods with its intervals, and a column against its reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from modelwright.charts.svg import Scale, drawing, joined, padded, tag, ticks, titled, written

_HEIGHT, _TOP, _BOTTOM = 176, 12, 132
_COVERED = 12
"""Pixels of a bar that says that every label is known."""
_SMALL, _SMALL_BOTTOM = 66, 62
_LEFT = 5.0


@dataclass(frozen=True)
class Mark:
    """One period of one version.

    Attributes:
        start: Its first moment.
        series: Which colour, from 0.
        said: What a pointer is told.
        value: The statistic; none where there is none.
        low: The lower end of its interval; none without one.
        high: The upper end.
        covered: The share of rows with a label; none where it is not shown.
    """

    start: datetime
    series: int
    said: str
    value: float | None
    low: float | None = None
    high: float | None = None
    covered: float | None = None


def trend(marks: Sequence[Mark], *, name: str, lines: Sequence[tuple[float, str]] = ()) -> Markup:
    """Dots with whiskers over time; below them, where it is given, how many labels are known.

    Args:
        marks: In any order; those without a value leave a gap.
        name: What it shows, in words.
        lines: Values to mark with a dashed line, each with what to write on it.
    """
    known = [mark for mark in marks if mark.value is not None]
    if not known:
        return Markup("")
    ends = [end for mark in known for end in (mark.low, mark.high, mark.value) if end is not None]
    ends += [value for value, _ in lines]
    low, high = padded(min(ends), max(ends), 0.12)
    scale = Scale(low, high, _BOTTOM, _TOP)
    first, last = min(mark.start for mark in marks), max(mark.start for mark in marks)
    across = Scale(first.timestamp(), max(last.timestamp(), first.timestamp() + 1), _LEFT + 1, 99.0)
    parts = [_grid(scale), _times(first, last)]
    for value, words in lines:
        place = scale.at(value)
        parts.append(tag("line", x1="0", x2="100%", y1=place, y2=place, class_="ref"))
        parts.append(tag("text", words, x="100%", y=place - 4, text_anchor="end", class_="halo"))
    parts += [_mark(mark, scale, across) for mark in marks]
    return drawing(name, *parts, class_="fluid", height=_HEIGHT)


def shapes(shares: Sequence[tuple[str, float, float]], *, name: str) -> Markup:
    """A column in small: the reference pale, the period before it.

    Args:
        shares: Cell, the reference's share, the period's.
        name: What it shows, in words.
    """
    if not shares:
        return Markup("")
    scale = Scale(0.0, max(max(was, now) for _, was, now in shares) or 1.0, _SMALL_BOTTOM, 2)
    slot = 100 / len(shares)
    parts = [tag("line", x1="0", x2="100%", y1=_SMALL_BOTTOM, y2=_SMALL_BOTTOM, class_="axis")]
    for index, (cell, was, now) in enumerate(shares):
        said = titled(f"{cell}: {now:.1%} now, {was:.1%} in the reference")
        wide = _bar(index * slot + slot * 0.06, slot * 0.88, was, scale, "bar s4 pale")
        narrow = _bar(index * slot + slot * 0.24, slot * 0.52, now, scale, "bar s1")
        parts.append(tag("g", said, wide, narrow))
    return drawing(name, *parts, class_="fluid", height=_SMALL)


def _bar(left: float, width: float, share: float, scale: Scale, colour: str) -> Markup:
    top = scale.at(share)
    return tag("rect", x=f"{left:.2f}%", width=f"{width:.2f}%", y=top, height=_SMALL_BOTTOM - top, class_=colour)


def _mark(mark: Mark, scale: Scale, across: Scale) -> Markup:
    place = f"{across.at(mark.start.timestamp()):.2f}%"
    parts = [titled(mark.said)]
    if mark.low is not None and mark.high is not None:
        low, high = scale.at(mark.low), scale.at(mark.high)
        parts.append(tag("line", x1=place, x2=place, y1=low, y2=high, class_="whisker pale"))
    if mark.value is not None:
        parts.append(tag("circle", cx=place, cy=scale.at(mark.value), r=1.8, class_="dot"))
    if mark.covered is not None:
        bottom = _BOTTOM + 6 + _COVERED
        top = bottom - _COVERED * mark.covered
        parts.append(tag("line", x1=place, x2=place, y1=bottom, y2=top, class_="whisker"))
    return tag("g", *parts, class_=f"s{min(mark.series, 3) + 1}")


def _grid(scale: Scale) -> Markup:
    parts = []
    for value in ticks(scale.low, scale.high, 3):
        place = scale.at(value)
        parts.append(tag("line", x1="0", x2="100%", y1=place, y2=place, class_="grid"))
        parts.append(tag("text", written(value), x="0", y=place - 4))
    return joined(parts)


def _times(first: datetime, last: datetime) -> Markup:
    bottom = _BOTTOM + _COVERED + 24
    return joined(
        [
            tag("text", f"{first:%d %b %Y}", x=f"{_LEFT}%", y=bottom),
            tag("text", f"{last:%d %b %Y}", x="100%", y=bottom, text_anchor="end"),
        ]
    )
