"""A quantile with an interval that assumes nothing of the distribution."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from modelwright.core.errors import Invalid
from modelwright.stats.inputs import Floats, numbers
from modelwright.stats.model import Interval
from modelwright.stats.resampling import require_level


def quantile_interval(values: ArrayLike, share: float, *, level: float = 0.95) -> Interval:
    """The value below which a share of the values lies, with the interval between two of the values in their order.

    How many values lie below the true quantile is binomial, whatever their distribution; the ends are the values at
    whose places in the order its tails begin. The values must not depend on each other.

    Args:
        values: Finite numbers, shape ``(n,)``; enough of them that some may lie beyond the quantile: 368 for the 99th
            percentile at a level of 0.95.
        share: Between 0 and 1.
        level: Between 0 and 1; raised, the interval widens.

    Raises:
        Invalid: There are too few values, or one is not finite.

    Example:
        >>> print(quantile_interval(np.arange(1000) / 10, 0.5))
        49.9 [46.8, 53.1]

    Source:
        Conover, "Practical Nonparametric Statistics" (1999), 3.2.
    """
    require_level(level)
    ordered = np.sort(numbers("values", values))
    n_values, tail = len(ordered), (1 - level) / 2
    below = np.cumsum(_binomial(n_values, share))  # the chance that at most so many values lie below
    low = int(np.searchsorted(below, tail, side="right"))  # the last place before which no more than the tail lies
    high = int(np.searchsorted(below, 1 - tail, side="left")) + 1
    if low < 1 or high > n_values:
        raise Invalid(
            f"{n_values:,} values are too few for an interval around their {share:g} quantile.",
            remedy="Take more values.",
            fields={"values": "are too few"},
        )
    return Interval(
        estimate=float(ordered[math.ceil(share * n_values) - 1]),
        low=float(ordered[low - 1]),
        high=float(ordered[high - 1]),
        level=level,
        n=n_values,
        method="order statistics",
    )


def _binomial(trials: int, chance: float) -> Floats:
    """How likely 0, 1, … of the trials succeed."""
    ways = [math.lgamma(k + 1) for k in range(trials + 1)]
    hit, miss = math.log(chance), math.log1p(-chance)
    logs = [ways[-1] - ways[k] - ways[trials - k] + k * hit + (trials - k) * miss for k in range(trials + 1)]
    return np.asarray(np.exp(logs), dtype=np.float64)
