"""``modelwright``: the commands, and the rim at which errors become one line and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from modelwright.cli import charters, data, endpoints, home, labels, ledger, lineage, models, policies, predict, runs
from modelwright.cli.context import Context
from modelwright.core.errors import Error

EXIT_CODES = {"refused": 3, "not_found": 4, "denied": 5}
"""Error kind -> exit code; every other kind is 1, and 2 is a command that was typed wrong."""

app = typer.Typer(
    name="modelwright",
    help="From business question to governed production, and back from any prediction to its bytes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
home.add_to(app)
predict.add_to(app)
lineage.add_to(app)
app.add_typer(data.app, name="data")
app.add_typer(runs.app, name="run")
app.add_typer(models.app, name="model")
app.add_typer(charters.app, name="charter")
app.add_typer(policies.app, name="policy")
app.add_typer(endpoints.app, name="endpoint")
app.add_typer(labels.app, name="label")
app.add_typer(ledger.app, name="ledger")


@app.callback()
def _root(
    context: typer.Context,
    home_folder: Annotated[str | None, typer.Option("--home", help="The home's folder.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="The address of a running server.")] = None,
) -> None:
    if home_folder and url:
        raise typer.BadParameter("give --home or --url, not both")
    context.obj = Context(url or home_folder)
    context.call_on_close(context.obj.close)


def main() -> None:
    """Run a command; the process ends with its exit code."""
    try:
        app()
    except Error as error:
        typer.echo(f"Error: {error.message}" + (f" {error.remedy}" if error.remedy else ""), err=True)
        sys.exit(EXIT_CODES.get(error.kind, 1))
    except KeyboardInterrupt:
        typer.echo("Interrupted.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
