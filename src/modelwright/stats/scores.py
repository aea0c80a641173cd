"""How well scores predict labels: the table of metrics.

A label is what came, a score what was predicted before it. For a binary task labels are 0 or 1; ``log_loss``, ``brier``
and ``accuracy`` read the score as a probability, the others look at its order alone. Every metric accepts weights,
shape ``(n_rows,)``, at least 0: a row of weight 2 counts like two rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from modelwright.core.errors import Invalid
from modelwright.stats import weighing
from modelwright.stats.inputs import Floats, binary, numbers, probabilities, same_length, weighting

_TENTH = 0.1


class Kind(StrEnum):
    """What a metric's labels are."""

    BINARY = "binary"
    REGRESSION = "regression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric by name: its direction, what it accepts, and how to compute it.

    Attributes:
        name: Its registered name.
        kind: Binary or regression.
        higher_is_better: Its direction.
        of_ranks: It looks at the order of the scores alone, accepts any score, and needs rows of both classes.
        prepare: Labels and scores -> the metric under many weightings at once.
        each: Labels and scores -> what each row adds, where the metric is a mean of that; none where it is not.
        root: It is the root of that mean.
    """

    name: str
    kind: Kind
    higher_is_better: bool
    of_ranks: bool = False
    prepare: Callable[[Floats, Floats], weighing.Weigh]
    each: Callable[[Floats, Floats], Floats] | None = None
    root: bool = False

    def __call__(self, labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
        """The metric's value.

        Raises:
            Invalid: The input is not what it accepts, lengths differ, or it needs both classes and one is absent.
        """
        y = self.labels(labels)
        s = self.scores(scores)
        w = np.ones(len(y)) if weights is None else weighting(weights)
        same_length(labels=y, scores=s, weights=w)
        if self.of_ranks:
            self.require_both_classes(y[w > 0])
        return float(self.prepare(y, s)(w[None, :])[0])

    @property
    def sign(self) -> int:
        """1 if higher is better, else -1; what a difference is multiplied by so that positive means better."""
        return 1 if self.higher_is_better else -1

    def labels(self, values: ArrayLike) -> Floats:
        """Labels that this metric accepts, shape ``(n_rows,)``, as floats.

        Raises:
            Invalid: It does not accept them.
        """
        return binary("labels", values) if self.kind is Kind.BINARY else numbers("labels", values)

    def scores(self, values: ArrayLike, *, name: str = "scores") -> Floats:
        """Scores that this metric accepts, shape ``(n_rows,)``, as floats.

        Raises:
            Invalid: It does not accept them.
        """
        reads_probability = self.kind is Kind.BINARY and not self.of_ranks
        return probabilities(name, values) if reads_probability else numbers(name, values)

    def require_both_classes(self, labels: Floats) -> None:
        """Pass silently when there are rows with label 0 and rows with label 1.

        Raises:
            Invalid: One class is absent.
        """
        positives = int(labels.sum())
        if positives in (0, len(labels)):
            raise Invalid(
                f"{self.name} needs both classes; of {len(labels)} rows {positives} have label 1.",
                remedy="Take more rows, or brier or log_loss, which exist for one class.",
                fields={"labels": "have one class"},
            )


def metric(name: str | Metric) -> Metric:
    """The metric called ``name``; a ``Metric`` is given back as it is.

    Raises:
        Invalid: There is none; the message lists those there are.

    Example:
        >>> metric("rmse").higher_is_better
        False
    """
    if isinstance(name, Metric):
        return name
    if name not in METRICS:
        raise Invalid(f"There is no metric {name!r}.", remedy=f"Known are {', '.join(METRICS)}.")
    return METRICS[name]


def roc_auc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Chance that a positive has a higher score than a negative, a tie counting half; 0.5 is guessing.

    It does not see whether scores are honest probabilities (see ``calibration``), and with rare positives it flatters:
    look at ``average_precision`` too.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``, both present.
        scores: Any finite numbers, shape ``(n_rows,)``.
        weights: At least 0, shape ``(n_rows,)``.

    Returns:
        From 0 to 1.

    Raises:
        Invalid: The input breaks a rule above.

    Example:
        >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75

    Source:
        Hanley and McNeil, "The meaning and use of the area under a ROC curve", Radiology 143 (1982), 29-36.
    """
    return METRICS["roc_auc"](labels, scores, weights)


def average_precision(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Precision averaged over the recall steps, without interpolation; guessing gives the share of positives.

    It depends on that share, so values from populations with different shares do not compare.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``, both present.
        scores: Any finite numbers, shape ``(n_rows,)``.
        weights: At least 0, shape ``(n_rows,)``.

    Returns:
        From 0 to 1.

    Raises:
        Invalid: The input breaks a rule above.

    Example:
        >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
        0.8333

    Source:
        Davis and Goadrich, "The relationship between precision-recall and ROC curves", ICML (2006).
    """
    return METRICS["average_precision"](labels, scores, weights)


def recall_at_10pct(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Share of all positives that are among the highest tenth of the rows; guessing gives a tenth.

    It is what somebody finds who can look at one row in ten. Where more than a tenth of the rows are positive it cannot
    reach 1.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``, both present.
        scores: Any finite numbers, shape ``(n_rows,)``; equal ones at the tenth's end share the room that is left.
        weights: At least 0, shape ``(n_rows,)``.

    Returns:
        From 0 to 1.

    Raises:
        Invalid: The input breaks a rule above.

    Example:
        >>> recall_at_10pct([1, 0, 0, 0, 1, 0, 0, 0, 0, 0], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
        0.5
    """
    return METRICS["recall_at_10pct"](labels, scores, weights)


def precision_at_10pct(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Share of positives among the highest tenth of the rows; guessing gives their share of all rows.

    It is how often somebody is right who acts on one row in ten. It depends on the share of positives, so values from
    populations with different shares do not compare.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``, both present.
        scores: Any finite numbers, shape ``(n_rows,)``; equal ones at the tenth's end share the room that is left.
        weights: At least 0, shape ``(n_rows,)``.

    Returns:
        From 0 to 1.

    Raises:
        Invalid: The input breaks a rule above.

    Example:
        >>> precision_at_10pct([1, 0, 0, 0, 1, 0, 0, 0, 0, 0], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
        1.0
    """
    return METRICS["precision_at_10pct"](labels, scores, weights)


def log_loss(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean negative log-likelihood of the labels, in nats; one confident mistake outweighs many good scores.

    Probabilities are kept 2.2e-16 away from 0 and 1, so a certain mistake costs 36 instead of infinity.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``.
        scores: Probabilities of label 1, shape ``(n_rows,)``.
        weights: At least 0, shape ``(n_rows,)``.

    Returns:
        From 0 to 36; lower is better.

    Raises:
        Invalid: The input breaks a rule above.

    Example:
        >>> round(log_loss([0, 1], [0.5, 0.5]), 4)
        0.6931

    Source:
        Good, "Rational decisions", Journal of the Royal Statistical Society B 14 (1952), 107-114.
    """
    return METRICS["log_loss"](labels, scores, weights)


def brier(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean squared distance of probability and outcome; for ever answering the share ``p`` it is ``p (1 - p)``.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``.
        scores: Probabilities of label 1, shape ``(n_rows,)``.
        weights: At least 0, shape ``(n_rows,)``.

    Returns:
        From 0 to 1; lower is better.

    Raises:
        Invalid: The input breaks a rule above.

    Example:
        >>> brier([0, 1], [0.5, 1.0])
        0.125

    Source:
        Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950), 1-3.
    """
    return METRICS["brier"](labels, scores, weights)


def accuracy(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Share of rows on whose label the score decides rightly; 0.5 and above decides for 1.

    With rare positives answering 0 for ever looks good: compare with the share of the larger class.

    Args:
        labels: 0 or 1, shape ``(n_rows,)``.
        scores: Probabilities of label 1, shape ``(n_rows,)``.
        weights: At least 0, shape ``(n_rows,)``.

    Returns:
        From 0 to 1.

    Raises:
        Invalid: The input breaks a rule above.

    Example:
        >>> accuracy([0, 1, 1, 0], [0.2, 0.5, 0.4, 0.1])
        0.75
    """
    return METRICS["accuracy"](labels, scores, weights)


def rmse(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Root of the mean squared error, in the label's unit; large errors dominate.

    Args:
        labels: Finite numbers, shape ``(n_rows,)``.
        scores: Predictions in the same unit, shape ``(n_rows,)``.
        weights: At least 0, shape ``(n_rows,)``.

    Returns:
        At least 0; lower is better.

    Raises:
        Invalid: The input breaks a rule above.

    Example:
        >>> rmse([1, 2], [1, 4])
        1.4142135623730951
    """
    return METRICS["rmse"](labels, scores, weights)


def mae(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean absolute error, in the label's unit; the best constant answer is the median.

    Args:
        labels: Finite numbers, shape ``(n_rows,)``.
        scores: Predictions in the same unit, shape ``(n_rows,)``.
        weights: At least 0, shape ``(n_rows,)``.

    Returns:
        At least 0; lower is better.

    Raises:
        Invalid: The input breaks a rule above.

    Example:
        >>> mae([1, 2], [1, 4])
        1.0
    """
    return METRICS["mae"](labels, scores, weights)


def _log_losses(labels: Floats, scores: Floats) -> Floats:
    tiny = np.finfo(np.float64).eps
    likelihood = np.where(labels == 1, scores, 1 - scores)
    return np.asarray(-np.log(np.clip(likelihood, tiny, 1 - tiny)))


def _hits(labels: Floats, scores: Floats) -> Floats:
    return np.asarray((scores >= 0.5) == (labels == 1), dtype=np.float64)


def _mean(name: str, kind: Kind, each: Callable[[Floats, Floats], Floats], *, higher_is_better: bool = False) -> Metric:
    """A metric that is the mean of what each row adds."""
    return Metric(
        name=name,
        kind=kind,
        higher_is_better=higher_is_better,
        prepare=lambda y, s: weighing.mean(each(y, s)),
        each=each,
    )


METRICS: Mapping[str, Metric] = {
    found.name: found
    for found in (
        Metric(name="roc_auc", kind=Kind.BINARY, higher_is_better=True, of_ranks=True, prepare=weighing.area),
        Metric(
            name="average_precision",
            kind=Kind.BINARY,
            higher_is_better=True,
            of_ranks=True,
            prepare=weighing.average_precision,
        ),
        Metric(
            name="recall_at_10pct",
            kind=Kind.BINARY,
            higher_is_better=True,
            of_ranks=True,
            prepare=lambda y, s: weighing.of_highest(y, s, _TENTH, found=True),
        ),
        Metric(
            name="precision_at_10pct",
            kind=Kind.BINARY,
            higher_is_better=True,
            of_ranks=True,
            prepare=lambda y, s: weighing.of_highest(y, s, _TENTH, found=False),
        ),
        _mean("log_loss", Kind.BINARY, _log_losses),
        _mean("brier", Kind.BINARY, lambda y, s: (y - s) ** 2),
        _mean("accuracy", Kind.BINARY, _hits, higher_is_better=True),
        Metric(
            name="rmse",
            kind=Kind.REGRESSION,
            higher_is_better=False,
            prepare=lambda y, s: weighing.root_mean((y - s) ** 2),
            each=lambda y, s: (y - s) ** 2,
            root=True,
        ),
        _mean("mae", Kind.REGRESSION, lambda y, s: np.abs(y - s)),
    )
}
"""Every metric by name."""
