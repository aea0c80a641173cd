"""The reliability diagram: what was promised against what came."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from modelwright.charts.svg import Scale, drawing, tag, titled
from modelwright.stats.model import CalibrationBin

_SIDE = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 290, 10, 260


def reliability(bins: Sequence[CalibrationBin]) -> Markup:
    """One dot per bin with the Wilson interval of its rate; on the diagonal, scores are probabilities.

    Args:
        bins: By rising score.
    """
    across = Scale(0, 1, _LEFT, _RIGHT)
    down = Scale(0, 1, _BOTTOM, _TOP)
    parts = []
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = across.at(value), down.at(value)
        parts.append(tag("line", x1=x, x2=x, y1=_TOP, y2=_BOTTOM, class_="grid"))
        parts.append(tag("line", x1=_LEFT, x2=_RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(tag("text", f"{value:g}", x=x, y=_BOTTOM + 16, text_anchor="middle"))
        parts.append(tag("text", f"{value:g}", x=_LEFT - 8, y=y + 4, text_anchor="end"))
    parts.append(tag("line", x1=_LEFT, y1=_BOTTOM, x2=_RIGHT, y2=_TOP, class_="ref"))
    parts.append(tag("text", "promised", x=_RIGHT, y=_BOTTOM + 32, text_anchor="end"))
    parts.append(tag("text", "came", x=_LEFT + 6, y=_TOP + 12, class_="halo"))
    largest = max((one.n for one in bins), default=1)
    for one in bins:
        x = across.at(one.mean_score)
        said = titled(
            f"{one.n:,} rows promised {one.mean_score:.3f}; "
            f"came {one.rate:.3f} [{one.rate_low:.3f}, {one.rate_high:.3f}]"
        )
        whisker = tag("line", x1=x, x2=x, y1=down.at(one.rate_low), y2=down.at(one.rate_high), class_="whisker")
        radius = 2.5 + 2.5 * (one.n / largest) ** 0.5
        parts.append(tag("g", said, whisker, tag("circle", cx=x, cy=down.at(one.rate), r=radius, class_="dot")))
    return drawing(
        f"Reliability diagram of {len(bins)} bins", *parts, class_="square s1", viewBox=f"0 0 {_SIDE} {_SIDE}"
    )
