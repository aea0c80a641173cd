"""Elements and scales."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup


def tag(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """An SVG element; children and attributes are escaped unless they are Markup.

    Example:
        >>> str(tag("text", "<b>", x=3, class_="label"))
        '<text x="3" class="label">&lt;b&gt;</text>'
    """
    given = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _plain(value))
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), given, inside)  # noqa: S704  # our own element names


def _plain(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def titled(text: str) -> Markup:
    """What a pointer that rests on the element is told."""
    return tag("title", text)


def drawing(name: str, *children: str, class_: str, **attributes: str | float | None) -> Markup:
    """A whole drawing with its name for screen readers."""
    return tag("svg", *children, role="img", aria_label=name, class_=class_, **attributes)


def joined(parts: Iterable[Markup]) -> Markup:
    """Elements one after the other."""
    return Markup("").join(parts)


@dataclass(frozen=True)
class Scale:
    """A straight line from values to places.

    Attributes:
        low: The value at ``start``.
        high: The value at ``end``.
        start: A place: percent across, or pixels down.
        end: The other place.
    """

    low: float
    high: float
    start: float = 0.0
    end: float = 100.0

    def at(self, value: float) -> float:
        """The place of a value; values beyond the ends stay at them."""
        width = self.high - self.low
        share = (value - self.low) / width if width else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def across(self, value: float) -> str:
        """The place of a value as a percentage."""
        return f"{self.at(value):.2f}%"


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round values that cover a range.

    Example:
        >>> ticks(0.612, 0.768)
        [0.65, 0.7, 0.75]
    """
    width = high - low
    if width <= 0 or not math.isfinite(width):
        return [low]
    power = 10 ** math.floor(math.log10(width / about))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if width / (power * factor) <= about + 0.5)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def written(value: float) -> str:
    """A tick's number."""
    return f"{value:,.6f}".rstrip("0").rstrip(".") if abs(value) < 1e6 else f"{value:.3g}"


def padded(low: float, high: float, share: float = 0.08) -> tuple[float, float]:
    """A range with some room at both ends; never empty."""
    room = (high - low) * share or max(abs(low) * share, 0.01)
    return low - room, high + room
