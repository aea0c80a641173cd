"""``modelwright predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelwright.terminal.context import workspace
from modelwright.terminal.output import Json, show, table


def add_to(root: typer.Typer) -> None:
    """Hang the command below the root."""
    root.command("predict")(predict)


def predict(
    context: typer.Context,
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT")],
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON lines with the rows.")],
    event_at: Annotated[str | None, typer.Option(help="When the question is asked; by default now.")] = None,
    serve_url: Annotated[str | None, typer.Option(help="Where endpoints answer, e.g. http://127.0.0.1:8901.")] = None,
    json: Json = False,
) -> None:
    """Ask an endpoint about the rows of a file."""
    from modelwright.app.sdk import predict as ask  # weight: the rooms' services
    from modelwright.data.ingest import table_of

    rows = table_of(file)
    space = None if serve_url else workspace(context)
    answer = ask(endpoint, rows, event_at=event_at, url=serve_url, workspace=space)
    acted = {row: risk for risk, rows in answer.guards.items() for row in rows}
    values = zip(answer.ids, answer.predictions, strict=True)
    lines = [(one, f"{value:.6g}", *([acted.get(row, "")] if acted else [])) for row, (one, value) in enumerate(values)]
    heads = ("prediction", "output", *(["guard of"] if acted else []))
    show(answer, json=json, text=lambda: table(heads, lines, empty="The file has no rows."))
