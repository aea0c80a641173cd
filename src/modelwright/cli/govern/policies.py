"""``modelwright policy``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelwright.terminal.context import workspace
from modelwright.terminal.output import Json, short, show, table, when

app = typer.Typer(help="What must hold before production relies on a model.", no_args_is_help=True)


@app.command()
def publish(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The policy.")] = Path("policy.yaml"),
    json: Json = False,
) -> None:
    """Put a policy in force for its tier."""
    found = workspace(context).policies.publish_file(file)
    text = f"{found.policy.tier} {found.version} ({short(found.digest)}): {', '.join(found.policy.gates)}"
    show(found, json=json, text=lambda: text)


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the policy in force for each tier."""
    found = workspace(context).policies.list()
    rows = [
        (p.policy.tier, p.version or "release", ", ".join(p.policy.gates), when(p.published_at), short(p.digest))
        for p in found
    ]
    columns = ("tier", "version", "gates", "published", "digest")
    show(found, json=json, text=lambda: table(columns, rows, empty=""))


@app.command("show")
def show_(
    context: typer.Context,
    tier: Annotated[str, typer.Argument()] = "minimal",
    version: Annotated[int | None, typer.Option(help="An earlier one; 0 is the release's.")] = None,
    json: Json = False,
) -> None:
    """Show a tier's policy, gate by gate."""
    found = workspace(context).policies.get(tier, version)
    rows = [
        (name, rule.passes, rule.evidence_max_age or "-", ", ".join(f"{k}={v}" for k, v in rule.parameters.items()))
        for name, rule in found.policy.gates.items()
    ]
    show(found, json=json, text=lambda: table(("gate", "pass", "max age", "parameters"), rows, empty=""))
