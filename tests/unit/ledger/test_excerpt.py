"""LAW: a part of the ledger is verified offline, like the whole; what is left out tells nothing, and cannot be changed."""

import csv
import json
import subprocess
import sys
import tracemalloc
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller
from modelwright.core.errors import Denied
from modelwright.core.events import Actor
from modelwright.core.identity import OWNER, Identity
from modelwright.ledger import proofs, tree
from modelwright.ledger.excerpt import CHUNK, excerpted, in_order
from modelwright.ledger.model import Excerpt, StoredEntry
from support.happening import alarm, happens
from support.homes import fresh_platform

SCRIPT = Path(__file__).parents[3] / "docs" / "verify_ledger.py"


def verified(file, *more):
    done = subprocess.run([sys.executable, "-I", SCRIPT, file, *more], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    """A ledger of 2,500 entries: three projects, two people."""
    with closing(fresh_platform(tmp_path_factory.mktemp("excerpt"))) as made:
        Workspace(made.table, LocalCaller(made, OWNER), "here").projects.add("claims")
        for number in range(249):
            project, actor = ("default", "claims", "other")[number % 3], ("ada", "bob")[number % 2]
            happens(made, *(alarm(version=number) for _ in range(10)), project=project, actor=actor)
        happens(made, *(alarm(endpoint="rare", summary="secret") for _ in range(9)), actor="ada")
        yield made


@pytest.fixture
def ws(platform):
    return Workspace(platform.table, LocalCaller(platform, OWNER), "here")


def lines_of(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"project": "claims"}, 830),
        ({"project": "default", "actor": "bob"}, 410),
        ({"about": "rare"}, 9),
        ({"about": "flight-delay@7"}, 10),
        ({"actor": "nobody"}, 0),
        ({"since": datetime(2026, 3, 1, tzinfo=UTC)}, 2500),
        ({"until": datetime(2026, 3, 1, tzinfo=UTC)}, 0),
    ],
    ids=str,
)
def test_a_part_is_verified_offline(asked, count, ws, tmp_path):
    done = ws.ledger.export(tmp_path / "part.jsonl", **asked)
    head, *lines = lines_of(tmp_path / "part.jsonl")
    entries = [line for line in lines if "seq" in line]
    assert (done.entries, len(entries), head["format"]) == (count, count, 3)
    assert (done.size, done.first, done.last) == (
        2500,
        *((entries[0]["seq"], entries[-1]["seq"]) if entries else (None, None)),
    )
    code, said = verified(tmp_path / "part.jsonl", "--key", head["key"])
    assert code == 0
    assert said.startswith(f"intact: {count:,} of 2,500 entries")


def test_what_is_left_out_is_not_in_the_file(ws, tmp_path):
    ws.ledger.export(tmp_path / "part.jsonl", project="claims")
    assert "rare" not in (tmp_path / "part.jsonl").read_text()
    assert {line["project"] for line in lines_of(tmp_path / "part.jsonl")[1:] if "seq" in line} == {"claims"}


def test_a_short_part_is_a_short_file(ws, tmp_path):
    ws.ledger.export(tmp_path / "part.jsonl", about="rare")
    assert len(lines_of(tmp_path / "part.jsonl")) < 30


def test_every_change_of_a_part_is_noticed(ws, tmp_path):
    ws.ledger.export(tmp_path / "part.jsonl", about="rare")
    (tmp_path / "part.jsonl.manifest.json").unlink()
    given = (tmp_path / "part.jsonl").read_text().splitlines()
    entry = next(place for place, line in enumerate(given) if '"seq"' in line)
    hashed = next(place for place, line in enumerate(given) if '"root"' in line)
    wrong = {
        "another text": given[entry].replace("secret", "SECRET"),
        "another hash": given[hashed].replace('"root":"', '"root":"00')[:-4] + '"}',
        "left out": None,
    }
    for what, line in wrong.items():
        place = entry if what != "another hash" else hashed
        file = tmp_path / "wrong.jsonl"
        file.write_text("\n".join([*given[:place], *([line] if line else []), *given[place + 1 :]]) + "\n")
        code, said = verified(file)
        assert code == 1, (what, said)


def test_the_manifest_vouches_for_the_file(ws, tmp_path):
    file = tmp_path / "ledger.jsonl"
    done = ws.ledger.export(file, people={"ada": "Ada", "zoe": "Zoe"})
    manifest = json.loads((tmp_path / "ledger.jsonl.manifest.json").read_text())
    assert manifest["people"] == done.people == {"ada": "Ada"}
    assert (manifest["entries"], manifest["first"], manifest["last"], manifest["size"]) == (2500, 1, 2500, 2500)
    assert verified(file)[0] == 0
    file.write_text(file.read_text() + "\n")
    code, said = verified(file)
    assert (code, "manifest" in said) == (1, True)


def test_a_table_is_for_people_and_runs_nothing(platform, ws, tmp_path):
    happens(platform, alarm(endpoint="sheet"), actor="=cmd|'/c calc'!A1")
    done = ws.ledger.export(tmp_path / "ledger.csv", table=True, about="sheet", people={"=cmd|'/c calc'!A1": "@evil"})
    [row] = csv.DictReader((tmp_path / "ledger.csv").read_text().splitlines())
    assert (done.entries, row["actor_id"][:5], row["actor"]) == (1, "'=cmd", "'@evil")
    assert json.loads(row["body"])["endpoint"] == "sheet"
    assert verified(tmp_path / "ledger.csv")[0] == 0
    (tmp_path / "ledger.csv").write_text("seq,\n")
    assert verified(tmp_path / "ledger.csv")[0] == 1


def test_who_may_not_export_everything_gets_their_own_project_alone(platform, tmp_path):
    auditor = Identity(actor=Actor(id="vera"), project="claims", grants=frozenset({"ledger:read"}))
    ledger = Workspace(platform.table, LocalCaller(platform, auditor), "here").ledger
    for asked in ({}, {"project": "default"}, {"about": "rare"}):
        with pytest.raises(Denied):
            ledger.export(tmp_path / "part.jsonl", **asked)
    assert not (tmp_path / "part.jsonl").exists()
    assert ledger.export(tmp_path / "part.jsonl", project="claims").entries == 830


def test_a_part_is_of_the_ledger_as_it_was_when_the_export_began(platform, ws, tmp_path, monkeypatch):
    excerpt, late = ws.ledger.excerpt, iter([1])

    def reading(**arguments):
        page = excerpt(**arguments)
        for _ in late:
            happens(platform, alarm(endpoint="late"))
        return page

    monkeypatch.setattr(ws.ledger, "excerpt", reading, raising=False)
    assert ws.ledger.export(tmp_path / "part.jsonl", about="late").entries == 0
    assert verified(tmp_path / "part.jsonl")[0] == 0


def test_an_export_holds_one_page_in_memory_at_a_time(platform, ws, tmp_path):
    def peak(count, name):
        happens(platform, *(alarm(endpoint="much", summary="x" * 2000) for _ in range(count)))
        tracemalloc.start()
        try:
            ws.ledger.export(tmp_path / name)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1000, "first")  # what is loaded and compiled once
    small, large = peak(1000, "small"), peak(4000, "large")
    assert (tmp_path / "large").stat().st_size > 10 << 20
    assert large < small * 1.5 + (1 << 20)


@given(st.lists(st.booleans(), max_size=300), st.integers(1, 64))
def test_any_part_leads_to_the_root_of_the_whole(asked, chunk):
    """Whatever is left out, and however it is cut into pages of which the size is a power of two."""
    chunk = 1 << chunk.bit_length() - 1
    every = [StoredEntry(seq, "k", "p", str(seq), tree.leaf_hash(b"%d" % seq), "") for seq in range(1, len(asked) + 1)]
    edge: list[tuple[int, str]] = []
    for start in range(0, len(every), chunk):
        part = zip(every[start : start + chunk], asked[start : start + chunk], strict=True)
        kept, pruned = excerpted(part)
        page = Excerpt(entries=kept, pruned=pruned, size=len(every), checkpoint="", key="", next=None)
        for each in in_order(page):
            size, root = (1, each.leaf) if isinstance(each, StoredEntry) else (each.last - each.first + 1, each.root)
            while edge and edge[-1][0] == size:
                size, root = size * 2, tree._node_hash(edge.pop()[1], root)
            edge.append((size, root))
    leaves = [bytes.fromhex(entry.leaf) for entry in every]
    assert tree.root([root for _, root in edge]) == proofs.root(leaves).hex()


def test_a_page_that_holds_nothing_asked_for_is_one_hash(ws):
    page = ws.ledger.excerpt(about="rare")
    assert [(each.first, each.last) for each in page.pruned] == [(1, CHUNK)]
