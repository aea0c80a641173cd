"""Whether scores can be read as probabilities: of the rows scored 0.3, do three in ten come true?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from modelwright.core.errors import Invalid
from modelwright.stats.inputs import Floats, Seed, binary, probabilities, same_length
from modelwright.stats.intervals import mean_interval, wilson
from modelwright.stats.model import Calibration, CalibrationBin, Interval
from modelwright.stats.resampling import require_level, resample, tails


def reliability(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    bins: int = 10,
    seed: Seed = 0,
    replicates: int = 1000,
    level: float = 0.95,
) -> Calibration:
    """The reliability diagram in bins of equal count, the expected calibration error, and the bias.

    The error depends on the bins: compare only errors with the same number of them. It is a sum of distances, so
    chance alone makes it positive, the more so with few rows. Its interval allows for that: the low end is the estimate
    less what chance alone would produce, the high end the plain percentile. It errs on the wide side, and one that
    begins at 0 means: no miscalibration shown.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``.
        scores: Probabilities of label 1, shape ``(n_rows,)``.
        bins: At least 2. Raised, they show finer detail with wider intervals. Equal scores share a bin, so that a model
            with few distinct scores gets fewer.
        seed: For the bootstrap of the error.
        replicates: At least 100; raised, the ends become steadier.
        level: Between 0 and 1; raised, the intervals widen.

    Raises:
        Invalid: The input breaks a rule above.

    Example:
        >>> rng = np.random.default_rng(7)
        >>> honest = rng.uniform(size=2000)
        >>> labels = rng.uniform(size=2000) < honest
        >>> print(reliability(labels, honest, seed=7).error)
        0.02064 [0, 0.04574]
        >>> print(reliability(labels, honest**2, seed=7).bias)
        -0.1752 [-0.1935, -0.1569]

    Source:
        Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI (2015);
        equal counts after Nguyen and O'Connor, EMNLP (2015).
    """
    if bins < 2:
        raise Invalid(f"bins is {bins}.", remedy="Ask for at least 2; 10 is usual.")
    require_level(level)
    y, s = binary("labels", labels), probabilities("scores", scores)
    same_length(labels=y, scores=s)
    order = np.lexsort((y, s))
    y, s = y[order], s[order]
    starts = _starts(s, bins)
    return Calibration(
        error=_error(s - y, starts, replicates=replicates, seed=seed, level=level),
        bias=mean_interval(s - y, level=level),
        bins=tuple(
            _bin(y[first:end], s[first:end], level=level)
            for first, end in zip(starts, [*starts[1:], len(y)], strict=True)
        ),
    )


def _starts(ordered: Floats, bins: int) -> NDArray[np.intp]:
    """Where each bin begins among ordered scores: at equal counts, moved to the nearer end of a run of equal scores."""
    wanted = np.arange(bins) * len(ordered) // bins
    first = np.searchsorted(ordered, ordered[wanted], side="left")
    after = np.searchsorted(ordered, ordered[wanted], side="right")
    nearer = np.where(wanted - first <= after - wanted, first, after)
    return np.unique([0, *nearer[nearer < len(ordered)]])


def _error(excess: Floats, starts: NDArray[np.intp], *, replicates: int, seed: Seed, level: float) -> Interval:
    """The error with an interval that holds where a bootstrap interval alone does not.

    With honest scores a percentile interval never holds the true error, 0, and a basic one half the time (200 samples
    of 300 and 3000 rows). By the triangle inequality the estimate exceeds the true error by at most the sum of the
    bins' chance gaps; the bootstrap knows how large those are.
    """
    n_rows = len(excess)

    def gaps(weights: NDArray[np.int64]) -> Floats:
        return np.asarray(np.add.reduceat(weights * excess, starts, axis=1) / n_rows)

    seen = gaps(np.ones((1, n_rows), dtype=np.int64))
    drawn = resample(gaps, n_rows, replicates=replicates, seed=seed)
    estimate = float(np.abs(seen).sum())
    _, by_chance = tails(np.abs(drawn - seen).sum(axis=1), level)
    _, high = tails(np.abs(drawn).sum(axis=1), level)
    return Interval(
        estimate=estimate,
        low=max(0.0, estimate - by_chance),
        high=max(estimate, high),
        level=level,
        n=n_rows,
        method="bootstrap less chance",
    )


def _bin(labels: Floats, scores: Floats, *, level: float) -> CalibrationBin:
    rate = wilson(int(labels.sum()), len(labels), level=level)
    return CalibrationBin(
        low=float(scores[0]),
        high=float(scores[-1]),
        n=rate.n,
        mean_score=float(scores.mean()),
        rate=rate.estimate,
        rate_low=rate.low,
        rate_high=rate.high,
    )
