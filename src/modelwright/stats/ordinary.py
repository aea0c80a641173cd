"""Ordinary movement: how a statistic varies from day to day when nothing is wrong, learnt from reference days alone.

Rows of one day share weather, customers and campaigns, so a day is one observation and its thousand rows are not a
thousand. What is compared with later days is therefore the movement between the reference's own days.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelwright.core.errors import Invalid
from modelwright.stats.inputs import Floats

LEAST_DAYS = 14
"""Fewer reference days say too little of how days differ."""

REACH = 2.5
"""Standard errors by which the reference's own mean may be wrong, and nobody is told."""

_CONFIDENCE = -1.2815515655446004
"""The normal quantile at 0.1: the spread is taken at the upper end of its 90% confidence interval."""
_MOST_PERSISTENT = 0.9


class Ordinary(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How some statistics move when nothing is wrong. Every list has one entry for each statistic.

    Attributes:
        centres: Phase of the day -> the mean of each statistic; one phase unless hours are told apart.
        scales: Standard deviation of one unit of time, with allowances for its own error and for persistence.
        noises: The part of that variance that comes of having only so many rows a unit.
        tolerances: A shift up to this is not reported: the material effect and the reference's own uncertainty.
        degrees: Degrees of freedom behind each scale.
    """

    centres: tuple[tuple[float, ...], ...]
    scales: tuple[float, ...]
    noises: tuple[float, ...]
    tolerances: tuple[float, ...]
    degrees: float

    def standardised(self, values: Floats, noises: Floats, *, units: float = 1.0, phase: int = 0) -> Floats:
        """How far a period is from the centre beyond the tolerance, upwards and downwards, as normal scores.

        Args:
            values: The period's statistics, shape ``(n_statistics,)``; NaN where there is none.
            noises: Their sampling variances, from the number of rows.
            units: How many units of time the period has.
            phase: Its phase.

        Returns:
            Shape ``(n_statistics, 2)``: a shift within the tolerance is below 0.
        """
        scales, usual = np.asarray(self.scales), np.asarray(self.noises)
        spread = np.sqrt(scales**2 / units + np.maximum(0.0, noises - usual / units))
        away = values - np.asarray(self.centres[phase])
        beyond = np.stack([away, -away], axis=1) - np.asarray(self.tolerances)[:, None]
        return _normal_score(beyond / spread[:, None], self.degrees)

    def only(self, place: int) -> Ordinary:
        """The movement of one of the statistics."""
        return Ordinary(
            centres=tuple((row[place],) for row in self.centres),
            scales=(self.scales[place],),
            noises=(self.noises[place],),
            tolerances=(self.tolerances[place],),
            degrees=self.degrees,
        )


def ordinary(
    values: Floats,
    noises: Floats,
    material: Floats,
    *,
    phases: NDArray[np.int64] | None = None,
    batch: int = 1,
) -> Ordinary:
    """Learn the movement of statistics from a reference, in order of time.

    With ``D`` days the scale is ``sqrt(max(s² · (D-1)/q, noise) · g)``, where ``s²`` is the variance between days,
    ``q`` the 10% quantile of chi-square with ``D-1`` degrees of freedom, so that the true spread is smaller in nine of
    ten references, and ``g = (1+r)/(1-r)`` allows for a correlation ``r`` of one day with the next. The tolerance is
    the material effect and 2.5 standard errors of the mean, ``2.5 · sqrt(s² · g / D)``.

    Args:
        values: One row for each day, shape ``(n_days, n_statistics)``; NaN where a day has no value.
        noises: Their sampling variances, the same shape.
        material: The smallest shift worth a word, for each statistic in its own unit.
        phases: The phase of each row, from 0; none means that all are alike.
        batch: Rows that belong together, e.g. 24 hours: their means may show more persistence than neighbours do.

    Raises:
        Invalid: There are fewer than 14 days.

    Example:
        >>> days = np.random.default_rng(7).normal(10, 2, size=(60, 1))
        >>> found = ordinary(days, np.full((60, 1), 0.01), np.array([0.5]))
        >>> round(found.scales[0], 1), round(found.tolerances[0], 1)
        (2.1, 1.1)

    Source:
        The chi-square quantile after Wilson and Hilferty, Proceedings of the National Academy of Sciences 17 (1931),
        684-688; the variance of a mean of a persistent series after Priestley, "Spectral Analysis and Time Series"
        (1981), 5.3.
    """
    days = len(values) / batch
    if days < LEAST_DAYS:
        raise Invalid(
            f"The reference has {days:.0f} whole days, not at least {LEAST_DAYS}.",
            remedy="Evaluate the version on a longer window.",
        )
    phase = np.zeros(len(values), np.int64) if phases is None else phases
    known = ~np.isnan(values)
    centres = _centres(values, known, phase)
    rest = np.where(known, values - centres[phase], 0.0)
    counts = known.sum(axis=0)
    degrees = np.maximum(counts - len(centres), 1)
    variance = (rest**2).sum(axis=0) / degrees
    noise = np.where(known, noises, 0.0).sum(axis=0) / np.maximum(counts, 1)
    persistence = _persistence(rest, known, batch)
    sure = variance * degrees / _chi_square(degrees)
    scales = np.sqrt(np.maximum(np.maximum(sure, noise), 1e-18) * persistence)
    each = np.maximum(counts / len(centres), 1)
    tolerances = material + REACH * np.sqrt(np.maximum(variance, noise) * persistence / each)
    return Ordinary(
        centres=tuple(tuple(map(float, row)) for row in centres),
        scales=tuple(map(float, scales)),
        noises=tuple(map(float, noise)),
        tolerances=tuple(map(float, tolerances)),
        degrees=float(max(days - 1, 1)),
    )


def _centres(values: Floats, known: NDArray[np.bool_], phase: NDArray[np.int64]) -> Floats:
    """The mean of each phase; the overall mean where a phase has no row."""
    whole = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    rows = []
    for number in range(int(phase.max()) + 1):
        here = known & (phase == number)[:, None]
        count = here.sum(axis=0)
        rows.append(np.where(count > 0, np.where(here, values, 0.0).sum(axis=0) / np.maximum(count, 1), whole))
    return np.array(rows)


def _persistence(rest: Floats, known: NDArray[np.bool_], batch: int) -> Floats:
    """By how much the variance of a mean over time exceeds that of independent units, at least 1."""
    both = known[1:] & known[:-1]
    total = np.maximum((rest**2).sum(axis=0), 1e-300)
    pairs = np.maximum(both.sum(axis=0), 1)
    lagged = np.where(both, rest[1:] * rest[:-1], 0.0).sum(axis=0) / total
    # The sample correlation of a short series is too small by about (1 + 3r)/n (Kendall, Biometrika 41, 1954).
    correlation = np.clip(lagged + (1 + 3 * lagged) / pairs, 0.0, _MOST_PERSISTENT)
    inflation = (1 + correlation) / (1 - correlation)
    if batch > 1:
        whole = len(rest) // batch * batch
        means = rest[:whole].reshape(-1, batch, rest.shape[1]).mean(axis=1)
        between = batch * means.var(axis=0, ddof=1) / np.maximum(total / len(rest), 1e-300)
        inflation = np.maximum(inflation, between)
    return np.asarray(inflation)


def _chi_square(degrees: Floats) -> Floats:
    """The 10% quantile."""
    share = 2 / (9 * degrees)
    return np.maximum(np.asarray(degrees * (1 - share + _CONFIDENCE * np.sqrt(share)) ** 3), 1e-3)


def _normal_score(values: Floats, degrees: float) -> Floats:
    """Student's t as the normal value of about the same tail (Wallace, Annals of Mathematical Statistics 30, 1959)."""
    factor = (8 * degrees + 1) / (8 * degrees + 3)
    return np.asarray(np.sign(values) * factor * np.sqrt(degrees * np.log1p(values**2 / degrees)))
