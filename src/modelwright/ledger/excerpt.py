"""A part of the ledger that proves that it is one: the entries asked for, and of all others only what the tree needs.

Runs of entries that are left out shrink to the roots of perfect subtrees, so that the tree's signed root can be
computed from what is left. They tell how many entries there were, and nothing of what is in them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from modelwright.ledger.model import Asked, Envelope, Excerpt, Pruned, StoredEntry

CHUNK = 1024
"""Entries that are looked at for one page: a power of two, so that what is left out of a page is one hash."""


def wanted(stored: StoredEntry, asked: Asked) -> bool:
    """Whether an entry is asked for. One that cannot be read is: whoever verifies shall see it."""
    if asked.project is not None and stored.project != asked.project:
        return False
    try:
        envelope = msgspec.json.decode(stored.envelope, type=Envelope)
    except msgspec.DecodeError:
        return True
    return (
        (asked.since is None or envelope.recorded_at >= asked.since)
        and (asked.until is None or envelope.recorded_at < asked.until)
        and (asked.actor is None or envelope.actor_id == asked.actor)
        and (asked.about is None or asked.about in set(_named(envelope.body)))
    )


def excerpted(scanned: Iterable[tuple[StoredEntry, bool]]) -> tuple[tuple[StoredEntry, ...], tuple[Pruned, ...]]:
    """What is kept of entries that follow each other: those that are asked for, and hashes for the runs between.

    Args:
        scanned: Each entry, and whether it is asked for.
    """
    kept, pruned, run = [], [], list[StoredEntry]()
    for entry, asked in scanned:
        if not asked:
            run.append(entry)
            continue
        pruned += _subtrees(run)
        kept.append(entry)
        run = []
    return tuple(kept), (*pruned, *_subtrees(run))


def in_order(page: Excerpt) -> list[StoredEntry | Pruned]:
    """Entries and what stands for others, as they follow each other in the ledger."""
    return sorted((*page.entries, *page.pruned), key=lambda one: one.first if isinstance(one, Pruned) else one.seq)


def _subtrees(run: list[StoredEntry]) -> list[Pruned]:
    """The fewest perfect subtrees that a run consists of, each at a place where the tree has one."""
    found, start = [], 0
    while start < len(run):
        position = run[start].seq - 1
        size = len(run) - start
        height = size.bit_length() - 1
        if position:
            height = min(height, (position & -position).bit_length() - 1)
        leaves = [bytes.fromhex(entry.leaf) for entry in run[start : start + (1 << height)]]
        found.append(Pruned(first=position + 1, last=position + (1 << height), root=_root(leaves)))
        start += 1 << height
    return found


def _root(level: list[bytes]) -> str:
    while len(level) > 1:
        level = [
            hashlib.sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=True)
        ]
    return level[0].hex()


def _named(body: Any) -> Iterator[str]:
    """Every name in a body, also as ``name@version``."""
    if isinstance(body, dict):
        for name in ("model", "name", "dataset", "pipeline", "view"):
            if isinstance(body.get(name), str) and isinstance(body.get("version"), int):
                yield f"{body[name]}@{body['version']}"
        for value in body.values():
            yield from _named(value)
    elif isinstance(body, list):
        for value in body:
            yield from _named(value)
    elif isinstance(body, str):
        yield body
