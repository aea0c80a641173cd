"""The ledger: is the record whole, and what happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import Any

from modelwright.core import wire
from modelwright.core.errors import Corrupted, NotFound
from modelwright.ledger.exporting import Export
from modelwright.ledger.model import Anchored, Asked, Entry
from modelwright.ui.page import Ask, File, View

_PAGE = 100
_ANCHORED = str(Anchored.__struct_config__.tag)


def load_list(ask: Ask) -> View:
    """Entries, newest first, under what a verification of all of them found."""
    kind, found = ask.word("kind") or None, ask.workspace.ledger.verify()
    page = ask.workspace.ledger.list(kind=kind, limit=_PAGE, after=ask.word("after") or None)
    context = {
        "entries": [(entry, summary(entry)) for entry in page.items],
        "after": page.next,
        "kind": kind,
        "kinds": sorted({entry.envelope.kind for entry in page.items} | ({kind} if kind else set())),
        "found": found,
        "newest": ask.workspace.ledger.checkpoint() if found.intact else None,
        "anchors": ask.workspace.ledger.list(kind=_ANCHORED, limit=5).items,
    }
    return View("ledger", "Ledger", context)


def load_lines(ask: Ask) -> View:
    """The project's entries as JSON lines, which anybody can verify."""
    me = ask.workspace.users.me()
    return _exported(Export(Asked(project=me.project), {}).part(ask.workspace.ledger.excerpt), f"{me.project}.jsonl")


def load_table(ask: Ask) -> View:
    """The project's entries as a table, for people; who is who for those who may know."""
    me = ask.workspace.users.me()
    names = {user.id: user.name for user in ask.read_all("users.list", limit=1000)}
    return _exported(Export(Asked(project=me.project), names).table(ask.workspace.ledger.excerpt), f"{me.project}.csv")


def _exported(lines: Iterator[bytes], name: str) -> View:
    first = next(lines)  # what goes wrong at once is told on a page
    return View(file=File(content=filter(None, chain([first], lines)), name=f"ledger-{name}"))


def load_receipt(ask: Ask) -> View:
    """An entry's receipt as a file."""
    receipt = ask.workspace.ledger.receipt(_number(ask))
    return View(file=File(content=str(receipt).encode(), name=f"entry-{receipt.seq}.tlog-proof"))


def load(ask: Ask) -> View:
    """One entry with everything that is hashed, and its place in the tree."""
    number = _number(ask)
    page = ask.workspace.ledger.list(limit=1, after=str(number + 1))
    entry = page.items[0] if page.items else None
    if entry is None or entry.envelope.seq != number:
        raise NotFound(f"The ledger has no entry {ask.path['seq'][:20]} of this project.", remedy="See /ledger.")
    receipt = None
    with suppress(Corrupted):  # an altered ledger's entries can be looked at all the same
        receipt = ask.workspace.ledger.receipt(number)
    context = {
        "receipt": receipt,
        "entry": entry,
        "summary": summary(entry),
        "fields": list(flat(entry.envelope.body)),
        "raw": wire.canonical(entry.envelope).decode(),
    }
    return View("entry", f"Entry {number}", context)


def _number(ask: Ask) -> int:
    text = ask.path["seq"]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def summary(entry: Entry) -> str:
    """An entry in a few words: what it is about and what became of it."""
    body = entry.envelope.body
    if entry.envelope.kind == "governance.transition_decided":
        decision = body.get("decision", {})
        move = decision.get("transition", {})
        said = "allowed" if decision.get("allowed") else "refused"
        return f"{move.get('model')}@{move.get('version')} as {move.get('target')}: {said}"
    about = next((str(body[key]) for key in ("endpoint", "model", "name", "tier") if body.get(key)), "")
    version = f"@{body['version']}" if body.get("version") and not body.get("endpoint") else ""
    extras = [str(body[key]) for key in ("alias", "status", "reason", "evidence", "place") if body.get(key)]
    if body.get("endpoint"):
        extras.insert(0, f"{body.get('model')}@{body.get('version')}")
    if body.get("run_id"):
        extras.append(f"run {str(body['run_id'])[-8:]}")
    extras += [str(body[key].get("ref")) for key in ("read", "dataset") if isinstance(body.get(key), dict)]
    return " · ".join(part for part in (about + version, *extras) if part)


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """A body's leaves with their paths, for a table."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from flat(inner, f"{path}[{index}]")
    else:
        yield path, "none" if value is None or value in ([], {}) else str(value)
