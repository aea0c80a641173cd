"""Commands and ledger entries per second with the records on PostgreSQL, beside SQLite on the same disk.

    python bench/postgres.py [commands]

It starts a server of its own (see tests/support/postgres.py). Rounds are interleaved; what is printed are medians with
their spread, and ratios to SQLite.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.core.events import Actor, Event, Recorded
from modelwright.core.ids import new_id
from modelwright.core.settings import RECORDS
from modelwright.ledger.append import append
from modelwright.ledger.repository import LedgerRepository
from support.postgres import cluster

ROUNDS = 7
BATCH = 100
WRITERS = 8


class Happened(Event, frozen=True, kw_only=True, tag="bench.happened"):
    """An event of ordinary size."""

    name: str
    version: int
    digest: str


def main(commands: int) -> None:
    with ExitStack() as stack:
        try:
            url = stack.enter_context(stack.enter_context(cluster()).database())
        except LookupError as error:
            print(f"left out: {error}")
            return
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-postgres-")))
        there = {
            "SQLite": stack.enter_context(opened(folder / "sqlite", None)),
            "PostgreSQL": stack.enter_context(opened(folder / "postgresql", url)),
        }
        for name, platform in there.items():
            found = platform.home.records
            print(f"{name}: {found.shown if found else 'in the folder'}")
        measure(there, commands)


@contextmanager
def opened(folder: Path, url: str | None) -> Iterator[Platform]:
    os.environ.pop(RECORDS.name, None)
    if url:
        os.environ[RECORDS.name] = url
    with closing(Platform(Home(folder).open(create=True))) as platform:
        yield platform


def measure(there: dict[str, Platform], commands: int) -> None:
    works: dict[str, Callable[[Platform, int], None]] = {
        "runs.start, one after another": start,
        f"runs.start, {WRITERS} threads": start_many,
        "runs.get": get,
        "ledger entry, one commit each": entries,
        f"ledger entry, {BATCH} a commit": batches,
    }
    timed: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for what, work in works.items():
            count = commands * 10 if what.endswith("a commit") else commands
            for name, platform in there.items():
                before = time.perf_counter()
                work(platform, count)
                timed.setdefault((what, name), []).append(count / (time.perf_counter() - before))
    print(f"{'per second':<32} {'':<12} {'median':>8} {'min':>8} {'max':>8} {'x SQLite':>9}")
    for (what, name), rates in timed.items():
        middle = statistics.median(rates)
        ratio = middle / statistics.median(timed[what, "SQLite"])
        print(f"{what:<32} {name:<12} {middle:>8,.0f} {min(rates):>8,.0f} {max(rates):>8,.0f} {ratio:>9.2f}")


def start(platform: Platform, count: int) -> None:
    operation = platform.table.get("runs.start")
    for _ in range(count):
        platform.run(operation, operation.bind((), {"name": "bench"}), idempotency_key=new_id())


def start_many(platform: Platform, count: int) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda _: start(platform, count // WRITERS), range(WRITERS)))


def get(platform: Platform, count: int) -> None:
    started, operation = platform.table.get("runs.start"), platform.table.get("runs.get")
    run = platform.run(started, started.bind((), {"name": "bench"}), idempotency_key=new_id())
    for _ in range(count):
        platform.run(operation, operation.bind((), {"run_id": run.id}))


def entries(platform: Platform, count: int, batch: int = 1) -> None:
    event = Happened(name="flight-delay", version=3, digest="0" * 64)
    actor, now = Actor(id="owner"), datetime.now(UTC)
    fact = Recorded(event=event, project="default", actor=actor, recorded_at=now, request_id="0" * 32)
    for _ in range(count // batch):
        with platform.records.writing() as rows:
            append(rows, [fact] * batch, repository=LedgerRepository(), keys=platform.keys)


def batches(platform: Platform, count: int) -> None:
    entries(platform, count, BATCH)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
