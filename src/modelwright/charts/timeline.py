"""When each step of an execution ran."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from modelwright.charts.svg import Scale, drawing, tag, ticks, titled
from modelwright.charts.words import clipped, duration

_ROW = 22
_TOP = 22
_FROM = 30.0  # percent: the names stand left of it
_SLIMMEST = 0.4


@dataclass(frozen=True)
class Span:
    """A step on the timeline.

    Attributes:
        name: The step.
        start: When it began; none for what has not.
        end: When it ended; none for what still runs.
        said: What a pointer that rests on it is told.
        kind: ``done``, ``running``, ``failed``, ``cached`` or ``waiting``.
    """

    name: str
    start: datetime | None
    end: datetime | None
    said: str
    kind: str


_CLASSES = {"done": "bar s1", "running": "bar s1 pale", "failed": "bar lost", "cached": "ring s1", "waiting": "ring"}


def timeline(spans: Sequence[Span], *, now: datetime, name: str) -> Markup:
    """Bars, one a step, on one clock.

    Args:
        spans: In the order in which they are shown.
        now: Where what still runs ends.
        name: What the chart shows, in words.
    """
    begun = [span.start for span in spans if span.start is not None]
    if not begun:
        return Markup("")
    first = min(begun)
    ends = [span.end or now for span in spans if span.start is not None]
    whole = max((max(ends) - first).total_seconds(), 1e-3)
    scale = Scale(0.0, whole, _FROM, 100.0)
    height = _TOP + _ROW * len(spans)
    parts = []
    for second in ticks(0.0, whole, 4):
        place = scale.across(second)
        parts.append(tag("line", x1=place, x2=place, y1=_TOP - 6, y2=height, class_="grid"))
        anchor = "end" if scale.at(second) > 96 else "middle"
        parts.append(tag("text", duration(second), x=place, y=11, text_anchor=anchor))
    for number, span in enumerate(spans):
        parts.append(_row(span, _TOP + number * _ROW, scale, first, now))
    return drawing(name, *parts, class_="fluid", height=height)


def _row(span: Span, top: float, scale: Scale, first: datetime, now: datetime) -> Markup:
    label = tag("text", clipped(span.name, 28), x="0", y=top + 14, class_="called")
    if span.start is None:
        mark = tag("circle", cx=f"{_FROM:.2f}%", cy=top + 10, r=3, class_=_CLASSES[span.kind])
        return tag("g", titled(span.said), label, mark)
    begin = scale.at((span.start - first).total_seconds())
    end = scale.at(((span.end or now) - first).total_seconds())
    bar = tag(
        "rect",
        x=f"{begin:.3f}%",
        width=f"{max(end - begin, _SLIMMEST):.3f}%",
        y=top + 4,
        height=12,
        class_=_CLASSES[span.kind],
    )
    return tag("g", titled(span.said), label, bar)
