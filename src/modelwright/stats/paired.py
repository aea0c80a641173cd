"""Two models on the same rows, where rows come in blocks: a day's flights share the day's weather."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from modelwright.core.errors import Invalid
from modelwright.stats.inputs import Floats, Seed, same_length
from modelwright.stats.model import Interval
from modelwright.stats.resampling import FEWEST, require_level
from modelwright.stats.scores import Metric
from modelwright.stats.scores import metric as find
from modelwright.stats.weighing import Weigh

FEWEST_BLOCKS = 7
"""Blocks below which their spread says too little of how much the difference would move with other blocks."""

_CELLS = 1 << 20


def block_interval(
    metric: str | Metric,
    labels: ArrayLike,
    scores: ArrayLike,
    blocks: ArrayLike,
    *,
    seed: Seed = 0,
    replicates: int = 500,
    level: float = 0.95,
) -> Interval:
    """A metric with an interval that resamples whole blocks; everything else as ``block_difference``.

    Example:
        >>> rng = np.random.default_rng(7)
        >>> labels, days = rng.integers(0, 2, 700), np.repeat(np.arange(14), 50)
        >>> print(block_interval("roc_auc", labels, labels + rng.normal(size=700), days))
        0.7884 [0.7563, 0.8204]
    """
    chosen = find(metric)
    y, s = chosen.labels(labels), chosen.scores(scores)
    codes = _coded(blocks)
    same_length(labels=y, scores=s, blocks=codes)
    weigh = chosen.prepare(y, s)
    return _around(chosen(y, s), weigh, codes, replicates=replicates, seed=seed, level=level, paired=False)


def block_difference(
    metric: str | Metric,
    labels: ArrayLike,
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    blocks: ArrayLike,
    *,
    seed: Seed = 0,
    replicates: int = 500,
    level: float = 0.95,
) -> Interval:
    """How much better ``a`` is than ``b`` on the same rows, where whole blocks are resampled instead of rows.

    Positive means that ``a`` is better: the metric's difference ``a - b``, with its sign flipped where lower is better.
    The interval is the estimate plus and minus Student's t, with one degree of freedom less than there are blocks,
    times the spread of the difference over resampled blocks, widened by ``sqrt(blocks / (blocks - 1))``. A percentile
    interval of some twenty blocks holds the true value less often than it says; this one keeps its level.

    Do not use it where one block holds most of the rows.

    Args:
        metric: A metric or its name.
        labels: What came, shape ``(n_rows,)``.
        scores_a: What ``a`` predicted, shape ``(n_rows,)``.
        scores_b: What ``b`` predicted on the same rows, shape ``(n_rows,)``.
        blocks: Which block each row belongs to, whole numbers of shape ``(n_rows,)``, at least 7 different ones.
        seed: The same seed on the same rows gives the same interval.
        replicates: At least 100; raised, the width becomes steadier.
        level: Between 0 and 1; raised, the interval widens.

    Raises:
        Invalid: The metric does not accept the input, or there are too few blocks.

    Example:
        >>> rng = np.random.default_rng(7)
        >>> truth, days = rng.normal(size=700), np.repeat(np.arange(14), 50)
        >>> near, far = truth + rng.normal(0, 1, 700), truth + rng.normal(0, 2, 700)
        >>> print(block_difference("rmse", truth, near, far, days, seed=7))
        1.011 [0.9198, 1.102]

    Source:
        Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), 8.5 on blocks; Cameron and Miller, "A
        Practitioner's Guide to Cluster-Robust Inference", Journal of Human Resources 50 (2015), 317-372, VI on few of
        them.
    """
    chosen = find(metric)
    y = chosen.labels(labels)
    a, b = chosen.scores(scores_a, name="scores_a"), chosen.scores(scores_b, name="scores_b")
    codes = _coded(blocks)
    same_length(labels=y, scores_a=a, scores_b=b, blocks=codes)
    weigh_a, weigh_b = chosen.prepare(y, a), chosen.prepare(y, b)

    def weigh(weights: NDArray[Any]) -> Floats:
        return np.asarray(chosen.sign * (weigh_a(weights) - weigh_b(weights)))

    estimate = chosen.sign * (chosen(y, a) - chosen(y, b))
    return _around(estimate, weigh, codes, replicates=replicates, seed=seed, level=level, paired=True)


def _coded(blocks: ArrayLike) -> NDArray[Any]:
    """Blocks as 0, 1, …; there must be enough of them."""
    names, codes = np.unique(np.asarray(blocks), return_inverse=True)
    if len(names) < FEWEST_BLOCKS:
        raise Invalid(
            f"The rows come in {len(names)} blocks; an interval needs {FEWEST_BLOCKS}.", remedy="Wait for more."
        )
    return codes


def _around(
    estimate: float,
    weigh: Weigh,
    codes: NDArray[Any],
    *,
    replicates: int,
    seed: Seed,
    level: float,
    paired: bool,
) -> Interval:
    from scipy.special import stdtrit  # heavy: 0.1 s

    require_level(level)
    if replicates < FEWEST:
        raise Invalid(f"replicates is {replicates}.", remedy=f"Ask for at least {FEWEST}; 500 is usual.")
    values = _resampled(weigh, codes, replicates=replicates, seed=seed)
    n_blocks = int(codes.max()) + 1
    spread = float(values.std(ddof=1)) * math.sqrt(n_blocks / (n_blocks - 1))
    reach = float(stdtrit(n_blocks - 1, (1 + level) / 2)) * spread
    return Interval(
        estimate=estimate,
        low=estimate - reach,
        high=estimate + reach,
        level=level,
        n=len(codes),
        method=f"t of {n_blocks} resampled blocks{', paired' if paired else ''}",
    )


def _resampled(weigh: Weigh, codes: NDArray[Any], *, replicates: int, seed: Seed) -> Floats:
    """A statistic on resampled blocks; replicates in which it does not exist are left out."""
    rng = np.random.default_rng(seed)
    n_blocks = int(codes.max()) + 1
    drawn = rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=replicates)
    step = max(1, _CELLS // len(codes))
    chunks = [weigh(drawn[start : start + step].take(codes, axis=1)) for start in range(0, replicates, step)]
    values = np.concatenate(chunks)
    return np.asarray(values[~np.isnan(values)])
