"""Ledger appends and verification per second, beside plain rows of the same size in the same database; then proofs.

    python bench/ledger.py [entries]

Rounds are interleaved; what is printed are medians with their spread, and ratios.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table, Text, insert

from modelwright.core.events import Actor, Event, Recorded
from modelwright.core.unit import Rows
from modelwright.ledger import checkpoint, proofs
from modelwright.ledger.append import append
from modelwright.ledger.chain import Walk
from modelwright.ledger.model import Head
from modelwright.ledger.repository import LedgerRepository
from modelwright.store.adapters.sqlite import SqliteRecords
from modelwright.store.keys import Keys
from modelwright.store.tables import control

ROUNDS = 5
BATCH = 100


class Happened(Event, frozen=True, kw_only=True, tag="bench.happened"):
    """An event of ordinary size."""

    name: str
    version: int
    digest: str


def main(entries: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="bench-ledger-"))
    plain = MetaData()
    rows_table = Table("plain", plain, Column("id", Integer, primary_key=True), Column("body", Text))
    ledger, other = SqliteRecords(folder / "ledger.db", control), SqliteRecords(folder / "plain.db", plain)
    ledger.prepare()
    other.prepare()
    keys, repository, now = Keys(folder / "keys"), LedgerRepository(), datetime.now(UTC)
    event = Happened(name="flight-delay", version=3, digest="0" * 64)
    fact = Recorded(event=event, project="default", actor=Actor(id="owner"), recorded_at=now, request_id="0" * 32)
    body = "x" * 420

    def plain_commits(count: int) -> None:
        for _ in range(count):
            with other.writing() as rows:
                rows.execute(insert(rows_table).values(body=body))

    def commits(count: int) -> None:
        for _ in range(count):
            with ledger.writing() as rows:
                append(rows, [fact], repository=repository, keys=keys)

    def batched(count: int) -> None:
        for _ in range(count // BATCH):
            with ledger.writing() as rows:
                append(rows, [fact] * BATCH, repository=repository, keys=keys)

    def verify(_: int) -> None:
        with ledger.reading() as rows:
            walk = Walk()
            if not walk.follow(repository.walk(rows)):
                raise SystemExit(walk.problem)
            read.append(walk.size)

    read: list[int] = []
    timed: dict[str, list[float]] = {}
    single = max(entries // 20, 100)
    for _ in range(ROUNDS):
        for name, work, count in (
            ("plain row, one commit each", plain_commits, single),
            ("entry, one commit each", commits, single),
            (f"entry, {BATCH} a commit", batched, entries),
        ):
            timed.setdefault(name, []).append(count / elapsed(work, count))
        before = time.perf_counter()
        verify(0)
        timed.setdefault("verified", []).append(read[-1] / (time.perf_counter() - before))
    floor = statistics.median(timed["plain row, one commit each"])
    print(f"{'per second':<28} {'median':>10} {'min':>10} {'max':>10} {'x plain':>8}")
    for name, rates in timed.items():
        middle = statistics.median(rates)
        print(f"{name:<28} {middle:>10,.0f} {min(rates):>10,.0f} {max(rates):>10,.0f} {middle / floor:>8.2f}")
    print(f"{read[-1]:,} entries in the end")
    print(f"\n{'microseconds':<44} {'median':>10} {'min':>10} {'max':>10}")
    with ledger.reading() as rows:
        proving(repository, rows, keys)


def proving(repository: LedgerRepository, rows: Rows, keys: Keys) -> None:
    """What proofs over the whole ledger cost: to make, from rows or from leaves in memory, and to check."""
    size = repository.edge(rows).size
    leaves = [bytes.fromhex(leaf) for leaf in repository.leaves(rows, size)]
    root, old = proofs.root(leaves), size * 2 // 3
    before = proofs.root(leaves[:old])
    note = checkpoint.signed(repository.edge(rows).head, keys)
    included, extending = proofs.inclusion(leaves, old), proofs.consistency(leaves, old)
    chance = random.Random(1)
    for name, work, times in (
        ("leaves read", lambda: repository.leaves(rows, size), 5),
        ("inclusion proof made of leaves", lambda: proofs.inclusion(leaves, chance.randrange(size)), 5),
        ("consistency proof made of leaves", lambda: proofs.consistency(leaves, chance.randrange(1, size)), 5),
        ("inclusion proof checked", lambda: proofs.included(leaves[old], old, size, included, root), 1000),
        ("consistency proof checked", lambda: proofs.extends(old, before, size, root, extending), 1000),
        ("checkpoint signed", lambda: checkpoint.signed(Head(size=size, root=root.hex()), keys), 1000),
        ("checkpoint opened", lambda: checkpoint.opened(note, keys.public), 1000),
    ):
        taken = [1e6 * elapsed(lambda _, work=work: work(), 0) for _ in range(times)]
        print(f"{name:<44} {statistics.median(taken):>10,.1f} {min(taken):>10,.1f} {max(taken):>10,.1f}")


def elapsed(work: Callable[[int], object], count: int) -> float:
    before = time.perf_counter()
    work(count)
    return time.perf_counter() - before


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
