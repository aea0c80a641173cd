"""The law of ``KeyValue`` as tests."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from modelwright.core.errors import Unavailable
from modelwright.store.ports import KeyValue
from modelwright.testing.faults import full_disk, killed


class KeyValueLaw:
    """What every ``KeyValue`` keeps to."""

    def opened(self, place: Path) -> KeyValue:
        """A handle on the store at this place that may write; called again, another handle on the same."""
        raise NotImplementedError

    def reading(self, place: Path) -> KeyValue:
        """A handle that may only read, for another process; the store need not be there yet."""
        raise NotImplementedError

    def test_a_key_has_the_last_value_at_or_before_the_moment(self, tmp_path: Path) -> None:
        with closing(self.opened(tmp_path)) as store:
            assert store.replace("s", None, [(b"a", 10, b"one"), (b"a", 20, b"two"), (b"b", 15, b"")]) == 3
            asked = [(b"a", moment) for moment in (9, 10, 19, 20, 2**63 - 1)]
            assert store.read("s", asked) == [None, b"one", b"one", b"two", b"two"]
            assert store.read("s", [(b"b", 15), (b"c", 15), (b"", 15)]) == [b"", None, None]

    def test_moments_may_lie_before_1970(self, tmp_path: Path) -> None:
        with closing(self.opened(tmp_path)) as store:
            store.replace("s", None, [(b"a", -(2**62), b"old")])
            assert store.read("s", [(b"a", 0), (b"a", -(2**63))]) == [b"old", None]

    def test_what_was_written_is_there_for_every_handle(self, tmp_path: Path) -> None:
        with closing(self.reading(tmp_path)) as early:
            assert early.read("s", [(b"a", 5)]) == [None]
            assert not early.knows("s")
            with closing(self.opened(tmp_path)) as store:
                store.replace("s", None, [(b"a", 1, b"x")])
                assert early.read("s", [(b"a", 5)]) == [b"x"]
        with closing(self.reading(tmp_path)) as late:
            assert (late.read("s", [(b"a", 5)]), late.count("s"), late.knows("s")) == ([b"x"], 1, True)

    def test_only_entries_since_the_moment_are_replaced(self, tmp_path: Path) -> None:
        with closing(self.opened(tmp_path)) as store:
            store.replace("s", None, [(b"a", 1, b"one"), (b"a", 2, b"two"), (b"b", 3, b"three")])
            assert store.replace("s", 2, [(b"a", 4, b"four")]) == 1
            assert store.read("s", [(b"a", 3), (b"a", 4), (b"b", 9)]) == [b"one", b"four", None]
            assert store.count("s") == 2

    def test_spaces_do_not_touch_each_other(self, tmp_path: Path) -> None:
        with closing(self.opened(tmp_path)) as store:
            store.replace("one", None, [(b"a", 1, b"x")])
            store.replace("two", None, [])
            assert (store.knows("two"), store.count("two")) == (True, 0)
            assert (store.knows("three"), store.count("three")) == (False, 0)
            assert store.read("one", [(b"a", 1)]) == [b"x"]

    def test_entries_that_break_off_change_nothing(self, tmp_path: Path) -> None:
        def breaking() -> Iterator[tuple[bytes, int, bytes]]:
            yield b"a", 1, b"new"
            raise ZeroDivisionError

        with closing(self.opened(tmp_path)) as store:
            store.replace("s", None, [(b"a", 1, b"old")])
            with pytest.raises(ZeroDivisionError):
                store.replace("s", None, breaking())
            assert store.read("s", [(b"a", 1)]) == [b"old"]

    def test_a_kill_while_writing_changes_nothing(self, tmp_path: Path) -> None:
        with closing(self.opened(tmp_path)) as store:
            store.replace("s", None, [(b"a", 1, b"old")])

        def work(die: object) -> None:
            def fatal() -> Iterator[tuple[bytes, int, bytes]]:
                yield from ((b"a%d" % number, 1, b"new" * 1000) for number in range(2000))
                die()  # type: ignore[operator]  # what ``killed`` gives

            self.opened(tmp_path).replace("s", None, fatal())

        killed(work)
        with closing(self.opened(tmp_path)) as store:
            assert (store.read("s", [(b"a", 1)]), store.count("s")) == ([b"old"], 1)

    def test_a_full_disk_is_said_and_changes_nothing(self, tmp_path: Path) -> None:
        with closing(self.opened(tmp_path)) as store:
            store.replace("s", None, [(b"a", 1, b"old")])
            with full_disk(300_000), pytest.raises(Unavailable):
                store.replace("s", None, ((b"a%d" % number, 1, b"x" * 1000) for number in range(5000)))
            assert store.read("s", [(b"a", 1)]) == [b"old"]
            store.replace("s", None, [(b"a", 1, b"new")])

    def test_who_may_only_read_writes_nothing(self, tmp_path: Path) -> None:
        with closing(self.opened(tmp_path)) as store:
            store.replace("s", None, [(b"a", 1, b"old")])
        with closing(self.reading(tmp_path)) as store, pytest.raises(Unavailable):
            store.replace("s", None, [])

    def test_a_reader_sees_all_of_a_replacement_or_nothing(self, tmp_path: Path) -> None:
        keys = [b"%d" % number for number in range(50)]
        with closing(self.opened(tmp_path)) as store, closing(self.reading(tmp_path)) as reader:
            store.replace("s", None, [(key, 1, b"0") for key in keys])

            def write() -> None:
                for turn in range(1, 20):
                    store.replace("s", None, [(key, 1, b"%d" % turn) for key in keys])

            with ThreadPoolExecutor(1) as pool:
                writing = pool.submit(write)
                while not writing.done():
                    assert None not in reader.read("s", [(key, 1) for key in keys])
                writing.result()
