"""``modelwright feasibility``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import After, Json, Limit, facts, short, show, table, when

if TYPE_CHECKING:
    from modelwright.framing.model import Feasibility

app = typer.Typer(help="Whether a model is worth making.", no_args_is_help=True)

Model = Annotated[str, typer.Argument(metavar="MODEL")]


@app.command()
def decide(
    context: typer.Context,
    model: Model,
    says: Annotated[str, typer.Argument(metavar="go|stop|no_ml", help="Go on, stop, or go on without ML.")],
    stage: Annotated[str, typer.Option(metavar="before|after", help="Before the data work, or after it.")],
    reason: Annotated[str, typer.Option(help="Why, in your words.")],
    based_on: Annotated[str, typer.Option(help="What you looked at, in words.")] = "",
    evidence: Annotated[
        list[str] | None, typer.Option(metavar="DIGEST", help="Evidence you looked at; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Decide whether a model is worth making."""
    found = workspace(context).feasibility.decide(
        model, says, stage, reason, based_on=based_on, evidence=tuple(evidence or ())
    )
    show(found, json=json, text=lambda: f"{found}")


@app.command("show")
def show_(context: typer.Context, model: Model, json: Json = False) -> None:
    """Show the decision that counts."""
    found = workspace(context).feasibility.get(model)
    show(found, json=json, text=lambda: _told(found))


@app.command()
def history(context: typer.Context, model: Model, json: Json = False) -> None:
    """List what was decided of a model, newest first."""
    found = workspace(context).feasibility.history(model)
    rows = ((one.number, one.says, one.stage, one.reason, who(one.by), when(one.at)) for one in found)
    empty = f"Nobody has decided whether {model} is worth making: modelwright feasibility decide {model} go --help"
    columns = ("number", "says", "stage", "because", "by", "at")
    show(found, json=json, text=lambda: table(columns, rows, empty=empty))


@app.command("list")
def list_(context: typer.Context, limit: Limit = 100, after: After = None, json: Json = False) -> None:
    """List the decision that counts for each model."""
    found = workspace(context).feasibility.list(limit=limit, after=after or "")
    rows = ((one.model, one.says, one.stage, one.reason, who(one.by), when(one.at)) for one in found.items)
    empty = "Nobody has decided anything. Decide: modelwright feasibility decide MODEL go --help"
    columns = ("model", "says", "stage", "because", "by", "at")
    show(found, json=json, text=lambda: table(columns, rows, empty=empty, more=found.next))


def _told(found: Feasibility) -> str:
    return facts(
        [
            ("decision", found.meaning),
            ("because", found.reason),
            ("based on", found.based_on),
            *(("evidence", short(digest)) for digest in found.evidence),
            ("by", f"{who(found.by)}, {when(found.at)}"),
        ]
    )
