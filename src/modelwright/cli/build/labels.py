"""``modelwright label``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from modelwright.core.clock import as_utc
from modelwright.core.errors import Invalid
from modelwright.terminal.context import workspace
from modelwright.terminal.output import Json, progress, show

app = typer.Typer(help="What turned out to be true.", no_args_is_help=True)

_NEEDED = ("id", "value", "known_at")
_AT_ONCE = 50_000


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
    from modelwright.predictions.model import LabelsAdded  # weight: the statistics' types

    ids, values, known = _columns(file)
    labels, taken = workspace(context).labels, 0
    with progress(f"adding {len(ids):,} labels"):
        for start in range(0, len(ids), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            taken += labels.add(endpoint, ids[part], values[part], known[part]).added
    added = LabelsAdded(endpoint=endpoint, added=taken)
    show(added, json=json, text=lambda: f"{taken:,} labels for {endpoint}")


def _columns(file: Path) -> tuple[list[str], list[float], list[datetime]]:
    from modelwright.data.ingest import table_of  # weight: pyarrow, 0.3 s

    columns = table_of(file).to_pydict()
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise Invalid(
            f"{file} has no column {', '.join(missing)}.",
            remedy=f"Labels are read from {', '.join(_NEEDED)}; the file has {', '.join(columns)}.",
        )
    for name in _NEEDED:
        if None in columns[name]:
            row = columns[name].index(None) + 1
            raise Invalid(f"Row {row} of {file} has no {name}.", remedy="Leave out what is not known yet.")
    odd = next((each for each in columns["id"] if not isinstance(each, str)), None)
    if odd is not None:
        raise Invalid(f"The ids of {file} are not text: {odd}.", remedy="Write them as the endpoint answered them.")
    values = [float(value) if isinstance(value, bool) else value for value in columns["value"]]
    return columns["id"], values, [as_utc(moment, field="known_at") for moment in columns["known_at"]]
