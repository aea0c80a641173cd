"""The owner of a home rewrites its past with the home's own key, on the home's own disk.

Everything inside fits: hashes, chain, tree, signature. What was kept elsewhere does not: an auditor who has one
checkpoint, the key and the standalone script finds it, and a receipt that was given away stays proof of what was decided.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

import modelwright as mw
from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.ledger import checkpoint, tree
from modelwright.ledger.chain import chained
from modelwright.ledger.model import GENESIS, Head
from modelwright.ledger.repository import Edge
from modelwright.store.keys import Keys
from modelwright.store.tables import Body
from support.dashboard import MODEL, told
from support.homes import fresh_platform, live
from support.house import cli

SCRIPT = Path(__file__).parents[2] / "docs" / "verify_ledger.py"
KEPT = ["kept.txt", "key.txt", "decision.tlog-proof"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A home in which a version was refused and others promoted, and what an auditor took away from it."""
    folder = tmp_path_factory.mktemp("whole")
    with closing(fresh_platform(folder)) as platform:
        told(platform)
    home = ["--home", folder / ".modelwright"]
    assert "a checkpoint over" in cli(*home, "ledger", "anchor", "--file", folder / "kept.txt").out
    (folder / "key.txt").write_text(cli(*home, "ledger", "key").out)
    cli(*home, "ledger", "receipt", "--of", f"{MODEL}@1", "--out", folder / "decision.tlog-proof")
    return folder


@pytest.fixture
def story(whole, tmp_path):
    shutil.copytree(whole / ".modelwright", tmp_path / ".modelwright")
    for name in KEPT:
        shutil.copy(whole / name, tmp_path)
    return tmp_path


def verified(story, what, *more):
    """What the auditor's script says, in a Python that has no package."""
    key = (story / "key.txt").read_text().strip()
    command = [sys.executable, "-I", "-S", SCRIPT, story / what, "--key", key, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def rewritten(home, old, new):
    """Another past, with every hash, the edge and the signature as the home itself would have written them."""
    kind, keys = Body(Edge), Keys(home / "keys")
    with closing(sqlite3.connect(home / "control.db", isolation_level=None)) as rows:
        chain, frontier, size = GENESIS, [], 0
        for seq, text in rows.execute("SELECT seq, envelope FROM ledger ORDER BY seq").fetchall():
            forged = text.replace(old, new)
            leaf = tree.leaf_hash(forged.encode())
            frontier, chain, size = tree.grown(frontier, size, leaf), chained(chain, leaf), seq
            rows.execute("UPDATE ledger SET envelope=?, leaf=?, chain=? WHERE seq=?", (forged, leaf, chain, seq))
        signed = checkpoint.signed(Head(size=size, root=tree.root(frontier)), keys)
        edge = Edge(size=size, chain=chain, frontier=frontier, signed=signed)
        rows.execute("UPDATE ledger_head SET edge=?", (kind.process_bind_param(edge, None),))


def test_what_nobody_rewrote_begins_with_what_was_kept(story):
    home = ["--home", story / ".modelwright"]
    said = cli(*home, "ledger", "verify", "--against", story / "kept.txt").out
    assert "; held against 1 kept, the newest over " in said
    cli(*home, "run", "list")
    with mw.connect(story / ".modelwright") as ws:
        ws.runs.start("later")
    assert cli(*home, "ledger", "verify", "--against", story / "kept.txt", "--json").json["intact"]
    cli(*home, "ledger", "export", story / "ledger.jsonl")
    code, said = verified(story, "ledger.jsonl", "--against", story / "kept.txt")
    assert (code, "beginning with the" in said) == (0, True)
    cli(*home, "ledger", "consistency", story / "kept.txt", "--out", story / "consistency.txt")
    code, said = verified(story, "consistency.txt", "--against", story / "kept.txt")
    assert (code, said.startswith("proven: ")) == (0, True)


def test_a_past_rewritten_with_the_homes_own_key_is_found_by_what_was_kept(story):
    home = ["--home", story / ".modelwright"]
    rewritten(story / ".modelwright", '"allowed":false', '"allowed":true')
    assert cli(*home, "ledger", "verify").out.startswith("intact: "), "the key's owner can sign whatever they like"
    said = cli(*home, "ledger", "verify", "--against", story / "kept.txt", code=1).out
    assert said.startswith("ALTERED: the first ")
    assert "entries are not those of the checkpoint that was kept" in said
    refused = cli(*home, "ledger", "anchor", "--file", story / "kept.txt", code=1).err
    assert "does not begin with those of the checkpoint" in refused
    refused = cli(*home, "ledger", "consistency", story / "kept.txt", code=1).err
    assert "does not begin with those of the checkpoint" in refused
    cli(*home, "ledger", "export", story / "ledger.jsonl")
    assert verified(story, "ledger.jsonl")[0] == 0
    code, said = verified(story, "ledger.jsonl", "--against", story / "kept.txt")
    assert (code, "are not those of the checkpoint" in said) == (1, True)


def test_a_receipt_stays_proof_of_a_refusal_that_the_home_denies(story):
    rewritten(story / ".modelwright", '"allowed":false', '"allowed":true')
    code, said = verified(story, "decision.tlog-proof")
    assert code == 0
    facts = json.loads(said.splitlines()[1])
    move = facts["body"]["decision"]
    assert (facts["kind"], move["allowed"]) == ("governance.transition_decided", False)
    assert (move["transition"]["model"], move["transition"]["version"]) == (MODEL, 1)


def test_an_older_copy_of_the_whole_home_is_found_by_what_was_kept(story):
    home = story / ".modelwright"
    shutil.copytree(home, story / "older")
    with mw.connect(home) as ws:
        ws.runs.start("to-be-forgotten")
    cli("--home", home, "ledger", "anchor", "--file", story / "kept.txt")
    shutil.rmtree(home)
    shutil.copytree(story / "older", home)
    assert cli("--home", home, "ledger", "verify").out.startswith("intact: ")
    said = cli("--home", home, "ledger", "verify", "--against", story / "kept.txt", code=1).out
    assert "a checkpoint was kept over" in said


def test_a_home_with_another_key_is_another_ledger(story, tmp_path):
    """Who has no key can write a whole home anew; its name is another."""
    other = Home(tmp_path / "other").open(create=True).folder
    with mw.connect(other) as ws:
        ws.runs.start("mine")
    said = cli("--home", other, "ledger", "verify", "--against", story / "kept.txt", code=1).out
    assert "no checkpoint is of this ledger" in said
    cli("--home", other, "ledger", "receipt", "1", "--out", story / "forged.tlog-proof")
    code, said = verified(story, "forged.tlog-proof")
    assert (code, "is not signed by the key of" in said) == (1, True)


def test_the_ledgers_page_says_first_what_the_anchor_file_shows(story, monkeypatch):
    monkeypatch.setenv("MODELWRIGHT_ANCHOR_FILE", str(story / "kept.txt"))

    def page(path):
        with closing(Platform(Home(story / ".modelwright").open(create=False))) as platform, live(platform) as url:
            return httpx.get(url + path).text

    assert "it begins with the" in page("/ledger")
    entry = page("/ledger/3")
    assert "that the home&#39;s key signed" in entry or "that the home's key signed" in entry
    assert "/ledger/3/receipt.tlog-proof" in entry
    rewritten(story / ".modelwright", '"allowed":false', '"allowed":true')
    said = page("/ledger")
    assert "The record has been altered" in said
    assert "are not those of the checkpoint that was kept" in said
    with closing(sqlite3.connect(story / ".modelwright" / "control.db", isolation_level=None)) as rows:
        rows.execute("UPDATE ledger SET leaf = chain WHERE seq = 5")
    assert "There is no proof of it." in page("/ledger/3")
