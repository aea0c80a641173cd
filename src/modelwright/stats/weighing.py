"""Metrics prepared for many weightings of the same rows: sort once, then each bootstrap replicate is a cumulative sum.

Each function takes trusted labels and scores, shape ``(n_rows,)``, and gives a ``Weigh``. A replicate in which the
metric does not exist (no row of one class was drawn) is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.stats.inputs import Floats

Weigh = Callable[[NDArray[Any]], Floats]
"""Weights of shape ``(k, n_rows)``, whole or real -> the metric under each, shape ``(k,)``."""


def area(labels: Floats, scores: Floats) -> Weigh:
    """Share of (positive, negative) pairs in which the positive has the higher score; a tie counts half."""
    positive = np.flatnonzero(labels == 1)
    negative = np.flatnonzero(labels == 0)
    positive = positive[np.argsort(scores[positive], kind="stable")]
    negative = negative[np.argsort(scores[negative], kind="stable")]
    below = np.searchsorted(scores[negative], scores[positive], side="left")
    upto = np.searchsorted(scores[negative], scores[positive], side="right")
    tied = bool((below != upto).any())

    def weigh(weights: NDArray[Any]) -> Floats:
        gained = weights.take(positive, axis=1)
        beaten = _cumulative(weights.take(negative, axis=1))
        wins = beaten.take(below, axis=1)
        twice = wins + (beaten.take(upto, axis=1) if tied else wins)
        return _ratio(np.einsum("ij,ij->i", gained, twice), 2.0 * gained.sum(axis=1) * beaten[:, -1])

    return weigh


def average_precision(labels: Floats, scores: Floats) -> Weigh:
    """Mean over the positives of the precision among rows with at least their score."""
    order = np.argsort(-scores, kind="stable")
    ranked = -scores[order]
    hit = labels[order] == 1
    rows = np.flatnonzero(hit)
    last = np.searchsorted(ranked, ranked[rows], side="right")
    hits = np.searchsorted(rows, last, side="left")

    def weigh(weights: NDArray[Any]) -> Floats:
        drawn = weights.take(order, axis=1)
        gained = drawn.take(rows, axis=1)
        seen = _cumulative(drawn).take(last, axis=1)
        found = _cumulative(gained)
        precision = found.take(hits, axis=1) / np.where(seen > 0, seen, 1)
        return _ratio(np.einsum("ij,ij->i", gained, precision), found[:, -1])

    return weigh


def of_highest(labels: Floats, scores: Floats, share: float, *, found: bool) -> Weigh:
    """Among the highest share of the rows: the share of all positives, or of its rows that are positive.

    Equal scores at its end share the room that is left, so that the order of rows does not matter.

    Args:
        labels: 0 or 1.
        scores: Their order counts.
        share: Of the rows, above 0 and at most 1.
        found: The share of all positives that is there; else the share of positives there.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    first = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    after = np.append(first[1:], len(ranked))
    hits = labels[order]

    def weigh(weights: NDArray[Any]) -> Floats:
        drawn = weights.take(order, axis=1)
        seen, gained = _cumulative(drawn), _cumulative(drawn * hits)
        room = share * seen[:, -1]
        before, tied = seen.take(first, axis=1), seen.take(after, axis=1) - seen.take(first, axis=1)
        part = np.clip((room[:, None] - before) / np.where(tied > 0, tied, 1), 0, 1)
        there = np.einsum("ij,ij->i", part, gained.take(after, axis=1) - gained.take(first, axis=1))
        return _ratio(there, gained[:, -1] if found else room)

    return weigh


def mean(losses: Floats) -> Weigh:
    """Weighted mean of one value per row."""

    def weigh(weights: NDArray[Any]) -> Floats:
        return _ratio(weights @ losses, weights.sum(axis=1))

    return weigh


def root_mean(squares: Floats) -> Weigh:
    """Square root of the weighted mean of one value per row."""
    weigh_mean = mean(squares)

    def weigh(weights: NDArray[Any]) -> Floats:
        return np.sqrt(weigh_mean(weights))

    return weigh


def _cumulative(weights: NDArray[Any]) -> NDArray[Any]:
    """Running sums that start with 0, shape ``(k, n + 1)``."""
    sums = np.zeros((weights.shape[0], weights.shape[1] + 1), dtype=weights.dtype)
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))
