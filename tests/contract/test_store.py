"""Every adapter keeps its port's law."""

from contextlib import closing

import pytest

from modelwright.core.errors import Corrupted
from modelwright.store.adapters.duckdb_frames import DuckdbFrames
from modelwright.store.adapters.local_blobs import LocalBlobs
from modelwright.store.adapters.postgres import PostgresRecords
from modelwright.store.adapters.sqlite import SqliteRecords
from modelwright.store.adapters.sqlite_keyvalue import SqliteKeyValue
from modelwright.store.address import Address
from modelwright.store.leases import RecordsQueue
from modelwright.store.outbox import RecordsOutbox
from modelwright.store.tables import control
from modelwright.testing.faults import flip
from modelwright.testing.store import BlobsLaw, FramesLaw, KeyValueLaw, OutboxLaw, QueueLaw, RecordsLaw


class TestLocalBlobs(BlobsLaw):
    def opened(self, place):
        return LocalBlobs(place)

    def alter(self, place, digest):
        flip(place / digest[:2] / digest[2:])

    def test_a_broken_put_leaves_no_file_at_all(self, tmp_path):
        self.test_a_source_that_breaks_leaves_nothing(tmp_path)
        self.test_a_full_disk_is_said_and_leaves_nothing(tmp_path)
        assert list((tmp_path / "incoming").iterdir()) == []

    def test_stored_bytes_are_read_only(self, tmp_path):
        blobs = self.opened(tmp_path)
        assert blobs.verified_path(blobs.put(b"x").digest).stat().st_mode & 0o222 == 0


class TestDuckdbFrames(FramesLaw):
    def opened(self, place):
        blobs = LocalBlobs(place)
        return blobs, DuckdbFrames(blobs)

    def alter(self, place, digest):
        flip(place / digest[:2] / digest[2:])


@pytest.mark.parametrize("synchronous", ["FULL", "NORMAL"])
class TestSqliteRecords(RecordsLaw):
    @pytest.fixture(autouse=True)
    def _chosen(self, synchronous):
        self.synchronous = synchronous

    def opened(self, place, tables):
        return SqliteRecords(place / "records.db", tables, synchronous=self.synchronous)


class OnPostgres:
    """Each test has a fresh database of a real server."""

    @pytest.fixture(autouse=True)
    def _database(self, database):
        self.address = Address(database)

    def records(self, place, tables):
        return PostgresRecords(self.address, tables, schema="modelwright")


class OnSqlite:
    def records(self, place, tables):
        return SqliteRecords(place / "records.db", tables)


class LeasesAreRows:
    def opened(self, place, clock):
        records = self.records(place, control)
        records.prepare()
        return records, RecordsQueue(records, clock)


class MessagesAreRows:
    def opened(self, place, clock):
        records = self.records(place, control)
        records.prepare()
        return records, RecordsOutbox(records, clock)


class TestQueueOnSqlite(OnSqlite, LeasesAreRows, QueueLaw):
    pass


class TestQueueOnPostgres(OnPostgres, LeasesAreRows, QueueLaw):
    pass


class TestOutboxOnSqlite(OnSqlite, MessagesAreRows, OutboxLaw):
    pass


class TestOutboxOnPostgres(OnPostgres, MessagesAreRows, OutboxLaw):
    pass


class TestSqliteKeyValue(KeyValueLaw):
    def opened(self, place):
        return SqliteKeyValue(place / "online.db")

    def reading(self, place):
        return SqliteKeyValue(place / "online.db", read_only=True)

    def test_a_damaged_file_is_said(self, tmp_path):
        (tmp_path / "online.db").write_bytes(b"no database" * 1000)
        with closing(self.reading(tmp_path)) as store, pytest.raises(Corrupted, match="is damaged"):
            store.read("s", [(b"a", 1)])
