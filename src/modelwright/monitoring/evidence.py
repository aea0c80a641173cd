"""Change detection that may be looked at every day: e-detectors, whose false alarms have a budget.

A stream watches some statistics of one thing (a column, say). Each day gives evidence for a shift in either direction
and of several sizes; the evidence since each possible beginning is summed (Shiryaev and Roberts), and the sums are
averaged. Where no day's evidence has an expectation above 1 under ordinary movement, the expected time to a false
alarm is at least the threshold, however many days are looked at.

Source:
    Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", New England
    Journal of Statistics in Data Science (2023).
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct

from modelwright.monitoring.kept import Stream
from modelwright.stats.inputs import Floats
from modelwright.stats.ordinary import REACH, Ordinary

SIZES = np.array([0.5, 1.0, 2.0])
"""Shifts, in standard deviations of a day, that are watched for. Larger ones are caught by the largest."""

RATIOS = np.array([1.5, 3.0, 10.0])
"""Shares, as multiples of the ordinary one, that are watched for."""

_HEADROOM = math.log(10)
"""How far above its threshold the evidence may grow: more would only take longer to fade when all is well again."""


class Share(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How large a share of rows may be when nothing is wrong: missing values, say.

    Attributes:
        usual: The reference's share.
        most: A share up to this is not reported: its upper end, and the material effect.
        clumping: By how much the share varies more between days than with independent rows, at least 1.
    """

    usual: float
    most: float
    clumping: float

    def evidence(self, rows: float, of: float) -> Floats:
        """The log of a day's evidence for each of the larger shares, shape ``(3,)``.

        It is the likelihood ratio of two binomials, weakened by the clumping.
        """
        larger = np.minimum(self.most * RATIOS, (1 + self.most) / 2)
        ratio = rows * np.log(larger / self.most) + (of - rows) * np.log((1 - larger) / (1 - self.most))
        return np.asarray(ratio / self.clumping)


def share(rows: Floats, of: Floats, *, material: float) -> Share:
    """Learn a share from reference days.

    Args:
        rows: The rows in question of each day, shape ``(n_days,)``.
        of: All rows of each day.
        material: The smallest excess worth a word.

    Example:
        >>> share(np.array([0.0] * 20), np.array([900.0] * 20), material=0.005).most < 0.0052
        True
    """
    total = float(of.sum())
    usual = (float(rows.sum()) + 0.5) / (total + 1)  # Jeffreys: none of so many is not never
    daily = rows / np.maximum(of, 1)
    between = float(daily.var(ddof=1)) if len(daily) > 1 else 0.0
    chance = usual * (1 - usual) * float((1 / np.maximum(of, 1)).mean())
    most = usual + material + REACH * math.sqrt(max(between, chance) / len(daily))
    return Share(usual=usual, most=min(most, 0.99), clumping=max(1.0, between / chance))


def evidence(
    movement: Ordinary, values: Floats, noises: Floats, *, units: float = 1.0, phase: int = 0, one_sided: bool = False
) -> Floats:
    """The log of a period's evidence for shifts of each statistic, direction and size, in a row.

    A statistic without a value says nothing.

    Args:
        movement: What is ordinary.
        values: As for ``Ordinary.standardised``.
        noises: Likewise.
        units: Likewise.
        phase: Likewise.
        one_sided: Only shifts upwards count.
    """
    scores = movement.standardised(values, noises, units=units, phase=phase)
    found = scores[:, :1, None] if one_sided else scores[:, :, None]
    return np.asarray(np.where(np.isnan(found), np.nan, found * SIZES - SIZES**2 / 2).ravel())


def after(stream: Stream, found: Floats, *, period: int, threshold: float) -> Stream:
    """A stream after a period.

    Args:
        stream: As it was before.
        found: The period's log evidence; NaN where it says nothing.
        period: The period's number, e.g. its first second since 1970.
        threshold: The alarm's.
    """
    sums, peaks, begun = _unpacked(stream, len(found))
    news = np.where(np.isnan(found), 0.0, found)
    fresh = np.where(np.isnan(found), sums, np.logaddexp(sums, 0.0) + news)
    begun = np.where(peaks <= 0, period, begun)
    peaks = np.maximum(0.0, peaks + news)
    ceiling = math.log(threshold * len(found)) + _HEADROOM
    return Stream(
        sums=np.minimum(fresh, ceiling).astype("<f8").tobytes(),
        peaks=np.minimum(peaks, ceiling).astype("<f8").tobytes(),
        begun=begun.astype("<i8").tobytes(),
    )


def averaged(stream: Stream) -> float:
    """The log of the averaged evidence; an alarm at the log of the threshold."""
    if not stream.sums:
        return -math.inf
    sums = np.frombuffer(stream.sums, "<f8")
    top = float(sums.max())
    return top + math.log(float(np.exp(sums - top).mean())) if math.isfinite(top) else -math.inf


def beginning(stream: Stream) -> int:
    """The period in which the change that has most evidence seems to have begun."""
    leading = np.frombuffer(stream.sums, "<f8").argmax()
    return int(np.frombuffer(stream.begun, "<i8")[leading])


def _unpacked(stream: Stream, size: int) -> tuple[Floats, Floats, np.typing.NDArray[np.int64]]:
    if len(stream.sums) != 8 * size:
        return np.full(size, -np.inf), np.zeros(size), np.zeros(size, np.int64)
    return (
        np.frombuffer(stream.sums, "<f8").astype(np.float64),
        np.frombuffer(stream.peaks, "<f8").astype(np.float64),
        np.frombuffer(stream.begun, "<i8").astype(np.int64),
    )
