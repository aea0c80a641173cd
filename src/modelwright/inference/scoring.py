"""The model and the log of one endpoint: predict, write down, and only then answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from math import isfinite

import numpy as np
from msgspec import Struct

from modelwright.core import wire
from modelwright.core.errors import Error, Unavailable
from modelwright.inference.ports import Log, Outputs, Predictor
from modelwright.inference.response import Problem
from modelwright.inference.rows import Rows
from modelwright.predictions.model import PredictionBatch, encode
from modelwright.serving.model import Route

_log = logging.getLogger(__name__)


class Scored(Struct):
    """Predictions as they are answered.

    Attributes:
        outputs: One per row, in order.
        ids: The prediction ids, one per row.
    """

    outputs: Sequence[wire.Real]
    ids: list[str]


class Scorer:
    """Scores rows for one route.

    Args:
        route: What the endpoint answers with.
        generation: Of the table the route is from.
        predictor: The loaded model.
        log: Where predictions are written.

    Attributes:
        log_broken: Whether the last record could not be written.
    """

    def __init__(self, route: Route, *, generation: int, predictor: Predictor, log: Log) -> None:
        self.predictor = predictor
        self.log = log
        self._route = route
        self._generation = generation
        self._told: set[type[Exception]] = set()
        self.log_broken = False

    def predict(self, rows: Rows) -> Outputs:
        """Ask the model.

        Raises:
            Problem: It raised, or answered with something else than one number per row.
        """
        try:
            outputs = np.asarray(self.predictor(rows.columns), dtype=np.float64)
        except Exception as error:
            self._tell(error, rows.count)
            raise Problem(422, f"{self._route.ref} could not score these rows ({type(error).__name__}).") from error
        if outputs.shape != (rows.count,):
            _log.error("%s answered with shape %s for %d rows", self._route.ref, outputs.shape, rows.count)
            raise Problem(422, f"{self._route.ref} could not score these rows (shape {outputs.shape}).")
        return outputs

    def record(self, rows: Rows, outputs: Outputs, *, ids: list[str], received_at: int) -> tuple[bytes, Scored]:
        """What the log keeps of one request, and what it is answered once the log has it.

        Args:
            rows: What was scored.
            outputs: What the model answered.
            ids: The ids to use where the client chose none.
            received_at: When the request arrived, in microseconds since 1970.
        """
        ids = rows.ids or ids
        values: list[float] = outputs.tolist()
        batch = PredictionBatch(
            endpoint=self._route.endpoint,
            model=self._route.model,
            version=self._route.version,
            package=self._route.package.digest,
            generation=self._generation,
            received_at=received_at,
            latency_us=max(0, time.time_ns() // 1000 - received_at),
            ids=ids,
            event_at=rows.event_at or [received_at] * rows.count,
            inputs=rows.columns,
            outputs=values,
        )
        finite = values if all(map(isfinite, values)) else [wire.real(value) for value in values]
        return encode(batch), Scored(finite, ids)

    def write(self, *records: bytes) -> None:
        """Write records down; what they are about may be answered once this returns.

        Raises:
            Unavailable: They could not be written.
        """
        try:
            self.log.append(*records)
        except (OSError, Error) as error:
            self.log_broken = True
            _log.warning("The predictions of %s cannot be logged: %s", self._route.endpoint, error)
            raise Unavailable(
                "The prediction could not be logged, so it is not answered.", remedy="Try again later."
            ) from error
        self.log_broken = False

    def _tell(self, error: Exception, count: int) -> None:
        first = type(error) not in self._told  # one trace of each kind: clients may not fill the disk
        self._told.add(type(error))
        _log.warning("%s could not score %d rows: %s", self._route.ref, count, type(error).__name__, exc_info=first)
