"""What the runtime is given by others: a way to load packages, a place to log predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from modelwright.features.vectors import Vectors
from modelwright.predictions.model import Kind
from modelwright.serving.model import Route

Columns = dict[str, list[Any]]
"""Column name -> plain values, one per row; a missing value is None."""

Outputs = np.ndarray[tuple[int], np.dtype[np.float64]]
"""Predictions, shape ``(n_rows,)``."""

Predictor = Callable[[Mapping[str, list[Any]]], Outputs]
"""A loaded model. Law: the answer has one float64 per row, in order; two threads may call it at once."""

Load = Callable[[Route], Predictor]
"""Loads a route's package. Law: it verifies every byte before it imports or runs anything, and warms the model up, so
that the first request is as quick as any. It is called in a thread, and raises rather than half-loading."""


def no_vectors(_route: Route) -> Vectors | None:
    """Completes nothing: every request brings the whole vector."""
    return None


class Log(Protocol):
    """Where an endpoint's predictions are written.

    Law: when ``append`` has returned, the process may be killed and the records are still there; when it raises, none
    of the predictions is acknowledged. Called from one thread at a time.
    """

    def append(self, *payloads: bytes) -> object:
        """Write one record for each payload."""
        ...

    def close(self) -> None:
        """Finish the segment."""
        ...


OpenVectors = Callable[[Route], Vectors | None]
"""Opens what completes a route's questions; none where the model has no feature view."""

OpenLog = Callable[[Route, Kind], Log]
"""Opens the log of a route's endpoint: of what it answers, or of what its challengers say in its shadow."""
