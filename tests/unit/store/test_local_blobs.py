"""Blobs in a folder, beyond the law that every store of blobs keeps."""

import os
import time

from modelwright.store.adapters.local_blobs import LocalBlobs


def test_what_a_killed_process_left_is_removed_a_day_later_and_nothing_else(tmp_path):
    stored = LocalBlobs(tmp_path).put(b"kept")
    left, being_written = tmp_path / "incoming" / "left", tmp_path / "incoming" / "young"
    for path in (left, being_written):
        path.write_bytes(b"half of it")
    yesterday = time.time() - 25 * 3600
    os.utime(left, (yesterday, yesterday))
    os.utime(tmp_path / stored.digest[:2] / stored.digest[2:], (yesterday, yesterday))
    again = LocalBlobs(tmp_path)
    assert not left.exists()
    assert being_written.exists()
    assert again.read(stored.digest) == b"kept"
