"""A home with a prediction log, and short words to fill it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.events import Actor
from modelwright.core.ids import new_ids
from modelwright.predictions.labels import LabelWriter
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.log import PredictionLog
from modelwright.predictions.model import Kind, PredictionBatch, Shipped, encode, microseconds
from modelwright.predictions.segments import SegmentWriter
from modelwright.predictions.service import LabelService, PredictionService
from modelwright.predictions.shipper import LEASE, ship
from modelwright.store.adapters.duckdb_frames import DuckdbFrames
from modelwright.store.adapters.local_blobs import LocalBlobs
from modelwright.store.adapters.sqlite import SqliteRecords
from modelwright.store.leases import RecordsQueue
from modelwright.store.tables import control

JANUARY = datetime(2013, 1, 1, tzinfo=UTC)


@dataclass
class FakeUnit:
    project: str = "default"
    actor: Actor = field(default_factory=lambda: Actor(id="ada"))
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    request_id: str = "request"
    rows: Any = None

    def emit(self, event: object) -> None:
        raise AssertionError("predictions and labels are not ledger entries")

    def after_commit(self, action: Callable[[], None]) -> None:
        action()


class LogHome:
    """Everything of the room, on a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "log"
        self.records = SqliteRecords(folder / "control.db", control)
        self.records.prepare()
        self.blobs = LocalBlobs(folder / "blobs")
        self.frames = DuckdbFrames(self.blobs)
        self.queue = RecordsQueue(self.records)
        self.log = PredictionLog(self.folder, self.records, self.frames)
        self.labels = LabelWriter(self.folder)
        self.unit = FakeUnit()
        self.predictions = PredictionService(self.log, self.blobs)
        self.label_service = LabelService(self.log, self.labels)

    def answer(
        self,
        outputs: list[float],
        *,
        ids: list[str] | None = None,
        endpoint: str = "delays",
        project: str = "default",
        version: int = 1,
        event_at: datetime = JANUARY,
        received_at: datetime = datetime(2026, 1, 1, tzinfo=UTC),
        latency_us: int = 1000,
        inputs: dict[str, list[Any]] | None = None,
    ) -> list[str]:
        """One request, answered by a worker that then stops; answers the ids."""
        ids = ids or new_ids(len(outputs))
        batch = PredictionBatch(
            endpoint=endpoint,
            model="flight-delay",
            version=version,
            package="0" * 64,
            generation=1,
            received_at=microseconds(received_at),
            latency_us=latency_us,
            ids=ids,
            event_at=[microseconds(event_at)] * len(ids),
            inputs=inputs if inputs is not None else {"distance": [float(row) for row in range(len(ids))]},
            outputs=outputs,
        )
        with SegmentWriter(
            segment_folder(self.folder, endpoint, Kind.PREDICTIONS, project=project), "worker"
        ) as writer:
            writer.append(encode(batch))
        return ids

    def label(self, ids: list[str], values: list[float], known_at: datetime = JANUARY + timedelta(days=1)) -> None:
        self.label_service.add(self.unit, "delays", ids, values, [known_at] * len(ids))

    def ship(self) -> Shipped:
        self.labels.close()
        lease = self.queue.acquire(LEASE, "test", timedelta(minutes=1))
        assert lease is not None
        return ship(self.log, self.blobs, self.queue, lease)

    def rows(self, endpoint: str = "delays", **options: Any) -> list[dict[str, Any]]:
        """The union as people see it, whatever its halves."""
        return self.log.view("default", endpoint).table(**options).drop_columns("shipped").to_pylist()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LogHome]:
    made = LogHome(tmp_path)
    yield made
    made.labels.close()
    made.records.close()
