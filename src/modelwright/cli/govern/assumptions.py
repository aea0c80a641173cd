"""``modelwright assumption``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import After, Json, Limit, facts, show, table, when

if TYPE_CHECKING:
    from modelwright.core.operation import Page
    from modelwright.framing.model import Assumed

app = typer.Typer(help="What is assumed about data.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The assumption's name.")]
Why = Annotated[str, typer.Option("--reason", help="Why, in your words.")]


@app.command()
def record(
    context: typer.Context,
    name: Name,
    statement: Annotated[str, typer.Option(help="What is assumed.")],
    reason: Why,
    dataset: Annotated[
        str | None, typer.Option("--on", metavar="DATASET@VERSION", help="The rows it was judged on.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="The column it is about.")] = None,
    feature: Annotated[
        str | None, typer.Option(metavar="VIEW@VERSION/FEATURE", help="The feature it is about.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what is assumed, or say it anew."""
    found = workspace(context).assumptions.record(
        name, statement, reason, dataset=dataset, column=column, feature=feature
    )
    show(found, json=json, text=lambda: f"{found}")


@app.command()
def withdraw(context: typer.Context, name: Name, reason: Why, json: Json = False) -> None:
    """Say that it is assumed no more."""
    found = workspace(context).assumptions.withdraw(name, reason)
    show(found, json=json, text=lambda: f"{found}")


@app.command("show")
def show_(context: typer.Context, name: Name, json: Json = False) -> None:
    """Show an assumption as it stands."""
    found = workspace(context).assumptions.get(name)
    show(found, json=json, text=lambda: _told(found))


@app.command()
def history(context: typer.Context, name: Name, json: Json = False) -> None:
    """List all that was said of one, newest first."""
    found = workspace(context).assumptions.versions(name)
    rows = (
        (
            one.version,
            f"withdrawn: {one.withdrawn}" if one.withdrawn else one.assumption.statement,
            who(one.by),
            when(one.at),
        )
        for one in found
    )
    show(found, json=json, text=lambda: table(("version", "says", "by", "at"), rows, empty=""))


@app.command("list")
def list_(
    context: typer.Context,
    dataset: Annotated[str | None, typer.Option(metavar="DATASET", help="Judged on this dataset only.")] = None,
    view: Annotated[str | None, typer.Option(metavar="VIEW", help="About this view's features only.")] = None,
    limit: Limit = 100,
    after: After = None,
    json: Json = False,
) -> None:
    """List assumptions by name."""
    found = workspace(context).assumptions.list(dataset=dataset, view=view, limit=limit, after=after or "")
    show(found, json=json, text=lambda: _listed(found.items, found))


@app.command()
def of(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="MODEL@VERSION", help="The version.")],
    json: Json = False,
) -> None:
    """List what a model's version takes for granted."""
    found = workspace(context).assumptions.of(ref)
    show(found, json=json, text=lambda: _listed(found))


def _told(found: Assumed) -> str:
    said = found.said
    return facts(
        [
            ("assumption", said.ref),
            ("says", said.assumption.statement),
            ("because", said.assumption.reason),
            ("about", said.assumption.about),
            ("outdated", "; ".join(found.outdated)),
            ("withdrawn", said.withdrawn),
            ("by", f"{who(said.by)}, {when(said.at)}"),
        ]
    )


def _listed(found: list[Assumed] | tuple[Assumed, ...], page: Page[Assumed] | None = None) -> str:
    rows = [
        (
            one.said.name,
            one.said.assumption.about,
            one.said.assumption.statement,
            "withdrawn" if one.said.withdrawn else "; ".join(one.outdated) or "-",
        )
        for one in found
    ]
    empty = "Nothing is assumed on record. Record it: modelwright assumption record NAME --on DATASET@VERSION"
    return table(("name", "about", "says", "outdated"), rows, empty=empty, more=page.next if page else None)
