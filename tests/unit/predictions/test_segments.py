"""Framing: what was appended is read, what was torn is passed over, what was altered is named."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelwright.core.errors import Corrupted, Invalid, Unavailable
from modelwright.predictions import segments
from modelwright.predictions.segments import (
    MAGIC,
    MAX_PAYLOAD,
    Disk,
    SegmentWriter,
    framed,
    frames,
    frames_of,
    has_writer,
)

PAYLOADS = st.lists(st.binary(max_size=60), max_size=6)
HERE = Path("log/delays/predictions/worker-0.seg")


def segment(payloads: list[bytes]) -> bytes:
    return MAGIC + b"".join(map(framed, payloads))


def read(data: bytes) -> list[bytes]:
    return [payload for _, payload in frames_of(data, HERE)]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.seg"))


def in_folder(folder: Path) -> list[bytes]:
    return [payload for path in files(folder) for _, payload in frames(path)]


@given(PAYLOADS)
def test_any_payloads_are_read_as_they_were_written(payloads: list[bytes]) -> None:
    assert read(segment(payloads)) == payloads


@given(PAYLOADS, st.data())
@example([b""], None)
def test_a_flip_of_any_one_byte_of_a_complete_frame_is_named(payloads: list[bytes], data: st.DataObject | None) -> None:
    whole = segment(payloads)
    places = range(len(whole)) if data is None else [data.draw(st.integers(0, len(whole) - 1))]
    for place in places:
        flip = 0xFF if data is None else data.draw(st.integers(1, 255))
        altered = whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :]
        with pytest.raises(Corrupted, match=r"delays/predictions/worker-0\.seg is damaged at byte \d+"):
            read(altered)


@given(PAYLOADS, st.data())
def test_a_segment_cut_anywhere_gives_exactly_the_complete_frames_before(
    payloads: list[bytes], data: st.DataObject
) -> None:
    whole = segment(payloads)
    cut = data.draw(st.integers(0, len(whole)))
    complete, end = [], len(MAGIC)
    for payload in payloads:
        end += len(framed(payload))
        if end <= cut:
            complete.append(payload)
    assert read(whole[:cut]) == complete


@given(PAYLOADS, st.integers(1, 40))
def test_zero_bytes_at_the_end_are_passed_over(payloads: list[bytes], count: int) -> None:
    assert read(segment(payloads) + bytes(count)) == payloads
    assert read(bytes(count)) == []


def test_a_record_after_zero_bytes_is_damage() -> None:
    with pytest.raises(Corrupted, match="at byte 8"):
        read(MAGIC + bytes(12) + framed(b"lost"))


def test_a_record_that_no_reader_would_take_is_refused() -> None:
    with pytest.raises(Invalid, match="too many for one record"):
        framed(bytes(MAX_PAYLOAD + 1))


def test_what_is_appended_can_be_read_at_once_by_others(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path / "a" / "b", "worker") as writer:
        for payload in (b"one", b"two"):
            writer.append(payload)
            assert in_folder(tmp_path / "a" / "b")[-1] == payload


def test_several_payloads_are_one_write_and_all_or_none_is_acknowledged(tmp_path: Path) -> None:
    disk = Recorder(fail_write=3)
    with SegmentWriter(tmp_path, "worker", disk=disk) as writer:
        writer.append(b"one", b"two")
        assert disk.writes == 2  # the file's header, and both frames
        with pytest.raises(Unavailable):
            writer.append(b"three", b"four")
    assert in_folder(tmp_path) == [b"one", b"two"]


def test_without_a_thread_to_sync_it_nothing_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with SegmentWriter(tmp_path, "worker") as writer:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        for _ in range(2):
            with pytest.raises(Unavailable, match="can't start new thread"):
                writer.append(b"one")


def test_a_full_segment_is_closed_and_the_next_begun(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "worker", max_bytes=100) as writer:
        for index in range(10):
            writer.append(bytes([index]) * 30)
        assert len(files(tmp_path)) == 5
        assert has_writer(files(tmp_path)[-1])
    assert in_folder(tmp_path) == [bytes([index]) * 30 for index in range(10)]
    assert not any(map(has_writer, files(tmp_path)))


def test_a_payload_larger_than_a_segment_gets_one_to_itself(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "worker", max_bytes=10) as writer:
        writer.append(bytes(50))
        writer.append(b"next")
    assert len(files(tmp_path)) == 2


def test_an_old_segment_is_closed_although_nothing_more_comes(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "worker", max_age_seconds=0.05) as writer:
        writer.append(b"one")
        deadline = time.monotonic() + 5
        while has_writer(files(tmp_path)[0]):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        writer.append(b"two")
    assert in_folder(tmp_path) == [b"one", b"two"]


def test_two_writers_of_one_name_never_share_a_file(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "worker") as first, SegmentWriter(tmp_path, "worker") as second:
        first.append(b"first")
        second.append(b"second")
        assert len(files(tmp_path)) == 2


def test_a_writer_that_is_closed_refuses(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "worker")
    writer.append(b"one")
    writer.close()
    writer.close()
    with pytest.raises(Unavailable, match="it is closed"):
        writer.append(b"two")
    assert in_folder(tmp_path) == [b"one"]


def test_a_writer_is_named_by_a_name(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        SegmentWriter(tmp_path, "../worker")


def test_many_threads_may_append_to_one_writer(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "worker", max_bytes=2000) as writer:

        def work(thread: int) -> None:
            for index in range(200):
                writer.append(f"{thread}:{index}".encode())

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(in_folder(tmp_path)) == sorted(f"{t}:{i}".encode() for t in range(4) for i in range(200))


class Recorder(Disk):
    """Counts syncs, and fails where told."""

    def __init__(self, *, short: bool = False, fail_write: int = 0, fail_sync: bool = False) -> None:
        self.syncs = 0
        self.writes = 0
        self.short = short
        self.fail_write = fail_write
        self.fail_sync = fail_sync

    def write(self, descriptor: int, data: bytes) -> int:
        self.writes += 1
        if self.writes == self.fail_write:
            os.write(descriptor, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.write(descriptor, data[: len(data) // 2 + 1] if self.short else data)

    def datasync(self, descriptor: int) -> None:
        self.syncs += 1
        if self.fail_sync:
            raise OSError(errno.EIO, "Input/output error")
        super().datasync(descriptor)


def test_a_strict_writer_syncs_before_it_acknowledges(tmp_path: Path) -> None:
    disk = Recorder()
    with SegmentWriter(tmp_path, "worker", strict=True, disk=disk) as writer:
        for count in range(1, 4):
            writer.append(b"one")
            assert disk.syncs == count
    assert disk.syncs == 3


def test_other_writers_sync_in_the_background(tmp_path: Path) -> None:
    disk = Recorder()
    with SegmentWriter(tmp_path, "worker", disk=disk) as writer:
        for _ in range(2):
            before = disk.syncs
            writer.append(b"one")
            deadline = time.monotonic() + 5
            while disk.syncs == before:
                assert time.monotonic() < deadline
                time.sleep(0.01)


def test_a_short_write_is_completed(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "worker", disk=Recorder(short=True)) as writer:
        writer.append(b"a payload of some length")
    assert in_folder(tmp_path) == [b"a payload of some length"]


@pytest.mark.parametrize("strict", [False, True])
def test_what_a_full_disk_did_not_take_is_cut_off_and_when_there_is_space_it_goes_on(
    tmp_path: Path, strict: bool
) -> None:
    disk = Recorder(fail_write=3)  # the first is the file's header
    with SegmentWriter(tmp_path, "worker", strict=strict, disk=disk) as writer:
        writer.append(b"kept")
        with pytest.raises(Unavailable, match=r"The disk is full \(\d+ of \d+ KiB are free\)"):
            writer.append(b"lost")
        assert in_folder(tmp_path) == [b"kept"]
        assert files(tmp_path)[0].stat().st_size == len(segment([b"kept"]))
        writer.append(b"after")
    assert sorted(in_folder(tmp_path)) == [b"after", b"kept"]


def test_a_full_disk_leaves_no_half_begun_segment(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "worker", disk=Recorder(fail_write=1)) as writer, pytest.raises(Unavailable):
        writer.append(b"lost")
    assert list(tmp_path.iterdir()) == []


def test_a_strict_writer_acknowledges_nothing_that_the_disk_did_not_sync(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, "worker", strict=True, disk=Recorder(fail_sync=True)) as writer:
        for _ in range(2):
            with pytest.raises(Unavailable, match="Input/output error"):
                writer.append(b"one")


def test_after_a_failed_sync_in_the_background_nothing_more_is_acknowledged(tmp_path: Path) -> None:
    disk = Recorder(fail_sync=True)
    with SegmentWriter(tmp_path, "worker", disk=disk) as writer:
        writer.append(b"one")
        deadline = time.monotonic() + 5
        while not disk.syncs or has_writer(files(tmp_path)[0]):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        with pytest.raises(Unavailable, match="Input/output error"):
            writer.append(b"more")
    assert not has_writer(files(tmp_path)[0])


def test_a_segment_whose_writer_failed_may_be_shipped(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "worker", disk=Recorder(fail_write=3))
    writer.append(b"kept")
    with pytest.raises(Unavailable):
        writer.append(b"lost")
    deadline = time.monotonic() + 5
    while has_writer(files(tmp_path)[0]):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_forked_child_may_not_append_to_its_parents_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SegmentWriter(tmp_path, "worker") as writer:
        writer.append(b"one")
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            with pytest.raises(Unavailable, match="opened by another process"):
                writer.append(b"two")


def test_a_segment_is_closed_soon_after_a_burst_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_QUIET_SECONDS", 0.01)
    with SegmentWriter(tmp_path, "w") as writer:
        writer.append(b"a")
        writer.append(b"b")
        (segment,) = tmp_path.glob("*.seg")
        deadline = time.monotonic() + 30
        while has_writer(segment) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not has_writer(segment)


def test_a_segment_is_let_go_when_what_came_has_stopped_coming(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the shipper need not wait for its age."""
    monkeypatch.setattr(segments, "_QUIET_SECONDS", 0.05)
    for strict in (False, True):
        with SegmentWriter(tmp_path / str(strict), "worker", strict=strict) as writer:
            writer.append(b"one")
            writer.append(b"two")
            deadline = time.monotonic() + 30
            while any(map(has_writer, files(tmp_path / str(strict)))):
                assert time.monotonic() < deadline
                time.sleep(0.005)
            writer.append(b"three")
            assert in_folder(tmp_path / str(strict)) == [b"one", b"two", b"three"]


@pytest.mark.parametrize(
    ("appends", "last", "ends"),
    [(1, 0.0, 300.0), (2, 0.0, 5.0), (101, 10.0, 15.0), (11, 100.0, 200.0), (2, 60.0, 300.0)],
)
def test_quiet_is_measured_by_the_stream_itself(tmp_path: Path, appends: int, last: float, ends: float) -> None:
    """A slow but steady stream fills one segment; one record alone says nothing of a rhythm."""
    opened = segments._Open(tmp_path, "worker-0", Disk(), dirty=False)
    opened.opened, opened.last, opened.appends = 0.0, last, appends
    os.close(opened.descriptor)
    assert opened.ends_at(300.0) == ends
