"""Perturb a model's inputs as its contract lets them come: noise, values that are missing, categories never seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core.errors import first_line
from modelwright.core.schema import Column, Contract, DType
from modelwright.governance.checks.model import Perturbation

if TYPE_CHECKING:
    from modelwright.models.flavours.base import Predictor

NOISE = 0.1
"""The spread of the noise, in units of each column's own."""
UNSEEN = "never-seen-before"

Columns = Mapping[str, NDArray[Any]]
_NUMBERS = (DType.INT64, DType.FLOAT64)


def perturbations(
    contract: Contract, columns: Columns, *, noise: float = NOISE, seed: int = 0
) -> Iterator[tuple[Perturbation, Columns]]:
    """What is done to the inputs, and what they become: all within the contract, so that an endpoint would answer.

    Noise is added to all numbers at once, within the bounds of each; a column that may be missing is taken away, one at
    a time; so is a category of a column that lets any come replaced by one that no row has.

    Args:
        contract: What the model takes.
        columns: Its inputs, each of shape ``(n_rows,)``.
        noise: How much, in units of each column's standard deviation.
        seed: Draws it.
    """
    rng = np.random.default_rng(seed)
    noisy = {column.name: _noisy(column, columns[column.name], noise, rng) for column in contract.columns}
    moved = {name: values for name, values in noisy.items() if values is not None}
    if moved:
        yield Perturbation(what="noise", columns=tuple(moved), amount=noise), {**columns, **moved}
    for column in contract.columns:
        if column.nullable:
            yield (
                Perturbation(what="missing", columns=(column.name,)),
                {**columns, column.name: _missing(column, len(columns[column.name]))},
            )
    for column in contract.columns:
        if column.dtype is DType.STRING and column.categories is None:
            strange = np.full(len(columns[column.name]), _unseen(columns[column.name]), dtype=object)
            yield Perturbation(what="unseen", columns=(column.name,)), {**columns, column.name: strange}


def answered(predictor: Predictor, columns: Columns, *, binary: bool) -> tuple[NDArray[np.float64] | None, str]:
    """What a model answers, or what it says instead."""
    try:
        scores = np.asarray(predictor(columns), dtype=np.float64)
    except Exception as error:  # noqa: BLE001  # whatever a model raises is what it does with such rows
        return None, first_line(error)
    bad = ~np.isfinite(scores)
    if binary:
        bad |= (scores < 0) | (scores > 1)
    if bad.any():
        return None, f"It answered {scores[int(bad.argmax())]} for {int(bad.sum())} of {len(scores)} rows."
    return scores, ""


def _noisy(column: Column, values: NDArray[Any], noise: float, rng: np.random.Generator) -> NDArray[Any] | None:
    """The values with noise; none where they are no numbers, or do not differ."""
    if column.dtype not in _NUMBERS:
        return None
    numbers = np.asarray(values, dtype=np.float64)
    spread = float(np.nanstd(numbers)) if (~np.isnan(numbers)).any() else 0.0
    if not spread:
        return None
    low = -np.inf if column.minimum is None else column.minimum
    high = np.inf if column.maximum is None else column.maximum
    moved = np.clip(numbers + rng.normal(0.0, noise * spread, len(numbers)), low, high)
    if column.dtype is DType.INT64:
        moved = np.rint(moved)
        return moved if np.isnan(moved).any() else moved.astype(np.int64)
    return moved


def _missing(column: Column, count: int) -> NDArray[Any]:
    if column.dtype in _NUMBERS:
        return np.full(count, np.nan)
    if column.dtype is DType.TIMESTAMP:
        return np.full(count, np.datetime64("NaT", "us"))
    return np.full(count, None, dtype=object)


def _unseen(values: NDArray[Any]) -> str:
    """A text that none of the values is."""
    known, found = set(values.tolist()), UNSEEN
    while found in known:
        found += "-"
    return found
