"""``modelwright monitor``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelwright.cli.serve.endpoints import Name
from modelwright.core.clock import as_utc
from modelwright.core.wire import encode
from modelwright.terminal.context import workspace
from modelwright.terminal.output import After, Json, Limit, facts, show, table, when

if TYPE_CHECKING:
    from modelwright.monitoring.model import Monitor, ReferenceNote

app = typer.Typer(help="Whether an endpoint is as its version was judged.", no_args_is_help=True)

Moment = Annotated[str | None, typer.Option(metavar="TIME", help="ISO 8601; a bare date is midnight UTC.")]


@app.command("show")
def show_(context: typer.Context, endpoint: Name, json: Json = False) -> None:
    """Say how an endpoint is, and what that rests on."""
    found = workspace(context).monitors.get(endpoint)
    show(found, json=json, text=lambda: _described(found))


@app.command("list")
def list_(context: typer.Context, limit: Limit = 100, after: After = None, json: Json = False) -> None:
    """List monitors with their verdicts."""
    page = workspace(context).monitors.list(limit=limit, after=after or "")
    rows = [(each.endpoint, each.open_alerts, each.verdict) for each in page.items]
    empty = "No endpoint has answered anything. A monitor begins with the first answer."
    show(page, json=json, text=lambda: table(("endpoint", "open", "verdict"), rows, empty=empty, more=page.next))


@app.command()
def run(
    context: typer.Context,
    endpoint: Name,
    every: Annotated[bool, typer.Option("--all", help="Go on until nothing is due.")] = False,
    json: Json = False,
) -> None:
    """Judge the periods that have passed, as `up` does by itself."""
    monitors = workspace(context).monitors
    ran = monitors.run(endpoint)
    inputs, outcomes, raised = ran.inputs, ran.outcomes, list(ran.raised)
    while every and ran.more:
        ran = monitors.run(endpoint)
        inputs, outcomes, raised = inputs + ran.inputs, outcomes + ran.outcomes, [*raised, *ran.raised]
    if json:
        typer.echo(encode(ran).decode())
        return
    said = f"{endpoint}: judged the inputs of {inputs} periods and the labels of {outcomes}; {len(raised)} new alerts."
    more = f"\nMore is due: modelwright monitor run {endpoint} --all" if ran.more else ""
    show(ran, json=False, text=lambda: f"{said}{more}")


@app.command()
def configure(
    context: typer.Context,
    endpoint: Name,
    cadence: Annotated[str, typer.Option(help="hourly, daily, weekly or monthly.")] = "daily",
    column: Annotated[list[str] | None, typer.Option(help="An input to watch; again for more. All by default.")] = None,
    false_alarms_per_year: Annotated[float, typer.Option(min=0.01, max=100, help="The budget.")] = 1.0,
    json: Json = False,
) -> None:
    """Say how an endpoint is watched. Its evidence begins anew."""
    chosen: dict[str, Any] = {"columns": tuple(column)} if column else {}
    found = workspace(context).monitors.configure(
        endpoint, cadence=cadence, false_alarms_per_year=false_alarms_per_year, **chosen
    )
    show(found, json=json, text=lambda: _described(found))


@app.command()
def trends(context: typer.Context, endpoint: Name, limit: Limit = 30, after: After = None, json: Json = False) -> None:
    """List what each period showed, newest first."""
    page = workspace(context).monitors.trends(endpoint, limit=limit, after=after)
    rows = [
        (
            when(each.start)[:16] + "Z",
            f"{each.model}@{each.version}",
            f"{each.rows:,}",
            _number(each.drift),
            _percent(each.coverage),
            _number(each.performance),
            each.trailing,
            each.calibration,
        )
        for each in page.items
    ]
    heads = ("period", "version", "rows", "drift", "labelled", "performance", "trailing", "labels less answers")
    empty = f"No period has been judged yet: modelwright monitor run {endpoint}"
    show(page, json=json, text=lambda: table(heads, rows, empty=empty, more=page.next))


@app.command()
def columns(
    context: typer.Context, endpoint: Name, since: Moment = None, until: Moment = None, json: Json = False
) -> None:
    """Show inputs against the reference, those that moved most first."""
    found = workspace(context).monitors.columns(endpoint, since=_moment(since), until=_moment(until))
    rows = [
        (
            each.column,
            f"{each.evidence:.2f}",
            when(each.since),
            _percent(each.missing),
            _percent(each.unseen),
            each.effect,
        )
        for each in found.columns
    ]
    heads = ("input", "evidence (1 alarms)", "since", "missing", "unseen", "what moved most")
    show(found, json=json, text=lambda: table(heads, rows, empty=found.problem or "The version takes no inputs."))


def _described(found: Monitor) -> str:
    settings, standing = found.settings, found.standing
    lines = facts(
        [
            ("endpoint", found.endpoint),
            ("cadence", settings.cadence.value),
            ("columns", ", ".join(settings.columns) if settings.columns else "all"),
            ("budget", f"at most {settings.false_alarms_per_year:g} false alarms a year on ordinary days"),
            ("newest event", when(found.watermark)),
            ("inputs judged until", when(standing.inputs_until) if standing else None),
            ("labels judged until", when(standing.outcomes_until) if standing else None),
            ("next due", when(found.due_at) if found.due_at else None),
            ("open alerts", found.open_alerts),
        ]
    )
    return "\n".join([found.verdict, "", lines, *(["", *map(_noted, found.references)] if found.references else [])])


def _noted(note: ReferenceNote) -> str:
    who = f"{note.model}@{note.version}"
    if note.problem:
        return f"{who}: {note.problem}"
    return (
        f"{who}: compared with {note.rows:,} rows of {note.days} days, {note.source}; {note.metric} {note.performance};"
        f" labels count for {note.matures_after / 3600:g} h; {note.streams} streams alarm at {note.threshold:,.0f}"
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else as_utc(text)


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str | None:
    return None if value is None else f"{value:.1%}"
