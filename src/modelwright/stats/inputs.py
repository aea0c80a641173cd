"""Labels, scores and weights as arrays that the computations may trust, or an error that names the offending row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from modelwright.core.errors import Invalid

Floats = NDArray[np.float64]
Seed = int | np.random.Generator
"""Where randomness comes from: a number, with which the answer is the same each time, or a generator that moves on."""

_LARGEST = 1e150
"""Beyond it squares overflow."""


def numbers(name: str, values: ArrayLike) -> Floats:
    """A column of finite numbers, shape ``(n_rows,)`` with at least one row.

    Raises:
        Invalid: Not numbers, not one column, empty, or a row is missing, infinite or beyond 1e150.

    Example:
        >>> numbers("scores", [0, 0.5])
        array([0. , 0.5])
    """
    array = _as_floats(name, values)
    if array.ndim != 1:
        raise _invalid(name, f"has shape {array.shape}", remedy="Give one value per row, shape (n_rows,).")
    if not array.size:
        raise _invalid(name, "is empty", remedy="Give at least one row.")
    bad = ~(np.abs(array) <= _LARGEST)
    if bad.any():
        row = int(bad.argmax())
        problem = f"has {int(bad.sum())} of {array.size} rows that are no usable number, first row {row}: {array[row]}"
        raise _invalid(name, problem, remedy="Drop or fill these rows first.")
    return array


def binary(name: str, values: ArrayLike) -> Floats:
    """A column of 0 and 1.

    Raises:
        Invalid: As ``numbers``, or a row is neither 0 nor 1.
    """
    array = numbers(name, values)
    bad = (array != 0) & (array != 1)
    if bad.any():
        row = int(bad.argmax())
        raise _invalid(
            name,
            f"has {int(bad.sum())} of {array.size} rows that are neither 0 nor 1, first row {row}: {array[row]:g}",
            remedy="Code the outcome to be predicted as 1, the other as 0.",
        )
    return array


def probabilities(name: str, values: ArrayLike) -> Floats:
    """A column of numbers from 0 to 1.

    Raises:
        Invalid: As ``numbers``, or a row is outside.
    """
    array = numbers(name, values)
    bad = (array < 0) | (array > 1)
    if bad.any():
        row = int(bad.argmax())
        raise _invalid(
            name,
            f"has {int(bad.sum())} of {array.size} rows outside 0 to 1, first row {row}: {array[row]}",
            remedy="Give probabilities, not margins; roc_auc and average_precision accept any score.",
        )
    return array


def weighting(values: ArrayLike) -> Floats:
    """A column of weights, scaled so that the largest is 1.

    Raises:
        Invalid: As ``numbers``, or a weight is negative, or all are 0.
    """
    array = numbers("weights", values)
    if array.min() < 0 or array.max() == 0:
        problem = f"lie between {array.min():g} and {array.max():g}"
        raise _invalid("weights", problem, remedy="Give weights of at least 0, one of them above 0.")
    return np.asarray(array / array.max())


def same_length(**columns: NDArray[Any]) -> None:
    """Pass silently when all columns have one length.

    Raises:
        Invalid: They differ; the message has every length.
    """
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise Invalid(
            f"The columns have different lengths: {shown}.",
            remedy="Give the same rows in the same order in each.",
            fields={name: f"has {length} rows" for name, length in lengths.items()},
        )


def _as_floats(name: str, values: ArrayLike) -> Floats:
    remedy = "Give numbers."
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biufO":
            raise _invalid(name, f"has values of type {array.dtype}", remedy=remedy)
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise _invalid(name, f"cannot be read as numbers ({error})", remedy=remedy) from error


def _invalid(name: str, problem: str, *, remedy: str) -> Invalid:
    return Invalid(f"{name} {problem}.", remedy=remedy, fields={name: problem})
