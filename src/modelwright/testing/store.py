"""The laws of the storage ports as tests. An adapter's author inherits a class and says how to open the adapter.

Example:
    class TestMyBlobs(BlobsLaw):
        def opened(self, place):
            return MyBlobs(place)

        def alter(self, place, digest):
            flip(place / digest)
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelwright.core.errors import Conflict, Corrupted, Invalid, NotFound, Unavailable
from modelwright.store.ports import Blobs, Frames
from modelwright.testing.faults import full_disk, killed
from modelwright.testing.keyvalue import KeyValueLaw
from modelwright.testing.rows import OutboxLaw, QueueLaw, RecordsLaw

__all__ = ["BlobsLaw", "FramesLaw", "KeyValueLaw", "OutboxLaw", "QueueLaw", "RecordsLaw"]

STRANGER = "0" * 64


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class _Breaking(io.RawIOBase):
    """A stream that answers some bytes and then breaks."""

    def __init__(self, breaks: Callable[[], None]) -> None:
        self._left = 3
        self._breaks = breaks

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self._left -= 1
        if self._left == 0:
            self._breaks()
        return b"x" * 1_000_000


def _reset() -> None:
    raise ConnectionResetError


class _Cut(io.RawIOBase):
    """A stream that answers some bytes, and breaks where it should end."""

    def __init__(self, data: bytes, breaks: Callable[[], None]) -> None:
        self._data = io.BytesIO(data)
        self._breaks = breaks

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        piece = self._data.read(size)
        if not piece:
            self._breaks()
        return piece


class BlobsLaw:
    """What every ``Blobs`` keeps to."""

    def opened(self, place: Path) -> Blobs:
        """A handle on the store at this place; called again, another handle on the same."""
        raise NotImplementedError

    def alter(self, place: Path, digest: str) -> None:
        """Flip one bit of stored bytes, behind the adapter's back."""
        raise NotImplementedError

    def test_what_was_put_is_read_back_from_bytes_files_and_streams(self, tmp_path: Path) -> None:
        blobs = self.opened(tmp_path / "store")
        (tmp_path / "file").write_bytes(b"file")
        for source, data in ((b"bytes", b"bytes"), (tmp_path / "file", b"file"), (io.BytesIO(b"stream"), b"stream")):
            stored = blobs.put(source)
            assert (stored.digest, stored.size, stored.new) == (_digest(data), len(data), True)
            again = self.opened(tmp_path / "store")
            assert again.read(stored.digest) == data
            assert again.verified_path(stored.digest).read_bytes() == data
            assert b"".join(again.stream(stored.digest)) == data
            assert again.verify(stored.digest) == again.size(stored.digest) == len(data)

    def test_the_same_bytes_are_stored_once(self, tmp_path: Path) -> None:
        blobs = self.opened(tmp_path)
        assert [blobs.put(b"once").new, blobs.put(b"once").new, blobs.put(io.BytesIO(b"once")).new] == [
            True,
            False,
            False,
        ]
        assert list(blobs.digests()) == [_digest(b"once")]

    def test_no_bytes_are_bytes_too(self, tmp_path: Path) -> None:
        blobs = self.opened(tmp_path)
        assert blobs.read(blobs.put(b"").digest) == b""

    def test_a_stranger_is_not_found(self, tmp_path: Path) -> None:
        blobs = self.opened(tmp_path)
        known = blobs.put(b"known").digest
        assert blobs.missing([known, STRANGER]) == [STRANGER]
        for ask in (blobs.read, blobs.verify, blobs.size, blobs.verified_path, blobs.stream):
            with pytest.raises(NotFound):
                ask(STRANGER)

    @pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 63 + "/"])
    def test_what_is_no_digest_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(Invalid):
            self.opened(tmp_path).read(name)

    def test_one_flipped_bit_is_found_and_named(self, tmp_path: Path) -> None:
        blobs = self.opened(tmp_path)
        digest = blobs.put(b"truth" * 1000).digest
        blobs.verified_path(digest)
        self.alter(tmp_path, digest)
        for ask in (blobs.read, blobs.verify, blobs.verified_path, blobs.stream):
            with pytest.raises(Corrupted, match=digest):
                ask(digest)

    def test_the_same_content_again_mends_altered_bytes(self, tmp_path: Path) -> None:
        blobs = self.opened(tmp_path)
        digest = blobs.put(b"truth" * 1000).digest
        self.alter(tmp_path, digest)
        blobs.put(b"truth" * 1000)
        assert blobs.read(digest) == b"truth" * 1000

    def test_a_source_that_breaks_leaves_nothing(self, tmp_path: Path) -> None:
        def breaks() -> None:
            raise ConnectionResetError

        blobs = self.opened(tmp_path)
        with pytest.raises(ConnectionResetError):
            blobs.put(_Breaking(breaks))  # type: ignore[arg-type]  # a stream in all but its declared base
        assert list(blobs.digests()) == []

    def test_a_kill_while_putting_leaves_nothing_to_be_seen(self, tmp_path: Path) -> None:
        killed(lambda die: _discard(self.opened(tmp_path).put(_Breaking(die))))  # type: ignore[arg-type]
        blobs = self.opened(tmp_path)
        assert list(blobs.digests()) == []
        assert blobs.read(blobs.put(b"after").digest) == b"after"

    def test_what_broke_goes_on_where_it_stopped_also_through_another_handle(self, tmp_path: Path) -> None:
        whole = bytes(range(256)) * 20_000
        digest, half = _digest(whole), len(whole) // 2
        with pytest.raises(ConnectionResetError):
            self.opened(tmp_path).go_on(digest, "anna", 0, _Cut(whole[:half], _reset))  # type: ignore[arg-type]
        blobs = self.opened(tmp_path)
        begun = blobs.begun(digest, "anna")
        assert 0 < begun <= half
        assert (blobs.begun(digest, "bert"), blobs.missing([digest]), list(blobs.digests())) == (0, [digest], [])
        stored = blobs.go_on(digest, "anna", begun, io.BytesIO(whole[begun:]))
        assert (stored.digest, stored.size) == (digest, len(whole))
        assert blobs.read(digest) == whole
        assert blobs.begun(digest, "anna") == 0

    def test_what_is_sent_twice_over_is_stored_once(self, tmp_path: Path) -> None:
        """An attempt may begin before the end of the one before: what it sends again is the same."""
        whole, blobs = b"0123456789" * 500_000, self.opened(tmp_path)
        digest = _digest(whole)
        with pytest.raises(Invalid):
            blobs.go_on(digest, "anna", 0, io.BytesIO(whole[:-1]))
        with pytest.raises(ConnectionResetError):
            blobs.go_on(digest, "anna", 0, _Cut(whole[:4_000_000], _reset))  # type: ignore[arg-type]
        assert blobs.go_on(digest, "anna", 1_000_000, io.BytesIO(whole[1_000_000:])).size == len(whole)
        assert blobs.read(digest) == whole

    def test_a_whole_of_another_digest_leaves_nothing(self, tmp_path: Path) -> None:
        blobs = self.opened(tmp_path)
        with pytest.raises(Invalid, match="nothing was stored"):
            blobs.go_on(_digest(b"a"), "anna", 0, io.BytesIO(b"b"))
        assert (blobs.begun(_digest(b"a"), "anna"), list(blobs.digests())) == (0, [])

    def test_nobody_goes_on_behind_what_has_come(self, tmp_path: Path) -> None:
        with pytest.raises(Conflict, match="not there"):
            self.opened(tmp_path).go_on(_digest(b"ab"), "anna", 1, io.BytesIO(b"b"))

    def test_a_stream_begins_where_it_is_asked_to(self, tmp_path: Path) -> None:
        blobs, whole = self.opened(tmp_path), b"0123456789" * 300_000
        digest = blobs.put(whole).digest
        for start in (0, 1, 1_500_000, len(whole)):
            assert b"".join(blobs.stream(digest, start)) == whole[start:]

    def test_a_full_disk_is_said_and_leaves_nothing(self, tmp_path: Path) -> None:
        blobs = self.opened(tmp_path)
        with full_disk(100_000), pytest.raises(Unavailable, match="full"):
            blobs.go_on(_digest(b"x" * 3_000_000), "anna", 0, io.BytesIO(b"x" * 3_000_000))
        assert blobs.begun(_digest(b"x" * 3_000_000), "anna") == 0
        with full_disk(100_000), pytest.raises(Unavailable, match="full"):
            blobs.put(b"x" * 3_000_000)
        assert list(blobs.digests()) == []
        assert blobs.put(b"x" * 3_000_000).new

    def test_two_writers_at_once_lose_nothing(self, tmp_path: Path) -> None:
        contents = [b"%d" % (number % 20) * 10_000 for number in range(60)]
        handles = [self.opened(tmp_path), self.opened(tmp_path)]
        with ThreadPoolExecutor(8) as pool:
            stored = list(pool.map(lambda n: handles[n % 2].put(contents[n]).digest, range(60)))
        assert sorted(handles[0].digests()) == sorted(set(stored)) == sorted(map(_digest, set(contents)))
        assert all(handles[1].verify(digest) for digest in stored)


class FramesLaw:
    """What every ``Frames`` keeps to."""

    def opened(self, place: Path) -> tuple[Blobs, Frames]:
        """The store at this place, and SQL over it."""
        raise NotImplementedError

    def alter(self, place: Path, digest: str) -> None:
        """Flip one bit of stored bytes, behind the adapter's back."""
        raise NotImplementedError

    def put(self, blobs: Blobs, **columns: Any) -> str:
        """Store a Parquet part."""
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(columns), sink)
        return blobs.put(sink.getvalue().to_pybytes()).digest

    def test_sql_sees_the_parts_as_one_table_by_column_name(self, tmp_path: Path) -> None:
        blobs, frames = self.opened(tmp_path)
        parts = [self.put(blobs, a=[1, 2], b=["x", "y"]), self.put(blobs, b=["z"], a=[3])]
        found = frames.query("SELECT sum(a) AS a, max(b) AS b FROM data", {"data": parts})
        assert found.to_pylist() == [{"a": 6, "b": "z"}]

    def test_a_table_keeps_the_order_of_parts_and_rows(self, tmp_path: Path) -> None:
        blobs, frames = self.opened(tmp_path)
        parts = [self.put(blobs, a=[3, 1], b=[0, 0]), self.put(blobs, a=[2], b=[0])]
        assert frames.table(parts, ["a"]).to_pydict() == {"a": [3, 1, 2]}
        assert frames.table(parts[::-1]).column_names == ["a", "b"]
        assert frames.table(parts[::-1])["a"].to_pylist() == [2, 3, 1]

    def test_an_arrow_table_can_be_asked_beside_parts(self, tmp_path: Path) -> None:
        blobs, frames = self.opened(tmp_path)
        tables: dict[str, Sequence[str] | pa.Table] = {"a": [self.put(blobs, k=[1, 2])], "b": pa.table({"k": [2, 3]})}
        assert frames.query("SELECT k FROM a JOIN b USING (k)", tables).to_pydict() == {"k": [2]}

    def test_a_parameter_is_a_value_and_never_sql(self, tmp_path: Path) -> None:
        blobs, frames = self.opened(tmp_path)
        words = ["'; DROP TABLE data; --", "$word", 'a"b']
        part = self.put(blobs, word=words)
        for word in words:
            found = frames.query("SELECT count(*) AS n FROM data WHERE word = $word", {"data": [part]}, {"word": word})
            assert found["n"].to_pylist() == [1]

    def test_times_are_utc(self, tmp_path: Path) -> None:
        blobs, frames = self.opened(tmp_path)
        moment = datetime(2013, 7, 1, 4, 30, tzinfo=UTC)
        part = self.put(blobs, at=pa.array([moment], pa.timestamp("us", "UTC")))
        found = frames.query('SELECT "at", hour("at") AS hour FROM data', {"data": [part]})
        assert found.to_pylist() == [{"at": moment, "hour": 4}]

    def test_a_footer_says_columns_and_rows(self, tmp_path: Path) -> None:
        blobs, frames = self.opened(tmp_path)
        footer = frames.footer(self.put(blobs, a=[1, 2, 3], b=["x", "y", "z"]))
        assert footer.rows == 3
        assert footer.schema == pa.schema({"a": pa.int64(), "b": pa.string()})

    def test_a_part_that_is_not_stored_is_not_found(self, tmp_path: Path) -> None:
        _, frames = self.opened(tmp_path)
        for ask in _asks(frames):
            with pytest.raises(NotFound):
                ask(STRANGER)

    def test_bytes_that_are_no_parquet_are_invalid(self, tmp_path: Path) -> None:
        blobs, frames = self.opened(tmp_path)
        whole = blobs.read(self.put(blobs, a=list(range(1000))))
        for junk in (b"", b"PAR1", b"a,b\n1,2\n", whole[:-20]):
            digest = blobs.put(junk).digest
            for ask in _asks(frames)[1:]:
                with pytest.raises(Invalid):
                    ask(digest)

    def test_one_flipped_bit_is_found_before_anything_is_read(self, tmp_path: Path) -> None:
        blobs, frames = self.opened(tmp_path)
        digest = self.put(blobs, a=list(range(1000)))
        frames.table([digest])
        self.alter(tmp_path, digest)
        for ask in _asks(frames):
            with pytest.raises(Corrupted, match=digest):
                ask(digest)


def _asks(frames: Frames) -> tuple[Callable[[str], object], ...]:
    return (
        frames.footer,
        lambda digest: frames.table([digest]),
        lambda digest: frames.query("SELECT sum(a) FROM data", {"data": [digest]}),
    )


def _discard(value: object) -> None:
    """Take an answer and give none."""
