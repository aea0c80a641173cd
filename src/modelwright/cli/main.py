"""``modelwright``: the commands, and the rim at which errors become one line and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from modelwright.cli import completion, home, new, search
from modelwright.cli.build import data, features, labels, models, pipelines, runs
from modelwright.cli.govern import (
    approvals,
    assumptions,
    charters,
    documents,
    evidence,
    feasibility,
    ledger,
    lineage,
    notify,
    policies,
    risks,
    users,
)
from modelwright.cli.serve import alerts, assurance, endpoints, monitors, predict, predictions, rollouts
from modelwright.core.errors import Error
from modelwright.core.settings import DEBUG
from modelwright.terminal.context import Context
from modelwright.terminal.output import plain

EXIT_CODES = {"refused": 3, "not_found": 4, "denied": 5}
"""Error kind -> exit code; every other kind is 1, and 2 is a command that was typed wrong."""

INTERRUPTED = 130

_Typed: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""What a command that was typed wrong raises; some releases of typer bring their own click, some do not."""

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
search.add_to(app)
completion.add_to(app)
app.add_typer(data.app, name="data")
app.add_typer(features.app, name="feature")
app.add_typer(runs.app, name="run")
app.add_typer(models.app, name="model")
app.add_typer(charters.app, name="charter")
app.add_typer(feasibility.app, name="feasibility")
app.add_typer(assumptions.app, name="assumption")
app.add_typer(policies.app, name="policy")
app.add_typer(risks.app, name="risk")
app.add_typer(approvals.app, name="approval")
app.add_typer(evidence.app, name="evidence")
app.add_typer(documents.app, name="doc")
app.add_typer(pipelines.app, name="pipeline")
app.add_typer(endpoints.app, name="endpoint")
app.add_typer(rollouts.app, name="rollout")
app.add_typer(assurance.rechecks, name="recheck")
app.add_typer(assurance.emergencies, name="emergency")
app.add_typer(predictions.app, name="prediction")
app.add_typer(labels.app, name="label")
app.add_typer(monitors.app, name="monitor")
app.add_typer(alerts.app, name="alert")
app.add_typer(notify.app, name="notify")
app.add_typer(ledger.app, name="ledger")
users.add_to(app)
app.add_typer(new.app, name="new")


@app.callback()
def _root(
    context: typer.Context,
    home_folder: Annotated[str | None, typer.Option("--home", help="The home's folder.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="The address of a running server.")] = None,
    project: Annotated[str | None, typer.Option("--project", help="The project to work in.")] = None,
) -> None:
    if home_folder and url:
        raise typer.BadParameter("give --home or --url, not both")
    if url and "://" not in url:
        raise typer.BadParameter(f"{url!r} is not an address; write http://{url}", param_hint="--url")
    context.obj = Context(url or home_folder, project)
    context.call_on_close(context.obj.close)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; the process ends with its exit code.

    Args:
        arguments: By default those of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character still shows the rest
    try:
        code = app(args=arguments, prog_name="modelwright", standalone_mode=False)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the outermost rim of a command
        code = _told(error)
    if code == INTERRUPTED:
        typer.echo("Interrupted.", err=True)
    sys.exit(code)


def _told(error: Exception) -> int:
    """Say on one line what went wrong and what to do; the exit code."""
    if DEBUG.value:
        traceback.print_exception(error)
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()  # type: ignore[attr-defined]  # a noun alone: its commands
        return 2
    code, line = _meaning(error)
    typer.echo(plain(f"Error: {line.strip()}".replace("\n", " ")), err=True)
    return code


def _meaning(error: Any) -> tuple[int, str]:
    if isinstance(error, Error):
        return EXIT_CODES.get(error.kind, 1), f"{error.message} {error.remedy}"
    if isinstance(error, _Typed):
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "modelwright"
        return 2, f"{error.format_message().rstrip('.')}. See: {command} --help"
    if isinstance(error, OSError):
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return 1, f"{what}. Check the path, its permissions and the free disk space."
    return (
        1,
        f"{type(error).__name__}: {error}. A fault of Modelwright: {DEBUG.name}=1 shows where; please report it.",
    )
