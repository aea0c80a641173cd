"""The promise of at most one false alarm a year for each monitor, on simulated days on which nothing is wrong.

Each world has thirty inputs, an output and labels, 900 rows a day. Days differ as days do: places of inputs, sizes of
categories and the rate of labels move from day to day, here more than chance alone would make of 900 rows. A world has
its own reference, learnt by the code that serves; every alarm within its year is false. With no alarm in ``n`` years
the rate is below ``3 / n`` with 95% confidence (Poisson).
"""

import math

import numpy as np
import pytest

from modelwright.monitoring.evidence import after, averaged, evidence
from modelwright.monitoring.kept import Stream
from modelwright.monitoring.watched import watch
from modelwright.stats.histogram import CategoryGrid, Histogram, NumericGrid
from modelwright.stats.ordinary import ordinary

pytestmark = pytest.mark.slow

NUMBERS, CATEGORIES, ROWS, YEAR = 20, 10, 900, 365
STREAMS = 2 * (NUMBERS + CATEGORIES) + 5
THRESHOLD = 365.25 * STREAMS
CELLS = 64
GRID = NumericGrid(edges=tuple(range(CELLS - 1)))
LEVELS = CategoryGrid(values=tuple("abcdefghijkl"))


class World:
    """Days of one world.

    Args:
        seed: Of its chance.
        jitter: Standard deviation of a day's place, in those of its rows.
        persistence: Correlation of one day with the next.
        weekly: Size of a weekly wave, likewise.
    """

    def __init__(self, seed: int, jitter: float, persistence: float = 0.0, weekly: float = 0.0) -> None:
        self.rng = np.random.default_rng(seed)
        self.jitter, self.persistence, self.weekly = jitter, persistence, weekly
        self.state = self.rng.normal(size=NUMBERS + CATEGORIES + 2)
        self.phase = self.rng.uniform(0, 7, len(self.state))
        self.day = 0

    def moved(self):
        fresh = self.rng.normal(size=len(self.state))
        self.state = self.persistence * self.state + math.sqrt(1 - self.persistence**2) * fresh
        self.day += 1
        return self.jitter * self.state + self.weekly * np.sin(2 * np.pi * (self.day + self.phase) / 7)

    def histograms(self, shift=0.0):
        """A day's columns; the first may be shifted."""
        moved = self.moved()
        for column in range(NUMBERS):
            values = self.rng.normal(moved[column] + shift * (column == 0), 1, ROWS)
            cells = np.clip(np.searchsorted(np.linspace(-3, 3, CELLS - 1), values), 0, CELLS - 1)
            yield Histogram.of(GRID, np.bincount(cells, minlength=CELLS))
        for column in range(CATEGORIES):
            odds = np.exp(-np.arange(12) / 3 + moved[NUMBERS + column] * self.rng.normal(size=12))
            counts = self.rng.multinomial(ROWS, odds / odds.sum())
            yield Histogram.of(LEVELS, np.append(counts, 0))

    def outcomes(self):
        """A day's mean label, labels less outputs, and loss, with their sampling variances."""
        weather = 0.4 * self.state[-2:]
        chance = 0.4 / math.sqrt(ROWS)
        values = np.array([0.22 + 0.1 * weather[0], 0.1 * weather[0], 0.3 + 0.03 * weather[1]])
        noises = np.array([chance**2, chance**2, 0.02**2])
        return values + self.rng.normal(size=3) * np.sqrt(noises), noises


def alarms(world, *, days, reference, shift=0.0):
    """How often streams of a year began to alarm, and on which day the shifted one did first."""
    learnt, outcomes = [], []
    for _ in range(reference):
        learnt.append(list(world.histograms()))
        outcomes.append(world.outcomes())
    watched = [watch(grid_of(column), [day[column] for day in learnt]) for column in range(NUMBERS + CATEGORIES)]
    values, noises = np.array([each for each, _ in outcomes]), np.array([each for _, each in outcomes])
    labels = ordinary(values, noises, np.array([0.02, 0.02, 0.01]))
    streams, over, begun, first = {}, set(), 0, None
    for day in range(days):
        news = {}
        for column, found in enumerate(world.histograms(shift)):
            news["moved", column] = watched[column].evidence(found)
            news["broken", column] = watched[column].broken(found)
        given, noise = world.outcomes()
        for place in range(3):
            own = slice(place, place + 1)
            news["label", place] = evidence(labels.only(place), given[own], noise[own], one_sided=place == 2)
        for name, found in news.items():
            streams[name] = after(streams.get(name, Stream()), found, period=day, threshold=THRESHOLD)
        now = {name for name, stream in streams.items() if averaged(stream) >= math.log(THRESHOLD)}
        begun += len(now - over)
        over = now
        if first is None and ("moved", 0) in now:
            first = day + 1
    return begun, first


def grid_of(column):
    return GRID if column < NUMBERS else LEVELS


@pytest.mark.parametrize(
    ("kind", "given", "years"),
    [
        ("independent rows", {"jitter": 0.0}, 6),
        ("days that differ", {"jitter": 0.05, "weekly": 0.05}, 6),
        ("days that persist", {"jitter": 0.05, "persistence": 0.5}, 6),
    ],
)
@pytest.mark.parametrize("reference", [20, 60])
def test_quiet_years_are_quiet(kind, given, years, reference):
    found = [alarms(World(seed, **given), days=YEAR, reference=reference)[0] for seed in range(years)]
    print(f"{kind}, {reference} reference days: {sum(found)} alarms in {years} years")  # noqa: T201  # for the record
    assert sum(found) <= years  # the promise, on average over worlds


@pytest.mark.parametrize(("shift", "within"), [(0.3, 45), (0.6, 10)])
def test_a_shift_is_found_in_time(shift, within):
    worlds = [World(seed, jitter=0.05, weekly=0.05) for seed in range(100, 104)]
    assert all((alarms(world, days=within, reference=28, shift=shift)[1] or 999) <= within for world in worlds)
