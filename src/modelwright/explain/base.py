"""The form of every explainer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from numpy.typing import ArrayLike, NDArray

from modelwright.core.registry import Shelf
from modelwright.stats.inputs import Seed
from modelwright.stats.model import Importance
from modelwright.stats.scores import Metric

Columns = Mapping[str, NDArray[Any]]
"""A table: column name -> values, all of one length ``(n_rows,)``."""

Predict = Callable[[Columns], NDArray[Any]]
"""Columns -> one score per row, shape ``(n_rows,)``. It answers the same for the same columns."""


class Explainer(Protocol):
    """Says how much each column matters to a prediction function, on given rows.

    Law: ``columns`` and ``labels`` are the same after the call as before, whatever ``predict`` does to what it is
    handed. Every column is answered once, the most important first, equal ones by name. The same seed gives the same
    answer, in whatever order the columns come. A column that ``predict`` ignores has a drop of exactly 0.
    """

    def __call__(
        self, predict: Predict, columns: Columns, labels: ArrayLike, metric: str | Metric, *, seed: Seed
    ) -> list[Importance]:
        """Explain.

        Raises:
            Invalid: The rows or the answers of ``predict`` are not what the metric accepts.
        """
        ...


EXPLAINERS: Shelf[Explainer] = Shelf("modelwright.explain.methods", "explainer")
