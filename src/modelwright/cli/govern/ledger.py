"""``modelwright ledger``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelwright.app.connect import Workspace
from modelwright.core.clock import as_utc
from modelwright.core.errors import Denied
from modelwright.ledger import anchors
from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import After, Json, Limit, short, show, table, when

KEPT = "FILE|git:TAG"
Out = Annotated[Path | None, typer.Option(help="Write it to this file; must not be there yet.")]

app = typer.Typer(help="The record of every change, and whether it is whole.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Only events of this kind, e.g. models.alias_moved.")] = None,
    limit: Limit = 50,
    after: After = None,
    json: Json = False,
) -> None:
    """List entries, newest first."""
    page = workspace(context).ledger.list(kind=kind, limit=limit, after=after)
    rows = (
        (e.envelope.seq, when(e.envelope.recorded_at), e.envelope.kind, who(e.envelope.actor_id), short(e.leaf))
        for e in page.items
    )
    empty = "Nothing is recorded yet. Whatever changes is: add data, for one: modelwright data add NAME FILE"
    if kind is not None:
        empty = f"Nothing of the kind {kind} is recorded. See all kinds: modelwright ledger list"
    columns = ("seq", "recorded", "kind", "actor", "leaf")
    show(page, json=json, text=lambda: table(columns, rows, empty=empty, more=page.next))


@app.command()
def verify(
    context: typer.Context,
    against: Annotated[str | None, typer.Option(metavar=KEPT, help="What was kept: it must begin with it.")] = None,
    json: Json = False,
) -> None:
    """Read the whole ledger. Names the first entry that was altered; exit code 1 when there is one."""
    found = workspace(context).ledger.verify(against=tuple(anchors.kept(against)) if against else ())
    show(found, json=json, text=lambda: str(found))
    if not found.intact:
        raise typer.Exit(1)


@app.command()
def checkpoint(context: typer.Context, out: Out = None, json: Json = False) -> None:
    """Print the newest checkpoint: origin, size, root, signature. Keep it where nobody of this home can write."""
    found = workspace(context).ledger.checkpoint()
    _give(found, found.note, out, json=json, what=f"a checkpoint over {found.size:,} entries")


@app.command()
def key(context: typer.Context, json: Json = False) -> None:
    """Print the key that readers verify with. Give it to them on another way than exports and receipts."""
    found = workspace(context).ledger.checkpoint()
    show({"origin": found.origin, "key": found.key}, json=json, text=lambda: found.key)


@app.command()
def receipt(
    context: typer.Context,
    seq: Annotated[int | None, typer.Argument(min=1, help="The entry's number.")] = None,
    of: Annotated[str | None, typer.Option(metavar="MODEL@VERSION", help="Its newest decision instead.")] = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Print proof that an entry is in the ledger. It convinces whoever has the key and nothing else."""
    if (seq is None) == (of is None):
        raise typer.BadParameter("give an entry's number, or --of MODEL@VERSION")
    ledger = workspace(context).ledger
    found = ledger.receipt(ledger.decided(of) if of is not None else seq)
    _give(found, str(found), out, json=json, what=f"a receipt of entry {found.seq}")


@app.command()
def consistency(
    context: typer.Context,
    since: Annotated[str, typer.Argument(metavar=KEPT, help="What was kept; the newest counts.")],
    out: Out = None,
    json: Json = False,
) -> None:
    """Print proof that nothing before a checkpoint was rewritten. It shows no entry."""
    found = workspace(context).ledger.consistency(anchors.newest(anchors.kept(since)))
    _give(found, str(found), out, json=json, what=f"proof that the first {found.old:,} entries are as they were")


@app.command()
def anchor(
    context: typer.Context,
    file: Annotated[Path | None, typer.Option(help="Append to this file; it is made when it is not there.")] = None,
    git_tag: Annotated[
        str | None,
        typer.Option(metavar="PREFIX", help="Make an annotated tag PREFIX-SIZE in this repository."),
    ] = None,
    json: Json = False,
) -> None:
    """Keep the newest checkpoint outside the home. The ledger records that it was done, not where."""
    if (file is None) == (git_tag is None):
        raise typer.BadParameter("give --file or --git-tag")
    ledger = workspace(context).ledger
    kept, where = (ledger.anchor(file), file) if file is not None else ledger.anchor_tag(git_tag)
    show(kept, json=json, text=lambda: f"a checkpoint over {kept.size:,} entries in {where}")


def _give(found: object, text: str, out: Path | None, *, json: bool, what: str) -> None:
    """Print what an operation answered, or write its text to a new file and say so."""
    if out is not None:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    show(found, json=json, text=lambda: text if out is None else f"{what} in {out}")


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to write it; must not be there yet.")],
    project: Annotated[str | None, typer.Option(help="Of this project alone; all by default.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Recorded at this time or later.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Recorded before this time.")] = None,
    actor: Annotated[str | None, typer.Option(help="Caused by whom: a user's name, or an id of the ledger.")] = None,
    about: Annotated[
        str | None, typer.Option("--object", metavar="NAME", help="With this name or name@version in it.")
    ] = None,
    table: Annotated[bool, typer.Option("--csv", help="A table for people; JSON lines by default.")] = False,
    json: Json = False,
) -> None:
    """Write the ledger, or a part of it, for others to verify.

    Beside it goes FILE.manifest.json: how many entries, the checkpoint, the SHA-256 of the file, and who is who for
    those who may know.
    """
    space = workspace(context)
    people = _people(space)
    ids = {name: identifier for identifier, name in people.items()}
    written = space.ledger.export(
        file,
        project=project,
        since=None if since is None else as_utc(since, field="since"),
        until=None if until is None else as_utc(until, field="until"),
        actor=actor if actor is None else ids.get(actor, actor),
        about=about,
        table=table,
        people=people,
    )
    show(written, json=json, text=lambda: f"{written.entries:,} entries in {file}")


def _people(space: Workspace) -> dict[str, str]:
    """Opaque id -> the name to sign in with, where the caller may know."""
    found: dict[str, str] = {}
    after = ""
    try:
        while True:
            page = space.users.list(limit=1000, after=after)
            found |= {user.id: user.name for user in page.items}
            if page.next is None:
                return found
            after = page.next
    except Denied:
        return {}
