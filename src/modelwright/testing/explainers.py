"""What every explainer must pass. Inherit from ``ExplainerContract`` in a test class and give the explainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.explain.base import Columns, Explainer
from modelwright.stats.model import Importance

_ROWS = 400


def _table() -> dict[str, NDArray[Any]]:
    made = np.random.default_rng(3)
    return {name: made.normal(size=_ROWS) for name in ("unused", "minor", "major", "ignored")}


def _predict(columns: Columns) -> NDArray[Any]:
    found: NDArray[Any] = 3 * columns["major"] + columns["minor"]
    return found


def _careless(columns: Columns) -> NDArray[Any]:
    answers = _predict(columns)
    for values in columns.values():
        values[:] = 0
    return answers


class ExplainerContract:
    """The law of ``Explainer``, as tests that pytest collects from a class that inherits this.

    Example:
        >>> class TestMine(ExplainerContract):  # doctest: +SKIP
        ...     explainer = staticmethod(my_explainer)
    """

    explainer: Explainer

    def explained(
        self, columns: Columns, predict: Callable[[Columns], NDArray[Any]] = _predict, seed: int = 1
    ) -> list[Importance]:
        """What it says of a function that relies on ``major``, less on ``minor``, and on nothing else."""
        return self.explainer(predict, columns, _predict(columns), "rmse", seed=seed)

    def test_every_column_is_answered_once_the_most_important_first(self) -> None:
        found = self.explained(_table())
        assert [each.column for each in found] == ["major", "minor", "ignored", "unused"]
        assert found[0].drop.estimate > found[1].drop.estimate > 0

    def test_a_column_that_is_ignored_has_a_drop_of_exactly_zero(self) -> None:
        drops = {each.column: each.drop for each in self.explained(_table())}
        for name in ("ignored", "unused"):
            assert (drops[name].estimate, drops[name].low, drops[name].high) == (0, 0, 0)

    def test_columns_stay_as_they_are_whatever_the_function_does_to_them(self) -> None:
        table = _table()
        careless = self.explained(table, _careless)
        assert all((table[name] == values).all() for name, values in _table().items())
        assert careless == self.explained(_table())

    def test_the_same_seed_gives_the_same_answer_in_any_order_of_columns(self) -> None:
        assert self.explained(_table()) == self.explained(dict(reversed(_table().items())))
