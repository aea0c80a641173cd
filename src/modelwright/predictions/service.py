"""The use cases of predictions and of labels."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

from modelwright.core.clock import as_utc
from modelwright.core.errors import Corrupted, Invalid, NotFound
from modelwright.core.ids import Id, Name
from modelwright.core.operation import Download, Page, Service, limited, operation, paged
from modelwright.core.unit import Unit
from modelwright.predictions import answers
from modelwright.predictions.columns import parquet
from modelwright.predictions.model import (
    Counts,
    LabelBatch,
    LabelsAdded,
    PeriodScore,
    Prediction,
    Traffic,
    microseconds,
)

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without; pyarrow
    import pyarrow as pa

    from modelwright.predictions.labels import LabelWriter
    from modelwright.predictions.log import PredictionLog
    from modelwright.store.ports import Blobs

MOST_LABELS = 100_000
"""Labels per call."""

PeriodScores = list[PeriodScore]
TrafficRows = list[Traffic]


class PredictionService(Service):
    """Read what endpoints have answered, from the log alone."""

    noun = "predictions"

    def __init__(self, log: PredictionLog, blobs: Blobs) -> None:
        self._log = log
        self._blobs = blobs

    @operation(permission="predictions:read", kind="query")
    def get(self, unit: Unit, id: Id) -> Prediction:  # noqa: A002  # the name that callers write
        """One prediction, with its label if it is known.

        Args:
            unit: The unit of work.
            id: The prediction's id, as the endpoint answered it.

        Raises:
            NotFound: No endpoint answered with this id.
        """
        damage: Corrupted | None = None
        for endpoint in self._log.endpoints(unit.project):
            try:
                view = self._log.view(unit.project, endpoint, holding=id)
                found = None if view.is_empty else answers.one(view, endpoint, id)
            except Corrupted as error:  # of another endpoint, perhaps
                damage = error
            else:
                if found is not None:
                    return found
        raise damage or NotFound(
            f"There is no prediction {id}.", remedy="List an endpoint's: modelwright prediction list ENDPOINT"
        )

    @operation(permission="predictions:read", kind="query")
    def list(self, unit: Unit, endpoint: Name, limit: int = 50, after: Id | None = None) -> Page[Prediction]:
        """An endpoint's predictions, newest first.

        Args:
            unit: The unit of work.
            endpoint: Who answered.
            limit: Predictions a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        wanted = limited(limit) + 1
        view = self._log.view(unit.project, endpoint)
        return paged(answers.newest(view, endpoint, before=after, limit=wanted), limit, lambda found: found.id)

    @operation(permission="predictions:read", kind="query")
    def counts(self, unit: Unit, endpoint: Name) -> Counts:
        """How many predictions an endpoint has answered, and where they are kept.

        Args:
            unit: The unit of work.
            endpoint: Who answered.
        """
        from modelwright.predictions.log import WITH_REFUSALS  # weight: SQLAlchemy

        return answers.counts(self._log.view(unit.project, endpoint, kinds=WITH_REFUSALS), endpoint)

    @operation(permission="predictions:read", kind="query")
    def performance(
        self, unit: Unit, endpoint: Name, as_of: datetime | None = None, metric: Name = "roc_auc"
    ) -> PeriodScores:
        """A metric with its interval by month of the events and model version, from the log alone.

        Args:
            unit: The unit of work.
            endpoint: Who answered.
            as_of: What it was at this moment: later events and labels that became known later are left out.
            metric: Which; the dashboard asks for that of the charter's KPI.

        Raises:
            Invalid: There is no such metric.
        """
        moment = None if as_of is None else as_utc(as_of, field="as_of")
        return answers.performance(self._log.view(unit.project, endpoint), metric, as_of=moment)

    @operation(permission="predictions:read", kind="query")
    def traffic(self, unit: Unit, endpoint: Name) -> TrafficRows:
        """Requests, rows and latency by hour of the wall clock and model version.

        Args:
            unit: The unit of work.
            endpoint: Who answered.
        """
        return answers.traffic(self._log.view(unit.project, endpoint))

    @operation(permission="predictions:read", kind="query")
    def export(
        self, unit: Unit, endpoint: Name, since: datetime | None = None, until: datetime | None = None
    ) -> Download:
        """An endpoint's predictions of a span of event time with their labels, as one Parquet file.

        Args:
            unit: The unit of work.
            endpoint: Who answered.
            since: The first event time; none means from the beginning.
            until: The first event time after it; none means to the end.
        """
        first = None if since is None else as_utc(since, field="since")
        end = None if until is None else as_utc(until, field="until")
        table = answers.between(self._log.view(unit.project, endpoint), first, end)
        stored = self._blobs.put(parquet(table))
        return Download(
            digest=stored.digest,
            size=stored.size,
            media_type="application/vnd.apache.parquet",
            filename=f"{endpoint}.parquet",
        )

    def labelled(self, unit: Unit, endpoint: Name) -> pa.Table:
        """Predictions whose outcome is known, for other rooms: id, version, event time, output, label."""
        return answers.labelled(self._log.view(unit.project, endpoint))

    def timed(self, unit: Unit, endpoint: Name) -> pa.Table:
        """Every prediction by event time, for other rooms: version, event time, output, and label if it is known."""
        return answers.timed(self._log.view(unit.project, endpoint))


class LabelService(Service):
    """Say what turned out to be true."""

    noun = "labels"

    def __init__(self, log: PredictionLog, writer: LabelWriter) -> None:
        self._log = log
        self._writer = writer

    @operation(permission="labels:write", kind="command", idempotent=True)
    def add(
        self, unit: Unit, endpoint: Name, ids: list[Id], values: list[float], known_at: list[datetime]
    ) -> LabelsAdded:
        """Keep what became known of predictions; it is on the disk when this answers.

        Of several values for one id the one with the newest ``known_at`` holds, so a correction is a later label. An id
        that was never answered is kept too, and counted.

        Args:
            unit: The unit of work.
            endpoint: Who answered.
            ids: The predictions' ids, at most 100,000.
            values: What turned out, one for each id: for a classifier 1 or 0.
            known_at: When each became known, with its time zone.

        Raises:
            Invalid: The lists differ in length, or a value is not a finite number.
            NotFound: The endpoint has never answered.
            Unavailable: The disk did not take them; ask again.
        """
        _check_labels(ids, values, known_at)
        if not self._log.has_predictions(unit.project, endpoint):
            raise NotFound(
                f"Endpoint {endpoint} has not answered anything.",
                remedy="Check the name: modelwright endpoint list. Labels belong to the endpoint that predicted.",
            )
        batch = LabelBatch(
            endpoint=endpoint,
            ids=ids,
            values=values,
            known_at=[microseconds(as_utc(moment, field=f"known_at[{row}]")) for row, moment in enumerate(known_at)],
            recorded_at=microseconds(unit.now),
        )
        self._writer.add(unit.project, batch)
        return LabelsAdded(endpoint=endpoint, added=len(ids))


def _check_labels(ids: list[Id], values: list[float], known_at: list[datetime]) -> None:
    if not len(ids) == len(values) == len(known_at):
        raise Invalid(
            f"There are {len(ids)} ids, {len(values)} values and {len(known_at)} times.",
            remedy="Give one value and one time for each id.",
            fields={"ids": "differ in number from values or known_at"},
        )
    if not 1 <= len(ids) <= MOST_LABELS:
        raise Invalid(
            f"There are {len(ids)} labels, not 1 to {MOST_LABELS:,}.",
            remedy="Send them in several calls.",
            fields={"ids": f"are not 1 to {MOST_LABELS:,}"},
        )
    odd = next((row for row, value in enumerate(values) if not math.isfinite(value)), None)
    if odd is not None:
        raise Invalid(
            f"values[{odd}] is {values[odd]}, not a finite number.",
            remedy="Leave out what is not known.",
            fields={"values": f"row {odd} is not finite"},
        )
