"""How long it takes to find something among 100,000 runs.

python bench/search.py                   # on SQLite
python bench/search.py --records URL     # in a database of PostgreSQL that may be filled

Two homes: in one, as is usual, a run's name says what it belongs to (50 names); in the other every run has a name of
its own, which is the most that search has to read. Budget: 50 ms at the 99th percentile.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import insert

from modelwright.app.connect import Workspace
from modelwright.app.home import Home
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.core.identity import OWNER
from modelwright.core.ids import new_ids
from modelwright.search.model import Kind, Thing, plain
from modelwright.search.repository import beginnings, things

RUNS, ASKED, START = 100_000, 60, datetime(2026, 1, 1, tzinfo=UTC)
WORDS = ("flight", "delay", "fraud", "churn", "price", "stock", "claim", "route", "click", "risk")


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--records", help="postgresql://…, an empty database")
    given.add_argument("--runs", type=int, default=RUNS)
    asked = given.parse_args()
    for title, names in (("50 names", 50), ("a name each", asked.runs)):
        with TemporaryDirectory() as folder:
            if asked.records:
                (Path(folder) / "modelwright.toml").write_text(f'records = "{asked.records}"\n')
            with closing(Platform(Home(Path(folder) / ".modelwright").open(create=True))) as platform:
                ids = filled(platform, asked.runs, names, title)
                ws = Workspace(platform.table, LocalCaller(platform, OWNER.within(title.replace(" ", "-"))), folder)
                measure(ws, title, ids)


def filled(platform: Platform, runs: int, names: int, title: str) -> list[str]:
    project, ids = title.replace(" ", "-"), new_ids(runs)
    with platform.records.writing() as rows:
        rows.execute(insert(things), [row(project, *each) for each in run_things(ids, names)])
        kinds = {"project": project, "kind": Kind.RUN.value}
        rows.execute(insert(beginnings), [{**kinds, "id": each, "key": each} for each in ids])
    return ids


def run_things(ids: list[str], names: int) -> Iterator[tuple[Thing, datetime]]:
    for number in range(names):
        name = f"{WORDS[number % 10]}-{WORDS[number // 10 % 10]}-{number:06}"
        at = START + timedelta(seconds=number * 37 % 100_000)
        yield Thing(kind=Kind.EXPERIMENT, key=name, name=name, words=name), at
    for number, each in enumerate(ids):
        yield Thing(kind=Kind.RUN, key=each, name=each, ids=(each,)), START + timedelta(seconds=number)


def row(project: str, thing: Thing, at: datetime) -> dict[str, object]:
    return {
        "project": project,
        "kind": thing.kind.value,
        "key": thing.key,
        "words": plain(thing.words),
        "at": at,
        "body": thing,
    }


def measure(ws: Workspace, title: str, ids: list[str]) -> None:
    questions = {
        "one letter": "f",
        "the beginning of a name": "flig",
        "a word": "delay",
        "a part": "isk",
        "two words": "churn price",
        "a whole name": "flight-flight-000000",
        "nothing": "zzzz",
        "an id": ids[len(ids) // 2],
        "the beginning of an id": ids[len(ids) // 2][:10],
        "the beginning of all ids": ids[0][:4],
    }
    for what, text in questions.items():
        taken = []
        for _ in range(ASKED):
            began = time.perf_counter()
            found = ws.search.find(text)
            taken.append((time.perf_counter() - began) * 1000)
        slowest = statistics.quantiles(taken, n=100)[98]
        print(
            f"{title:12} {what:26} {len(found):3} found  p50 {statistics.median(taken):6.1f} ms  p99 {slowest:6.1f} ms"
        )


if __name__ == "__main__":
    main()
