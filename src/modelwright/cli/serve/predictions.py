"""``modelwright prediction``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.core.clock import as_utc
from modelwright.terminal.context import workspace
from modelwright.terminal.output import After, Json, Limit, facts, progress, short, show, table, when

if TYPE_CHECKING:
    from modelwright.predictions.model import Prediction

app = typer.Typer(help="What endpoints answered, and what turned out.", no_args_is_help=True)

Endpoint = Annotated[str, typer.Argument(metavar="ENDPOINT")]


@app.command("list")
def list_(
    context: typer.Context, endpoint: Endpoint, limit: Limit = 50, after: After = None, json: Json = False
) -> None:
    """List an endpoint's predictions, newest first."""
    page = workspace(context).predictions.list(endpoint, limit=limit, after=after)
    rows = [
        (p.id, f"{p.model}@{p.version}", when(p.event_at), p.output, p.label, when(p.label_known_at))
        for p in page.items
    ]
    columns = ("prediction", "version", "asked for", "output", "label", "known")
    show(page, json=json, text=lambda: table(columns, rows, empty=_silent(endpoint), more=page.next))


@app.command("show")
def show_(
    context: typer.Context,
    prediction_id: Annotated[str, typer.Argument(metavar="ID", help="As the endpoint answered it.")],
    json: Json = False,
) -> None:
    """Show one prediction: what was asked and answered."""
    found = workspace(context).predictions.get(prediction_id)
    show(found, json=json, text=lambda: _described(found))


@app.command()
def counts(context: typer.Context, endpoint: Endpoint, json: Json = False) -> None:
    """Count an endpoint's predictions, by version and by place."""
    found = workspace(context).predictions.counts(endpoint)
    pairs = [
        ("answered", f"{found.answered:,}"),
        *((ref, f"{count:,}") for ref, count in found.by_version.items()),
        ("in Parquet", f"{found.in_parquet:,}"),
        ("in segments", f"{found.in_segments:,}"),
        ("duplicates", f"{found.duplicates:,}"),
        ("labelled", f"{found.labelled:,}"),
        *((f"refused: {risk}", f"{count:,}") for risk, count in found.refused.items()),
        ("stray labels", f"{found.labels_without_prediction:,}"),
    ]
    show(found, json=json, text=lambda: facts(pairs))


@app.command()
def performance(
    context: typer.Context,
    endpoint: Endpoint,
    as_of: Annotated[str | None, typer.Option(help="As it was known at this time.")] = None,
    metric: Annotated[str, typer.Option(help="Which, e.g. brier.")] = "roc_auc",
    json: Json = False,
) -> None:
    """Show a metric by month and version, from the log alone."""
    found = workspace(context).predictions.performance(
        endpoint, as_of=as_of if as_of is None else as_utc(as_of, field="as-of"), metric=metric
    )
    rows = [
        (f"{p.period_start:%Y-%m}", f"{p.model}@{p.version}", f"{p.n:,}", f"{p.labelled:,}", p.interval or p.reason)
        for p in found
    ]
    columns = ("month", "version", "predictions", "labelled", metric)
    show(found, json=json, text=lambda: table(columns, rows, empty=_silent(endpoint)))


@app.command()
def traffic(context: typer.Context, endpoint: Endpoint, json: Json = False) -> None:
    """Show requests and latency by hour and version."""
    found = workspace(context).predictions.traffic(endpoint)
    rows = [
        (
            f"{t.period:%Y-%m-%d %H:00Z}",
            f"{t.model}@{t.version}",
            f"{t.requests:,}",
            f"{t.rows:,}",
            f"{t.latency_p50_ms:.1f}",
            f"{t.latency_p99_ms:.1f}",
        )
        for t in found
    ]
    columns = ("hour", "version", "requests", "rows", "p50 ms", "p99 ms")
    show(found, json=json, text=lambda: table(columns, rows, empty=_silent(endpoint)))


@app.command()
def export(
    context: typer.Context,
    endpoint: Endpoint,
    file: Annotated[Path, typer.Argument(help="Where to, a Parquet file.")],
    since: Annotated[str | None, typer.Option(help="The first event time.")] = None,
    until: Annotated[str | None, typer.Option(help="The first event time after it.")] = None,
    json: Json = False,
) -> None:
    """Write an endpoint's predictions with their labels to a file."""
    with progress(f"exporting {endpoint}"):
        workspace(context).predictions.write(endpoint, file, since=since, until=until)
    show({"endpoint": endpoint, "file": str(file)}, json=json, text=lambda: f"{endpoint} -> {file}")


def _silent(endpoint: str) -> str:
    return f"{endpoint} has not answered anything yet. Ask it: modelwright predict {endpoint} FILE"


def _described(found: Prediction) -> str:
    return facts(
        [
            ("prediction", found.id),
            ("endpoint", found.endpoint),
            ("version", f"{found.model}@{found.version} (package {short(found.package)})"),
            ("asked for", when(found.event_at)),
            ("answered", f"{when(found.received_at)}, in {found.latency_ms:.1f} ms"),
            *((f"input {name}", value) for name, value in found.inputs.items()),
            ("output", found.output),
            ("guards", ", ".join(found.guards)),
            *((("the model said", found.said),) if found.said is not None else ()),
            ("label", "not known yet" if found.label is None else f"{found.label}, known {when(found.label_known_at)}"),
            ("whole chain", f"modelwright trace prediction {found.id}"),
        ]
    )
