"""``modelwright label``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelwright.cli.context import workspace
from modelwright.cli.output import Json, show
from modelwright.core.clock import as_utc

app = typer.Typer(help="What turned out to be true.", no_args_is_help=True)


@app.callback()
def _labels() -> None:
    """Keep `add` a command of its own."""


@app.command()
def add(
    context: typer.Context,
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT")],
    file: Annotated[Path, typer.Argument(help="CSV or Parquet with the columns id, value and known_at.")],
    json: Json = False,
) -> None:
    """Attach labels to predictions, from a file."""
    from modelwright.data.ingest import table_of  # weight: pyarrow, 0.3 s
    from modelwright.predictions.model import LabelsAdded

    columns = table_of(file).to_pydict()
    missing = [name for name in ("id", "value", "known_at") if name not in columns]
    if missing:
        raise typer.BadParameter(f"{file} lacks the columns {', '.join(missing)}", param_hint="FILE")
    known = [as_utc(moment, field="known_at") for moment in columns["known_at"]]
    labels = workspace(context).labels
    taken, size = 0, 50_000
    for start in range(0, len(known), size):
        part = slice(start, start + size)
        added = labels.add(endpoint, columns["id"][part], columns["value"][part], known[part])
        taken += added.added
    show(LabelsAdded(endpoint=endpoint, added=taken), json=json, text=lambda: f"{taken:,} labels for {endpoint}")
