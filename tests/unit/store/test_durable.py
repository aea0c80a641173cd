"""What has been acknowledged is on the disk, name and all, whoever died on the way."""

import os
import sys
from pathlib import Path

import pytest

from modelwright.store.adapters.local_blobs import LocalBlobs
from modelwright.store.keys import Keys

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names of descriptors are Linux's")


@pytest.fixture
def synced(monkeypatch):
    """The folders that were synced, in order."""
    seen = []
    real = os.fsync

    def fsync(descriptor):
        seen.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


def test_the_first_bytes_of_a_folder_bring_the_entry_of_the_folder_to_the_disk(tmp_path, synced):
    digest = LocalBlobs(tmp_path).put(b"first").digest
    assert synced[1:] == [str(tmp_path / digest[:2]), str(tmp_path)]


@pytest.mark.parametrize("source", [b"known", None])
def test_bytes_that_a_process_renamed_and_then_died_are_synced_before_they_are_known(tmp_path, synced, source):
    digest = LocalBlobs(tmp_path).put(b"known").digest
    synced.clear()
    file = tmp_path / "file"
    file.write_bytes(b"known")
    assert not LocalBlobs(tmp_path).put(source or file).new
    assert synced == [str(tmp_path / digest[:2]), str(tmp_path)]


def test_a_key_that_was_begun_under_this_process_id_and_left_is_no_obstacle(tmp_path):
    (tmp_path / f"signing.{os.getpid()}").write_bytes(b"left")
    assert Keys(tmp_path).public == Keys(tmp_path).public


def test_a_key_is_on_the_disk_before_anything_is_signed_with_it(tmp_path, synced):
    assert Keys(tmp_path / "keys").public
    assert synced[1:] == [str(tmp_path / "keys"), str(tmp_path)]
