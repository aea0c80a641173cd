"""The model and the log of one endpoint: predict, write down, and only then answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from math import isfinite, nan

import numpy as np
from msgspec import UNSET, Struct, UnsetType

from modelwright.core import wire
from modelwright.core.errors import Error, Unavailable
from modelwright.core.ids import new_ids
from modelwright.inference.ports import Log, Outputs, Predictor
from modelwright.inference.response import Problem
from modelwright.inference.rows import Rows
from modelwright.predictions.model import PredictionBatch, encode
from modelwright.risks.guarding import Acts, Guards
from modelwright.serving.model import Route

_log = logging.getLogger(__name__)

_MOST_NAMED = 10
"""Rows that a refusal names."""


class Scored(Struct):
    """Predictions as they are answered.

    Attributes:
        outputs: One per row, in order.
        ids: The prediction ids, one per row.
        guards: Risk -> the rows on which its guard acted; none where none did.
    """

    outputs: Sequence[wire.Real]
    ids: list[str]
    guards: dict[str, list[int]] | UnsetType = UNSET


class Scorer:
    """Scores rows for one route.

    Args:
        route: What the endpoint answers with.
        generation: Of the table the route is from.
        predictor: The loaded model.
        log: Where predictions are written.
        refusals: Where rows are written that a guard refuses; none where no guard does.

    Attributes:
        log_broken: Whether the last record could not be written.
    """

    def __init__(
        self, route: Route, *, generation: int, predictor: Predictor, log: Log, refusals: Log | None = None
    ) -> None:
        self.predictor = predictor
        self.log = log
        self._refusals = refusals
        self._route = route
        self._generation = generation
        self._guards = Guards(route.guards, route.inputs) if route.guards else None
        self._told: set[type[Exception]] = set()
        self.log_broken = False

    def look(self, rows: Rows) -> None:
        """Let the guards of the route see rows before the model does.

        Raises:
            Problem: A guard refuses a row: the protocols have no answer for single rows, so the request is refused.
            Unavailable: The refused rows could not be logged.
        """
        if self._guards is None:
            return
        acts = rows.acts = self._guards.over(rows.columns, rows.count)
        if acts is not None and acts.refused is not None:
            self._log_refused(rows, acts)
            risk, when = acts.refused.risk, acts.refused.when
            found = ", ".join(map(str, acts.met[risk][:_MOST_NAMED].tolist()))
            raise Problem(
                422,
                f"{self._route.endpoint} does not answer rows in the situation {risk!r} ({when}), nor rows of which it "
                f"cannot be said: {len(acts.met[risk])} of {rows.count}, the first are {found} (counted from 0). Ask "
                "without them.",
            )

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
        acts, guards = rows.acts, self._guards
        values: list[float] = (outputs if acts is None else acts.answered(outputs)).tolist()
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
            guards=acts.marks(guards.done) if acts is not None and guards is not None else UNSET,
            said=acts.said(outputs) if acts is not None and acts.fallbacks else UNSET,
        )
        finite = values if all(map(isfinite, values)) else [wire.real(value) for value in values]
        return encode(batch), Scored(finite, ids, UNSET if acts is None else acts.rows)

    def write(self, *records: bytes) -> None:
        """Write records down; what they are about may be answered once this returns.

        Raises:
            Unavailable: They could not be written.
        """
        self._write(self.log, *records)

    def _log_refused(self, rows: Rows, acts: Acts) -> None:
        """Write down the rows that are refused, and no others: those may be asked again, as the answer says."""
        if self._refusals is None or self._guards is None:
            return
        refused, received_at = acts.refusals(self._guards.done), time.time_ns() // 1000
        batch = PredictionBatch(
            endpoint=self._route.endpoint,
            model=self._route.model,
            version=self._route.version,
            package=self._route.package.digest,
            generation=self._generation,
            received_at=received_at,
            latency_us=0,
            ids=[rows.ids[row] for row in refused] if rows.ids else new_ids(len(refused)),
            event_at=[rows.event_at[row] if rows.event_at else received_at for row in refused],
            inputs={name: [values[row] for row in refused] for name, values in rows.columns.items()},
            outputs=[nan] * len(refused),
            guards=list(refused.values()),
        )
        self._write(self._refusals, encode(batch))

    def _write(self, log: Log, *records: bytes) -> None:
        try:
            log.append(*records)
        except (OSError, Error) as error:
            if not self.log_broken:  # once, not with every request: the disk may be full
                _log.warning("The predictions of %s cannot be logged: %s", self._route.endpoint, error)
            self.log_broken = True
            why = error.message if isinstance(error, Error) else str(error)
            raise Unavailable(
                f"The prediction could not be logged, so it is not answered. {why}", remedy="Try again later."
            ) from error
        self.log_broken = False

    def can_log(self) -> bool:
        """Whether the log takes records, or takes them again.

        One that failed is tried: a worker that is sent nothing while it is unwell would never learn of new space.
        """
        if self.log_broken:
            with suppress(Unavailable):
                self.write()
        return not self.log_broken

    def _tell(self, error: Exception, count: int) -> None:
        first = type(error) not in self._told  # one trace of each kind: clients may not fill the disk
        self._told.add(type(error))
        _log.warning("%s could not score %d rows: %s", self._route.ref, count, type(error).__name__, exc_info=first)
