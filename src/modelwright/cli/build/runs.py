"""``modelwright run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import After, Json, Limit, facts, progress, short, show, table, when

if TYPE_CHECKING:
    from modelwright.tracking.model import Run

app = typer.Typer(help="Runs: what was tried, and what came of it.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Only runs of this name.")] = None,
    limit: Limit = 50,
    after: After = None,
    json: Json = False,
) -> None:
    """List runs, newest first."""
    page = workspace(context).runs.list(name=name, limit=limit, after=after)
    rows = [
        (run.id, run.name, run.status, when(run.started_at), _few(run.parameters), _few(run.metrics))
        for run in page.items
    ]
    columns = ("run", "name", "status", "started", "parameters", "metrics")
    empty = f"No runs{f' of {name}' if name else ''} yet. Start one in a script: with mw.run(NAME) as run: …"
    show(page, json=json, text=lambda: table(columns, rows, empty=empty, more=page.next))


@app.command("show")
def show_(context: typer.Context, run_id: Annotated[str, typer.Argument(metavar="RUN")], json: Json = False) -> None:
    """Show one run."""
    run = workspace(context).runs.get(run_id)
    show(run, json=json, text=lambda: _described(run))


@app.command()
def compare(
    context: typer.Context,
    run_ids: Annotated[list[str], typer.Argument(metavar="RUN RUN…", help="Two runs or more.")],
    json: Json = False,
) -> None:
    """Show side by side what differs between runs."""
    from modelwright.tracking.compare import differences  # weight: the types of runs

    if len(run_ids) < 2:
        raise typer.BadParameter("two runs or more are compared", param_hint="RUN")
    runs = workspace(context).runs
    found = differences([runs.get(run_id) for run_id in run_ids])
    kinds: dict[str, dict[str, tuple[Any, ...]]] = {
        "param ": found.parameters,
        "metric ": found.metrics,
        "": found.origins,
    }
    rows = [(kind + name, *map(_number, values)) for kind, each in kinds.items() for name, values in each.items()]
    same = "The runs differ in no parameter, metric, code or data."
    show(found, json=json, text=lambda: table(("", *found.runs), rows, empty=same))


@app.command()
def export(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    json: Json = False,
) -> None:
    """Write a run to a folder: metric histories and artifacts."""
    with progress(f"exporting {run_id}"):
        workspace(context).runs.export(run_id, folder)
    show({"run_id": run_id, "folder": str(folder)}, json=json, text=lambda: f"{run_id} -> {folder}")


def _number(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value


def _few(values: dict[str, object], most: int = 4) -> str:
    shown = [f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in list(values.items())[:most]]
    return ", ".join(shown) + (", …" if len(values) > most else "")


def _described(run: Run) -> str:
    code, cost = run.capture, run.cost
    return facts(
        [
            ("run", run.id),
            ("name", run.name),
            ("status", f"{run.status}{': ' + run.error if run.error else ''}"),
            ("started", f"{when(run.started_at)} by {who(run.started_by)}"),
            ("finished", when(run.finished_at)),
            *((f"param {key}", value) for key, value in run.parameters.items()),
            *((f"metric {key}", value) for key, value in run.metrics.items()),
            *((f"tag {key}", value) for key, value in run.tags.items()),
            ("commit", code.commit and f"{code.commit} on {code.branch}"),
            ("uncommitted", code.diff and f"diff {short(code.diff)}"),
            ("source", code.source),
            ("entry point", code.entry_point and " ".join([code.entry_point, *code.arguments])),
            ("environment", code.environment),
            ("seeds", ", ".join(f"{name}={seed}" for name, seed in code.seeds.items())),
            *(("read", f"{read.ref} ({read.digest})") for read in run.reads),
            *(("artifact", f"{kept.path} ({kept.size:,} bytes, {short(kept.digest)})") for kept in run.artifacts),
            ("cost", cost and f"{cost.wall_seconds:.1f} s, {cost.cpu_seconds:.1f} CPU s, {cost.peak_memory_mb:.0f} MB"),
        ]
    )
