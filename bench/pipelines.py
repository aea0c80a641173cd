"""What a step costs: ``python bench/pipelines.py [rounds]``.

A chain of ten steps and a fan-out of a hundred, of functions that do nothing, first and again unchanged, in this
process and in processes of their own, every step recorded durably. Beside them, in the same rounds, a bare floor: the
functions called one after another, each answer written to an SQLite row in one transaction per step (``FULL``, as the
home), and looked up by key when it runs again. Peers are measured where they can be imported. Printed: medians, ratios.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import modelwright as mw
from modelwright.app.home import Home
from modelwright.core.wire import digest

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
CHAIN, WIDTH = 10, 100


@mw.step
def more(x: int) -> int:
    return x + 1


@mw.step
def total(values: list[int]) -> int:
    return sum(values)


@mw.pipeline()
def chain(start: int) -> int:
    for _ in range(CHAIN):
        start = more(start)
    return start


@mw.pipeline()
def fan_out(start: int) -> list[int]:
    return [more(start + number) for number in range(WIDTH)]


class Floor:
    """As little as durable and cached steps can cost."""

    def __init__(self, place: Path) -> None:
        self._rows = sqlite3.connect(place, isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = WAL")
        self._rows.execute("PRAGMA synchronous = FULL")
        self._rows.execute("CREATE TABLE steps (key TEXT PRIMARY KEY, answer INTEGER)")

    def step(self, function: Callable[[int], int], x: int) -> int:
        key = digest({"function": function.__name__, "x": x})
        found = self._rows.execute("SELECT answer FROM steps WHERE key = ?", (key,)).fetchone()
        if found is not None:
            return int(found[0])
        answer = function(x)
        self._rows.execute("INSERT INTO steps VALUES (?, ?)", (key, answer))
        return answer

    def chain(self, start: int) -> None:
        for _ in range(CHAIN):
            start = self.step(more.function, start)

    def fan_out(self, start: int) -> None:
        for number in range(WIDTH):
            self.step(more.function, start + number)

    def close(self) -> None:
        self._rows.close()


@contextmanager
def measured(taken: dict[str, list[float]], what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    taken[what].append((time.perf_counter() - began) * 1000)


def ours(ws: mw.Workspace, start: int, taken: dict[str, list[float]]) -> None:
    for executor in ("inline", "processes"):
        for name, pipeline in (("chain of 10", chain), ("fan-out of 100", fan_out)):
            fresh = start + (10_000 if executor == "processes" else 0) + (500 if pipeline is fan_out else 0)
            for again in ("", ", unchanged"):
                with measured(taken, f"{name}, {executor}{again}"):
                    pipeline.run(workspace=ws, executor=executor, start=fresh)


def floor(found: Floor, start: int, taken: dict[str, list[float]]) -> None:
    for name, work in (("chain of 10", found.chain), ("fan-out of 100", found.fan_out)):
        for again in ("", ", unchanged"):
            with measured(taken, f"{name}, floor{again}"):
                work(start + (500 if work == found.fan_out else 0))


PEERS = {
    "prefect": """
from prefect import flow, task
@task
def more(x): return x + 1
@flow
def chain():
    x = 0
    for _ in range({chain}): x = more(x)
    return x
run = chain
""",
    "dagster": """
from dagster import job, op
@op
def more(x: int) -> int: return x + 1
@op
def start() -> int: return 0
@job
def chain():
    x = start()
    for number in range({chain} - 1): x = more.alias(f"more{{number}}")(x)
run = chain.execute_in_process
""",
    "kedro": """
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
def more(x): return x + 1
steps = pipeline([node(more, f"x{{n}}", f"x{{n + 1}}", name=f"n{{n}}") for n in range({chain})])
run = lambda: SequentialRunner().run(steps, DataCatalog({{"x0": MemoryDataset(0)}}))
""",
}


def peer(name: str) -> float | None:
    """Milliseconds of a warm chain in a process of its own; none where it does not run."""
    timing = "\nimport time\nrun()\nbegan = time.perf_counter()\nrun()\nprint((time.perf_counter() - began) * 1000)\n"
    code = PEERS[name].format(chain=CHAIN) + timing
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
        return float(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError):
        return None


def main() -> None:
    taken: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as place:
        home = Home(Path(place) / "home").open(create=True)
        with mw.connect(home.folder) as ws, closing(Floor(Path(place) / "floor.db")) as bare:
            ours(ws, -100_000, defaultdict(list))  # imports, and the tables of the database
            for number in range(ROUNDS):
                floor(bare, number * 1000, taken)
                ours(ws, number * 1000, taken)
    report({what: statistics.median(values) for what, values in taken.items()})


def report(medians: dict[str, float]) -> None:
    print(f"{ROUNDS} rounds on {os.cpu_count()} cores, medians; load {os.getloadavg()[0]:.1f}")
    print(f"{'':38}{'ms':>9}   ratio to the floor")
    for what, value in sorted(medians.items()):
        shape, _, how = what.partition(", ")
        base = medians[f"{shape}, floor{', unchanged' if 'unchanged' in how else ''}"]
        print(f"{what:38}{value:9.2f}   {value / base:8.2f}")
    for name in PEERS:
        if find_spec(name) is None:
            print(f"{name} is not installed here and was left out")
            continue
        found = peer(name)
        ratio = "" if found is None else f", {found / medians['chain of 10, inline']:.1f} of ours inline"
        print(f"{name}: does not run here" if found is None else f"{name}, chain of 10: {found:.1f} ms{ratio}")


if __name__ == "__main__":
    main()
