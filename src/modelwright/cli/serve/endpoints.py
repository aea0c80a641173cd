"""``modelwright endpoint``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelwright.cli.build.effects import realised
from modelwright.cli.build.models import Ref, decided
from modelwright.cli.serve.rollouts import begun
from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import After, Json, Limit, facts, progress, short, show, table, when

if TYPE_CHECKING:
    from modelwright.app.connect import Workspace
    from modelwright.lifecycle.model import Age
    from modelwright.serving.model import Deployment, Endpoint, Moved

app = typer.Typer(help="Endpoints: what answers, and with which version.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="ENDPOINT")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the record.")]
Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait until every worker answers with it.")]


@app.command()
def deploy(
    context: typer.Context, endpoint: Name, ref: Ref, reason: Why = "", wait: Wait = 30, json: Json = False
) -> None:
    """Let an endpoint answer with a version. The gates decide; exit code 3 when they refuse."""
    space = workspace(context)
    _report(space, endpoint, space.endpoints.deploy(endpoint, ref, reason=reason), wait=wait, json=json)


@app.command()
def rollback(
    context: typer.Context,
    endpoint: Name,
    version: Annotated[int | None, typer.Option(help="An earlier version; by default the one before.")] = None,
    reason: Why = "",
    wait: Wait = 30,
    json: Json = False,
) -> None:
    """Go back to a version that the endpoint answered with before."""
    space = workspace(context)
    _report(space, endpoint, space.endpoints.rollback(endpoint, version=version, reason=reason), wait=wait, json=json)


@app.command()
def retire(
    context: typer.Context,
    endpoint: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    json: Json = False,
) -> None:
    """Let an endpoint answer no more. People may be asked; exit code 3 when they have not signed."""
    came = workspace(context).endpoints.retire(endpoint, reason)
    show(came, json=json, text=lambda: f"{came.retirement}" if came.retirement else decided(came.decision))
    if came.retirement is None:
        raise typer.Exit(3)


@app.command()
def reopen(context: typer.Context, endpoint: Name, json: Json = False) -> None:
    """Let a retired endpoint be deployed again."""
    found = workspace(context).endpoints.reopen(endpoint)
    text = f"{found.endpoint} may be deployed again: modelwright endpoint deploy {found.endpoint} MODEL@VERSION"
    show(found, json=json, text=lambda: text)


@app.command()
def challenge(
    context: typer.Context,
    endpoint: Name,
    ref: Ref,
    cause: Annotated[str, typer.Option(help="Why, for the record: words, or an alarm's id.")] = "",
    look: Annotated[
        list[str] | None,
        typer.Option(help="When it is judged, counted from now in event time, e.g. 14d; may be repeated."),
    ] = None,
    maturity: Annotated[str | None, typer.Option(help="How long after the event its outcome is known.")] = None,
    margin: Annotated[float | None, typer.Option(help="How much worse the KPI might be.")] = None,
    json: Json = False,
) -> None:
    """Let a version score the same requests in the shadow. The gates decide; exit code 3 when they refuse."""
    given: dict[str, Any] = {"looks": look, "maturity": maturity, "margin": margin}
    started = workspace(context).rollouts.start(
        endpoint, ref, cause=cause, **{name: value for name, value in given.items() if value is not None}
    )

    def text() -> str:
        lines = [] if started.decision is None else [decided(started.decision)]
        return "\n".join([*lines, *([] if started.rollout is None else [begun(started.rollout)])])

    show(started, json=json, text=text)
    if started.rollout is None:
        raise typer.Exit(3)


@app.command("list")
def list_(context: typer.Context, limit: Limit = 100, after: After = None, json: Json = False) -> None:
    """List endpoints."""
    page = workspace(context).endpoints.list(limit=limit, after=after or "")
    rows = [
        (
            e.name,
            f"{e.current.model}@{e.current.version}",
            when(e.current.at),
            len(e.workers),
            e.ended or ("yes" if e.ready else "no"),
        )
        for e in page.items
    ]
    empty = "No endpoints yet. Deploy one: modelwright endpoint deploy NAME MODEL@VERSION"
    show(
        page,
        json=json,
        text=lambda: table(
            ("endpoint", "answers with", "since", "workers", "ready"), rows, empty=empty, more=page.next
        ),
    )


@app.command("show")
def show_(context: typer.Context, endpoint: Name, json: Json = False) -> None:
    """Show what an endpoint answers with, now and before."""
    space = workspace(context)
    found = space.endpoints.get(endpoint)
    show(found, json=json, text=lambda: _described(found, space.endpoints.history(endpoint).items))


@app.command()
def history(
    context: typer.Context, endpoint: Name, limit: Limit = 100, after: After = None, json: Json = False
) -> None:
    """List what an endpoint has answered with, newest first."""
    page = workspace(context).endpoints.history(endpoint, limit=limit, after=after)
    show(page, json=json, text=lambda: _changes(page.items, page.next))


def _report(space: Workspace, endpoint: str, moved: Moved, *, wait: float, json: bool) -> None:
    ready = space.endpoints.wait(endpoint, seconds=wait) if moved.decision.allowed else None

    def text() -> str:
        lines = [decided(moved.decision)]
        if ready is not None:
            answering = sum(worker.serving for worker in ready.workers)
            lines.append(f"{endpoint}: {answering} of {len(ready.workers)} workers answer with it.")
            if not ready.workers:
                lines.append("No workers are running. Start them: modelwright up")
        return "\n".join(lines)

    show(moved, json=json, text=text)
    if not moved.decision.allowed:
        raise typer.Exit(3)


def _described(found: Endpoint, history: list[Deployment]) -> str:
    current = found.current
    head = facts(
        [
            ("endpoint", found.name),
            ("answers with", f"{current.model}@{current.version} (package {short(current.package)})"),
            ("since", f"{when(current.at)}, generation {current.generation}"),
            (
                "retired",
                found.retired and f"{when(found.retired.at)} by {who(found.retired.by)}: {found.retired.reason}",
            ),
            ("reopened", found.retired and found.retired.reopened_at and when(found.retired.reopened_at)),
            ("guards", ", ".join(f"{one.risk}: {one.when}" for one in current.guards)),
            ("address", found.address and f"{found.address}/v2/models/{found.name}/infer"),
            *(
                (f"worker {w.worker}", w.error or ("answers with it" if w.serving else "not yet"))
                for w in found.workers
            ),
        ]
    )
    return f"{head}\n\n{_changes(history)}"


def _changes(history: list[Deployment], more: str | None = None) -> str:
    rows = [(d.generation, f"{d.model}@{d.version}", d.action, when(d.at), who(d.by), d.reason) for d in history]
    return table(("generation", "version", "action", "at", "by", "reason"), rows, empty="", more=more)


@app.command()
def effect(context: typer.Context, endpoint: Name, json: Json = False) -> None:
    """Compare what it has brought with what was promised."""
    found = workspace(context).effects.realised(endpoint)
    show(found, json=json, text=lambda: realised(found))


@app.command()
def age(
    context: typer.Context,
    endpoint: Name,
    measure: Annotated[
        bool, typer.Option("--measure", help="Let the first version score the log again; loads it here.")
    ] = False,
    json: Json = False,
) -> None:
    """Compare the first version with its successors by month."""
    space = workspace(context)
    found = _measured(space, endpoint) if measure else space.lifecycle.age(endpoint)
    rows = [
        (f"{p.period_start:%Y-%m}", p.live_version, p.n, p.frozen, p.live, p.difference or p.reason)
        for p in found.points
    ]
    columns = ("month", "answered by", "labels", f"{found.frozen} frozen", "answered", "difference")
    show(found, json=json, text=lambda: table(columns, rows, empty="Nothing has a label yet."))


def _measured(space: Workspace, endpoint: str) -> Age:
    from modelwright.lifecycle.age import measure_age  # weight: every room

    with progress(f"scoring the log of {endpoint} again"):
        return measure_age(space, endpoint)
