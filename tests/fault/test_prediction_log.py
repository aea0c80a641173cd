"""The prediction log under ``kill -9``, a shipper that dies at each of its steps, and everybody at once."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.errors import Conflict
from modelwright.core.ids import new_ids
from modelwright.predictions import answers
from modelwright.predictions.labels import LabelWriter
from modelwright.predictions.layout import segment_folder, segments_in
from modelwright.predictions.log import WITH_REFUSALS, PredictionLog
from modelwright.predictions.model import Kind, LabelBatch, PredictionBatch, encode
from modelwright.predictions.segments import Disk, SegmentWriter, has_writer
from modelwright.predictions.shipper import LEASE, ship
from modelwright.store.adapters.duckdb_frames import DuckdbFrames
from modelwright.store.adapters.local_blobs import LocalBlobs
from modelwright.store.adapters.sqlite import SqliteRecords
from modelwright.store.leases import RecordsQueue
from modelwright.store.tables import control

WRITER = """
import sys
from pathlib import Path
from modelwright.core.ids import new_ids
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.model import Kind, PredictionBatch, encode
from modelwright.predictions.segments import SegmentWriter

folder = segment_folder(Path(sys.argv[1]), "delays", Kind.PREDICTIONS)
writer = SegmentWriter(folder, "worker", max_bytes=20_000)
while True:
    ids = new_ids(3)
    writer.append(encode(PredictionBatch(
        endpoint="delays", model="m", version=1, package="0" * 64, generation=1, received_at=1, latency_us=1,
        ids=ids, event_at=[1] * 3, inputs={"x": [1.0] * 3}, outputs=[0.5] * 3)))
    print(*ids, flush=True)
"""

SHIPPER = """
import sys
from datetime import timedelta
from pathlib import Path
from modelwright.predictions.log import WITH_REFUSALS, PredictionLog
from modelwright.predictions.shipper import LEASE, ship
from modelwright.store.adapters.duckdb_frames import DuckdbFrames
from modelwright.store.adapters.local_blobs import LocalBlobs
from modelwright.store.adapters.sqlite import SqliteRecords
from modelwright.store.leases import RecordsQueue
from modelwright.store.tables import control

home = Path(sys.argv[1])
records, blobs = SqliteRecords(home / "control.db", control), LocalBlobs(home / "blobs")
log, queue = PredictionLog(home / "log", records, DuckdbFrames(blobs)), RecordsQueue(records)
print("ready", flush=True)
while True:
    lease = queue.acquire(LEASE, sys.argv[2], timedelta(minutes=5))
    if lease is not None:
        ship(log, blobs, queue, lease)
"""


class Home:
    """The stores of a home, and short words to fill its log."""

    def __init__(self, folder: Path) -> None:
        self.place = folder
        self.folder = folder / "log"
        self.records = SqliteRecords(folder / "control.db", control)
        self.records.prepare()
        self.blobs = LocalBlobs(folder / "blobs")
        self.frames = DuckdbFrames(self.blobs)
        self.queue = RecordsQueue(self.records)
        self.log = PredictionLog(self.folder, self.records, self.frames)

    def answer(self, ids: list[str], received_at: int, endpoint: str = "delays") -> None:
        with SegmentWriter(segment_folder(self.folder, endpoint, Kind.PREDICTIONS), "worker") as writer:
            writer.append(encode(batch(ids, received_at, endpoint)))

    def label(self, ids: list[str], value: float, known_at: int) -> None:
        writer = LabelWriter(self.folder)
        writer.add(
            "default",
            LabelBatch(
                endpoint="delays",
                ids=ids,
                values=[value] * len(ids),
                known_at=[known_at] * len(ids),
                recorded_at=known_at,
            ),
        )
        writer.close()

    def ship(self, owner: str = "test") -> Any:
        lease = self.queue.acquire(LEASE, owner, timedelta(minutes=1))
        assert lease is not None
        done = ship(self.log, self.blobs, self.queue, lease)
        self.queue.release(lease)
        return done

    def union(self) -> Any:
        """Everything a reader can tell."""
        views = {name: self.log.view("default", name, kinds=WITH_REFUSALS) for name in ("delays", "other")}
        return {
            endpoint: (
                view.table().drop_columns("shipped").to_pylist(),
                view.records,
                answers.counts(view, endpoint).labels_without_prediction,
            )
            for endpoint, view in views.items()
        }

    def ids(self) -> Counter[str]:
        view = self.log.view("default", "delays")
        return Counter(view.query("SELECT prediction_id FROM written").column(0).to_pylist())


def batch(ids: list[str], received_at: int, endpoint: str = "delays") -> PredictionBatch:
    return PredictionBatch(
        endpoint=endpoint,
        model="m",
        version=1,
        package="0" * 64,
        generation=1,
        received_at=received_at,
        latency_us=10,
        ids=ids,
        event_at=[received_at] * len(ids),
        inputs={"x": [float(row) for row in range(len(ids))]},
        outputs=[received_at / 100] * len(ids),
    )


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.records.close()


def started(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


def killed(process: subprocess.Popen[str]) -> list[str]:
    """Kill -9, and what the process had still said."""
    process.send_signal(signal.SIGKILL)
    assert process.stdout is not None
    rest = process.stdout.read()
    process.stdout.close()
    process.wait()
    lines = rest.split("\n")[:-1]  # a line without its end was not said
    return [word for line in lines for word in line.split()]


@pytest.mark.parametrize("requests", [1, 200])
def test_whatever_a_killed_worker_acknowledged_is_read_once_and_shipped_once(home: Home, requests: int) -> None:
    worker = started(WRITER, str(home.folder))
    assert worker.stdout is not None
    acknowledged = [word for _ in range(requests) for word in worker.stdout.readline().split()]
    assert any(map(has_writer, segments_in(segment_folder(home.folder, "delays", Kind.PREDICTIONS))))
    while_alive = home.ids()
    assert all(while_alive[each] == 1 for each in acknowledged)
    acknowledged += killed(worker)
    found = home.ids()
    assert all(found[each] == 1 for each in acknowledged)
    assert set(found.values()) == {1}
    assert len(found) - len(acknowledged) in (0, 3)  # the last request may have been kept and not yet answered
    assert home.ship().rows == len(found)
    assert home.ids() == found
    assert segments_in(segment_folder(home.folder, "delays", Kind.PREDICTIONS)) == []


def test_the_shipper_leaves_the_segment_of_a_living_worker_alone(home: Home) -> None:
    with SegmentWriter(segment_folder(home.folder, "delays", Kind.PREDICTIONS), "worker") as writer:
        writer.append(encode(batch(new_ids(2), 1)))
        assert home.ship().segments == 0
        writer.append(encode(batch(new_ids(2), 1)))
        assert home.ids().total() == 4
    assert home.ship().rows == 4


class Killed(BaseException):
    """Death: nothing catches it, nothing is tidied up but what the system tidies up."""


class Plan:
    """Dies at the k-th call, before or after it has had its effect; counts the calls."""

    def __init__(self, k: int = 0, *, after: bool = False) -> None:
        self.k = k
        self.after = after
        self.calls: list[str] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        dies = len(self.calls) == self.k
        if dies and not self.after:
            raise Killed(name)
        yield
        if dies:
            raise Killed(name)


class Seam:
    """A store of which every call is a step of the plan."""

    def __init__(self, genuine: Any, plan: Plan) -> None:
        self._genuine = genuine
        self._plan = plan

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._genuine, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._plan.step(f"{type(self._genuine).__name__}.{name}"):
                return method(*args, **kwargs)

        return call


class RecordsSeam(Seam):
    """Transactions: death before them, at their end without a commit, or after the commit."""

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with self._plan.step("reading"), self._genuine.reading() as rows:
            yield rows

    @contextmanager
    def writing(self) -> Iterator[Any]:
        with self._plan.step("transaction"), self._genuine.writing() as rows:
            yield rows
            with self._plan.step("commit"):
                pass


def busy(home: Home) -> None:
    """Two endpoints, an earlier part, retries of what is in it and of what is not, labels and corrections."""
    first, second, third, strays = (new_ids(4) for _ in range(4))
    home.answer(first, 10)
    home.label(first, 0.0, 20)
    home.ship()
    home.answer(first, 11)
    home.answer(second, 12)
    home.answer([*second[:2], *third], 13)
    home.answer(first[:1], 9)
    home.answer(new_ids(2), 14, "other")
    home.label([*first[:2], *strays], 1.0, 30)
    home.label(second, 1.0, 15)


def shipped_with(home: Home, plan: Plan) -> None:
    lease = home.queue.acquire(LEASE, f"shipper {plan.k}", timedelta(0))  # the dead one's lease has run out
    log = PredictionLog(home.folder, RecordsSeam(home.records, plan), Seam(home.frames, plan))
    ship(log, Seam(home.blobs, plan), Seam(home.queue, plan), lease, disk=Seam(Disk(), plan))


@pytest.mark.slow
def test_a_shipper_may_die_at_any_step_and_no_reader_can_tell(tmp_path: Path) -> None:
    start, plan = tmp_path / "start", Plan()
    start.mkdir()
    home = Home(start)
    busy(home)
    before = home.union()
    home.records.close()

    home = Home(shutil.copytree(start, tmp_path / "whole"))
    shipped_with(home, plan)
    home.records.close()
    effects = {"LocalBlobs.put", "commit", "transaction", "Disk.unlink"}
    assert effects | {"reading", "RecordsQueue.holds"} <= set(plan.calls)
    steps = [(k, False) for k in range(1, len(plan.calls) + 1)]
    steps += [(k, True) for k, name in enumerate(plan.calls, 1) if name in effects]
    for k, after in steps:
        home = Home(shutil.copytree(start, tmp_path / f"{k}-{after}"))
        with pytest.raises(Killed):
            shipped_with(home, Plan(k, after=after))
        assert home.union() == before, (plan.calls[k - 1], after)
        assert home.ship().damaged == ()
        assert home.union() == before, (plan.calls[k - 1], after)
        assert list(home.folder.rglob("*.seg")) == []
        home.records.close()


def test_a_shipper_that_slept_through_its_lease_is_fenced_off(home: Home) -> None:
    busy(home)
    before = home.union()

    class Sleepy(Seam):
        def put(self, source: bytes) -> Any:
            stored = self._genuine.put(source)
            home.ship("second")
            return stored

    lease = home.queue.acquire(LEASE, "first", timedelta(0))
    with pytest.raises(Conflict, match="no longer holds the lease"):
        ship(home.log, Sleepy(home.blobs, Plan()), home.queue, lease)
    assert home.union() == before
    assert list(home.folder.rglob("*.seg")) == []


def test_one_owner_shipping_twice_at_once_ships_each_segment_once(home: Home) -> None:
    busy(home)
    before = home.union()

    class Again(Seam):
        def put(self, source: bytes) -> Any:
            stored = self._genuine.put(source)
            home.ship("first")
            return stored

    lease = home.queue.acquire(LEASE, "first", timedelta(minutes=1))
    with pytest.raises(Conflict, match="shipped meanwhile"):
        ship(home.log, Again(home.blobs, Plan()), home.queue, lease)
    assert home.union() == before


def test_real_shippers_are_killed_again_and_again_and_every_prediction_stays_once(home: Home) -> None:
    chance = random.Random(7)
    acknowledged: list[str] = []
    with SegmentWriter(segment_folder(home.folder, "delays", Kind.PREDICTIONS), "worker", max_bytes=400) as writer:
        for round_ in range(4):
            shipper = started(SHIPPER, str(home.place), f"shipper {round_}")
            assert shipper.stdout is not None
            assert shipper.stdout.readline() == "ready\n"
            end = time.monotonic() + chance.uniform(0.05, 0.6)
            while time.monotonic() < end:
                ids = new_ids(2)
                writer.append(encode(batch(ids, 1)))
                acknowledged += ids
            killed(shipper)
            lease = home.queue.acquire(LEASE, f"shipper {round_}", timedelta(minutes=1))
            home.queue.release(lease)
            assert home.ids() == Counter(acknowledged)
    home.ship()
    assert home.ids() == Counter(acknowledged)


def test_while_some_write_and_one_ships_a_reader_sees_each_acknowledged_row_once(home: Home) -> None:
    acknowledged: list[str] = []
    over = threading.Event()

    def write() -> None:
        folder = segment_folder(home.folder, "delays", Kind.PREDICTIONS)
        with SegmentWriter(folder, "worker", max_bytes=2_000) as writer:
            while not over.is_set():
                ids = new_ids(2)
                writer.append(encode(batch(ids, 1)))
                acknowledged.extend(ids)
                time.sleep(0.001)

    def carry() -> None:
        while not over.is_set():
            home.ship()

    threads = [threading.Thread(target=work) for work in (write, carry)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(25):
            known = len(acknowledged)
            found = home.ids()
            assert all(found[each] == 1 for each in acknowledged[:known])
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert home.ids() == Counter(acknowledged)
    assert home.ship().damaged == ()
