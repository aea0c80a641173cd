"""``modelwright feature``."""

from __future__ import annotations

import json as jsons
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import After, Json, Limit, facts, progress, short, show, table, when

if TYPE_CHECKING:
    from modelwright.features.model import ViewVersion

app = typer.Typer(help="Feature views: definitions, training sets, the online store.", no_args_is_help=True)

Ref = Annotated[str, typer.Argument(help="view@version or view@latest")]


@app.command("list")
def list_(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A view, for its versions.")] = None,
    limit: Limit = 100,
    after: After = None,
    json: Json = False,
) -> None:
    """List feature views, or the versions of one."""
    features = workspace(context).features
    if name is not None:
        versions = features.versions(name, limit=limit, after=after)
        rows = [(v.ref, len(v.columns), when(v.applied_at), short(v.digest)) for v in versions.items]
        columns = ("version", "features", "applied", "digest")
        show(versions, json=json, text=lambda: table(columns, rows, empty="", more=versions.next))
        return
    found = features.list(limit=limit, after=after or "")
    listed = [
        (f"{v.name}@{v.version}", len(v.features), ", ".join(v.sources), when(v.applied_at), short(v.digest))
        for v in found.items
    ]
    empty = "No feature views yet. Publish one in a script: ws.features.apply(f.view(NAME, […]))"
    heads = ("view", "features", "sources", "applied", "digest")
    show(found, json=json, text=lambda: table(heads, listed, empty=empty, more=found.next))


@app.command("show")
def show_(context: typer.Context, ref: Ref, json: Json = False) -> None:
    """Show a view: features, types, what it is asked by."""
    version = workspace(context).features.get(ref)
    show(version, json=json, text=lambda: _described(version))


@app.command()
def materialize(
    context: typer.Context,
    ref: Ref,
    until: Annotated[str | None, typer.Option(help="Facts known by then; by default all.")] = None,
    json: Json = False,
) -> None:
    """Bring a view's values in the online store up to date. Only what changed is written."""
    with progress(f"materialising {ref}"):
        fresh = workspace(context).features.materialize(ref, until=until)
    show(fresh, json=json, text=lambda: f"{fresh}  {fresh.written:,} written")


@app.command()
def freshness(context: typer.Context, ref: Ref, json: Json = False) -> None:
    """Show how far the online store is with a view."""
    fresh = workspace(context).features.freshness(ref)
    show(fresh, json=json, text=lambda: str(fresh))


@app.command()
def get(
    context: typer.Context,
    ref: Ref,
    question: Annotated[list[str], typer.Argument(help="COLUMN=VALUE, for every column it is asked by.")],
    at: Annotated[datetime | None, typer.Option(help="When it is asked, in UTC; by default as the view says.")] = None,
    json: Json = False,
) -> None:
    """Show one question's vector, as an endpoint completes it."""
    row = dict(_pair(each) for each in question)
    moment = None if at is None else f"{at.isoformat()}Z"
    [vector] = workspace(context).features.online(ref, [row], at=moment)
    show(vector, json=json, text=lambda: facts([(n, "missing" if v is None else v) for n, v in vector.items()]))


@app.command()
def sets(context: typer.Context, ref: Ref, limit: Limit = 20, after: After = None, json: Json = False) -> None:
    """List the training sets made with a view."""
    found = workspace(context).features.training_sets(ref, limit=limit, after=after)
    rows = [
        (when(s.made_at), f"{s.rows:,}", when(s.until), ", ".join(pin.ref for pin in s.reads), s.run_id)
        for s in found.items
    ]
    empty = "None yet. Make one: ws.features.training_set(VIEW, spine=…)"
    heads = ("made", "rows", "until", "reads", "run")
    show(found, json=json, text=lambda: table(heads, rows, empty=empty, more=found.next))


def _pair(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{text!r} is not COLUMN=VALUE", param_hint="QUESTION")
    try:
        found: object = jsons.loads(value)  # numbers, true, false, null; anything else is a text as it stands
    except ValueError:
        return name, value
    return name, value if isinstance(found, dict | list) else found


def _described(version: ViewVersion) -> str:
    view = version.view
    head = facts(
        [
            ("view", version.ref),
            ("digest", version.digest),
            ("asked by", ", ".join(f"{column.name} {column.dtype}" for column in version.request)),
            ("asked at", view.ask_at),
            ("label", None if view.label is None else f"{view.label.name}: {view.label.expression}"),
            ("sources", ", ".join(source.dataset for source in view.sources)),
            ("applied", f"{when(version.applied_at)} by {who(version.applied_by)}"),
        ]
    )
    rows = [
        (column.name, column.dtype, str(feature))
        for column, feature in zip(version.columns, view.features, strict=True)
    ]
    return f"{head}\n\n{table(('feature', 'type', 'definition'), rows, empty='')}"
