"""A metric by month with its intervals, one series per version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from modelwright.charts.svg import Scale, drawing, joined, padded, tag, ticks, titled, written
from modelwright.charts.words import plain_interval
from modelwright.stats.model import Interval

_HEIGHT = 250
_TOP, _BOTTOM = 14, 214


@dataclass(frozen=True)
class Series:
    """One version's months.

    Attributes:
        name: The version.
        points: Month -> the metric there; none where it cannot be computed.
    """

    name: str
    points: dict[datetime, Interval | None]


def months(series: Sequence[Series], *, name: str, floor: float | None = None, floor_name: str = "") -> Markup:
    """Dots with whiskers over months; a dashed line where the metric must stay above.

    Args:
        series: At most four are told apart by colour.
        name: What the chart shows, in words.
        floor: The least that is asked.
        floor_name: What to write on that line.
    """
    periods = sorted({period for one in series for period in one.points})
    known = [point for one in series for point in one.points.values() if point is not None]
    if not known:
        return Markup("")
    least = min(point.low for point in known)
    most = max(point.high for point in known)
    low, high = padded(min(least, floor) if floor is not None else least, most, 0.12)
    scale = Scale(low, high, _BOTTOM, _TOP)
    parts = [_grid(scale), _calendar(periods)]
    if floor is not None:
        place = scale.at(floor)
        parts.append(tag("line", x1="0", x2="100%", y1=place, y2=place, class_="ref"))
        parts.append(tag("text", floor_name, x="100%", y=place + 13, text_anchor="end", class_="halo"))
    slot = 100 / len(periods)
    width = min(slot * 0.22, 2.0)
    for index, one in enumerate(series):
        shift = (index - (len(series) - 1) / 2) * width
        parts.append(_marks(one, periods, scale, shift, f"s{min(index, 3) + 1}"))
    parts.extend(_labels(series, periods, scale))
    return drawing(name, *parts, class_="fluid", height=_HEIGHT)


def _center(index: int, count: int) -> float:
    return 5 + 95 * (index + 0.5) / count


def _grid(scale: Scale) -> Markup:
    parts = []
    for value in ticks(scale.low, scale.high, 4):
        place = scale.at(value)
        parts.append(tag("line", x1="0", x2="100%", y1=place, y2=place, class_="grid"))
        parts.append(tag("text", written(value), x="0", y=place - 4))
    return joined(parts)


def _calendar(periods: Sequence[datetime]) -> Markup:
    every = max(1, -(-len(periods) // 12))
    parts = []
    for index, period in enumerate(periods):
        if index % every:
            continue
        place = f"{_center(index, len(periods)):.2f}%"
        parts.append(tag("text", f"{period:%b}", x=place, y=_BOTTOM + 18, text_anchor="middle"))
        if index == 0 or period.year != periods[index - every].year:
            parts.append(tag("text", f"{period:%Y}", x=place, y=_BOTTOM + 32, text_anchor="middle", class_="kind"))
    return joined(parts)


def _marks(one: Series, periods: Sequence[datetime], scale: Scale, shift: float, colour: str) -> Markup:
    lines, dots = [], []
    before: tuple[float, float] | None = None
    for index, period in enumerate(periods):
        point = one.points.get(period)
        if point is None:
            before = None
            continue
        x, y = _center(index, len(periods)) + shift, scale.at(point.estimate)
        across = f"{x:.2f}%"
        if before is not None:
            lines.append(tag("line", x1=f"{before[0]:.2f}%", y1=before[1], x2=across, y2=y, class_="path"))
        whisker = tag("line", x1=across, x2=across, y1=scale.at(point.low), y2=scale.at(point.high), class_="whisker")
        said = titled(f"{one.name}, {period:%B %Y}: {plain_interval(point)}, n = {point.n:,}")
        dots.append(tag("g", said, whisker, tag("circle", cx=across, cy=y, r=3.5, class_="dot")))
        before = (x, y)
    return tag("g", *lines, *dots, class_=colour)


def _labels(series: Sequence[Series], periods: Sequence[datetime], scale: Scale) -> list[Markup]:
    """Each series is named at its last dot: the higher one above it, the lower ones below."""
    ends = []
    for index, one in enumerate(series):
        last = max((period for period, point in one.points.items() if point is not None), default=None)
        point = one.points[last] if last is not None else None
        if last is not None and point is not None:
            ends.append((index, one, periods.index(last), point))
    best = max((point.estimate for _, _, _, point in ends), default=0.0)
    found = []
    for index, one, place, point in ends:
        above = point.estimate == best
        y = scale.at(point.high) - 7 if above else scale.at(point.low) + 15
        x = _center(place, len(periods))
        anchor = "end" if x > 60 else "start" if x < 25 else "middle"
        colour = f"label halo s{min(index, 3) + 1}"
        found.append(
            tag("text", one.name, x=f"{min(x + 1.5, 100):.2f}%", y=max(y, 10), text_anchor=anchor, class_=colour)
        )
    return found
