"""``modelwright alert``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.core.clock import as_utc
from modelwright.core.errors import Invalid
from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import After, Json, Limit, facts, show, table, when

if TYPE_CHECKING:
    from modelwright.alerts.model import Alert

app = typer.Typer(help="Alerts: what deserves attention.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id.")]
Note = Annotated[str, typer.Option(help="Your words, for the record.")]

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@app.command("list")
def list_(
    context: typer.Context,
    endpoint: Annotated[str | None, typer.Option(help="Of this endpoint alone.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that are resolved or muted.")] = False,
    limit: Limit = 100,
    after: After = None,
    json: Json = False,
) -> None:
    """List alerts, the first to look at first."""
    page = workspace(context).alerts.list(endpoint=endpoint, which="all" if every else "open", limit=limit, after=after)
    rows = [
        (
            each.id,
            each.severity.value,
            each.state.value,
            f"{each.endpoint} {each.model}@{each.version}",
            each.rule.value,
            when(each.finding.since)[:10],
            each.finding.summary,
        )
        for each in page.items
    ]
    heads = ("alert", "severity", "state", "where", "about", "since", "what")
    empty = "No alert is open. Earlier ones: modelwright alert list --all"
    show(page, json=json, text=lambda: table(heads, rows, empty=empty, more=page.next))


@app.command("show")
def show_(context: typer.Context, alert: Which, json: Json = False) -> None:
    """Show an alert: effect, since when, where, what to do."""
    found = workspace(context).alerts.get(alert)
    show(found, json=json, text=lambda: _described(found))


@app.command()
def ack(context: typer.Context, alert: Which, note: Note = "", json: Json = False) -> None:
    """Say that you have seen it and see to it."""
    found = workspace(context).alerts.acknowledge(alert, note=note)
    show(found, json=json, text=lambda: f"Acknowledged. {found}")


@app.command()
def mute(
    context: typer.Context,
    alert: Which,
    until: Annotated[str, typer.Option(metavar="TIME", help="A time, or from now: 12h, 7d, 2w.")] = "7d",
    note: Note = "",
    json: Json = False,
) -> None:
    """Hear nothing of it until a time."""
    found = workspace(context).alerts.mute(alert, until=_until(until, datetime.now(UTC)), note=note)
    show(found, json=json, text=lambda: f"Muted until {when(found.muted_until)}. {found}")


@app.command()
def resolve(context: typer.Context, alert: Which, note: Note = "", json: Json = False) -> None:
    """Say that it is over."""
    found = workspace(context).alerts.resolve(alert, note=note)
    show(found, json=json, text=lambda: f"Resolved. {found}")


def _until(text: str, now: datetime) -> datetime:
    """A moment, said as such or as a time from now."""
    number, unit = text[:-1], text[-1:]
    if unit in _UNITS and number.isascii() and number.isdigit() and len(number) < 5:
        return now + timedelta(**{_UNITS[unit]: int(number)})
    try:
        return as_utc(text, field="until")
    except Invalid as error:
        raise Invalid(error.message, remedy="Write a time with its zone, or 12h, 7d, 2w.") from None


def _described(found: Alert) -> str:
    finding = found.finding
    lines = facts(
        [
            ("alert", found.id),
            ("state", found.state.value),
            ("since", when(finding.since)),
            ("raised", f"{when(found.raised_at)}, seen in {found.periods} periods, last {when(found.last_seen)}"),
            ("worst", finding.where or "everywhere alike"),
            ("muted until", when(found.muted_until) if found.muted_until else None),
            ("handled by", found.handled_by and who(found.handled_by)),
            ("note", found.note),
            ("what to do", found.advice),
        ]
    )
    return "\n".join([str(found), "", lines, *(["", *finding.details] if finding.details else [])])
