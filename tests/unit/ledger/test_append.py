"""The ledger's new end is signed only where the old one is what was signed."""

import sqlite3
from contextlib import closing

import msgspec
import pytest

import modelwright as mw
from modelwright.app.home import Home
from modelwright.core.errors import Corrupted
from modelwright.ledger import tree
from modelwright.ledger.chain import chained
from modelwright.ledger.model import GENESIS
from modelwright.ledger.repository import Edge
from modelwright.store.tables import Body


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / ".modelwright"
    Home(folder).open(create=True)
    with mw.connect(folder) as ws:
        for number in range(3):
            ws.runs.start(f"run-{number}")
    return folder


def rows_of(home):
    return closing(sqlite3.connect(home / "control.db", isolation_level=None))


def rewrite_history(home, *, signed):
    """What somebody does who can write the database and has no key: another past, with every hash as it should be."""
    kind = Body(Edge)
    with rows_of(home) as rows:
        edge = kind.read(rows.execute("SELECT edge FROM ledger_head").fetchone()[0])
        chain, frontier = GENESIS, []
        for seq, text in rows.execute("SELECT seq, envelope FROM ledger ORDER BY seq").fetchall():
            forged = text.replace("run-0", "run-9")
            leaf = tree.leaf_hash(forged.encode())
            frontier, chain = tree.grown(frontier, seq - 1, leaf), chained(chain, leaf)
            rows.execute("UPDATE ledger SET envelope=?, leaf=?, chain=? WHERE seq=?", (forged, leaf, chain, seq))
        fresh = Edge(size=edge.size, chain=chain, frontier=frontier, signed=edge.signed if signed else None)
        rows.execute("UPDATE ledger_head SET edge=?", (kind.process_bind_param(fresh, None),))


@pytest.mark.parametrize("signed", [True, False])
def test_a_rewritten_history_is_not_signed_by_the_next_append(home, signed):
    rewrite_history(home, signed=signed)
    with mw.connect(home) as ws:
        with pytest.raises(Corrupted, match="takes no more entries"):
            ws.runs.start("later")
        assert not ws.ledger.verify().intact
        assert len(ws.runs.list().items) == 3


def test_a_ledger_without_its_end_takes_no_entry(home):
    with rows_of(home) as rows:
        rows.execute("DELETE FROM ledger_head")
    with mw.connect(home) as ws, pytest.raises(Corrupted, match="its signed head is gone"):
        ws.runs.start("later")


def test_an_edge_that_is_no_hash_is_a_finding_of_the_verification(home):
    kind = Body(Edge)
    with rows_of(home) as rows:
        edge = kind.read(rows.execute("SELECT edge FROM ledger_head").fetchone()[0])
        broken = msgspec.structs.replace(edge, frontier=["no hash", "at all"])
        rows.execute("UPDATE ledger_head SET edge=?", (kind.process_bind_param(broken, None),))
    with mw.connect(home) as ws:
        assert "not made of hashes" in ws.ledger.verify().problem
        with pytest.raises(Corrupted):
            ws.runs.start("later")


def test_an_entry_that_is_bytes_instead_of_text_is_named(home):
    with rows_of(home) as rows:
        rows.execute("UPDATE ledger SET envelope = CAST(envelope AS BLOB) WHERE seq = 2")
    with mw.connect(home) as ws:
        found = ws.ledger.verify()
        assert (found.intact, found.first_altered) == (False, 2)
        with pytest.raises(Corrupted, match="Entry 2"):
            ws.ledger.list()
