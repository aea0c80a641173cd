"""Open segments as tables, each record decoded once: a segment grows at its end and nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.predictions.columns import empty, joined, rows_of
from modelwright.predictions.model import Kind
from modelwright.predictions.segments import frames_of

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

_MOST_PIECES = 32


@dataclass
class _Tail:
    """What is known of one segment: its records up to an offset."""

    offset: int = 0
    pieces: list[pa.Table] = field(default_factory=list)


class Tails:
    """Reads the open segments of a log again and again, from where it stopped.

    Law: ``rows`` answers what reading the files from their beginning would, except that bytes which were read and
    checked before are not read again. Threads may share it.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._known: dict[tuple[Path, Kind], dict[str, _Tail]] = {}

    def rows(self, folder: Path, kind: Kind, paths: Sequence[Path]) -> pa.Table:
        """The rows of a folder's open segments, in their order.

        Args:
            folder: The place; what is known of its other segments is forgotten.
            kind: What its records are.
            paths: The segments.

        Raises:
            FileNotFoundError: One was shipped meanwhile.
            Corrupted: One is damaged.
        """
        with self._turn:
            before = self._known.get((folder, kind), {})
            now = {path.name: before.get(path.name, _Tail()) for path in paths}
            self._known[folder, kind] = now
            pieces = [piece for path in paths for piece in _read_on(now, path, kind)]
        return joined(pieces or [empty(kind)])


def _read_on(known: dict[str, _Tail], path: Path, kind: Kind) -> list[pa.Table]:
    tail = known[path.name]
    if path.stat().st_size < tail.offset:  # a write that failed was taken back
        tail = known[path.name] = _Tail()
    with path.open("rb") as file:
        file.seek(tail.offset)
        data = file.read()
    found = list(frames_of(data, path, begin=tail.offset))
    if found:
        rows = rows_of(kind, (payload for _, payload in found))
        end, payload = found[-1]
        tail.pieces.append(rows)
        tail.offset = end + len(payload)
    if len(tail.pieces) > _MOST_PIECES:
        tail.pieces = [joined(tail.pieces).combine_chunks()]
    return tail.pieces
