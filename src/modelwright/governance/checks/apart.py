"""How far two groups that share no row lie apart, from an interval of each."""

from __future__ import annotations

import math

from modelwright.stats.model import Interval


def gap(one: Interval, other: Interval) -> Interval:
    """How much greater ``one`` is than ``other``, where the two rest on different rows.

    The interval takes from each the reach of its own on the side that matters, so that it is not symmetric where
    theirs are not. Of two rates with Wilson's intervals it is Newcombe's hybrid score interval.

    Args:
        one: A rate or a metric of one group.
        other: The same of the other, at the same level.

    Example:
        >>> from modelwright.stats.intervals import wilson
        >>> print(gap(wilson(56, 70), wilson(48, 80)))
        0.2 [0.05243, 0.3339]

    Source:
        Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
        (1998), 873-890, method 10; for any two estimates Zou and Donner, "Construction of confidence limits about
        effect measures", Statistics in Medicine 27 (2008), 1693-1702.
    """
    estimate = one.estimate - other.estimate
    down = math.hypot(one.estimate - one.low, other.high - other.estimate)
    up = math.hypot(one.high - one.estimate, other.estimate - other.low)
    return Interval(
        estimate=estimate, low=estimate - down, high=estimate + up, level=one.level, n=one.n + other.n, method="mover"
    )


def ratio(one: Interval, other: Interval) -> Interval | None:
    """How many times ``other`` the rate ``one`` is, where the two rest on different rows; none where that is unbounded.

    Args:
        one: A rate, at least 0.
        other: Another one, at the same level.

    Example:
        >>> from modelwright.stats.intervals import wilson
        >>> print(ratio(wilson(48, 80), wilson(56, 70)))
        0.75 [0.6014, 0.9274]

    Source:
        Donner and Zou, "Closed-form confidence intervals for functions of the normal mean and standard deviation",
        Statistical Methods in Medical Research 21 (2012), 347-359, equation 9 (MOVER-R).
    """
    if other.low <= 0:
        return None
    product = one.estimate * other.estimate
    low = product - math.sqrt(
        max(product**2 - one.low * other.high * (2 * one.estimate - one.low) * (2 * other.estimate - other.high), 0.0)
    )
    high = product + math.sqrt(
        max(product**2 - one.high * other.low * (2 * one.estimate - one.high) * (2 * other.estimate - other.low), 0.0)
    )
    return Interval(
        estimate=one.estimate / other.estimate,
        low=max(low / (other.high * (2 * other.estimate - other.high)), 0.0),
        high=high / (other.low * (2 * other.estimate - other.low)),
        level=one.level,
        n=one.n + other.n,
        method="mover",
    )
