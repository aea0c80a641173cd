"""Drawings for a table's cells: rows share one scale, so a column of cells reads as one chart."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from modelwright.charts.svg import Scale, drawing, padded, tag, ticks, titled, written
from modelwright.charts.words import plain_interval
from modelwright.stats.model import Interval

_HEIGHT = 22
_MIDDLE = 11


def spread(intervals: Iterable[Interval | None], *, also: Iterable[float | None] = ()) -> Scale:
    """The scale that a column of cells shares.

    Args:
        intervals: What the cells show.
        also: Values that must be on it, such as a limit or zero.
    """
    known = [one for one in intervals if one is not None]
    values = [end for one in known for end in (one.low, one.high, one.estimate)]
    values += [value for value in also if value is not None]
    low, high = padded(min(values), max(values)) if values else (0.0, 1.0)
    return Scale(low, high)


def ruler(scale: Scale, *, reference: float | None = None, reference_name: str = "") -> Markup:
    """The scale's numbers, for the column's head; with the name of the reference line where there is one."""
    marks = [(value, written(value)) for value in ticks(scale.low, scale.high, 3)]
    parts = []
    for value, text in marks:
        if reference is not None and reference_name and abs(scale.at(value) - scale.at(reference)) < 14:
            continue
        parts.append(tag("text", text, x=scale.across(value), y=14, text_anchor=_anchor(scale.at(value))))
    if reference is not None and reference_name:
        place = scale.at(reference)
        parts.append(
            tag("text", reference_name, x=scale.across(reference), y=14, text_anchor=_anchor(place), class_="label")
        )
    return drawing("scale", *parts, class_="fluid", height=18)


def dot(interval: Interval | None, scale: Scale, *, reference: float | None = None, weak: bool = False) -> Markup:
    """An estimate as a dot, its interval as a whisker.

    Args:
        interval: What to show; none leaves the cell with its lines only.
        scale: The column's scale.
        reference: A value to mark in every row.
        weak: Draw the dot hollow.
    """
    parts = [_baseline(), *_reference(scale, reference)]
    name = "none"
    if interval is not None:
        name = plain_interval(interval)
        low, high = scale.across(interval.low), scale.across(interval.high)
        parts.append(
            tag(
                "g",
                titled(f"{name}, n = {interval.n:,}"),
                tag("line", x1=low, x2=high, y1=_MIDDLE, y2=_MIDDLE, class_="whisker"),
                tag("circle", cx=scale.across(interval.estimate), cy=_MIDDLE, r=4, class_="ring" if weak else "dot"),
            )
        )
    return drawing(name, *parts, class_="fluid s1", height=_HEIGHT)


def bar(interval: Interval, scale: Scale) -> Markup:
    """A bar from zero to the estimate, with the interval as a whisker."""
    zero, end = sorted((scale.at(0.0), scale.at(interval.estimate)))
    name = plain_interval(interval)
    low, high = scale.across(interval.low), scale.across(interval.high)
    return drawing(
        name,
        titled(name),
        tag("rect", x=f"{zero:.2f}%", width=f"{end - zero:.2f}%", y=5, height=12, class_="bar pale"),
        tag("line", x1=low, x2=high, y1=_MIDDLE, y2=_MIDDLE, class_="whisker"),
        tag("circle", cx=scale.across(interval.estimate), cy=_MIDDLE, r=3, class_="dot"),
        tag("line", x1=scale.across(0.0), x2=scale.across(0.0), y1=0, y2=_HEIGHT, class_="axis"),
        class_="fluid s1",
        height=_HEIGHT,
    )


def _baseline() -> Markup:
    return tag("line", x1="0", x2="100%", y1=_MIDDLE, y2=_MIDDLE, class_="grid")


def _reference(scale: Scale, value: float | None) -> list[Markup]:
    if value is None:
        return []
    place = scale.across(value)
    return [tag("line", x1=place, x2=place, y1=-6, y2=_HEIGHT + 6, class_="ref")]


def _anchor(place: float) -> str:
    return "start" if place < 12 else "end" if place > 88 else "middle"
