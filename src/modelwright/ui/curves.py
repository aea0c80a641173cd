"""Histories of metrics, small enough to send: per column of pixels the lowest and the highest value."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.tracking.model import Metric
from modelwright.ui.page import Ask

PIXELS = 420
"""How wide a curve is drawn; two points each keep every peak that a screen can show."""

_MOST_POINTS = 100_000


@dataclass(frozen=True)
class Curve:
    """A metric's history, ready to draw.

    Attributes:
        key: The metric.
        data: Steps and values as JSON.
        points: How many were read.
        first: Whether only the first points were read.
        low: The smallest value.
        high: The largest value.
        last: The newest value.
    """

    key: str
    data: str
    points: int
    first: bool
    low: float
    high: float
    last: float


def curve(ask: Ask, run_id: str, key: str) -> Curve | None:
    """A metric's curve; none where it has fewer than two finite points."""
    page = ask.workspace.runs.history(run_id, key, limit=_MOST_POINTS)
    points = finite(page.items)
    if len(points) < 2:
        return None
    kept = thinned(points, PIXELS)
    values = [value for _, value in points]
    data = [[step for step, _ in kept], [float(f"{value:.5g}") for _, value in kept]]
    return Curve(
        key=key,
        data=json.dumps(data, separators=(",", ":")),
        points=len(points),
        first=page.next is not None,
        low=min(values),
        high=max(values),
        last=values[-1],
    )


def finite(metrics: Sequence[Metric]) -> list[tuple[int, float]]:
    """Steps and values that can be drawn, by rising step; of equal steps the last one."""
    found = {metric.step: metric.value for metric in metrics if isinstance(metric.value, (int, float))}
    return sorted((step, float(value)) for step, value in found.items() if math.isfinite(value))


def thinned(points: Sequence[tuple[int, float]], pixels: int) -> list[tuple[int, float]]:
    """At most two points per pixel: of the points of one pixel the lowest and the highest, in their order.

    Example:
        >>> thinned([(0, 0.0), (1, 9.0), (2, 1.0), (3, 5.0), (4, 2.0), (5, 3.0)], 2)
        [(0, 0.0), (1, 9.0), (3, 5.0), (4, 2.0)]
    """
    if len(points) <= 2 * pixels:
        return list(points)
    first, last = points[0][0], points[-1][0]
    width = (last - first + 1) / pixels
    kept: list[tuple[int, float]] = []
    group: list[tuple[int, float]] = []
    pixel = 0
    for point in points:
        here = int((point[0] - first) / width)
        if here != pixel and group:
            kept += _extremes(group)
            group = []
        pixel = here
        group.append(point)
    return kept + _extremes(group)


def _extremes(group: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    low = min(group, key=lambda point: point[1])
    high = max(group, key=lambda point: point[1])
    return [low] if low == high else sorted([low, high])
