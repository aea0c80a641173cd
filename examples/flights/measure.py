"""Prints the numbers of the README: ``python measure.py [folder]``, in about 20 seconds."""

import sys
from collections.abc import Callable
from pathlib import Path

import data
import numpy as np
import pyarrow as pa
import train
from numpy.typing import NDArray
from pyarrow import compute as pc
from pyarrow import parquet
from sklearn.pipeline import Pipeline

REPEATS = 1000
LEAST = 200
"""The smallest slice that is shown."""

Values = NDArray[np.float64]
Predict = Callable[[pa.Table], Values]


def main(folder: Path) -> None:
    """Train both versions and print every table."""
    files = data.raw(folder)
    flights, weather = parquet.read_table(files.flights), parquet.read_table(files.weather)
    first, second = (data.split(flights, weather, period) for period in (data.FIRST, data.SECOND))
    rates = train.by_carrier_and_hour(first.training)
    models: dict[str, Predict] = {
        "heuristic": lambda table: train.looked_up(rates, table),
        "weak": probability(train.weak(first.training)),
        "v1": probability(train.fit(first.training)),
        "v2": probability(train.fit(second.training)),
    }
    for split, names, pairs in (
        (first, ("heuristic", "weak", "v1"), (("weak", "heuristic"), ("v1", "heuristic"))),
        (second, ("heuristic", "v1", "v2"), (("v2", "v1"),)),
    ):
        print(f"\n{split.training.num_rows:,} flights to learn from, {split.holdout.num_rows:,} held out later")
        compare(split.holdout, {name: models[name] for name in names}, pairs)
        print("\n".join(slices(split.holdout, models[names[-1]])))
    print("\nmonth   late  by v1  by v2   AUC heuristic, v1, v2   ECE v1, v2")
    for month in range(4, 13):
        start, end = (
            data.midnight(day) for day in (f"2013-{month:02d}-01", f"{2013 + month // 12}-{month % 12 + 1:02d}-01")
        )
        table = data.prepare(flights, weather, start, end).filter(pc.field("late").is_valid())
        print(
            f"{month:5d}  "
            + by_month(train.labels(table), *(models[name](table) for name in ("heuristic", "v1", "v2")))
        )


def probability(model: Pipeline) -> Predict:
    """The probability of late, from a pipeline."""
    return lambda table: model.predict_proba(train.features(table))[:, 1]


def compare(table: pa.Table, models: dict[str, Predict], pairs: tuple[tuple[str, str], ...]) -> None:
    """Print AUC and calibration of each model, and the paired differences of AUC, with their intervals."""
    late, scores = train.labels(table), {name: predict(table) for name, predict in models.items()}
    rows, days = by_rows(table), by_days(table)
    for name, own in scores.items():
        ranks = [[auc(late, own, weights) for weights in sample] for sample in (rows, days)]
        errors = [ece(late, own, weights) for weights in rows]
        print(
            f"{name:16s} AUC {auc(late, own):.4f}  by rows {interval(ranks[0])}  by days {interval(ranks[1])}"
            f"  ECE {ece(late, own):.3f} {interval(errors)}"
        )
    for one, other in pairs:
        gaps = [[auc(late, scores[one], w) - auc(late, scores[other], w) for w in sample] for sample in (rows, days)]
        gap = auc(late, scores[one]) - auc(late, scores[other])
        print(f"{one + ' - ' + other:16s}    {gap:+.4f}  by rows {interval(gaps[0])}  by days {interval(gaps[1])}")


def slices(table: pa.Table, predict: Predict) -> list[str]:
    """AUC by carrier and by origin, worst first."""
    scores, found = predict(table), []
    for column in ("carrier", "origin"):
        for value in sorted(set(table[column].to_pylist())):
            chosen = table[column].to_numpy() == value
            part, own = table.filter(pa.array(chosen)), scores[chosen]
            if part.num_rows >= LEAST:
                late = train.labels(part)
                low_high = interval([auc(late, own, weights) for weights in by_rows(part)])
                found.append((auc(late, own), f"{column} {value} ({part.num_rows:,})", low_high))
    return [f"  {name:20s} AUC {value:.3f}  by rows {low_high}" for value, name, low_high in sorted(found)]


def by_month(late: NDArray[np.int64], heuristic: Values, v1: Values, v2: Values) -> str:
    """One line of the table of months."""
    ranks = "  ".join(f"{auc(late, scores):.3f}" for scores in (heuristic, v1, v2))
    return f"{late.mean():.3f}  {v1.mean():.3f}  {v2.mean():.3f}   {ranks}     {ece(late, v1):.3f}  {ece(late, v2):.3f}"


def auc(late: NDArray[np.int64], scores: Values, weights: Values | None = None) -> float:
    """The area under the ROC curve; ties count half."""
    weights = np.ones(len(late)) if weights is None else weights
    _, place = np.unique(scores, return_inverse=True)
    positive, negative = np.bincount(place, weights * late), np.bincount(place, weights * (1 - late))
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))


def ece(late: NDArray[np.int64], scores: Values, weights: Values | None = None, bins: int = 10) -> float:
    """The expected calibration error, over bins of equal width."""
    weights = np.ones(len(late)) if weights is None else weights
    place = np.minimum((scores * bins).astype(int), bins - 1)
    return float(np.abs(np.bincount(place, weights * (late - scores))).sum() / weights.sum())


def by_rows(table: pa.Table) -> list[Values]:
    """Bootstrap weights ``(n_rows,)``: flights drawn again, as if each were its own case."""
    return drawn(np.arange(table.num_rows))


def by_days(table: pa.Table) -> list[Values]:
    """Bootstrap weights ``(n_rows,)``: whole days drawn again, since the flights of a day share its weather."""
    return drawn(np.unique([key[:10] for key in table["flight_id"].to_pylist()], return_inverse=True)[1])


def drawn(group: NDArray[np.int64]) -> list[Values]:
    """How often each row is drawn when its group is, with a fixed seed."""
    rng, n = np.random.default_rng(0), group.max() + 1
    return [np.bincount(rng.integers(n, size=n), minlength=n)[group].astype(float) for _ in range(REPEATS)]


def interval(values: list[float]) -> str:
    """The middle 95 percent."""
    low, high = np.quantile(values, [0.025, 0.975])
    return f"[{low:.4f}, {high:.4f}]"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "flights-data"))
