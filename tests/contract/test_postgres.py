"""Records on a real PostgreSQL server keep the port's law, and what only a server can do to them is said."""

from contextlib import closing, contextmanager
from threading import Event, Thread

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text, update

from modelwright.core.errors import Invalid, Unavailable
from modelwright.store.adapters import postgres
from modelwright.store.adapters.postgres import PostgresRecords
from modelwright.store.address import Address
from modelwright.testing.store import RecordsLaw
from support.house import awaits
from support.postgres import Wire

TABLES = MetaData()
NOTES = Table(
    "notes", TABLES, Column("id", Integer, primary_key=True), Column("word", String(5)), Column("amount", Integer)
)
LOSE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'modelwright'"


class TestPostgresRecords(RecordsLaw):
    @pytest.fixture(autouse=True)
    def _database(self, database):
        self.address = Address(database)

    def opened(self, place, tables):
        return PostgresRecords(self.address, tables, schema="modelwright")

    def test_a_full_disk_is_said_and_undoes_the_block(self, tmp_path):
        """The disk is another process's, so the server is asked to say what it says when its disk is full."""
        records = self.filled(tmp_path)
        full = "DO $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left' USING ERRCODE = '53100'; END $$"
        with pytest.raises(Unavailable, match="No space left"), records.writing() as rows:
            rows.execute(text(f"UPDATE accounts SET amount = 1; {full}"))
        assert self.amount(records) == 0
        with records.writing() as rows:
            rows.execute(text("UPDATE accounts SET amount = 3"))
        assert self.amount(records) == 3
        records.close()


@contextmanager
def opened(url):
    with closing(PostgresRecords(Address(url), TABLES, schema="modelwright")) as records:
        records.prepare()
        yield records


def amounts(records):
    with records.reading() as rows:
        return list(rows.execute(select(NOTES.c.amount).order_by(NOTES.c.id)).scalars())


def note(records, amount, word=""):
    with records.writing() as rows:
        rows.execute(insert(NOTES).values(amount=amount, word=word))


def test_texts_sort_by_their_bytes_and_have_no_limit_whatever_the_database_prefers(cluster, database):
    with opened(database) as records:
        for word in ("b" * 9, "B", "a", "é", "Z", "_"):
            note(records, 0, word)
        with records.reading() as rows:
            found = list(rows.execute(select(NOTES.c.word).order_by(NOTES.c.word)).scalars())
    assert found == sorted(found)
    assert "b" * 9 in found
    kept = "SELECT collname FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation WHERE attname = 'word'"
    assert {name for (name,) in cluster.execute(kept, database.rpartition("/")[2])} == {"C"}


def test_whole_numbers_have_64_bits_and_larger_ones_are_refused(database):
    with opened(database) as records:
        for amount in (2**31, 2**63 - 1, -(2**63)):
            note(records, amount)
            with records.reading() as rows:
                assert rows.execute(select(NOTES.c.amount).where(NOTES.c.amount == amount)).scalar() == amount
        for amount in (2**63, 2**200):
            with pytest.raises(Invalid, match="cannot be kept"):
                note(records, amount)


def test_a_text_that_postgresql_cannot_hold_is_refused_and_not_altered(database):
    with opened(database) as records:
        with pytest.raises(Invalid, match="NUL"):
            note(records, 1, "a\x00b")
        assert amounts(records) == []


def test_a_writer_waits_for_others_and_in_the_end_says_so(database, monkeypatch):
    monkeypatch.setattr(postgres, "PATIENCE_SECONDS", 0.2)
    with opened(database) as records, opened(database) as other:
        with records.writing():
            with pytest.raises(Unavailable, match="Another process has been writing"):
                note(other, 1)
            with pytest.raises(Unavailable, match="Others of this process have been writing"):
                note(records, 1)
        note(other, 2)
        assert amounts(records) == [2]


def test_a_writer_that_falls_silent_keeps_others_waiting_for_a_bounded_time(database, monkeypatch):
    def freeze(records, other):
        with records.writing() as rows:
            rows.execute(insert(NOTES).values(amount=1))
            note(other, 2)  # waits until the lock is taken away
            rows.execute(insert(NOTES).values(amount=3))

    with opened(database) as records, opened(database) as other:
        monkeypatch.setattr(postgres, "LONGEST_SILENCE_SECONDS", 0.2)
        with pytest.raises(Unavailable, match="cannot be used"):
            freeze(records, other)
        assert amounts(records) == [2]


def test_a_writer_that_waited_sees_what_the_other_one_wrote(database):
    """Its snapshot must be younger than the lock, or it would count from what was there before it waited."""
    with opened(database) as records, opened(database) as other:
        note(records, 0)
        begun, seen = Event(), []

        def add():
            begun.set()
            with other.writing() as rows:
                seen.append(rows.execute(select(NOTES.c.amount)).scalar())

        with records.writing() as rows:
            rows.execute(update(NOTES).values(amount=1))
            thread = Thread(target=add)
            thread.start()
            begun.wait()
            _until_somebody_waits(rows)
        thread.join()
        assert seen == [1]


def _until_somebody_waits(rows):
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    while not rows.execute(waiting).scalar():
        pass


def test_connections_that_were_lost_while_nobody_used_them_are_replaced(cluster, database):
    with opened(database) as records:
        note(records, 1)
        for ask in (amounts, lambda records: note(records, 1)):
            cluster.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'modelwright'"
            )
            ask(records)
        assert amounts(records) == [1, 1]


def test_a_connection_that_is_lost_inside_a_block_undoes_it(cluster, database):
    def lose(records):
        with records.writing() as rows:
            rows.execute(insert(NOTES).values(amount=1))
            cluster.execute(LOSE)
            rows.execute(insert(NOTES).values(amount=2))

    with opened(database) as records:
        with pytest.raises(Unavailable, match="cannot be used"):
            lose(records)
        assert amounts(records) == []
        note(records, 3)
        assert amounts(records) == [3]


@pytest.mark.parametrize(("cut", "there"), [("before", []), ("after", [7])])
def test_a_connection_cut_at_the_commit_says_that_nobody_knows(cluster, database, cut, there):
    wire = Wire(cluster)
    with closing(wire), opened(wire.url(database)) as records:
        wire.cut = cut
        with pytest.raises(Unavailable, match="whether it did is not known") as raised:
            note(records, 7)
        assert wire.cuts == 1
        assert "idempotency key" in raised.value.remedy
        awaits(lambda: amounts(records) == there, "what was asked for before the cut is done")  # the server works on


def test_a_server_that_is_not_there_is_said_without_the_password_and_found_again(cluster, database):
    with opened(database) as records:
        note(records, 1)
        cluster.end()
        try:
            for ask in (amounts, lambda records: note(records, 2)):
                with pytest.raises(Unavailable, match="cannot be used") as raised:
                    ask(records)
                assert "Pa55" not in f"{raised.value} {raised.value.remedy} {raised.value.__cause__!r}"
        finally:
            cluster.start()
        note(records, 3)
        assert amounts(records) == [1, 3]


def test_commits_wait_for_the_disk_whatever_the_database_prefers(cluster, database):
    cluster.execute(f"ALTER DATABASE {database.rpartition('/')[2]} SET synchronous_commit = off")
    with opened(database) as records, records.reading() as rows:
        assert rows.execute(text("SHOW synchronous_commit")).scalar() == "on"


def test_a_database_that_may_only_be_read_is_refused_with_the_reason(cluster, database):
    cluster.execute(f"ALTER DATABASE {database.rpartition('/')[2]} SET default_transaction_read_only = on")
    with pytest.raises(Unavailable, match="read-only"), opened(database):
        pass


def test_a_database_whose_texts_are_not_utf_8_is_refused(cluster):
    cluster.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    try:
        with pytest.raises(Invalid, match="LATIN1"), opened(cluster.url("latin")):
            pass
    finally:
        cluster.execute("DROP DATABASE latin WITH (FORCE)")


def test_a_user_without_rights_hears_what_is_missing(cluster, database):
    name = database.rpartition("/")[2]
    cluster.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    try:
        guest = database.replace("modelwright:Pa55-word-of-tests", "guest:guest")
        with pytest.raises(Unavailable, match=f"permission denied for database {name}"), opened(guest):
            pass
    finally:
        cluster.execute("DROP ROLE guest")
