"""How fast the prediction log is written, read, shipped: ``python bench/prediction_log.py [rows] [rows per frame]``."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from modelwright.core.ids import new_ids
from modelwright.predictions import answers
from modelwright.predictions.columns import empty
from modelwright.predictions.labels import LabelWriter
from modelwright.predictions.layout import segment_folder, segments_in
from modelwright.predictions.log import PredictionLog
from modelwright.predictions.model import Kind, LabelBatch, PredictionBatch, encode
from modelwright.predictions.segments import SegmentWriter, frames
from modelwright.predictions.shipper import LEASE, ship
from modelwright.store.adapters.duckdb_frames import DuckdbFrames
from modelwright.store.adapters.local_blobs import LocalBlobs
from modelwright.store.adapters.sqlite import SqliteRecords
from modelwright.store.leases import RecordsQueue
from modelwright.store.tables import control

FRAME = int(sys.argv[2]) if len(sys.argv) > 2 else 40
START = 1356998400_000_000


@contextmanager
def timed(what: str, rows: int) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds = time.perf_counter() - start
    print(f"{what:52} {seconds:8.3f} s  {rows / seconds:12,.0f} rows/s")


def batch(index: int) -> PredictionBatch:
    rng = random.Random(index)
    return PredictionBatch(
        endpoint="delays",
        model="flight-delay",
        version=1 + index % 2,
        package="0" * 64,
        generation=1,
        received_at=START + index * 1000,
        latency_us=rng.randrange(100, 900),
        ids=new_ids(FRAME),
        event_at=[START + (index * FRAME + row) * 10_000_000 for row in range(FRAME)],
        inputs={
            **{f"number{column}": [rng.random() for _ in range(FRAME)] for column in range(6)},
            **{f"count{column}": [rng.randrange(1000) for _ in range(FRAME)] for column in range(3)},
            **{f"word{column}": [rng.choice(("AA", "UA", "DL", None)) for _ in range(FRAME)] for column in range(3)},
        },
        outputs=[rng.random() for _ in range(FRAME)],
    )


def write(folder: Path, batches: list[PredictionBatch]) -> None:
    writer = SegmentWriter(segment_folder(folder, "delays", Kind.PREDICTIONS), "bench")
    payloads = [encode(each) for each in batches]
    start = time.perf_counter()
    for payload in payloads:
        writer.append(payload)
    seconds = time.perf_counter() - start
    print(f"append: {1e6 * seconds / len(payloads):.1f} us a frame of {len(payloads[0]):,} bytes")
    writer.close()


def label(folder: Path, batches: list[PredictionBatch]) -> None:
    writer = LabelWriter(folder)
    for start in range(0, len(batches), 250):
        some = batches[start : start + 250]
        ids = [each for one in some for each in one.ids]
        known = [at + 3_600_000_000 for one in some for at in one.event_at]
        values = [float(random.random() < output) for one in some for output in one.outputs]
        writer.add("default", LabelBatch(endpoint="delays", ids=ids, values=values, known_at=known, recorded_at=START))
    writer.close()


def ask(log: PredictionLog, rows: int, some_id: str, where: str) -> None:
    questions: dict[str, Callable[[], object]] = {
        "view (decode)": lambda: log.view("default", "delays"),
        "table (decode, deduplicate, join)": lambda: log.view("default", "delays").table(),
        "counts": lambda: answers.counts(log.view("default", "delays"), "delays"),
        "performance": lambda: answers.performance(log.view("default", "delays"), as_of=None),
        "traffic": lambda: answers.traffic(log.view("default", "delays")),
        "list": lambda: answers.newest(log.view("default", "delays"), "delays", before=None, limit=50),
        "get": lambda: answers.one(log.view("default", "delays", holding=some_id), "delays", some_id),
    }
    for name, question in questions.items():
        with timed(f"{where}: {name}", rows):
            question()


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    empty(Kind.PREDICTIONS)  # imports pyarrow and numpy
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "log")
        records = SqliteRecords(Path(home, "control.db"), control)
        records.prepare()
        blobs = LocalBlobs(Path(home, "blobs"))
        log = PredictionLog(folder, records, DuckdbFrames(blobs))
        batches = [batch(index) for index in range(rows // FRAME)]
        write(folder, batches)
        label(folder, batches)
        some_id = batches[len(batches) // 2].ids[0]
        del batches
        paths = segments_in(segment_folder(folder, "delays", Kind.PREDICTIONS))
        with timed("frames and checksums", rows):
            found = sum(1 for path in paths for _ in frames(path))
        print(f"{found:,} frames in {len(paths)} segments")
        ask(log, rows, some_id, "segments")
        queue = RecordsQueue(records)
        lease = queue.acquire(LEASE, "bench", timedelta(minutes=5))
        if lease is None:
            raise SystemExit("no lease")
        with timed("ship", rows):
            print(ship(log, blobs, queue, lease))
        ask(log, rows, some_id, "Parquet")
        records.close()


if __name__ == "__main__":
    main()
