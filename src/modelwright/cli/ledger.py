"""``modelwright ledger``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelwright.cli.context import workspace
from modelwright.cli.output import Json, Limit, short, show, table, when

app = typer.Typer(help="The record of every change, and whether it is whole.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Only events of this kind, e.g. models.alias_moved.")] = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List entries, newest first."""
    page = workspace(context).ledger.list(kind=kind, limit=limit)
    rows = [
        (e.envelope.seq, when(e.envelope.recorded_at), e.envelope.kind, e.envelope.actor_id, short(e.leaf))
        for e in page.items
    ]
    columns = ("seq", "recorded", "kind", "actor", "leaf")
    show(page, json=json, text=lambda: table(columns, rows, empty="Nothing has happened yet."))


@app.command()
def verify(context: typer.Context, json: Json = False) -> None:
    """Read the whole ledger and name the first entry that was altered. Exit code 1 when there is one."""
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
    """Write the whole ledger as JSON lines, for verification by somebody else."""
    written = workspace(context).ledger.export(file)
    show({"file": str(file), "entries": written}, json=json, text=lambda: f"{written:,} entries in {file}")
