"""``modelwright approval``."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.core.errors import Refused
from modelwright.terminal.context import workspace
from modelwright.terminal.output import After, Json, Limit, facts, show, table, when

if TYPE_CHECKING:
    from modelwright.approvals.model import Approval, Signing

app = typer.Typer(help="Approvals: who signs what, and who may not.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id.")]
Why = Annotated[str, typer.Option("--reason", help="Why, in your words.")]


class As(StrEnum):
    """As whom somebody signs."""

    VALIDATOR = "validator"
    APPROVER = "approver"


Role = Annotated[As, typer.Option("--as", help="As whom.")]
Covers = Annotated[str | None, typer.Option(help="What you looked at, as `show` says; by default what is there now.")]


@app.command()
def request(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="MODEL@VERSION", help="The version.")],
    reason: Why,
    alias: Annotated[str, typer.Option(help="What it shall become.")] = "champion",
    json: Json = False,
) -> None:
    """Ask for the signatures that a version's policy wants."""
    asked = workspace(context).approvals.request(ref, reason, alias)
    show(asked, json=json, text=lambda: _told(asked))


@app.command("list")
def list_(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also those that wait for nobody.")] = False,
    limit: Limit = 50,
    after: After = None,
    json: Json = False,
) -> None:
    """List requests, newest first."""
    page = workspace(context).approvals.list("all" if every else "open", limit=limit, after=after)
    rows = [
        (
            one.request.id,
            one.request.ref,
            one.request.alias,
            one.state.value,
            "; ".join(gate.reason for gate in one.signoffs if not gate.verdict.passes) or "-",
            when(one.request.at)[:16],
        )
        for one in page.items
    ]
    heads = ("request", "version", "as", "state", "waits for", "asked")
    empty = "Nobody waits for a signature. Earlier requests: modelwright approval list --all"
    show(page, json=json, text=lambda: table(heads, rows, empty=empty, more=page.next))


@app.command("show")
def show_(context: typer.Context, request_id: Which, json: Json = False) -> None:
    """Show a request: gates, signatures, and what is missing."""
    found = workspace(context).approvals.get(request_id)
    show(found, json=json, text=lambda: _told(found))


@app.command()
def sign(
    context: typer.Context, request_id: Which, role: Role, reason: Why, covers: Covers = None, json: Json = False
) -> None:
    """Sign a version; exit code 3 when you may not."""
    _say(workspace(context).approvals.sign(request_id, role.value, reason, covers), json=json)


@app.command()
def refuse(
    context: typer.Context, request_id: Which, role: Role, reason: Why, covers: Covers = None, json: Json = False
) -> None:
    """Refuse to sign a version; nothing passes with it."""
    _say(workspace(context).approvals.refuse(request_id, role.value, reason, covers), json=json)


@app.command()
def revoke(
    context: typer.Context,
    signature: Annotated[str, typer.Argument(metavar="SIGNATURE", help="The signature's id.")],
    json: Json = False,
) -> None:
    """Take a signature of your own back."""
    found = workspace(context).approvals.revoke(signature)
    show(found, json=json, text=lambda: f"revoked on {when(found.revoked_at)}")


@app.command()
def withdraw(context: typer.Context, request_id: Which, json: Json = False) -> None:
    """Take a request back."""
    found = workspace(context).approvals.withdraw(request_id)
    show(found, json=json, text=lambda: _told(found))


@app.command()
def comment(
    context: typer.Context,
    request_id: Which,
    text: Annotated[str, typer.Argument(help="Your words.")],
    json: Json = False,
) -> None:
    """Say something to a request."""
    found = workspace(context).approvals.comment(request_id, text)
    show(found, json=json, text=lambda: _told(found))


def _say(came: Signing, *, json: bool) -> None:
    show(came, json=json, text=lambda: f"{came}")
    if came.signature is None:
        raise Refused(came.refused, remedy=came.remedy)


def _told(one: Approval) -> str:
    asked = one.request
    head = facts(
        [
            ("request", asked.id),
            ("version", f"{asked.ref} as {asked.alias}"),
            ("state", one.state),
            ("asked", f"{when(asked.at)} by {asked.by}"),
            ("reason", asked.reason),
            ("covers", one.covers or "-"),
        ]
    )
    gates = [(gate.verdict, gate.gate, gate.reason) for gate in (*one.gates, *one.signoffs)]
    signed = [
        (each.id, each.says, each.role, each.by, when(each.at)[:16], "revoked" if each.revoked_at else "", each.reason)
        for each in one.signatures
    ]
    said = [(when(each.at)[:16], each.by, each.text) for each in asked.comments]
    parts = [head, table(("verdict", "gate", "reason"), gates, empty="")]
    if signed:
        parts.append(table(("signature", "says", "as", "by", "at", "", "reason"), signed, empty=""))
    if said:
        parts.append(table(("said", "by", "comment"), said, empty=""))
    return "\n\n".join(parts)
