"""``modelwright recheck`` and ``modelwright emergency``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.cli.build.models import Ref
from modelwright.terminal.context import workspace
from modelwright.terminal.output import After, Json, Limit, facts, show, table, when

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelwright.assurance.model import AliasRecheck, Emergency, Recheck

rechecks = typer.Typer(help="What answers, judged again by the policy in force.", no_args_is_help=True)
emergencies = typer.Typer(help="Going against the gates, for a while.", no_args_is_help=True)

Endpoint = Annotated[str, typer.Argument(metavar="ENDPOINT")]


@rechecks.command()
def run(
    context: typer.Context,
    endpoint: Annotated[str | None, typer.Argument(metavar="ENDPOINT", help="By default each that is due.")] = None,
    json: Json = False,
) -> None:
    """Judge what answers, and do what the policy says about what fails. Exit code 3 when something does."""
    found = workspace(context).rechecks.run(endpoint)
    show(found, json=json, text=lambda: _judged(found, empty="Nothing is due."))
    if not all(one.passes for one in found):
        raise typer.Exit(3)


@rechecks.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List how endpoints stood when they were judged last."""
    found = workspace(context).rechecks.list()
    empty = "Nothing was judged again yet. Do it now: modelwright recheck run ENDPOINT"
    show(found, json=json, text=lambda: _judged(found, empty=empty))


@rechecks.command()
def alias(
    context: typer.Context,
    model: Annotated[str | None, typer.Argument(metavar="MODEL", help="By default each that is due.")] = None,
    json: Json = False,
) -> None:
    """Judge what aliases point at. Exit code 3 when something does not pass."""
    found = workspace(context).rechecks.run_aliases(model)
    show(found, json=json, text=lambda: _pointed(found, empty="Nothing is due."))
    if not all(one.passes for one in found):
        raise typer.Exit(3)


@rechecks.command()
def aliases(context: typer.Context, json: Json = False) -> None:
    """List how aliases stood when they were judged last."""
    found = workspace(context).rechecks.aliases()
    empty = "Nothing was judged again yet. Do it now: modelwright recheck alias MODEL"
    show(found, json=json, text=lambda: _pointed(found, empty=empty))


@emergencies.command()
def deploy(
    context: typer.Context,
    endpoint: Endpoint,
    ref: Ref,
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    json: Json = False,
) -> None:
    """Let an endpoint answer against the gates.

    It is undone by itself when the policy's time is up.
    """
    found = workspace(context).emergencies.deploy(endpoint, ref, reason)
    show(found, json=json, text=lambda: _described(found))


@emergencies.command()
def end(context: typer.Context, endpoint: Endpoint, json: Json = False) -> None:
    """End an emergency now, and go back to what answered before."""
    found = workspace(context).emergencies.end(endpoint)
    show(found, json=json, text=lambda: _described(found))


@emergencies.command()
def settle(context: typer.Context, json: Json = False) -> None:
    """End every emergency whose time is up."""
    found = workspace(context).emergencies.settle()
    show(found, json=json, text=lambda: _listed(found, empty="No emergency is over."))


@emergencies.command("list")
def emergencies_(
    context: typer.Context,
    lasting: Annotated[bool, typer.Option("--open", help="Only those that last.")] = False,
    limit: Limit = 100,
    after: After = None,
    json: Json = False,
) -> None:
    """List emergencies, newest first."""
    page = workspace(context).emergencies.list("open" if lasting else "all", limit=limit, after=after)
    show(page, json=json, text=lambda: _listed(page.items, empty="No emergency yet.", more=page.next))


def _judged(found: Sequence[Recheck], *, empty: str) -> str:
    rows = [
        (one.endpoint, f"{one.model}@{one.version}", _verdict(one), when(one.at), one.did, " ".join(one.reasons))
        for one in found
    ]
    return table(("endpoint", "version", "verdict", "judged", "done", "why"), rows, empty=empty)


def _pointed(found: Sequence[AliasRecheck], *, empty: str) -> str:
    rows = [
        (f"{one.model}@{one.alias}", one.ref, _verdict(one), when(one.at), one.did, " ".join(one.reasons))
        for one in found
    ]
    return table(("alias", "version", "verdict", "judged", "done", "why"), rows, empty=empty)


def _verdict(one: Recheck | AliasRecheck) -> str:
    return "passes" if one.passes else "fails, frozen" if one.frozen else "fails"


def _listed(found: Sequence[Emergency], *, empty: str, more: str | None = None) -> str:
    rows = [
        (one.endpoint, one.ref, one.instead_of, one.ending or "lasts", when(one.at), when(one.expires_at), one.reason)
        for one in found
    ]
    columns = ("endpoint", "version", "instead of", "state", "begun", "until", "why")
    return table(columns, rows, empty=empty, more=more)


def _described(found: Emergency) -> str:
    return facts(
        [
            ("endpoint", found.endpoint),
            ("answers with", found.ref if found.ended_at is None else None),
            ("instead of", found.instead_of if found.ended_at is None else None),
            ("until", when(found.expires_at) if found.ended_at is None else None),
            ("ended", found.ending),
            *(("against", reason) for reason in found.refused),
        ]
    )
