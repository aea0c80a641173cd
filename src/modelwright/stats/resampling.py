"""The bootstrap's engine: a statistic on many resamples of the same rows."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from modelwright.core.errors import Invalid
from modelwright.stats.inputs import Floats, Seed
from modelwright.stats.weighing import Weigh

_CELLS = 1 << 17
"""Weights held at once, 1 MB: a chunk stays in the cache of one core, and memory does not grow with replicates."""

FEWEST = 100
"""Replicates below which a tail holds too few values to say where it ends."""


def resample(weigh: Weigh, n_rows: int, *, replicates: int, seed: Seed) -> Floats:
    """The statistic on ``replicates`` resamples of ``n_rows`` rows with replacement, undefined ones left out.

    Args:
        weigh: The prepared statistic: weights ``(k, n_rows)`` -> values ``(k,)``, or ``(k, m)`` for ``m`` at once.
        n_rows: How many rows it was prepared on.
        replicates: At least 100. More make the ends of an interval steadier, in proportion to the time.
        seed: The same seed draws the same resamples.

    Returns:
        Shape ``(at most replicates,)``, or ``(at most replicates, m)``.

    Raises:
        Invalid: Too few replicates.
    """
    if replicates < FEWEST:
        raise Invalid(f"replicates is {replicates}.", remedy=f"Ask for at least {FEWEST}; 1000 is usual.")
    rng = np.random.default_rng(seed)
    step = max(1, _CELLS // n_rows)
    chunks = []
    for start in range(0, replicates, step):
        k = min(step, replicates - start)
        rows = rng.integers(0, n_rows, size=(k, n_rows))
        rows += (np.arange(k) * n_rows)[:, None]
        weights = np.bincount(rows.ravel(), minlength=k * n_rows).reshape(k, n_rows)
        chunks.append(weigh(weights))
    values = np.concatenate(chunks)
    undefined = np.isnan(values)
    return np.asarray(values[~(undefined if values.ndim == 1 else undefined.any(axis=1))])


def tails(values: Floats, level: float) -> tuple[float, float]:
    """The quantiles that leave ``(1 - level) / 2`` of the values on either side."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def normal_quantile(level: float) -> float:
    """How many standard errors a two-sided interval of this level reaches.

    Raises:
        Invalid: The level is not between 0 and 1.

    Example:
        >>> round(normal_quantile(0.95), 3)
        1.96
    """
    require_level(level)
    return NormalDist().inv_cdf((1 + level) / 2)


def require_level(level: float) -> None:
    """Pass silently when the level lies between 0 and 1.

    Raises:
        Invalid: It does not.
    """
    if not 0 < level < 1:
        raise Invalid(f"level is {level}.", remedy="Give a share between 0 and 1, such as 0.95.")
