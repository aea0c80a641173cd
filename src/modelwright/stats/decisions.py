"""What deciding by scores brings: on which rows one acts, and what their outcomes are worth.

A decision is a number for each row: 1 where one acts, 0 where one leaves alone, and between them where a lot decides,
because equal scores compete for the last place. It is what that lot brings on average.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from modelwright.core.errors import Invalid
from modelwright.stats import weighing
from modelwright.stats.inputs import Floats, binary, numbers, probabilities, same_length
from modelwright.stats.model import Interval
from modelwright.stats.scores import Kind, Metric

PER = 1000
"""Rows that money is told for."""


class Payoff(NamedTuple):
    """What each outcome of a decision is worth, per row; costs are negative."""

    true_positive: float
    false_positive: float
    true_negative: float
    false_negative: float


class Outcomes(NamedTuple):
    """What became of rows; no whole numbers where a lot decided about some."""

    true_positive: float
    false_positive: float
    true_negative: float
    false_negative: float


def best_threshold(payoff: Payoff) -> float:
    """The chance from which on acting is worth more than leaving alone, for scores that are honest chances.

    With a chance ``p`` acting brings ``p tp + (1 - p) fp`` and leaving alone ``p fn + (1 - p) tn``; they are equal at
    ``(tn - fp) / ((tp - fn) + (tn - fp))``. Where scores promise too much or too little another threshold is better,
    and this one says nothing of that: look at ``calibration``.

    Args:
        payoff: Acting is worth more than leaving alone where it is right, and less where it is in vain.

    Returns:
        Between 0 and 1.

    Raises:
        Invalid: One would always act, or never, or on the lowest scores.

    Example:
        >>> best_threshold(Payoff(120, -30, 0, 0))
        0.2

    Source:
        Elkan, "The foundations of cost-sensitive learning", IJCAI (2001), 973-978, section 2.
    """
    gained = payoff.true_positive - payoff.false_negative
    lost = payoff.true_negative - payoff.false_positive
    if not (gained > 0 and lost > 0 and math.isfinite(gained + lost)):
        raise Invalid(
            f"Acting where it is right is worth {gained:g} more than not acting, and acting in vain {lost:g} less: "
            "such a decision needs no score.",
            remedy="Let true_positive be above false_negative, and true_negative above false_positive.",
            fields={"value": "leaves nothing to decide"},
        )
    return lost / (gained + lost)


def acted(
    scores: ArrayLike,
    threshold: float | None,
    *,
    days: ArrayLike | None = None,
    per_day: int | None = None,
    share: float | None = None,
) -> Floats:
    """On which rows one acts: those from a threshold on, and no more of a day than there is room for, highest first.

    Args:
        scores: Finite numbers, shape ``(n_rows,)``.
        threshold: The lowest score on which one acts; none: any.
        days: Which day each row belongs to, whole numbers of shape ``(n_rows,)``; needed where there is a limit.
        per_day: How many rows of a day at most.
        share: What share of a day's rows at most.

    Returns:
        From 0 to 1, shape ``(n_rows,)``: equal scores share the room that is left.

    Raises:
        Invalid: Not such scores, or a limit without days.

    Example:
        >>> acted([0.9, 0.4, 0.4, 0.1], 0.3, days=[1, 1, 1, 1], per_day=2)
        array([1. , 0.5, 0.5, 0. ])
    """
    s = numbers("scores", scores)
    chosen = np.ones(len(s)) if threshold is None else (s >= threshold).astype(np.float64)
    if per_day is None and share is None:
        return chosen
    if days is None:
        raise Invalid("A limit for each day needs days.", fields={"days": "are missing"})
    names, day = np.unique(np.asarray(days), return_inverse=True)
    same_length(scores=s, days=day)
    sizes = np.bincount(day, minlength=len(names))
    room = np.minimum(sizes * (1.0 if share is None else share), np.inf if per_day is None else per_day)
    order = np.lexsort((-s, day))
    ranked, of_day = s[order], day[order]
    fresh = np.ones(len(s), dtype=np.bool_)
    fresh[1:] = (ranked[1:] != ranked[:-1]) | (of_day[1:] != of_day[:-1])
    first = np.flatnonzero(fresh)
    tied = np.diff(np.append(first, len(s)))
    before = first - (np.cumsum(sizes) - sizes)[of_day[first]]
    taken = np.empty(len(s))
    taken[order] = np.repeat(np.clip((room[of_day[first]] - before) / tied, 0, 1), tied)
    return np.asarray(chosen * taken)


def outcomes(labels: ArrayLike, actions: ArrayLike) -> Outcomes:
    """What became of rows: acted and rightly, in vain, left alone and rightly, missed.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``.
        actions: From 0, left alone, to 1, acted, shape ``(n_rows,)``.

    Raises:
        Invalid: The input is something else.

    Example:
        >>> outcomes([1, 1, 0], [1, 0.5, 0])
        Outcomes(true_positive=1.5, false_positive=0.0, true_negative=1.0, false_negative=0.5)
    """
    y, a = binary("labels", labels), probabilities("actions", actions)
    same_length(labels=y, actions=a)
    return Outcomes(*(float(part.sum()) for part in (y * a, (1 - y) * a, (1 - y) * (1 - a), y * (1 - a))))


def worth(found: Outcomes, payoff: Payoff) -> float:
    """What outcomes are worth together.

    Example:
        >>> worth(Outcomes(2, 1, 5, 1), Payoff(120, -30, 0, 0))
        210.0
    """
    return float(sum(many * each for many, each in zip(found, payoff, strict=True)))


def money(payoff: Payoff) -> Metric:
    """What 1,000 rows bring, as a metric that reads decisions instead of scores.

    So it takes what metrics take: weights, and the intervals of ``paired``.

    Example:
        >>> money(Payoff(120, -30, 0, 0))([1, 0, 0, 1], [1, 1, 0, 0])
        22500.0
    """
    acting = np.array([payoff.false_positive, payoff.true_positive])
    leaving = np.array([payoff.true_negative, payoff.false_negative])

    def prepare(labels: Floats, actions: Floats) -> weighing.Weigh:
        which = labels.astype(np.intp)
        return weighing.mean(PER * (actions * acting[which] + (1 - actions) * leaving[which]))

    return Metric(name="money", kind=Kind.BINARY, higher_is_better=True, prepare=prepare)


def moved(before: Interval, after: Interval) -> Interval:
    """How much more the second is than the first, of two estimates that share no rows.

    Args:
        before: An estimate with its interval.
        after: Another, of the same level.

    Raises:
        Invalid: Their levels differ.

    Example:
        >>> was = Interval(estimate=10, low=7, high=13, n=500, method="t")
        >>> print(moved(was, Interval(estimate=5, low=1, high=9, n=300, method="t")))
        -5 [-10, 0]

    Source:
        Zou and Donner, "Construction of confidence limits about effect measures: a general approach", Statistics in
        Medicine 27 (2008), 1693-1702.
    """
    if before.level != after.level:
        raise Invalid(f"The levels {before.level:g} and {after.level:g} differ.")
    gap = after.estimate - before.estimate
    return Interval(
        estimate=gap,
        low=gap - math.hypot(after.estimate - after.low, before.high - before.estimate),
        high=gap + math.hypot(after.high - after.estimate, before.estimate - before.low),
        level=before.level,
        n=before.n + after.n,
        method="difference of two intervals",
    )
