"""``modelwright ledger``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelwright.cli.context import workspace
from modelwright.cli.output import After, Json, Limit, short, show, table, when

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
    rows = [
        (e.envelope.seq, when(e.envelope.recorded_at), e.envelope.kind, e.envelope.actor_id, short(e.leaf))
        for e in page.items
    ]
    empty = "Nothing is recorded yet. Whatever changes is: add data, for one: modelwright data add NAME FILE"
    if kind is not None:
        empty = f"Nothing of the kind {kind} is recorded. See all kinds: modelwright ledger list"
    columns = ("seq", "recorded", "kind", "actor", "leaf")
    show(page, json=json, text=lambda: table(columns, rows, empty=empty, more=page.next))


@app.command()
def verify(context: typer.Context, json: Json = False) -> None:
    """Read the whole ledger. Names the first entry that was altered; exit code 1 when there is one."""
    found = workspace(context).ledger.verify()
    place = f"entry {found.first_altered}: " if found.first_altered else ""
    whole = f"intact: {found.entries:,} entries, root {found.root}, signed by {short(found.signer)}"
    show(found, json=json, text=lambda: whole if found.intact else f"ALTERED: {place}{found.problem}")
    if not found.intact:
        raise typer.Exit(1)


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to write it; must not be there yet.")],
    json: Json = False,
) -> None:
    """Write the ledger as JSON lines, for others to verify."""
    written = workspace(context).ledger.export(file)
    show({"file": str(file), "entries": written}, json=json, text=lambda: f"{written:,} entries in {file}")
