"""Whatever is done to stored entries, the first that is not what was recorded is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import text

from modelwright.core import wire
from modelwright.core.events import Actor, Event, Recorded
from modelwright.ledger import tree
from modelwright.ledger.append import append
from modelwright.ledger.chain import Walk, chained
from modelwright.ledger.model import GENESIS, StoredEntry
from modelwright.ledger.repository import LedgerRepository
from modelwright.store.adapters.sqlite import SqliteRecords
from modelwright.store.keys import Keys
from modelwright.store.tables import control

START = datetime(2026, 1, 1, tzinfo=UTC)
LENGTH = 9


class Told(Event, frozen=True, kw_only=True, tag="told.told"):
    """Something was told."""

    words: str


def recorded(number):
    return Recorded(
        event=Told(words=f"word {number}"),
        project="delays",
        actor=Actor(id="anna"),
        recorded_at=START + timedelta(minutes=number),
        request_id=f"request-{number}",
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Nine entries as they lie in the table, written by units of one, two and three events."""
    folder = tmp_path_factory.mktemp("chain")
    records, keys, repository = SqliteRecords(folder / "control.db", control), Keys(folder / "keys"), LedgerRepository()
    records.prepare()
    facts = [recorded(number) for number in range(LENGTH)]
    for part in (facts[:1], facts[1:3], facts[3:6], facts[6:]):
        with records.writing() as rows:
            append(rows, part, repository=repository, keys=keys)
    with records.reading() as rows:
        entries = list(repository.walk(rows))
    yield entries
    records.close()


def followed(entries):
    """How many fitted, and what is wrong with the next."""
    walk = Walk()
    walk.follow(entries)
    return walk.size, walk.problem


def test_what_nobody_touched_fits(stored):
    assert followed(stored) == (LENGTH, "")
    assert [entry.seq for entry in stored] == list(range(1, LENGTH + 1))


def test_the_chain_begins_with_nothing_and_each_link_holds_the_one_before(stored):
    chain = GENESIS
    for entry in stored:
        assert entry.leaf == tree.leaf_hash(entry.envelope.encode())
        chain = wire.sha256(bytes.fromhex(chain) + bytes.fromhex(entry.leaf))
        assert entry.chain == chain


def test_however_events_are_parted_into_units_the_ledger_is_the_same(stored, tmp_path):
    records, repository = SqliteRecords(tmp_path / "control.db", control), LedgerRepository()
    records.prepare()
    with records.writing() as rows:
        append(rows, [recorded(n) for n in range(LENGTH)], repository=repository, keys=Keys(tmp_path / "keys"))
        assert list(repository.walk(rows)) == stored
    records.close()


places = st.integers(0, LENGTH - 1)
other_hash = st.binary(min_size=32, max_size=32).map(bytes.hex)


def flipped(text_, place):
    """One character of a text made another."""
    place %= len(text_)
    return text_[:place] + ("x" if text_[place] != "x" else "y") + text_[place + 1 :]


@st.composite
def alterations(draw):
    """A place, and what is done to the entries there."""
    place = draw(places)
    field = draw(st.sampled_from(("envelope", "leaf", "chain", "kind", "project")))
    where = draw(st.integers(0, 10_000))
    return place, lambda entry: replace(entry, **{field: flipped(getattr(entry, field), where)})


@given(alterations())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_altered_entry_is_named_whichever_of_its_columns_it_was(stored, alteration):
    place, alter = alteration
    changed = [*stored[:place], alter(stored[place]), *stored[place + 1 :]]
    size, problem = followed(changed)
    assert size == place
    assert problem


@given(st.lists(alterations(), min_size=1, max_size=4))
def test_of_many_altered_entries_the_first_is_named(stored, made):
    changed = list(stored)
    for place, alter in made:
        if changed[place] == stored[place]:
            changed[place] = alter(stored[place])
    assert followed(changed)[0] == min(place for place, _ in made)


@given(st.sets(places, min_size=1, max_size=LENGTH - 1))
def test_where_entries_were_taken_out_the_first_gap_is_named(stored, gone):
    """An end that was cut off leaves a whole chain: that is found by the signed head, which counts."""
    left = [entry for place, entry in enumerate(stored) if place not in gone]
    size, problem = followed(left)
    if gone == set(range(LENGTH - len(gone), LENGTH)):
        assert (size, problem) == (LENGTH - len(gone), "")
    else:
        assert size == min(gone)
        assert f"entry {min(gone) + 1} is missing" in problem


@given(st.permutations(range(LENGTH)), st.booleans())
def test_swapped_entries_are_named_at_the_first_that_is_out_of_place(stored, order, renumbered):
    """Also when the positions beside the texts were put right."""
    changed = [stored[place] for place in order]
    if renumbered:
        changed = [replace(entry, seq=number) for number, entry in enumerate(changed, 1)]
    wrong = [place for place, was in enumerate(order) if place != was]
    assert followed(changed)[0] == (wrong[0] if wrong else LENGTH)


@given(places, places, st.booleans())
def test_an_entry_that_was_put_in_is_named(stored, place, copied, renumbered):
    changed = [*stored[:place], stored[copied], *stored[place:]]
    if renumbered:
        changed = [replace(entry, seq=number) for number, entry in enumerate(changed, 1)]
    first = next(i for i, entry in enumerate(changed) if i >= len(stored) or entry != stored[i])
    assert followed(changed)[0] == first


@given(places, st.sampled_from(["{}", "[]", "{", '{"seq": 1}', "null"]))
def test_a_text_that_is_no_envelope_is_named_though_all_its_hashes_fit(stored, place, wrong):
    before = stored[place - 1].chain if place else GENESIS
    leaf = tree.leaf_hash(wrong.encode())
    entry = StoredEntry(place + 1, "told.told", "delays", wrong, leaf, chained(before, leaf))
    size, problem = followed([*stored[:place], entry])
    assert (size, problem) == (place, "its text is not an entry")


@given(places)
def test_a_rewritten_entry_fits_and_changes_the_head(stored, place):
    """Who knows the hashes can rewrite a chain; it leads to another head, which only the key's owner can sign."""
    chain, rewritten = (stored[place - 1].chain if place else GENESIS), list(stored)
    for later in range(place, LENGTH):
        written = stored[later].envelope.replace("word", "fib") if later == place else stored[later].envelope
        leaf = tree.leaf_hash(written.encode())
        chain = chained(chain, leaf)
        rewritten[later] = replace(stored[later], envelope=written, leaf=leaf, chain=chain)
    walk, honest = Walk(), Walk()
    assert walk.follow(rewritten)
    assert honest.follow(stored)
    assert walk.head.root != honest.head.root
    assert walk.chain != honest.chain


@pytest.fixture
def records(tmp_path):
    """The nine entries in a database that somebody can write to."""
    made = SqliteRecords(tmp_path / "control.db", control)
    made.prepare()
    with made.writing() as rows:
        append(
            rows,
            [recorded(n) for n in range(LENGTH)],
            repository=LedgerRepository(),
            keys=Keys(tmp_path / "keys"),
        )
    yield made
    made.close()


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE ledger SET envelope = CAST(envelope AS BLOB) WHERE seq = 4", 4),
        ("UPDATE ledger SET envelope = 7 WHERE seq = 4", 4),
        ("UPDATE ledger SET leaf = CAST(leaf AS BLOB) WHERE seq = 4", 4),
        ("UPDATE ledger SET chain = '' WHERE seq = 4", 4),
        ("UPDATE ledger SET seq = 12 WHERE seq = 4", 4),
        ("DELETE FROM ledger WHERE seq = 1", 1),
        ("INSERT INTO ledger SELECT 0, kind, project, envelope, leaf, chain FROM ledger WHERE seq = 1", 1),
        ("INSERT INTO ledger SELECT -5, kind, project, envelope, leaf, chain FROM ledger WHERE seq = 1", 1),
        ("INSERT INTO ledger SELECT 10, kind, project, envelope, leaf, chain FROM ledger WHERE seq = 9", 10),
    ],
)
def test_whatever_sql_can_do_to_the_table_is_named(records, statement, named):
    with records.writing() as rows:
        rows.execute(text(statement))
    with records.reading() as rows:
        size, problem = followed(LedgerRepository().walk(rows))
    assert size == named - 1
    assert problem
