"""How sure a number is: intervals for a metric, for the difference of two models, for a rate.

All of them treat rows as independent. Rows that come in groups (a patient's visits, a day's flights) carry less
information than their number says, and these intervals are then too narrow.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from modelwright.core.errors import Invalid
from modelwright.stats.inputs import Floats, Seed, same_length
from modelwright.stats.model import Interval
from modelwright.stats.resampling import normal_quantile, require_level, resample, tails
from modelwright.stats.scores import Metric
from modelwright.stats.scores import metric as find


def interval(
    metric: str | Metric,
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    seed: Seed = 0,
    replicates: int = 1000,
    level: float = 0.95,
) -> Interval:
    """A metric with the interval that suits it: DeLong for ``roc_auc``, Wilson for ``accuracy``, else the bootstrap.

    Args:
        metric: A metric or its name.
        labels: What came, shape ``(n_rows,)``.
        scores: What was predicted, shape ``(n_rows,)``.
        seed: For the bootstrap.
        replicates: For the bootstrap, at least 100.
        level: Between 0 and 1; raised, the interval widens.

    Raises:
        Invalid: The metric does not accept the input, or ``roc_auc`` has fewer than two rows of a class.

    Example:
        >>> interval("accuracy", [0, 1, 1, 0], [0.2, 0.7, 0.4, 0.1]).method
        'wilson'
    """
    chosen = find(metric)
    if chosen.name == "roc_auc":
        return auc_interval(labels, scores, level=level)
    if chosen.name == "accuracy":
        value = chosen(labels, scores)
        n_rows = len(np.asarray(labels))
        return wilson(round(value * n_rows), n_rows, level=level)
    return bootstrap(chosen, labels, scores, seed=seed, replicates=replicates, level=level)


def bootstrap(
    metric: str | Metric,
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    seed: Seed = 0,
    replicates: int = 1000,
    level: float = 0.95,
) -> Interval:
    """A metric with its percentile bootstrap interval. The order of the rows does not matter.

    Do not use it below some 50 rows, or 10 of a class: the resamples cannot show what the sample lacks, so a perfect
    score gets an interval of no width. Resamples in which the metric does not exist are left out.

    Args:
        metric: A metric or its name.
        labels: What came, shape ``(n_rows,)``.
        scores: What was predicted, shape ``(n_rows,)``.
        seed: The same seed gives the same interval.
        replicates: At least 100; raised, the ends become steadier.
        level: Between 0 and 1; raised, the interval widens.

    Raises:
        Invalid: The metric does not accept the input.

    Example:
        >>> rng = np.random.default_rng(7)
        >>> labels = rng.integers(0, 2, 500)
        >>> print(bootstrap("roc_auc", labels, labels + rng.normal(0, 1.5, 500), seed=7))
        0.6821 [0.6308, 0.7259]

    Source:
        Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
    """
    require_level(level)
    chosen = find(metric)
    estimate = chosen(labels, scores)
    y, s = chosen.labels(labels), chosen.scores(scores)
    order = np.lexsort((y, s))
    values = resample(chosen.prepare(y[order], s[order]), len(y), replicates=replicates, seed=seed)
    low, high = tails(values, level)
    return Interval(estimate=estimate, low=low, high=high, level=level, n=len(y), method="bootstrap percentile")


def difference(
    metric: str | Metric,
    labels: ArrayLike,
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    *,
    seed: Seed = 0,
    replicates: int = 1000,
    level: float = 0.95,
) -> Interval:
    """How much better ``a`` is than ``b`` on the same rows, with a paired percentile bootstrap interval.

    Positive means that ``a`` is better: the metric's difference ``a - b``, with its sign flipped where lower is better.
    Both are scored on the same resamples, so what is hard for both cancels out: two overlapping intervals of ``a``
    and of ``b`` may well belong to a clear difference. Rows must be ones that neither model was trained on.

    Args:
        metric: A metric or its name.
        labels: What came, shape ``(n_rows,)``.
        scores_a: What ``a`` predicted, shape ``(n_rows,)``.
        scores_b: What ``b`` predicted on the same rows, shape ``(n_rows,)``.
        seed: The same seed on rows of the same order gives the same interval.
        replicates: At least 100; raised, the ends become steadier.
        level: Between 0 and 1; raised, the interval widens.

    Raises:
        Invalid: The metric does not accept the input.

    Example:
        >>> rng = np.random.default_rng(7)
        >>> truth = rng.normal(size=300)
        >>> near, far = truth + rng.normal(0, 1, 300), truth + rng.normal(0, 2, 300)
        >>> print(difference("rmse", truth, near, far, seed=7))
        1.018 [0.8494, 1.187]

    Source:
        Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13, on pairs.
    """
    require_level(level)
    chosen = find(metric)
    y = chosen.labels(labels)
    a, b = chosen.scores(scores_a, name="scores_a"), chosen.scores(scores_b, name="scores_b")
    same_length(labels=y, scores_a=a, scores_b=b)
    estimate = chosen.sign * (chosen(y, a) - chosen(y, b))
    weigh_a, weigh_b = chosen.prepare(y, a), chosen.prepare(y, b)
    values = resample(lambda w: chosen.sign * (weigh_a(w) - weigh_b(w)), len(y), replicates=replicates, seed=seed)
    low, high = tails(values, level)
    return Interval(estimate=estimate, low=low, high=high, level=level, n=len(y), method="paired bootstrap percentile")


def auc_interval(labels: ArrayLike, scores: ArrayLike, *, level: float = 0.95) -> Interval:
    """The area under the ROC curve with DeLong's interval: no resampling, one sort, fit for millions of rows.

    The interval is symmetric in the log-odds of the area, which keeps it between 0 and 1. A perfect ranking has a
    DeLong variance of 0, which would claim certainty; it gets the Wilson interval of the smaller class instead.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``, at least two of each.
        scores: Any finite numbers, shape ``(n_rows,)``.
        level: Between 0 and 1; raised, the interval widens.

    Raises:
        Invalid: The input breaks a rule above.

    Example:
        >>> print(auc_interval([0, 0, 0, 1, 0, 1, 1, 1], [1, 2, 3, 4, 5, 6, 7, 8]))
        0.9375 [0.4382, 0.9965]

    Source:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), 837-845; the ranks after Sun and Xu, "Fast
        implementation of DeLong's algorithm", IEEE Signal Processing Letters 21 (2014), 1389-1393; the log-odds after
        Pepe, "The Statistical Evaluation of Medical Tests" (2003), 5.2.
    """
    z = normal_quantile(level)
    chosen = find("roc_auc")
    y, s = chosen.labels(labels), chosen.scores(scores)
    same_length(labels=y, scores=s)
    chosen.require_both_classes(y)
    positive, negative = np.sort(s[y == 1]), np.sort(s[y == 0])
    smaller = min(len(positive), len(negative))
    if smaller < 2:
        raise Invalid(
            f"Of {len(y)} rows {len(positive)} have label 1; an interval needs two of each class.",
            remedy="Take more rows.",
            fields={"labels": "have a class of one row"},
        )
    beaten = _share_below(negative, positive)
    beaten_by = 1 - _share_below(positive, negative)
    area = float(beaten.mean())
    if area in (0, 1):
        bounds = wilson(round(area) * smaller, smaller, level=level)
        low, high, method = bounds.low, bounds.high, "wilson of the smaller class"
    else:
        error = math.sqrt(beaten.var(ddof=1) / len(positive) + beaten_by.var(ddof=1) / len(negative))
        reach = z * error / (area * (1 - area))
        low, high, method = _shifted(area, -reach), _shifted(area, reach), "delong"
    return Interval(estimate=area, low=low, high=high, level=level, n=len(y), method=method)


def wilson(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """A rate with Wilson's score interval, which is honest for small numbers and at 0 and 1.

    Args:
        successes: From 0 to ``n``.
        n: How many trials, at least 1.
        level: Between 0 and 1; raised, the interval widens.

    Raises:
        Invalid: The counts are impossible.

    Example:
        >>> print(wilson(0, 20))
        0 [0, 0.1611]

    Source:
        Wilson, "Probable inference", Journal of the American Statistical Association 22 (1927), 209-212.
    """
    if not 0 <= successes <= n or n < 1:
        raise Invalid(f"{successes} of {n} is not a rate.", remedy="Give 0 <= successes <= n and n of at least 1.")
    z = normal_quantile(level)
    rate = successes / n
    scale = 1 + z * z / n
    centre = (rate + z * z / (2 * n)) / scale
    reach = z / scale * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else centre - reach
    high = 1.0 if successes == n else centre + reach
    return Interval(estimate=rate, low=low, high=high, level=level, n=n, method="wilson")


def mean_interval(values: Floats, *, level: float = 0.95) -> Interval:
    """A mean with its large-sample normal interval.

    Args:
        values: Shape ``(n_rows,)``; with a single row the interval has no width.
        level: Between 0 and 1; raised, the interval widens.

    Example:
        >>> print(mean_interval(np.array([1.0, 2.0, 3.0])))
        2 [0.8684, 3.132]
    """
    n_rows = len(values)
    centre = float(values.mean())
    reach = normal_quantile(level) * float(values.std(ddof=1)) / math.sqrt(n_rows) if n_rows > 1 else 0.0
    return Interval(estimate=centre, low=centre - reach, high=centre + reach, level=level, n=n_rows, method="normal")


def _share_below(ordered: Floats, values: Floats) -> Floats:
    """For each value the share of ``ordered`` below it, equals counting half."""
    below = np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")
    return np.asarray(below / (2 * len(ordered)))


def _shifted(share: float, by: float) -> float:
    """The share, moved in log-odds."""
    odds = math.log(share / (1 - share)) + by
    return 1 / (1 + math.exp(-odds)) if odds >= 0 else math.exp(odds) / (1 + math.exp(odds))
