"""Lines into the online store: only what changed since the last time is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from modelwright.data.model import DatasetVersion
from modelwright.features.lines import Changes, Facts, Longs, changes, columns_of, facts
from modelwright.features.model import Line, ViewVersion, columns_read
from modelwright.features.vectors import entry_bytes, key_bytes
from modelwright.predictions.model import microseconds
from modelwright.store.ports import Frames, KeyValue

_BATCH = 20_000


class Reading(NamedTuple):
    """The dataset versions of a view: now, and of the last time.

    Attributes:
        now: Dataset -> the version to read.
        before: Dataset -> the version that was read the last time, if it was.
        until: Facts known by then were put into the store the last time, in microseconds since 1970.
    """

    now: Mapping[str, DatasetVersion]
    before: Mapping[str, DatasetVersion]
    until: int | None


class Written(NamedTuple):
    """What was done.

    Attributes:
        until: Facts known by then are in the store now.
        entries: How many entries were written.
        held: How many there are.
    """

    until: int
    entries: int
    held: int


def materialize(
    version: ViewVersion, reading: Reading, until: datetime | None, *, frames: Frames, store: KeyValue
) -> Written:
    """Bring a view's lines in the store up to a moment.

    A part of a dataset that both versions share cannot have changed, so only facts of other parts, and facts known
    after the last time, can have moved a line; from the earliest of them on it is written anew. What is ahead already
    stays: questions are answered as of their own moment.

    Args:
        version: The view.
        reading: What to read.
        until: Facts known by then; none for all there are.
        frames: Reads them.
        store: The online store.
    """
    last = reading.until
    limit = None if until is None else microseconds(until)
    if limit is not None and last is not None:
        limit = max(limit, last)
    reached, written, held = limit or last or 0, 0, 0
    for place, line in enumerate(version.view.lines):
        space = f"{version.space}/{place}"
        dataset = reading.now[line.source.dataset]
        found = _facts(line, dataset, [part.digest for part in dataset.parts], frames, limit)
        if limit is None and len(found.event):
            reached = max(reached, int(found.start.max()))
        known = last is not None and store.knows(space) and line.source.dataset in reading.before
        since = _moved(line, reading, found, frames, limit) if known else None
        if not known or since is not None:
            whole = changes(line, found)
            written += store.replace(space, since, _entries(whole, since))
        held += store.count(space)
    return Written(reached, written, held)


def _moved(line: Line, reading: Reading, found: Facts, frames: Frames, limit: int | None) -> int | None:
    """The earliest moment from which the line may differ from what the store has; none where it cannot."""
    now, before = reading.now[line.source.dataset], reading.before[line.source.dataset]
    moments = [found.start[found.start > (reading.until or 0)]]
    for one, other in ((now, before), (before, now)):
        shared = {part.digest for part in other.parts}
        parts = [part.digest for part in one.parts if part.digest not in shared]
        if parts:
            moments.append(_facts(line, one, parts, frames, limit).start)
    together = np.concatenate(moments)
    return int(together.min()) if len(together) else None


def _facts(line: Line, dataset: DatasetVersion, parts: list[str], frames: Frames, limit: int | None) -> Facts:
    wanted = dict.fromkeys([*columns_of(line.source, line), *columns_read(line.features, list(dataset.columns))])
    table = frames.table(parts, list(wanted))
    return facts(line.source, table, dataset.columns, until=limit)


def _entries(whole: Changes, since: int | None) -> Iterator[tuple[bytes, int, bytes]]:
    keys, moments, event, values = whole
    if since is not None:
        later = moments >= since
        mask = pa.array(later)
        keys, moments, values = keys.filter(mask), moments[later], values.filter(mask)
        event = None if event is None else event[later]
    for start in range(0, len(moments), _BATCH):
        yield from _batch(keys.slice(start, _BATCH), moments[start : start + _BATCH], event, values, start)


def _batch(
    keys: pa.Table, moments: Longs, event: Longs | None, values: pa.Table, start: int
) -> Iterator[tuple[bytes, int, bytes]]:
    columns = [_plain(column) for column in values.slice(start, _BATCH).columns]
    if event is not None:
        columns.insert(0, event[start : start + _BATCH].tolist())
    named = zip(*(column.to_pylist() for column in keys.columns), strict=True)
    for key, moment, entry in zip(named, moments.tolist(), zip(*columns, strict=True), strict=True):
        yield key_bytes(key), moment, entry_bytes(entry)


def _plain(column: pa.ChunkedArray) -> list[object]:
    plain: list[object] = (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
    return plain
