"""Permutation importance: shuffle a column, see how much worse the predictions become."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from modelwright.core.errors import Invalid
from modelwright.explain.base import Columns, Predict
from modelwright.stats.inputs import Floats, Seed, same_length
from modelwright.stats.model import Importance, Interval
from modelwright.stats.scores import Metric
from modelwright.stats.scores import metric as find

_LEVEL = 0.95


def permutation(
    predict: Predict,
    columns: Columns,
    labels: ArrayLike,
    metric: str | Metric,
    *,
    repeats: int = 5,
    seed: Seed = 0,
) -> list[Importance]:
    """How much the metric worsens when a column is shuffled among the rows, for every column, the largest drop first.

    Do not use it to rank correlated columns: each can stand in for the other, so both look unimportant, and shuffling
    one makes rows that cannot exist, on which the model guesses. Explain such columns together, or drop one and train
    again. It says what this model uses, not what causes the label; on rows it was trained on it rewards overfitting.

    Args:
        predict: Columns -> scores, shape ``(n_rows,)``. It gets copies; it is called ``1 + repeats * n_columns`` times.
        columns: The columns, each of shape ``(n_rows,)``, of any type. They stay as they are.
        labels: What came, shape ``(n_rows,)``.
        metric: A metric or its name. A drop is in its unit, positive when the column helped.
        repeats: Shuffles, at least 2, the same for every column. Raised, the interval narrows and the time grows.
        seed: Where the shuffles come from.

    Returns:
        Each drop is the mean over the shuffles with Student's interval at level 0.95. It covers the luck of the
        shuffles alone: other rows would move it further, and a fixed model is all it speaks of.

    Raises:
        Invalid: Lengths differ, or the metric does not accept the labels or what ``predict`` answers.

    Example:
        >>> rng = np.random.default_rng(7)
        >>> table = {"distance": rng.normal(size=500), "tail": rng.normal(size=500)}
        >>> hours = table["distance"] + rng.normal(0, 0.1, 500)
        >>> for found in permutation(lambda t: t["distance"], table, hours, "rmse", seed=7):
        ...     print(found.column, found.drop)
        distance 1.211 [1.178, 1.244]
        tail 0 [0, 0]

    Source:
        Breiman, "Random forests", Machine Learning 45 (2001), 5-32; Fisher, Rudin and Dominici, "All models are wrong,
        but many are useful", Journal of Machine Learning Research 20 (2019), 1-81; on correlated columns Hooker,
        Mentch and Zhou, Statistics and Computing 31 (2021), 82.
    """
    if repeats < 2:
        raise Invalid(f"repeats is {repeats}.", remedy="Ask for at least 2; one shuffle shows no spread.")
    chosen = find(metric)
    y = chosen.labels(labels)
    same_length(labels=y, **columns)
    rng = np.random.default_rng(seed)
    shuffles = [rng.permutation(len(y)) for _ in range(repeats)]
    whole = _score(chosen, predict, columns, y)
    found = [
        Importance(
            column=name,
            drop=_student(
                [
                    chosen.sign * (whole - _score(chosen, predict, _shuffled(columns, name, rows), y))
                    for rows in shuffles
                ]
            ),
        )
        for name in columns
    ]
    return sorted(found, key=lambda each: (-each.drop.estimate, each.column))


def _shuffled(columns: Columns, name: str, rows: NDArray[np.int64]) -> Columns:
    return {**columns, name: columns[name][rows]}


def _score(metric: Metric, predict: Predict, columns: Columns, labels: Floats) -> float:
    return metric(labels, predict({name: values.copy() for name, values in columns.items()}))


def _student(drops: list[float]) -> Interval:
    from scipy.special import stdtrit  # heavy: 0.1 s

    centre = math.fsum(drops) / len(drops)
    reach = float(stdtrit(len(drops) - 1, (1 + _LEVEL) / 2)) * float(np.std(drops, ddof=1)) / math.sqrt(len(drops))
    return Interval(
        estimate=centre,
        low=centre - reach,
        high=centre + reach,
        level=_LEVEL,
        n=len(drops),
        method="student over shuffles",
    )


variant = permutation
