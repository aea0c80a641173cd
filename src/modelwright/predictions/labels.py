"""Keeping labels: acknowledged means on the disk."""

from __future__ import annotations

import threading
from pathlib import Path

from modelwright.core.errors import Unavailable
from modelwright.core.ids import Name
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.model import Kind, LabelBatch, encode
from modelwright.predictions.segments import DISK, Disk, SegmentWriter


class LabelWriter:
    """Writes label segments, one writer per endpoint, each opened at its first label.

    Law: ``add`` returns after the labels have been synced to the disk. Threads may share it.

    Args:
        folder: ``log/`` of the home.
        max_age_seconds: As of ``SegmentWriter``.
        disk: The operating system.
    """

    def __init__(self, folder: Path, *, max_age_seconds: float = 60.0, disk: Disk = DISK) -> None:
        self._folder = folder
        self._max_age = max_age_seconds
        self._disk = disk
        self._turn = threading.Lock()
        self._writers: dict[tuple[str, str], SegmentWriter] = {}

    def add(self, project: Name, batch: LabelBatch) -> None:
        """Keep a batch.

        Raises:
            Unavailable: The disk did not take it. The next call begins a segment of its own.
        """
        writer = self._writer(project, batch.endpoint)
        try:
            writer.append(encode(batch))
        except Unavailable:
            with self._turn:
                if self._writers.get((project, batch.endpoint)) is writer:
                    del self._writers[project, batch.endpoint]
            writer.close()
            raise

    def close(self) -> None:
        """Let the shipper have every segment."""
        with self._turn:
            writers, self._writers = self._writers, {}
        for writer in writers.values():
            writer.close()

    def _writer(self, project: Name, endpoint: Name) -> SegmentWriter:
        with self._turn:
            found = self._writers.get((project, endpoint))
            if found is None:
                folder = segment_folder(self._folder, endpoint, Kind.LABELS, project=project)
                found = SegmentWriter(folder, "labels", max_age_seconds=self._max_age, strict=True, disk=self._disk)
                self._writers[project, endpoint] = found
            return found
