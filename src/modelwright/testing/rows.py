"""The laws of the ports that keep rows: ``Records`` and ``Queue``. ``testing.store`` offers them to authors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, update

from modelwright.core.clock import Clock
from modelwright.core.errors import Unavailable
from modelwright.store.ports import Lease, Outbox, Queue, Records
from modelwright.testing.faults import full_disk, killed

_tables = MetaData()
_accounts = Table("accounts", _tables, Column("name", String(20), primary_key=True), Column("amount", Integer))


class RecordsLaw:
    """What every ``Records`` keeps to."""

    def opened(self, place: Path, tables: MetaData) -> Records:
        """A handle on the database at this place; called again, another handle on the same."""
        raise NotImplementedError

    def filled(self, place: Path) -> Records:
        """A handle on a database that holds the account ``a`` with 0."""
        records = self.opened(place, _tables)
        records.prepare()
        with records.writing() as rows:
            rows.execute(insert(_accounts).values(name="a", amount=0))
        return records

    def amount(self, records: Records) -> object:
        """What the account ``a`` holds."""
        with records.reading() as rows:
            return rows.execute(select(_accounts.c.amount).where(_accounts.c.name == "a")).scalar()

    def test_what_was_written_is_there_for_every_handle(self, tmp_path: Path) -> None:
        self.filled(tmp_path).close()
        again = self.opened(tmp_path, _tables)
        assert self.amount(again) == 0
        again.close()

    def test_preparing_again_changes_nothing(self, tmp_path: Path) -> None:
        records = self.filled(tmp_path)
        records.prepare()
        assert self.amount(records) == 0
        records.close()

    def test_an_error_undoes_the_whole_block(self, tmp_path: Path) -> None:
        records = self.filled(tmp_path)

        def fail() -> None:
            with records.writing() as rows:
                rows.execute(update(_accounts).values(amount=1))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert self.amount(records) == 0
        records.close()

    def test_a_reader_sees_one_snapshot_and_waits_for_no_writer(self, tmp_path: Path) -> None:
        records, other = self.filled(tmp_path), self.opened(tmp_path, _tables)
        question = select(_accounts.c.amount)
        with records.reading() as rows:
            assert rows.execute(question).scalar() == 0
            with other.writing() as writer:
                writer.execute(update(_accounts).values(amount=1))
                assert rows.execute(question).scalar() == 0
                assert self.amount(other) == 0
            assert rows.execute(question).scalar() == 0
        assert self.amount(records) == 1
        records.close()
        other.close()

    def test_concurrent_writers_lose_no_update(self, tmp_path: Path) -> None:
        handles = [self.filled(tmp_path), self.opened(tmp_path, _tables)]

        def add(number: int) -> None:
            with handles[number % 2].writing() as rows:
                seen = rows.execute(select(_accounts.c.amount)).scalar()
                rows.execute(update(_accounts).values(amount=seen + 1))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(add, range(80)))
        assert self.amount(handles[0]) == 80
        for handle in handles:
            handle.close()

    def test_two_processes_may_prepare_at_once(self, tmp_path: Path) -> None:
        handles = [self.opened(tmp_path, _tables) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda handle: handle.prepare(), handles))
        for handle in handles:
            handle.close()

    def test_a_kill_inside_a_block_leaves_nothing_of_it(self, tmp_path: Path) -> None:
        self.filled(tmp_path).close()

        def work(die: Callable[[], None]) -> None:
            with self.opened(tmp_path, _tables).writing() as rows:
                rows.execute(update(_accounts).values(amount=1))
                die()

        killed(work)
        records = self.opened(tmp_path, _tables)
        assert self.amount(records) == 0
        with records.writing() as rows:
            rows.execute(update(_accounts).values(amount=2))
        assert self.amount(records) == 2
        records.close()

    def test_a_kill_after_a_block_takes_nothing_of_it(self, tmp_path: Path) -> None:
        self.filled(tmp_path).close()

        def work(die: Callable[[], None]) -> None:
            with self.opened(tmp_path, _tables).writing() as rows:
                rows.execute(update(_accounts).values(amount=1))
            die()

        killed(work)
        records = self.opened(tmp_path, _tables)
        assert self.amount(records) == 1
        records.close()

    def test_a_full_disk_is_said_and_undoes_the_block(self, tmp_path: Path) -> None:
        records = self.filled(tmp_path)
        many = [{"name": f"n{number}", "amount": number} for number in range(200_000)]
        with full_disk(200_000), pytest.raises(Unavailable), records.writing() as rows:
            rows.execute(insert(_accounts), many)
        with records.reading() as rows:
            assert len(rows.execute(select(_accounts)).all()) == 1
        with records.writing() as rows:
            rows.execute(update(_accounts).values(amount=3))
        assert self.amount(records) == 3
        records.close()


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2013, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class QueueLaw:
    """What every ``Queue`` keeps to."""

    minute = timedelta(minutes=1)

    def opened(self, place: Path, clock: Clock) -> tuple[Records, Queue]:
        """The database at this place, prepared, and its leases; called again, another handle on the same."""
        raise NotImplementedError

    def _taken_and_undone(self, records: Records, queue: Queue) -> None:
        with records.writing() as rows:
            queue.take(rows, "job", "me", self.minute)
            raise ZeroDivisionError

    def held(self, records: Records, queue: Queue, lease: Lease | None) -> bool:
        """Whether a lease is the newest grant."""
        assert lease is not None
        with records.writing() as rows:
            return queue.holds(rows, lease)

    def test_one_owner_holds_a_lease_and_others_wait(self, tmp_path: Path) -> None:
        records, queue = self.opened(tmp_path, Hand())
        mine = queue.acquire("job", "me", self.minute)
        assert queue.acquire("job", "you", self.minute) is None
        assert queue.acquire("another job", "you", self.minute) is not None
        assert self.held(records, queue, mine)
        records.close()

    def test_an_expired_lease_goes_to_another_with_a_larger_token(self, tmp_path: Path) -> None:
        clock = Hand()
        records, queue = self.opened(tmp_path, clock)
        mine = queue.acquire("job", "me", self.minute)
        clock.forward(61)
        yours = queue.acquire("job", "you", self.minute)
        assert mine is not None
        assert yours is not None
        assert yours.token > mine.token
        assert (self.held(records, queue, mine), self.held(records, queue, yours)) == (False, True)
        records.close()

    def test_the_holder_renews(self, tmp_path: Path) -> None:
        clock = Hand()
        records, queue = self.opened(tmp_path, clock)
        first = queue.acquire("job", "me", self.minute)
        clock.forward(50)
        again = queue.acquire("job", "me", self.minute)
        clock.forward(50)
        assert queue.acquire("job", "you", self.minute) is None
        assert self.held(records, queue, first)
        assert self.held(records, queue, again)
        records.close()

    def test_an_owner_who_slept_past_the_end_gets_a_larger_token(self, tmp_path: Path) -> None:
        clock = Hand()
        records, queue = self.opened(tmp_path, clock)
        first = queue.acquire("job", "me", self.minute)
        clock.forward(61)
        again = queue.acquire("job", "me", self.minute)
        assert first is not None
        assert again is not None
        assert again.token > first.token
        assert not self.held(records, queue, first)
        records.close()

    def test_a_released_lease_is_free_and_its_token_is_over(self, tmp_path: Path) -> None:
        records, queue = self.opened(tmp_path, Hand())
        mine = queue.acquire("job", "me", self.minute)
        assert mine is not None
        queue.release(mine)
        yours = queue.acquire("job", "you", self.minute)
        assert yours is not None
        assert yours.token > mine.token
        queue.release(mine)
        assert self.held(records, queue, yours)
        assert queue.acquire("job", "third", self.minute) is None
        records.close()

    def test_a_lease_taken_in_a_transaction_that_is_undone_is_not_there(self, tmp_path: Path) -> None:
        records, queue = self.opened(tmp_path, Hand())
        with pytest.raises(ZeroDivisionError):
            self._taken_and_undone(records, queue)
        assert queue.acquire("job", "you", self.minute) is not None
        records.close()

    def test_a_renewed_lease_keeps_its_token_also_after_its_end_if_nobody_came(self, tmp_path: Path) -> None:
        clock = Hand()
        records, queue = self.opened(tmp_path, clock)
        mine = queue.acquire("job", "me", self.minute)
        assert mine is not None
        clock.forward(61)
        with records.writing() as rows:
            assert queue.expired(rows, ["job", "unknown"]) == {"job", "unknown"}
            assert queue.renew(rows, mine, self.minute)
            assert queue.expired(rows, ["job", "unknown"]) == {"unknown"}
        assert queue.acquire("job", "you", self.minute) is None
        clock.forward(61)
        assert queue.acquire("job", "you", self.minute) is not None
        with records.writing() as rows:
            assert not queue.renew(rows, mine, self.minute)
            assert queue.expired(rows, ["job"]) == set()
        assert not self.held(records, queue, mine)
        records.close()

    def test_a_clock_that_is_put_back_holds_nobody_up(self, tmp_path: Path) -> None:
        clock = Hand()
        records, queue = self.opened(tmp_path, clock)
        dead = queue.acquire("job", "me", self.minute)
        assert dead is not None
        clock.forward(-6 * 3600)
        with records.reading() as rows:
            assert queue.expired(rows, ["job"]) == {"job"}
        fresh = queue.acquire("job", "you", self.minute)
        assert fresh is not None
        assert fresh.token > dead.token
        assert not self.held(records, queue, dead)
        assert queue.acquire("job", "third", self.minute) is None
        records.close()

    def test_of_many_who_ask_at_once_one_is_granted(self, tmp_path: Path) -> None:
        clock = Hand()
        handles = [self.opened(tmp_path, clock) for _ in range(2)]
        start = threading.Barrier(8)

        def ask(number: int) -> Lease | None:
            start.wait()
            return handles[number % 2][1].acquire("job", f"owner-{number}", self.minute)

        with ThreadPoolExecutor(8) as pool:
            granted = [lease for lease in pool.map(ask, range(8)) if lease is not None]
        assert len(granted) == 1
        for records, _ in handles:
            records.close()

    def test_a_zombie_cannot_write_under_its_old_token(self, tmp_path: Path) -> None:
        clock = Hand()
        records, queue = self.opened(tmp_path, clock)
        zombie = queue.acquire("job", "me", self.minute)
        clock.forward(61)
        queue.acquire("job", "you", self.minute)
        written = False
        with suppress(PermissionError), records.writing() as rows:
            assert zombie is not None
            if not queue.holds(rows, zombie):
                raise PermissionError
            written = True
        assert not written
        records.close()


class OutboxLaw:
    """What every ``Outbox`` keeps to."""

    def opened(self, place: Path, clock: Clock) -> tuple[Records, Outbox]:
        """The database at this place, prepared, and its outbox."""
        raise NotImplementedError

    def put(self, records: Records, outbox: Outbox, *bodies: str) -> None:
        """Messages, in one transaction."""
        with records.writing() as rows:
            for body in bodies:
                outbox.put(rows, project="default", topic="retrain", body=body, cause="0" * 32)

    def test_a_message_is_handed_out_oldest_first_until_it_is_settled(self, tmp_path: Path) -> None:
        records, outbox = self.opened(tmp_path, Hand())
        self.put(records, outbox, "first", "second")
        assert [message.body for message in outbox.due(10)] == ["first", "second"]
        outbox.settle(outbox.due(1)[0])
        assert [message.body for message in outbox.due(10)] == ["second"]
        records.close()

    def test_a_message_of_a_transaction_that_failed_was_never_there(self, tmp_path: Path) -> None:
        records, outbox = self.opened(tmp_path, Hand())
        with suppress(ConnectionResetError), records.writing() as rows:
            outbox.put(rows, project="default", topic="retrain", body="{}", cause="0" * 32)
            raise ConnectionResetError
        assert outbox.due(10) == []
        records.close()

    def test_a_failed_message_comes_again_after_pauses_that_double(self, tmp_path: Path) -> None:
        clock = Hand()
        records, outbox = self.opened(tmp_path, clock)
        self.put(records, outbox, "one", "other")
        for pause in (1, 2, 4, 8):
            outbox.postpone(outbox.due(1)[0], "no luck")
            assert [message.body for message in outbox.due(10)] == ["other"]
            clock.forward(pause)
        again = outbox.due(1)[0]
        assert (again.body, again.attempts, again.error) == ("one", 4, "no luck")
        assert outbox.failing(10) == [again]
        records.close()

    def test_a_position_is_never_given_twice(self, tmp_path: Path) -> None:
        records, outbox = self.opened(tmp_path, Hand())
        self.put(records, outbox, "one")
        first = outbox.due(1)[0]
        outbox.settle(first)
        self.put(records, outbox, "two")
        assert outbox.due(1)[0].id > first.id
        records.close()
