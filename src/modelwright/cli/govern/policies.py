"""``modelwright policy``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.terminal.context import workspace
from modelwright.terminal.output import Json, facts, short, show, table, when

if TYPE_CHECKING:
    from modelwright.governance.model import Policy

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


@app.command()
def check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The policy.")] = Path("policy.yaml"),
    json: Json = False,
) -> None:
    """Check a policy file, and show what it comes to."""
    found = workspace(context).policies.check_file(file)
    show(found, json=json, text=lambda: _gates(found))


@app.command()
def simulate(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The policy.")] = Path("policy.yaml"),
    json: Json = False,
) -> None:
    """Try a policy on what was asked last."""
    found = workspace(context).policies.simulate_file(file)
    said = {True: "allowed", False: "refused"}
    rows = [
        (f"{move.model}@{move.version}", move.towards, said[one.allowed], said[one.would], " ".join(one.reasons))
        for one in found
        for move in [one.transition]
    ]
    columns = ("version", "target", "now", "would be", "why")
    empty = "Nothing was asked of the gates of this tier yet."
    show(found, json=json, text=lambda: table(columns, rows, empty=empty))


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
    show(found, json=json, text=lambda: _gates(found.policy))


def _gates(policy: Policy) -> str:
    rows = [
        (
            name,
            rule.passes,
            rule.evidence_max_age or "-",
            ", ".join(rule.at) or "-",
            ", ".join(f"{k}={v}" for k, v in rule.parameters.items()),
        )
        for name, rule in policy.gates.items()
    ]
    rest = facts(
        [
            ("tier", policy.tier),
            ("signed by", ", ".join(map(str, policy.signoffs)) or "nobody"),
            *((f"phase {phase}", ", ".join(map(str, lines)) or "nobody") for phase, lines in policy.phases.items()),
            ("afterwards", policy.after and f"judged again each {policy.after.recheck}; {policy.after.on_fail}"),
            ("emergency", policy.emergency and f"for {policy.emergency.expires}"),
        ]
    )
    return f"{table(('gate', 'pass', 'max age', 'at', 'parameters'), rows, empty='')}\n\n{rest}"
