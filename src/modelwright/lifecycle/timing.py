"""How long a model takes for one row, in the process that loaded it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from modelwright.models.flavours.base import Predictor

ANSWERS = 1000
_WARM_UP = 20


def times(predictor: Predictor, columns: Mapping[str, NDArray[Any]], *, answers: int = ANSWERS) -> NDArray[np.float64]:
    """Milliseconds of one-row answers, one after another; the rows are taken in turn, the first answers do not count.

    Args:
        predictor: The loaded model.
        columns: Its inputs, each of shape ``(n_rows,)``, at least one row.
        answers: How many.
    """
    count = len(next(iter(columns.values())))
    rows = [{name: values[row : row + 1] for name, values in columns.items()} for row in range(min(count, answers))]
    taken = np.empty(answers)
    for place in range(-_WARM_UP, answers):
        row = rows[place % len(rows)]
        began = time.perf_counter_ns()
        predictor(row)
        if place >= 0:
            taken[place] = time.perf_counter_ns() - began
    return taken / 1e6


def machine() -> str:
    """This machine, in words."""
    cores = os.cpu_count() or 1
    return (
        f"{platform.machine()} with {cores} core{'s' if cores > 1 else ''}, {platform.system()}, "
        f"Python {platform.python_version()}"
    )
