"""What a computation answers, as it travels.

Every float here is finite. A number that does not exist (the AUC of rows of one class) is not a NaN but an absent
``Interval``, and a ``reason`` says why.
"""

from __future__ import annotations

import math

from msgspec import Struct


class Interval(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An estimate and the range that a repetition of the sampling would plausibly give.

    Attributes:
        estimate: The value on the data at hand.
        low: Lower end. A percentile interval of a biased statistic may leave the estimate outside.
        high: Upper end.
        level: Share of such intervals that hold the true value, between 0 and 1.
        n: How many units it rests on: rows, or shuffles for a permutation importance.
        method: How it was computed, in words.

    Example:
        >>> print(Interval(estimate=0.7, low=0.65, high=0.75, n=400, method="delong"))
        0.7 [0.65, 0.75]
        >>> print(Interval(estimate=10182.3, low=5200, high=15171, n=400, method="t"))
        10,182 [5,200, 15,171]
    """

    estimate: float
    low: float
    high: float
    level: float = 0.95
    n: int
    method: str

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.estimate, self.low, self.high))):
            raise ValueError(f"an interval is finite, not {self.estimate} [{self.low}, {self.high}]")
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")

    def __str__(self) -> str:
        return f"{_shown(self.estimate)} [{_shown(self.low)}, {_shown(self.high)}]"


def _shown(value: float) -> str:
    """With four digits that count, and large ones, such as money, whole."""
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e15 else f"{value:.4g}"


class Slice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A metric on the rows that share one value of a column.

    Attributes:
        column: The column sliced by.
        value: The shared value as text; none where the value is missing.
        n: How many rows share it.
        positives: How many of them have label 1; none for a regression.
        interval: The metric there; none where it cannot be computed honestly.
        reason: Why there is no interval; empty when there is one.
    """

    column: str
    value: str | None
    n: int
    positives: int | None = None
    interval: Interval | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.interval is None) == (not self.reason):
            raise ValueError("a slice has either an interval or a reason for its absence")


class CalibrationBin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows of neighbouring scores: what was promised and what came.

    Attributes:
        low: Smallest score inside.
        high: Largest score inside.
        n: How many rows.
        mean_score: Mean score, the promise.
        rate: Share of label 1, what came.
        rate_low: Lower end of the rate's Wilson interval.
        rate_high: Upper end of the rate's Wilson interval.
    """

    low: float
    high: float
    n: int
    mean_score: float
    rate: float
    rate_low: float
    rate_high: float


class Calibration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How well scores can be read as probabilities.

    Attributes:
        error: Expected calibration error: mean distance of promise and outcome over the bins, weighted by rows.
        bias: Mean score minus rate; positive means that the scores promise too much.
        bins: The reliability diagram, by rising score.
    """

    error: Interval
    bias: Interval
    bins: tuple[CalibrationBin, ...]


class Importance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much worse a model scores when it cannot use a column.

    Attributes:
        column: The column that was made useless.
        drop: The loss in the metric, in its own unit; positive means that the model was better with the column.
    """

    column: str
    drop: Interval


class Cell(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cell of a reference and of the rows that are compared with it, for people.

    Attributes:
        name: The category, the range of numbers, or ``other``, ``unseen``, ``missing``.
        phrase: What a sentence calls its rows: ``'B6'``, ``numbers from 3 to 4``, ``missing rows``.
        reference: Rows of the reference inside.
        current: Rows of the other inside.
    """

    name: str
    phrase: str
    reference: int
    current: int


class Effect(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How large a change is, in a unit that a person can weigh.

    Attributes:
        amount: The size, signed where the change has a direction.
        unit: What the amount counts: ``share of rows``, ``reference standard deviations``.
        words: One clause with the values, for a sentence: ``the share of 'B6' grew from 12 % to 19 %``.
    """

    amount: float
    unit: str
    words: str

    def __post_init__(self) -> None:
        if not math.isfinite(self.amount):
            raise ValueError(f"an effect is finite, not {self.amount}")


class Drift(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a drift test found in one column.

    Attributes:
        statistic: How far the rows are from the reference, at least 0, in the test's own unit.
        p_value: The chance of so large a statistic when nothing changed; none where the test has no such theory. It
            takes rows for independent and knows no calendar.
        by_chance: The statistic that chance alone makes on average at these sizes; none where the test cannot say.
        effect: The change in words.
        n_reference: Rows of the reference that were compared.
        n_current: Rows that were compared with it.
    """

    statistic: float
    p_value: float | None = None
    by_chance: float | None = None
    effect: Effect
    n_reference: int
    n_current: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.statistic) and self.statistic >= 0):
            raise ValueError(f"a drift statistic is a number of at least 0, not {self.statistic}")
        if self.p_value is not None and not 0 <= self.p_value <= 1:
            raise ValueError(f"a p-value lies between 0 and 1, {self.p_value} does not")
