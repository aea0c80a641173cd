"""``modelwright new``: a variant of a shelf, to begin from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelwright.terminal.output import Json, show

app = typer.Typer(help="Begin a variant of a shelf: files that work, to be changed.", no_args_is_help=True)


@app.command("drift-test")
def drift_test(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, e.g. total-variation.")], json: Json = False
) -> None:
    """Write a drift test that works, and its tests.

    Nothing is overwritten. In a checkout of Modelwright it goes on the shelf and into the docs.
    """
    from modelwright.scaffold.variants import drift_test as write  # weight: the home's store, and numpy

    written = write(name, Path.cwd())
    lines = [f"wrote {each}" for each in written.files] + [f"changed {each}" for each in written.changed]
    if written.entry_point:
        lines += ["", "Declare it in the package's pyproject.toml:", written.entry_point]
        lines += ["", f"Where Modelwright runs, install the package and set MODELWRIGHT_PLUGINS={name}"]
    lines += [
        "",
        "It computes the total variation. Change that and its docstring, then its tests.",
        f"Run: {written.tests}",
    ]
    show(written, json=json, text=lambda: "\n".join(lines))
