"""Where a model is weak: the metric on each value of a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from modelwright.core.errors import Invalid
from modelwright.stats.inputs import Floats, Seed, same_length
from modelwright.stats.intervals import interval
from modelwright.stats.model import Slice
from modelwright.stats.scores import Kind, Metric
from modelwright.stats.scores import metric as find

_MOST_VALUES = 1000
"""A column with more distinct values is a name or a measurement, not a way to slice."""


def by_slice(
    metric: str | Metric,
    labels: ArrayLike,
    scores: ArrayLike,
    column_name: str,
    values: Sequence[Any] | NDArray[Any],
    *,
    min_support: int = 200,
    seed: Seed = 0,
) -> list[Slice]:
    """The metric with its interval on the rows of each value, the largest slice first.

    With twenty slices one interval in twenty misses its true value by chance: read a weak slice as a question.

    Args:
        metric: A metric or its name.
        labels: What came, shape ``(n_rows,)``.
        scores: What was predicted, shape ``(n_rows,)``.
        column_name: The column's name, for the answer.
        values: The column, shape ``(n_rows,)``, at most 1000 distinct values. None and NaN are one slice of their own.
        min_support: Rows below which a slice gets a reason instead of an interval. Lowered, more slices are judged,
            on less.
        seed: For metrics whose interval is a bootstrap.

    Raises:
        Invalid: The metric does not accept the input, lengths differ, or there are too many values.

    Example:
        >>> rng = np.random.default_rng(7)
        >>> labels = rng.integers(0, 2, 1000)
        >>> airport = np.where(np.arange(1000) < 900, "JFK", "LGA")
        >>> for found in by_slice("roc_auc", labels, labels + rng.normal(size=1000), "origin", airport):
        ...     print(found.value, found.n, found.interval or found.reason)
        JFK 900 0.7358 [0.7022, 0.7669]
        LGA 100 100 rows, fewer than the 200 asked for
    """
    chosen = find(metric)
    y, s = chosen.labels(labels), chosen.scores(scores)
    names, codes = _coded(column_name, values)
    same_length(**{"labels": y, "scores": s, column_name: codes})
    counts = np.bincount(codes, minlength=len(names))
    groups = np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])
    found = [
        _slice(chosen, y[rows], s[rows], column=column_name, value=name, min_support=min_support, seed=seed)
        for name, rows in zip(names, groups, strict=True)
    ]
    return sorted(found, key=lambda each: (-each.n, each.value is None, each.value or ""))


def _slice(
    metric: Metric, labels: Floats, scores: Floats, *, column: str, value: str | None, min_support: int, seed: Seed
) -> Slice:
    n_rows = len(labels)
    positives = int(labels.sum()) if metric.kind is Kind.BINARY else None
    reason = _reason(metric, n_rows, positives, min_support)
    return Slice(
        column=column,
        value=value,
        n=n_rows,
        positives=positives,
        interval=None if reason else interval(metric, labels, scores, seed=seed),
        reason=reason,
    )


def _reason(metric: Metric, n_rows: int, positives: int | None, min_support: int) -> str:
    """Why there can be no interval; empty when there can."""
    if n_rows < min_support:
        return f"{n_rows} rows, fewer than the {min_support} asked for"
    if metric.of_ranks and positives is not None and min(positives, n_rows - positives) < 2:
        return f"{positives} of {n_rows} rows have label 1; {metric.name} needs two of each class"
    return ""


def _coded(column: str, values: Sequence[Any] | NDArray[Any]) -> tuple[list[str | None], NDArray[np.int64]]:
    """Distinct values as text, and for each row the place of its own."""
    array = np.asarray(values) if isinstance(values, np.ndarray) else np.asarray(values, dtype=object)
    if array.ndim != 1:
        raise Invalid(f"{column} has shape {array.shape}.", remedy="Give one value per row, shape (n_rows,).")
    places: dict[str | None, int] = {}
    known: dict[Any, int] = {}
    codes = np.empty(len(array), dtype=np.int64)
    for row, value in enumerate(array.tolist()):
        place = known.get(value)
        if place is None:
            place = places.setdefault(_text(value), len(places))
            known[value] = place
        codes[row] = place
    if len(places) > _MOST_VALUES:
        raise Invalid(
            f"{column} has {len(places)} distinct values; slices are for at most {_MOST_VALUES}.",
            remedy="Group the values or cut the numbers into ranges first.",
            fields={column: "has too many distinct values"},
        )
    return list(places), codes


def _text(value: Any) -> str | None:
    return None if value is None or value != value else str(value)  # noqa: PLR0124  # NaN is what differs from itself
