"""``modelwright charter``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import Json, facts, short, show, table, when

if TYPE_CHECKING:
    from modelwright.governance.charter import CharterVersion

app = typer.Typer(help="What models are for.", no_args_is_help=True)

Model = Annotated[str, typer.Argument(metavar="MODEL")]


@app.command()
def publish(
    context: typer.Context,
    model: Model,
    file: Annotated[Path, typer.Argument(help="The charter.")] = Path("charter.yaml"),
    json: Json = False,
) -> None:
    """Put a charter in force."""
    found = workspace(context).charters.publish_file(model, file)
    show(found, json=json, text=lambda: _described(found))


@app.command("show")
def show_(
    context: typer.Context,
    model: Model,
    version: Annotated[int | None, typer.Option(help="An earlier one.")] = None,
    json: Json = False,
) -> None:
    """Show a model's charter."""
    found = workspace(context).charters.get(model, version)
    show(found, json=json, text=lambda: _described(found))


@app.command("list")
def list_(context: typer.Context, model: Model, json: Json = False) -> None:
    """List a model's charters, newest first."""
    found = workspace(context).charters.versions(model)
    rows = ((c.version, str(c.charter.kpi), when(c.published_at), who(c.by), short(c.digest)) for c in found)
    empty = f"{model} has no charter. Write one and run: modelwright charter publish {model} charter.yaml"
    columns = ("version", "KPI", "published", "by", "digest")
    show(found, json=json, text=lambda: table(columns, rows, empty=empty))


def _described(found: CharterVersion) -> str:
    charter = found.charter
    return facts(
        [
            ("charter", f"{found.model} {found.version} ({short(found.digest)})"),
            ("question", charter.question),
            ("decision", charter.decision),
            ("business case", charter.business_case),
            ("KPI", charter.kpi),
            ("slice floor", charter.kpi.slice_floor),
            ("label", f"{charter.label.column}, known after {charter.label.known_after}"),
            ("label's source", charter.label.source),
            ("baseline", charter.baseline),
            ("owners", f"{charter.owners.business} (business), {charter.owners.technical} (technical)"),
            *(("stakeholder", f"{one.who}: {one.role}") for one in charter.stakeholders),
            *(("consumer", one) for one in charter.consumers),
            ("use", " and ".join(charter.use)),
            *(("resource", one) for one in charter.resources),
            ("latency, p99", charter.limits.latency_p99_ms and f"{charter.limits.latency_p99_ms:g} ms"),
            ("cost per month", charter.limits.cost_per_month),
            ("due", charter.dates.due),
            ("review by", charter.dates.review),
            ("tier", charter.tier),
            ("published", f"{when(found.published_at)} by {who(found.by)}"),
        ]
    )
