"""``modelwright notify``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from modelwright.alerts.model import Severity
from modelwright.core.errors import Unavailable
from modelwright.notifications.model import DeliveryState, Kind, Topic
from modelwright.terminal.context import workspace
from modelwright.terminal.output import After, Json, Limit, show, table, when

app = typer.Typer(help="Notifications: who is told what, and where.", no_args_is_help=True)
channel = typer.Typer(help="Channels: where people are told.", no_args_is_help=True)
app.add_typer(channel, name="channel")

Named = Annotated[str, typer.Argument(metavar="NAME", help="The channel.")]


@channel.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    kind: Annotated[Kind, typer.Argument(help="How it is said.")],
    target: Annotated[
        str | None,
        typer.Argument(help="The address to post to, or mail addresses with commas; without it, it is asked for."),
    ] = None,
    topic: Annotated[list[Topic] | None, typer.Option(help="What to tell; may be given again. All by default.")] = None,
    about: Annotated[
        list[str] | None, typer.Option(help="An endpoint, model or pipeline; may be given again. All by default.")
    ] = None,
    severity: Annotated[Severity, typer.Option(help="Of alerts: alarms alone, or all.")] = Severity.ALARM,
    json: Json = False,
) -> None:
    """Tell of what happens in this project from now on.

    Who knows a Slack address can write there: leave it out, and it is asked for, or read from a pipe. Whoever runs
    the server says where it may send at all: MODELWRIGHT_EGRESS.
    """
    made = workspace(context).notifications.connect(
        name, kind, target or _asked(), topics=tuple(topic or ()), about=tuple(about or ()), severity=severity
    )
    told = [f"{made.channel}"]
    if made.secret:
        told += [f"signed with: {made.secret}", "Nobody will be told it again. Give it to whoever receives."]
    told.append(f"Try it: modelwright notify channel test {name}")
    show(made, json=json, text=lambda: "\n".join(told))


@channel.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the project's channels."""
    found = workspace(context).notifications.list()
    rows = [(each.name, each.kind, each.target, each.state, each.failures, each.problem or "-") for each in found]
    empty = "Nobody is told anything. Begin: modelwright notify channel add NAME webhook https://…"
    show(
        found,
        json=json,
        text=lambda: table(("name", "kind", "target", "state", "failures", "last problem"), rows, empty=empty),
    )


@channel.command()
def remove(context: typer.Context, name: Named, json: Json = False) -> None:
    """Tell nothing there any more, and forget the target and the secret."""
    gone = workspace(context).notifications.remove(name)
    show(gone, json=json, text=lambda: f"{gone.name} is no more.")


@channel.command("test")
def try_(context: typer.Context, name: Named, json: Json = False) -> None:
    """Send a message now, and say what came back."""
    sent = workspace(context).notifications.test(name)
    if sent.state is not DeliveryState.DELIVERED and not json:
        raise Unavailable(f"Not delivered: {sent.error}")
    show(sent, json=json, text=lambda: f"delivered, answered {sent.status}")


@channel.command()
def pause(context: typer.Context, name: Named, json: Json = False) -> None:
    """Send nothing there until it is resumed."""
    changed = workspace(context).notifications.pause(name)
    show(changed, json=json, text=lambda: f"{changed}")


@channel.command()
def resume(context: typer.Context, name: Named, json: Json = False) -> None:
    """Send there again, also what happened meanwhile."""
    changed = workspace(context).notifications.resume(name)
    show(changed, json=json, text=lambda: f"{changed}")


@app.command("list")
def deliveries(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Through this channel alone.")] = None,
    limit: Limit = 50,
    after: After = None,
    json: Json = False,
) -> None:
    """List what was sent, or waits to be, newest first."""
    page = workspace(context).notifications.deliveries(name, limit=limit, after=after)
    rows = [
        (when(each.created_at), each.channel, each.message.topic, each.state, each.attempts, each.error or "-")
        for each in page.items
    ]
    columns = ("taken", "channel", "topic", "state", "attempts", "last problem")
    empty = "Nothing was sent yet. Try a channel: modelwright notify channel test NAME"
    show(page, json=json, text=lambda: table(columns, rows, empty=empty, more=page.next))


def _asked() -> str:
    """A target that others shall not read over a shoulder, nor in the shell's history."""
    return str(typer.prompt("Target", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n"))
