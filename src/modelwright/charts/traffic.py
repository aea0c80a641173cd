"""How much was answered, and how fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from markupsafe import Markup

from modelwright.charts.svg import Scale, drawing, joined, tag, ticks, titled, written

_HEIGHT = 132
_TOP, _BOTTOM = 14, 108
_GUTTER = 46


@dataclass(frozen=True)
class Bucket:
    """A stretch of time.

    Attributes:
        start: Its first moment.
        name: How it is called.
        rows: Version -> predictions.
        p50_ms: Median latency, in milliseconds.
        p99_ms: The 99th percentile of latency, in milliseconds.
    """

    start: datetime
    name: str
    rows: Mapping[str, int] = field(default_factory=dict)
    p50_ms: float = 0.0
    p99_ms: float = 0.0


def volumes(buckets: Sequence[Bucket], versions: Sequence[str], *, name: str) -> Markup:
    """Predictions per stretch, stacked by version.

    Args:
        buckets: In order of time.
        versions: Which version gets which colour, in the charts of one page alike.
        name: What the chart shows, in words.
    """
    if not buckets:
        return Markup("")
    scale = Scale(0, max(sum(bucket.rows.values()) for bucket in buckets) or 1, _BOTTOM, _TOP)
    parts = [_grid(scale), _times(buckets)]
    slot = 100 / len(buckets)
    for index, bucket in enumerate(buckets):
        said = "; ".join(f"{version} {count:,}" for version, count in bucket.rows.items())
        pieces, height = [titled(f"{bucket.name}: {said or 'none'}")], 0.0
        for version, count in bucket.rows.items():
            top = scale.at(height + count)
            colour = f"bar s{min(versions.index(version), 3) + 1}" if version in versions else "bar s4"
            pieces.append(
                tag(
                    "rect",
                    x=f"{index * slot + slot * 0.12:.3f}%",
                    width=f"{slot * 0.76:.3f}%",
                    y=top,
                    height=max(scale.at(height) - top, 0.5),
                    class_=colour,
                )
            )
            height += count
        parts.append(tag("g", *pieces))
    return _framed(name, scale, parts)


def latencies(buckets: Sequence[Bucket], *, name: str, limit_ms: float | None = None) -> Markup:
    """Median as a dot, the 99th percentile as the end of a line above it."""
    if not buckets:
        return Markup("")
    most = max(bucket.p99_ms for bucket in buckets)
    scale = Scale(0, max(most, limit_ms or 0.0) * 1.08 or 1, _BOTTOM, _TOP)
    parts = [_grid(scale), _times(buckets)]
    if limit_ms is not None:
        place = scale.at(limit_ms)
        parts.append(tag("line", x1="0", x2="100%", y1=place, y2=place, class_="ref"))
        parts.append(tag("text", "limit of p99", x="100%", y=place - 4, text_anchor="end", class_="halo"))
    for index, bucket in enumerate(buckets):
        if not bucket.rows:
            continue
        across = f"{(index + 0.5) * 100 / len(buckets):.3f}%"
        said = titled(f"{bucket.name}: p50 {bucket.p50_ms:.2f} ms, p99 {bucket.p99_ms:.2f} ms")
        line = tag(
            "line",
            x1=across,
            x2=across,
            y1=scale.at(bucket.p50_ms),
            y2=scale.at(bucket.p99_ms),
            class_="whisker pale",
        )
        parts.append(tag("g", said, line, tag("circle", cx=across, cy=scale.at(bucket.p50_ms), r=2.2, class_="dot")))
    return _framed(name, scale, parts, " ms")


def _framed(name: str, scale: Scale, parts: Sequence[Markup], unit: str = "") -> Markup:
    """The drawing beside a gutter with the scale's numbers, so that bars never hide them."""
    numbers = [
        tag("text", written(value) + unit, x=_GUTTER - 6, y=scale.at(value) + 4, text_anchor="end")
        for value in ticks(scale.low, scale.high, 2)
        if value
    ]
    gutter = tag("svg", *numbers, class_="gutter", width=_GUTTER, height=_HEIGHT, aria_hidden="true")
    return tag("div", gutter, drawing(name, *parts, class_="fluid s1", height=_HEIGHT), class_="framed")


def _grid(scale: Scale) -> Markup:
    places = [scale.at(value) for value in ticks(scale.low, scale.high, 2)]
    return joined(tag("line", x1="0", x2="100%", y1=place, y2=place, class_="grid") for place in places)


def _times(buckets: Sequence[Bucket]) -> Markup:
    first, last = buckets[0], buckets[-1]
    start = tag("text", first.name, x="0", y=_BOTTOM + 17)
    if first is last:
        return start
    return joined([start, tag("text", last.name, x="100%", y=_BOTTOM + 17, text_anchor="end")])
