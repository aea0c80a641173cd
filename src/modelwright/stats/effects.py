"""Changes in words: what a person would say moved, and by how much."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from modelwright.stats.cells import mean_and_deviation, quantile, short
from modelwright.stats.histogram import Histogram, NumericGrid
from modelwright.stats.model import Cell, Effect

SHARE = "share of rows"
DEVIATIONS = "reference standard deviations"


def share_moved(cells: Sequence[Cell]) -> Effect:
    """The cell whose share of rows changed most.

    Args:
        cells: At least one, with rows on both sides, as ``coarse`` gives them.

    Example:
        >>> share_moved(
        ...     [
        ...         Cell(name="B6", phrase="'B6'", reference=12, current=19),
        ...         Cell(name="UA", phrase="'UA'", reference=88, current=81),
        ...     ]
        ... ).words
        "the share of 'B6' grew from 12 % to 19 %"
    """
    old, new = (sum(each.reference for each in cells), sum(each.current for each in cells))
    most = max(cells, key=lambda each: abs(each.current * old - each.reference * new))
    before, after = most.reference / old, most.current / new
    return Effect(amount=after - before, unit=SHARE, words=_changed(f"the share of {most.phrase}", before, after))


def share_up_to(number: float, before: float, after: float) -> Effect:
    """How the share of the numbers up to one of them changed."""
    words = _changed(f"the share of numbers up to {short(number)}", before, after)
    return Effect(amount=after - before, unit=SHARE, words=words)


def median_moved(reference: Histogram, current: Histogram, grid: NumericGrid) -> Effect:
    """How far the median went, in standard deviations of the reference; in the column's unit where that has none.

    Example:
        >>> from modelwright.stats.profile import grid, profile
        >>> cells = grid(range(11))
        >>> median_moved(profile(cells, range(11)), profile(cells, range(2, 11)), cells).words
        'the median moved from 5 to 6, 0.32 reference standard deviations up'
    """
    before, after = quantile(reference, grid, 0.5), quantile(current, grid, 0.5)
    measured = mean_and_deviation(reference, grid)
    if before is None or after is None or measured is None:
        return Effect(amount=0.0, unit=DEVIATIONS, words="there is no finite number to take a median of")
    deviation = measured[1]
    move = min(max(after - before, -sys.float_info.max), sys.float_info.max)  # from one end of the floats to the other
    unit = DEVIATIONS if deviation > 0 and math.isfinite(move / deviation) else "the column's own unit"
    amount = move / deviation if unit is DEVIATIONS else move
    if not move:
        return Effect(amount=0.0, unit=unit, words=f"the median stayed at {short(before)}")
    size = f"{abs(amount):.2g} {DEVIATIONS}" if unit is DEVIATIONS else short(abs(move))
    words = f"the median moved from {short(before)} to {short(after)}, {size} {'up' if move > 0 else 'down'}"
    return Effect(amount=amount, unit=unit, words=words)


def _changed(what: str, before: float, after: float) -> str:
    if before == after:
        return f"{what} stayed at {percent(before)}"
    return f"{what} {'grew' if after > before else 'fell'} from {percent(before)} to {percent(after)}"


def percent(share: float) -> str:
    """A share for people.

    Example:
        >>> percent(0.1234), percent(1 / 3000)
        ('12.3 %', '0.0333 %')
    """
    return f"{100 * share:.3g} %"
