"""Pure functions from answers to SVG. No script, no style attribute: the colours are classes of ``app.css``.

Charts that stand beside text are fluid: horizontal places are percentages, so a narrow page squeezes the distances and
never the letters. Every chart is named for those who cannot see it and stands above a table with its numbers.
``words`` writes the same values as text.
"""

from modelwright.charts.graph import Edge, Node, graph
from modelwright.charts.months import Series, months
from modelwright.charts.reliability import reliability
from modelwright.charts.rows import bar, dot, ruler, spread
from modelwright.charts.timeline import Span, timeline
from modelwright.charts.traffic import Bucket, latencies, volumes
from modelwright.charts.trends import Mark, shapes, trend

__all__ = [
    "Bucket",
    "Edge",
    "Mark",
    "Node",
    "Series",
    "Span",
    "bar",
    "dot",
    "graph",
    "latencies",
    "months",
    "reliability",
    "ruler",
    "shapes",
    "spread",
    "timeline",
    "trend",
    "volumes",
]
