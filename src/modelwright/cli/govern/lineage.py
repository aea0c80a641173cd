"""``modelwright lineage`` and ``modelwright trace``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.terminal.context import workspace
from modelwright.terminal.output import Json, show

if TYPE_CHECKING:
    from modelwright.lineage.model import Graph

app = typer.Typer(help="What came from what.", no_args_is_help=True)

Node = Annotated[str, typer.Argument(help="kind:id, e.g. model:flight-delay@3, data:flights@1, endpoint:delays")]
Depth = Annotated[int, typer.Option(min=1, max=100, help="How many steps to follow.")]


def add_to(root: typer.Typer) -> None:
    """Hang these commands below the root."""
    root.add_typer(app, name="lineage")
    root.command("trace")(trace)


@app.command()
def up(context: typer.Context, node: Node, depth: Depth = 20, json: Json = False) -> None:
    """Show everything it came from."""
    graph = workspace(context).lineage.up(node, depth=depth)
    show(graph, json=json, text=lambda: _drawn(graph))


@app.command()
def down(context: typer.Context, node: Node, depth: Depth = 20, json: Json = False) -> None:
    """Show everything that came of it."""
    graph = workspace(context).lineage.down(node, depth=depth)
    show(graph, json=json, text=lambda: _drawn(graph))


def trace(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="KIND", help="prediction")],
    prediction_id: Annotated[str, typer.Argument(metavar="ID", help="A prediction's id.")],
    json: Json = False,
) -> None:
    """Follow one prediction back to its bytes.

    On the way: its endpoint, version, evidence, features, run, why that ran, source and data.
    """
    if what != "prediction":
        raise typer.BadParameter(f"{what!r}: only a prediction can be traced", param_hint="KIND")
    found = workspace(context).lifecycle.trace(prediction_id)
    show(found, json=json, text=lambda: str(found))


def _drawn(graph: Graph) -> str:
    lines = [f"{edge.source}  --{edge.relation}-->  {edge.target}" for edge in graph.edges]
    if not graph.complete:
        lines.append("There is more. Follow it with --depth, or from one of the nodes above.")
    return "\n".join(lines) if lines else f"{graph.root} stands alone."
