"""One operation is one unit of work: everything it does is there afterwards, once, with its ledger entry; or nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from msgspec import Struct
from sqlalchemy import Column, MetaData, String, Table, func, insert, select

from modelwright.app.unit import Units
from modelwright.core.errors import Conflict, Denied, Invalid
from modelwright.core.events import Actor, Event
from modelwright.core.identity import Identity
from modelwright.core.operation import Service, operation
from modelwright.ledger.repository import LedgerRepository
from modelwright.ledger.service import LedgerService
from modelwright.store.adapters.sqlite import SqliteRecords
from modelwright.store.keys import Keys
from modelwright.store.tables import control

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WRITER = frozenset({"notes:read", "notes:write"})
ANNA = Identity(actor=Actor(id="anna"), project="delays", grants=WRITER)
BERT = Identity(actor=Actor(id="bert"), project="delays", grants=WRITER)
ANNA_ELSEWHERE = Identity(actor=Actor(id="anna"), project="claims", grants=WRITER)
READER = Identity(actor=Actor(id="rita"), project="delays", grants=frozenset({"notes:read"}))

tables = MetaData()
for _table in control.tables.values():
    _table.to_metadata(tables)
notes = Table("notes", tables, Column("word", String, primary_key=True), Column("by", String, nullable=False))
echoes = Table("echoes", tables, Column("word", String, primary_key=True), Column("request_id", String, nullable=False))


class NoteWritten(Event, frozen=True, kw_only=True, tag="notes.written"):
    """A note was written."""

    word: str


class Note(Struct, frozen=True, kw_only=True):
    """What is answered: how many notes there were, this one included."""

    word: str
    place: int


class Notes(Service):
    """A service as rooms have it; ``hold`` lets a test stand inside an operation."""

    noun = "notes"

    def __init__(self):
        self.entered = []
        self.hold = lambda word: None
        self.afterwards = lambda: None

    @operation(permission="notes:write", kind="command")
    def write(self, unit, word: str) -> Note:
        """Write a note; a word is written once."""
        self.entered.append(word)
        self.hold(word)
        if unit.rows.execute(select(notes).where(notes.c.word == word)).first():
            raise Conflict(f"{word} has been written already.")
        unit.rows.execute(insert(notes).values(word=word, by=unit.actor.id))
        unit.emit(NoteWritten(word=word))
        unit.after_commit(self.afterwards)
        if word.startswith("bad"):
            raise Invalid("A bad word.")
        return Note(word=word, place=unit.rows.execute(select(func.count()).select_from(notes)).scalar())

    @operation(permission="notes:write", kind="command")
    def burn(self, unit, word: str) -> None:
        """Another command that takes the same arguments."""

    @operation(permission="notes:write", kind="command", idempotent=True)
    def touch(self, unit, word: str) -> None:
        """A command that may be repeated without a key."""
        self.entered.append(word)

    @operation(permission="notes:read", kind="query")
    def count(self, unit, word: str = "") -> int:
        """How many notes there are."""
        self.hold(word)
        if word == "shout":
            unit.emit(NoteWritten(word=word))
        if word == "scribble":
            unit.rows.execute(insert(notes).values(word=word, by=unit.actor.id))
        return unit.rows.execute(select(func.count()).select_from(notes)).scalar()


class Desk:
    """The service on a real database, with a projection that echoes each event into a table."""

    def __init__(self, folder):
        self.records = SqliteRecords(folder / "control.db", tables)
        self.records.prepare()
        self.keys = Keys(folder / "keys")
        self.notes = Notes()
        self.projecting = lambda unit: None
        self.units = Units(self.records, self.keys, [self._echo], clock=lambda: NOW)

    def _echo(self, unit, recorded):
        unit.rows.execute(insert(echoes).values(word=recorded.event.word, request_id=recorded.request_id))
        self.projecting(unit)

    def do(self, verb, word, key=None, *, by=ANNA):
        found = Notes.operations()[verb]
        return self.units.run(found, self.notes, found.bind((word,), {}), identity=by, idempotency_key=key)

    def write(self, word, key=None, *, by=ANNA):
        return self.do("write", word, key, by=by)

    def words(self, table):
        with self.records.reading() as rows:
            return sorted(rows.execute(select(table.c.word)).scalars())

    @property
    def ledger(self):
        with self.records.reading() as rows:
            return [entry.envelope for entry in LedgerRepository().walk(rows)]

    @property
    def state(self):
        """Rows, projections, and how long the ledger is."""
        return self.words(notes), self.words(echoes), len(self.ledger)

    def verified(self):
        found = LedgerService.operations()["verify"]
        service = LedgerService(LedgerRepository(), self.keys)
        owner = Identity(actor=Actor(id="owner"), grants=frozenset({"*"}))
        return self.units.run(found, service, found.bind((), {}), identity=owner)


NOTHING = ([], [], 0)


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.records.close()


def test_what_an_operation_does_is_there_when_it_has_answered(desk):
    assert desk.write("late") == Note(word="late", place=1)
    assert desk.state == (["late"], ["late"], 1)
    assert desk.verified().intact


def test_without_the_permission_nothing_is_begun(desk):
    with pytest.raises(Denied, match="notes\\.write needs the permission notes:write"):
        desk.write("late", by=READER)
    assert desk.notes.entered == []
    assert desk.state == NOTHING


def test_the_permission_is_asked_before_the_kept_answer_is_given(desk):
    """Who has lost the permission does not read, under the old key, what they were answered while they had it."""
    desk.write("late", "k")
    with pytest.raises(Denied):
        desk.write("late", "k", by=Identity(actor=ANNA.actor, project="delays", grants=frozenset({"notes:read"})))


@pytest.mark.parametrize("key", [None, "k"])
def test_an_exception_after_rows_and_events_leaves_nothing(desk, key):
    with pytest.raises(Invalid, match="A bad word"):
        desk.write("bad", key)
    assert desk.state == NOTHING
    assert desk.verified().entries == 0


@pytest.mark.parametrize("key", [None, "k"])
def test_a_projection_that_fails_undoes_the_operation(desk, key):
    def fail(unit):
        raise RuntimeError("a fault in a projection")

    desk.projecting = fail
    with pytest.raises(RuntimeError, match="a fault in a projection"):
        desk.write("late", key)
    assert desk.state == NOTHING


def test_a_ledger_that_cannot_be_signed_undoes_the_operation(desk, monkeypatch):
    """The entry is there exactly when the rows are: the last statement's failure takes everything along."""
    monkeypatch.setattr(desk.keys, "sign_note", lambda *_: (_ for _ in ()).throw(OSError("no key")))
    with pytest.raises(OSError, match="no key"):
        desk.write("late", "k")
    assert desk.state == NOTHING


def test_a_failure_is_not_kept_under_its_key(desk):
    """A key is spent by an answer; after a failure, the same request may succeed."""
    desk.projecting = lambda unit: (_ for _ in ()).throw(RuntimeError("once"))
    with pytest.raises(RuntimeError):
        desk.write("late", "k")
    desk.projecting = lambda unit: None
    assert desk.write("late", "k").place == 1


def test_projections_see_the_rows_of_the_transaction_that_they_are_in(desk):
    seen = []
    desk.projecting = lambda unit: seen.append(unit.rows.execute(select(notes.c.word)).scalars().all())
    desk.write("late")
    assert seen == [["late"]]


def test_an_entry_says_who_did_what_when_and_why(desk):
    desk.write("late")
    (text,) = desk.ledger
    with desk.records.reading() as rows:
        request_id = rows.execute(select(echoes.c.request_id)).scalar()
    assert '"actor_id":"anna"' in text
    assert '"kind":"notes.written"' in text
    assert '"project":"delays"' in text
    assert '"recorded_at":"2026-03-01T00:00:00Z"' in text
    assert f'"request_id":"{request_id}"' in text
    assert '"body":{"word":"late"}' in text


def test_the_same_key_answers_the_first_answer_and_does_it_once(desk):
    first = desk.write("late", "k")
    desk.write("early")
    assert desk.write("late", "k") == first
    assert desk.notes.entered == ["late", "early"]
    assert len(desk.ledger) == 2


def test_two_at_once_under_one_key_do_it_once_and_get_one_answer(desk):
    """Neither has found a kept answer when both begin; the one that writes second is undone and answered by the first.

    The second finds the word written already. That refusal is of its own making, and not what it is told.
    """
    together = threading.Barrier(2, timeout=30)
    desk.notes.hold = lambda word: together.wait()
    with ThreadPoolExecutor(2) as threads:
        answers = [thread.result() for thread in [threads.submit(desk.write, "late", "k") for _ in range(2)]]
    assert answers == [Note(word="late", place=1)] * 2
    assert desk.notes.entered == ["late", "late"]
    assert desk.state == (["late"], ["late"], 1)
    assert desk.verified().intact


def test_of_two_at_once_the_one_that_is_undone_does_nothing_after_commit(desk):
    together, done = threading.Barrier(2, timeout=30), []
    desk.notes.hold = lambda word: together.wait()
    desk.notes.afterwards = lambda: done.append(1)
    with ThreadPoolExecutor(2) as threads:
        for thread in [threads.submit(desk.write, "late", "k") for _ in range(2)]:
            thread.result()
    assert done == [1]


def test_many_at_once_under_keys_of_their_own_are_all_done_and_chained(desk):
    with ThreadPoolExecutor(8) as threads:
        places = list(threads.map(lambda n: desk.write(f"word-{n}", f"k{n}").place, range(24)))
    assert sorted(places) == list(range(1, 25))
    assert desk.verified().intact
    assert len(desk.ledger) == 24


@pytest.mark.parametrize(("verb", "word"), [("write", "early"), ("burn", "late")])
def test_a_key_that_was_used_for_something_else_is_a_conflict(desk, verb, word):
    desk.write("late", "k")
    with pytest.raises(Conflict, match="'k' was used for another notes\\.write"):
        desk.do(verb, word, "k")
    assert desk.state == (["late"], ["late"], 1)


@pytest.mark.parametrize("other", [BERT, ANNA_ELSEWHERE], ids=["another actor", "another project"])
def test_a_key_belongs_to_one_actor_in_one_project(desk, other):
    desk.write("late", "k")
    assert desk.write("early", "k", by=other) == Note(word="early", place=2)


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_key_has_1_to_200_characters(desk, key):
    with pytest.raises(Invalid, match=f"{len(key)} characters, not 1 to 200"):
        desk.write("late", key)
    assert desk.notes.entered == []


def test_a_command_that_repeats_harmlessly_keeps_no_key(desk):
    desk.do("touch", "late", "k")
    desk.do("touch", "early", "k")
    assert desk.notes.entered == ["late", "early"]


def test_a_query_may_not_emit(desk):
    with pytest.raises(TypeError, match="A query emitted NoteWritten"):
        desk.do("count", "shout")
    assert desk.state == NOTHING


def test_what_a_query_writes_is_undone(desk):
    desk.do("count", "scribble")
    assert desk.state == NOTHING


def test_after_commit_comes_when_others_see_the_rows(desk):
    seen = []
    desk.notes.afterwards = lambda: seen.append(desk.state)
    desk.write("late")
    assert seen == [(["late"], ["late"], 1)]


@pytest.mark.parametrize("key", [None, "k"])
def test_after_commit_does_not_come_when_there_was_none(desk, key):
    done = []
    desk.notes.afterwards = lambda: done.append(1)
    with pytest.raises(Invalid):
        desk.write("bad", key)
    assert done == []


def test_after_commit_does_not_come_again_with_a_kept_answer(desk):
    done = []
    desk.notes.afterwards = lambda: done.append(1)
    desk.write("late", "k")
    desk.write("late", "k")
    assert done == [1]


def test_a_failure_after_commit_is_logged_and_harms_nothing(desk, caplog):
    def fail():
        raise RuntimeError("the workers cannot be told now")

    desk.notes.afterwards = fail
    assert desk.write("late", "k").place == 1
    assert desk.state == (["late"], ["late"], 1)
    assert "after notes.write" in caplog.text


def test_a_long_command_under_a_key_that_has_not_written_yet_holds_up_nobody(desk):
    """While one stands inside its operation, another writes from the first statement to the commit."""
    inside, go_on = threading.Event(), threading.Event()

    def hold(word):
        if word == "long":
            inside.set()
            assert go_on.wait(30)

    desk.notes.hold = hold
    with ThreadPoolExecutor(1) as thread:
        long = thread.submit(desk.write, "long", "k")
        assert inside.wait(30)
        assert desk.write("short", "k2").place == 1
        go_on.set()
        assert long.result().place == 2
    assert desk.verified().intact


def test_a_query_sees_one_snapshot_from_its_first_row_on(desk):
    """Two statements of one query tell of the same moment, whatever is committed in between."""
    desk.write("late")
    seen = []

    class Twice(Service):
        noun = "twice"

        @operation(permission="notes:read", kind="query")
        def count(self, unit) -> int:
            """Count, let another write, count again."""
            for _ in range(2):
                seen.append(unit.rows.execute(select(func.count()).select_from(notes)).scalar())
                if len(seen) == 1:
                    desk.write("early")
            return seen[-1]

    found = Twice.operations()["count"]
    desk.units.run(found, Twice(), found.bind((), {}), identity=ANNA)
    assert seen == [1, 1]
    assert desk.words(notes) == ["early", "late"]


def test_every_row_of_one_unit_carries_the_same_moment(tmp_path):
    ticks = iter(range(100))
    desk = Desk(tmp_path)
    desk.units = Units(desk.records, desk.keys, [], clock=lambda: NOW.replace(minute=next(ticks)))
    moments = []
    desk.notes.hold = lambda word: None

    class Slow(Service):
        noun = "slow"

        @operation(permission="notes:write", kind="command")
        def work(self, unit) -> None:
            """Look at the time twice."""
            moments.extend([unit.now, unit.now])

    found = Slow.operations()["work"]
    desk.units.run(found, Slow(), found.bind((), {}), identity=ANNA)
    desk.records.close()
    assert moments[0] == moments[1]
