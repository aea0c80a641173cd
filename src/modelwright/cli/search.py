"""``modelwright search``."""

from __future__ import annotations

from typing import Annotated

import typer

from modelwright.terminal.context import workspace
from modelwright.terminal.output import Json, show, table, when


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(search)


def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="Words, name@version, or the beginning of an id or of a digest.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many to show.")] = 20,
    json: Json = False,
) -> None:
    """Find anything by its name, its words, its id or its digest."""
    found = workspace(context).search.find(text, limit)
    rows = [(hit.kind, hit.name, hit.says, when(hit.at)) for hit in found]
    show(
        found,
        json=json,
        text=lambda: table(
            ("kind", "name", "", "changed"), rows, empty=f"Nothing that you may read is called {text[:80]!r}."
        ),
    )
