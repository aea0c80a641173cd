"""What every drift test must pass. Inherit from ``DriftTestContract`` in a test class and give the test."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from modelwright.core.errors import Invalid
from modelwright.stats.drift.base import DriftTest, Kind
from modelwright.stats.histogram import Grid, Histogram
from modelwright.stats.model import Drift
from modelwright.stats.profile import grid, profile

_ROWS = 3000


def reference(kind: Kind) -> NDArray[Any]:
    """Rows of a kind, shape ``(3000,)``: a bell of numbers with a peak at 0, or six categories, the rarest at 1 %."""
    made = np.random.default_rng(11)
    if kind is Kind.NUMERIC:
        return np.where(made.random(_ROWS) < 0.1, 0.0, made.normal(2, 1, _ROWS))
    return made.choice(np.array(list("abcdef"), dtype=object), _ROWS, p=[0.4, 0.3, 0.15, 0.1, 0.04, 0.01])


def moved(kind: Kind, share: float) -> NDArray[Any]:
    """The same rows after that share of them became something else: a larger number, or the category ``b``."""
    rows = reference(kind)
    chosen = np.random.default_rng(12).random(_ROWS) < share
    return np.where(chosen, rows + 2, rows) if kind is Kind.NUMERIC else np.where(chosen, "b", rows)


class DriftTestContract:
    """The law of ``DriftTest``, as tests that pytest collects from a class that inherits this.

    Example:
        >>> class TestMine(DriftTestContract):  # doctest: +SKIP
        ...     drift_test = my_drift_test
    """

    drift_test: DriftTest

    def drift(self, kind: Kind, current: NDArray[Any] | Histogram) -> Drift:
        """What it says of some rows beside ``reference``."""
        cells = grid(reference(kind))
        rows = current if isinstance(current, Histogram) else profile(cells, current)
        return self.drift_test(profile(cells, reference(kind)), rows, cells)

    def test_equal_shares_are_exactly_zero_apart_however_many_rows_there_are(self) -> None:
        for kind in self.drift_test.suits:
            whole = profile(grid(reference(kind)), reference(kind))
            for same in (whole, whole + whole, whole + whole + whole):
                found = self.drift(kind, same)
                assert found.statistic == 0
                assert found.p_value in (None, 1)
                assert found.effect.amount == 0

    def test_it_rises_with_the_share_of_rows_that_moved(self) -> None:
        for kind in self.drift_test.suits:
            found = [self.drift(kind, moved(kind, share)).statistic for share in (0, 0.05, 0.2, 0.5, 0.9)]
            assert found == sorted(set(found))

    def test_chance_gives_about_what_it_says_chance_gives(self) -> None:
        for kind in self.drift_test.suits:
            dice = np.random.default_rng(13)
            found = [self.drift(kind, dice.choice(reference(kind), 500)) for _ in range(60)]
            spare = found[0].by_chance
            assert spare is None or 0.6 * spare < math.fsum(each.statistic for each in found) / 60 < 1.6 * spare

    def test_the_order_of_rows_and_their_parts_make_no_difference(self) -> None:
        for kind in self.drift_test.suits:
            rows = moved(kind, 0.3)
            cells = grid(reference(kind))
            parts = profile(cells, rows[2000:]) + profile(cells, rows[:700]) + profile(cells, rows[700:2000])
            assert self.drift(kind, rows) == self.drift(kind, rows[::-1]) == self.drift(kind, parts)

    def test_swapping_the_sides_changes_nothing_if_it_says_so(self) -> None:
        for kind in self.drift_test.suits:
            cells = grid(reference(kind))
            sides = profile(cells, reference(kind)), profile(cells, moved(kind, 0.3))
            forth, back = self.drift_test(*sides, cells), self.drift_test(*sides[::-1], cells)
            if self.drift_test.symmetric:
                assert math.isclose(forth.statistic, back.statistic, rel_tol=1e-9)
            assert (forth.n_reference, forth.n_current) == (back.n_current, back.n_reference)

    def test_it_is_a_number_and_never_above_its_bound(self) -> None:
        for kind in self.drift_test.suits:
            for cells, rows in _strange(kind):
                found = self.drift_test(profile(cells, reference(kind)), rows, cells)
                assert 0 <= found.statistic < math.inf
                assert self.drift_test.highest is None or found.statistic <= self.drift_test.highest
                assert found.p_value is None or 0 <= found.p_value <= 1

    def test_a_side_without_rows_is_refused(self) -> None:
        for kind in self.drift_test.suits:
            cells = grid(reference(kind))
            some, none = profile(cells, reference(kind)), profile(cells, reference(kind)[:0])
            for sides in ((some, none), (none, some)):
                _refused(self.drift_test, *sides, cells)

    def test_another_kind_of_column_and_another_grid_are_refused(self) -> None:
        for kind in Kind:
            cells = grid(reference(kind))
            some = profile(cells, reference(kind))
            if kind not in self.drift_test.suits:
                _refused(self.drift_test, some, some, cells)
            _refused(self.drift_test, some, replace(some, size=some.size + 1), cells)

    def test_the_effect_is_a_clause_with_a_number(self) -> None:
        for kind in self.drift_test.suits:
            found = self.drift(kind, moved(kind, 0.5)).effect
            assert found.amount != 0
            assert found.unit
            assert any(character.isdigit() for character in found.words)
            assert not found.words.endswith(".")


def _strange(kind: Kind) -> list[tuple[Grid, Histogram]]:
    """One row, nothing in common, and for numbers the ends of the floats."""
    cells = grid(reference(kind))
    if kind is Kind.CATEGORIES:
        rows = [["a"], ["unheard of"] * 100, ["f", None], [None, "z"]]
    else:
        rows = [[0.0], [1e6] * 100, [-1e300, 1e300, 1e308, -1e308], [math.inf, 1.0], [math.inf], [1.0, None]]
    return [(cells, profile(cells, each)) for each in rows]


def _refused(test: DriftTest, reference: Histogram, current: Histogram, cells: Grid) -> None:
    refusal = None
    try:
        test(reference, current, cells)
    except Invalid as error:
        refusal = error
    assert refusal, "it answered where it must refuse"
    assert refusal.remedy
