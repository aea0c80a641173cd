"""``modelwright model``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.cli.build.effects import foreseen
from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import After, Json, Limit, facts, progress, short, show, table, when

if TYPE_CHECKING:
    from modelwright.core.guard import Decision
    from modelwright.models.model import ModelVersion

app = typer.Typer(help="Model versions, their evidence and aliases.", no_args_is_help=True)

Ref = Annotated[str, typer.Argument(help="name@version, name@alias or name@latest")]


@app.command("list")
def list_(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A model, for its versions.")] = None,
    limit: Limit = 100,
    after: After = None,
    json: Json = False,
) -> None:
    """List models, or the versions of one."""
    models = workspace(context).models
    if name is not None:
        versions = models.versions(name, limit=limit, after=after)
        rows = [
            (v.ref, ", ".join(v.aliases), v.manifest.flavour, v.reason, when(v.registered_at), short(v.package))
            for v in versions.items
        ]
        columns = ("version", "aliases", "flavour", "reason", "registered", "package")
        show(versions, json=json, text=lambda: table(columns, rows, empty="", more=versions.next))
        return
    found = models.list(limit=limit, after=after or "")
    listed = [
        (
            m.name,
            m.versions,
            ", ".join(f"{alias}={to}" for alias, to in m.aliases.items()),
            when(m.updated_at),
            f"{m.retired.at:%Y-%m-%d}" if m.retired else "",
        )
        for m in found.items
    ]
    empty = "No models yet. Save one in a script: run.save_model(model, NAME, example=rows)"
    show(
        found,
        json=json,
        text=lambda: table(
            ("model", "versions", "aliases", "updated", "retired"), listed, empty=empty, more=found.next
        ),
    )


@app.command("show")
def show_(context: typer.Context, ref: Ref, json: Json = False) -> None:
    """Show one version."""
    version = workspace(context).models.get(ref)
    show(version, json=json, text=lambda: _described(version))


@app.command()
def evaluate(
    context: typer.Context,
    ref: Ref,
    on: Annotated[str, typer.Option(metavar="DATASET@VERSION", help="The rows to judge it on.")],
    since: Annotated[str | None, typer.Option(help="The first event time.")] = None,
    until: Annotated[str | None, typer.Option(help="The first event time after it.")] = None,
    slice_: Annotated[list[str] | None, typer.Option("--slice", metavar="COLUMN", help="Repeat for more.")] = None,
    explain: Annotated[bool, typer.Option(help="Compute importances too.")] = True,
    seed: Annotated[int, typer.Option(help="Chooses rows, shuffles columns, draws noise.")] = 0,
    threshold: Annotated[float | None, typer.Option(help="The score from which on the decision is taken.")] = None,
    robustness: Annotated[bool, typer.Option("--robustness", help="Perturb the inputs too.")] = False,
    noise: Annotated[float, typer.Option(help="Of each number's spread, for --robustness.")] = 0.1,
    latency: Annotated[bool, typer.Option("--latency", help="Time one-row answers too, here.")] = False,
    json: Json = False,
) -> None:
    """Score rows here, and have the server judge the scores."""
    from modelwright.lifecycle.evaluate import evaluate as judged  # weight: numpy

    with progress(f"Evaluating {ref} on {on}"):
        found = judged(
            workspace(context),
            ref,
            on,
            since=since,
            until=until,
            slices=slice_ or (),
            explain=explain,
            seed=seed,
            threshold=threshold,
            robustness=robustness,
            noise=noise,
            latency=latency,
        )
    show(found, json=json, text=lambda: "\n".join(f"{short(each.digest)}  {each.summary}" for each in found))


@app.command()
def check(
    context: typer.Context,
    ref: Ref,
    on: Annotated[str, typer.Option(metavar="DATASET@VERSION", help="The rows to check it on.")],
    file: Annotated[Path, typer.Option(help="Where the checks are.")] = Path("checks.py"),
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Repeat for more.")] = None,
    since: Annotated[str | None, typer.Option(help="The first event time.")] = None,
    until: Annotated[str | None, typer.Option(help="The first event time after it.")] = None,
    json: Json = False,
) -> None:
    """Run checks of your own here, and keep what they find."""
    from modelwright.lifecycle.checking import chosen, load, run_checks  # weight: the evidence's types

    wanted = chosen(load(file), only or ())
    with progress(f"Checking {ref} on {on}"):
        found = run_checks(workspace(context), ref, on, wanted, since=since, until=until)
    show(found, json=json, text=lambda: "\n".join(f"{short(each.digest)}  {each.summary}" for each in found))


@app.command()
def reproduce(
    context: typer.Context,
    ref: Ref,
    remade: Annotated[str, typer.Option("--with", metavar="MODEL@VERSION", help="What was made again.")],
    json: Json = False,
) -> None:
    """Compare with a version that was made again."""
    from modelwright.cli.govern.findings import details  # weight: the evidence's types
    from modelwright.governance.checks.model import More
    from modelwright.lifecycle.reproducing import reproduce as compared

    with progress(f"Comparing {ref} with {remade}"):
        found = compared(workspace(context), ref, remade)
    more = details(found.values) if isinstance(found.values, More) else ""
    show(found, json=json, text=lambda: f"{short(found.digest)}  {found.summary}\n{more}")


@app.command()
def alias(
    context: typer.Context,
    ref: Ref,
    name: Annotated[str, typer.Argument(metavar="ALIAS", help="e.g. champion")],
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    json: Json = False,
) -> None:
    """Let an alias point at a version. The gates decide; exit code 3 when they refuse."""
    decision = workspace(context).models.set_alias(ref, name, reason=reason)
    show(decision, json=json, text=lambda: decided(decision))
    if not decision.allowed:
        raise typer.Exit(3)


@app.command()
def retire(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="MODEL")],
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    json: Json = False,
) -> None:
    """Let nobody rely on a model any more. People may be asked; exit code 3 when they have not signed."""
    came = workspace(context).models.retire(name, reason)
    show(came, json=json, text=lambda: f"{came.retirement}" if came.retirement else decided(came.decision))
    if came.retirement is None:
        raise typer.Exit(3)


@app.command()
def reinstate(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="MODEL")], json: Json = False
) -> None:
    """Let a retired model be relied on again."""
    found = workspace(context).models.reinstate(name)
    show(found, json=json, text=lambda: f"{name} may be relied on again; its newest version is {found.ref}.")


@app.command()
def gate(
    context: typer.Context,
    ref: Ref,
    target: Annotated[str, typer.Argument(metavar="ALIAS")] = "champion",
    json: Json = False,
) -> None:
    """Try the gates without moving anything. Exit code 3 when they would refuse."""
    decision = workspace(context).gates.check(ref, target)
    show(decision, json=json, text=lambda: decided(decision))
    if not decision.allowed:
        raise typer.Exit(3)


@app.command()
def effect(context: typer.Context, ref: Ref, json: Json = False) -> None:
    """Show what it would have brought on history."""
    found = workspace(context).effects.get(ref)
    show(found, json=json, text=lambda: foreseen(found))


@app.command()
def phases(context: typer.Context, name: Annotated[str, typer.Argument(metavar="MODEL")], json: Json = False) -> None:
    """Show how each phase of a model's life stands."""
    found = workspace(context).gates.phases(name)
    rows = [
        (
            one.phase,
            one.subject or "-",
            one.state,
            ", ".join(f"{who(each.by)} as {each.role}" for each in one.signatures if each.says == "approve") or "-",
            "; ".join(gate.reason for gate in one.gates) or "-",
            next((gate.remedy for gate in one.gates if not gate.verdict.passes), ""),
        )
        for one in found
    ]
    columns = ("phase", "of", "state", "signed by", "what is asked", "next")
    show(found, json=json, text=lambda: table(columns, rows, empty=""))


@app.command()
def decisions(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="MODEL")],
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List what the guard answered, refusals too, newest first."""
    found = workspace(context).gates.decisions(name, limit=limit)
    rows = (
        (
            when(d.at),
            who(d.by),
            f"{d.decision.transition.action} {d.decision.transition.model}@{d.decision.transition.version}",
            d.decision.transition.target,
            "allowed" if d.decision.allowed else "refused",
            "; ".join(d.decision.reasons),
        )
        for d in found
    )
    empty = f"Nobody has asked for {name} yet. Try its gates: modelwright model gate {name}@latest"
    columns = ("at", "by", "asked", "target", "answer", "reasons")
    show(found, json=json, text=lambda: table(columns, rows, empty=empty))


def decided(decision: Decision) -> str:
    """A decision in words: the outcome first, then each gate with its reason."""
    move = decision.transition
    outcome = "allowed" if decision.allowed else "refused"
    policy = f"tier {decision.tier}, policy {short(decision.policy)}"
    lines = [f"{move.model}@{move.version} -> {move.towards}: {outcome} ({policy})"]
    for found in decision.gates:
        lines.append(f"  {found.verdict:<14} {found.gate:<12} {found.reason}")
        if found.remedy and not found.verdict.passes:
            lines.append(f"  {'':<14} {'':<12} -> {found.remedy}")
    return "\n".join(lines)


def _described(version: ModelVersion) -> str:
    manifest = version.manifest
    return facts(
        [
            ("version", version.ref),
            ("aliases", ", ".join(version.aliases)),
            ("package", version.package),
            ("flavour", f"{manifest.flavour} ({manifest.task})"),
            ("size", f"{version.size_bytes:,} bytes in {len(manifest.files)} files"),
            ("inputs", ", ".join(f"{column.name} {column.dtype}" for column in manifest.inputs.columns)),
            ("run", manifest.run_id),
            ("source", manifest.source),
            ("data", ", ".join(f"{read.ref} ({short(read.digest)})" for read in manifest.data)),
            ("reason", version.reason),
            ("note", version.note),
            ("registered", f"{when(version.registered_at)} by {who(version.registered_by)}"),
        ]
    )
