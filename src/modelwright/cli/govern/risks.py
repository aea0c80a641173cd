"""``modelwright risk``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.cli.govern.evidence import situations
from modelwright.core.errors import Refused
from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import Json, short, show, table, when

if TYPE_CHECKING:
    from modelwright.governance.model import Evidence
    from modelwright.risks.model import Guard, Judging, Standing, Watched

app = typer.Typer(help="What can go wrong with a model, counted and guarded.", no_args_is_help=True)

Model = Annotated[str, typer.Argument(metavar="MODEL")]
Risk = Annotated[str, typer.Argument(metavar="RISK", help="The risk's name.")]
Why = Annotated[str, typer.Option("--reason", help="Why, in your words.")]
Endpoint = Annotated[str, typer.Argument(metavar="ENDPOINT")]
File = Annotated[Path, typer.Argument(help="The register.")]


@app.command()
def publish(context: typer.Context, file: File = Path("risks.yaml"), json: Json = False) -> None:
    """Put a risk register in force for its model."""
    found = workspace(context).risks.publish_file(file)
    show(found, json=json, text=lambda: f"{found} ({short(found.digest)})")


@app.command()
def check(context: typer.Context, file: File = Path("risks.yaml"), json: Json = False) -> None:
    """Say what publishing a register would come to."""
    found = workspace(context).risks.check_file(file)
    against = f"held against the inputs of {found.against}" if found.against else "no version yet says what it takes"
    show(found, json=json, text=lambda: f"{found}; {against}")


@app.command("show")
def show_(context: typer.Context, model: Model, json: Json = False) -> None:
    """Show a model's risks as they stand."""
    found = workspace(context).risks.get(model)
    show(found, json=json, text=lambda: _told(found))


@app.command("list")
def list_(context: typer.Context, model: Model, json: Json = False) -> None:
    """List a model's registers, newest first."""
    found = workspace(context).risks.versions(model)
    rows = (
        (one.version, len(one.register.risks), when(one.published_at), who(one.by), short(one.digest)) for one in found
    )
    empty = f"{model} has no risk register. Write one and run: modelwright risk publish risks.yaml"
    show(found, json=json, text=lambda: table(("version", "risks", "published", "by", "digest"), rows, empty=empty))


@app.command()
def count(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="MODEL@VERSION", help="The version.")],
    json: Json = False,
) -> None:
    """Count how often held-out rows are in each situation."""
    found = workspace(context).evidence.count_risks(ref)
    show(found, json=json, text=lambda: _counted(found))


@app.command()
def accept(context: typer.Context, model: Model, risk: Risk, reason: Why, json: Json = False) -> None:
    """Accept a risk of somebody else's."""
    _say(workspace(context).risks.accept(model, risk, reason), json=json)


@app.command()
def close(context: typer.Context, model: Model, risk: Risk, reason: Why, json: Json = False) -> None:
    """Say that somebody else's risk is over."""
    _say(workspace(context).risks.close(model, risk, reason), json=json)


@app.command()
def reopen(context: typer.Context, model: Model, risk: Risk, reason: Why, json: Json = False) -> None:
    """Say that somebody else's risk is open."""
    _say(workspace(context).risks.reopen(model, risk, reason), json=json)


@app.command()
def watch(context: typer.Context, endpoint: Endpoint, json: Json = False) -> None:
    """Look at an endpoint's days that are over."""
    found = workspace(context).risks.watch(endpoint)
    show(found, json=json, text=lambda: _watched(found))


@app.command()
def live(context: typer.Context, endpoint: Endpoint, json: Json = False) -> None:
    """Show live traffic against held-out rows."""
    found = workspace(context).risks.live(endpoint)
    show(found, json=json, text=lambda: _watched(found))


@app.command()
def judgements(context: typer.Context, model: Model, json: Json = False) -> None:
    """List what people judged, newest first."""
    found = workspace(context).risks.judgements(model)
    rows = ((one.risk, one.says, who(one.by), when(one.at)[:16], one.reason) for one in found)
    empty = "Nobody has accepted, closed or reopened a risk."
    show(found, json=json, text=lambda: table(("risk", "says", "by", "at", "reason"), rows, empty=empty))


def _say(came: Judging, *, json: bool) -> None:
    show(came, json=json, text=lambda: f"{came}")
    if came.judgement is None:
        raise Refused(came.refused, remedy=came.remedy)


def _told(standing: Standing) -> str:
    rows = [
        (
            name,
            standing.state(name).value,
            risk.inherent.score,
            risk.residual.score,
            risk.owner or "-",
            risk.review_due or "-",
            _guard(risk.guard),
            risk.when,
        )
        for name, risk in standing.risks.items()
    ]
    heads = ("risk", "state", "inherent", "residual", "owner", "review due", "guard", "when")
    head = f"{standing.register.model}, register {standing.register.version} ({short(standing.register.digest)})"
    return f"{head}\n\n{table(heads, rows, empty='')}"


def _guard(guard: Guard | None) -> str:
    return "-" if guard is None else guard if isinstance(guard, str) else f"answers {guard.fallback:g}"


def _counted(found: Evidence) -> str:
    from modelwright.risks.model import RisksCounted  # weight: the statistics' types

    return f"{found}\n\n{situations(found.values)}" if isinstance(found.values, RisksCounted) else f"{found}"


def _watched(found: Watched) -> str:
    rows = [
        (
            one.risk,
            one.held_out or "-",
            one.share or "-",
            one.newest or "-",
            one.unknown,
            f"{one.level:.2f}",
            one.reason,
        )
        for one in found.risks
    ]
    heads = ("risk", "held-out share", "live share", "last day", "unknown", "evidence (1 alarms)", "")
    return f"{found}\n\n{table(heads, rows, empty=found.problem)}"
