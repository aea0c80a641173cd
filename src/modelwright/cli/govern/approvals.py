"""``modelwright approval``."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.core.errors import Refused
from modelwright.terminal.context import who, workspace
from modelwright.terminal.output import After, Json, Limit, facts, show, table, when

if TYPE_CHECKING:
    from modelwright.access.model import Delegation
    from modelwright.approvals.model import Approval, Signing

app = typer.Typer(help="Approvals: who signs what, and who may not.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id.")]
Why = Annotated[str, typer.Option("--reason", help="Why, in your words.")]


class As(StrEnum):
    """As whom somebody signs."""

    VALIDATOR = "validator"
    APPROVER = "approver"


Role = Annotated[As, typer.Option("--as", help="As whom.")]
For = Annotated[
    str | None, typer.Option("--for", metavar="NAME", help="For whom, if they let you; by default yourself.")
]
Covers = Annotated[str | None, typer.Option(help="What you looked at, as `show` says; by default what is there now.")]


class In(StrEnum):
    """The phases in which people may be asked."""

    CHARTER = "charter"
    DATA = "data"
    TRAINING = "training"
    APPLICATION = "application"
    RETIREMENT = "retirement"


@app.command()
def request(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="MODEL[@VERSION]", help="The version; with --phase, the model.")],
    reason: Why,
    alias: Annotated[str, typer.Option(help="What the version shall become.")] = "champion",
    phase: Annotated[In | None, typer.Option(help="A phase of the model's life, instead of a version.")] = None,
    dataset: Annotated[str | None, typer.Option(help="In the phase data: which one.")] = None,
    target: Annotated[str | None, typer.Option(help="The alias or endpoint, in those phases.")] = None,
    json: Json = False,
) -> None:
    """Ask for the signatures that a policy wants."""
    approvals = workspace(context).approvals
    if phase is None:
        asked = approvals.request(ref, reason, alias)
    else:
        asked = approvals.request_phase(ref, phase.value, reason, dataset or target)
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
            one.request.about,
            one.state.value,
            "; ".join(gate.reason for gate in one.signoffs if not gate.verdict.passes) or "-",
            when(one.request.at)[:16],
        )
        for one in page.items
    ]
    heads = ("request", "about", "state", "waits for", "asked")
    empty = "Nobody waits for a signature. Earlier requests: modelwright approval list --all"
    show(page, json=json, text=lambda: table(heads, rows, empty=empty, more=page.next))


@app.command("show")
def show_(context: typer.Context, request_id: Which, json: Json = False) -> None:
    """Show a request: gates, signatures, and what is missing."""
    found = workspace(context).approvals.get(request_id)
    show(found, json=json, text=lambda: _told(found))


@app.command()
def sign(
    context: typer.Context,
    request_id: Which,
    role: Role,
    reason: Why,
    covers: Covers = None,
    on_behalf_of: For = None,
    json: Json = False,
) -> None:
    """Sign it; exit code 3 when you may not."""
    _say(workspace(context).approvals.sign(request_id, role.value, reason, covers, on_behalf_of), json=json)


@app.command()
def refuse(
    context: typer.Context,
    request_id: Which,
    role: Role,
    reason: Why,
    covers: Covers = None,
    on_behalf_of: For = None,
    json: Json = False,
) -> None:
    """Refuse to sign it; nothing passes with that."""
    _say(workspace(context).approvals.refuse(request_id, role.value, reason, covers, on_behalf_of), json=json)


@app.command()
def revoke(
    context: typer.Context,
    signature: Annotated[str, typer.Argument(metavar="SIGNATURE", help="The signature's id.")],
    json: Json = False,
) -> None:
    """Take a signature of your own back, or one in your name."""
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


@app.command()
def delegate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who shall sign for you.")],
    role: Annotated[As, typer.Option(help="As whom they sign.")],
    days: Annotated[int, typer.Option(help="How long, 1 to 90.")],
    reason: Why,
    json: Json = False,
) -> None:
    """Let another person sign for you for a while."""
    kept = workspace(context).delegations.add(name, role.value, days, reason)
    show(kept, json=json, text=lambda: f"{kept.id}  {kept}")


@app.command()
def delegations(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also those that do not count any more.")] = False,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="Of every project, for admins.")] = False,
    limit: Limit = 50,
    after: After = None,
    json: Json = False,
) -> None:
    """List who signs for whom, newest first."""
    asked = workspace(context).delegations
    page = (asked.every if everywhere else asked.list)("all" if every else "open", limit=limit, after=after)
    heads = ("delegation", "who", "for", "as", "in", "until", "", "reason")
    rows = [_row(one) for one in page.items]
    empty = "Nobody signs for somebody else. Earlier: modelwright approval delegations --all"
    show(page, json=json, text=lambda: table(heads, rows, empty=empty, more=page.next))


@app.command("end-delegation")
def end_delegation(
    context: typer.Context,
    delegation: Annotated[str, typer.Argument(metavar="DELEGATION", help="Its id, as `delegations` says.")],
    json: Json = False,
) -> None:
    """End a delegation that you gave or were given."""
    ended = workspace(context).delegations.end(delegation)
    show(ended, json=json, text=lambda: f"{ended}")


def _row(one: Delegation) -> tuple[str, ...]:
    until = when(one.expires_at)[:16]
    return (one.id, one.delegate, one.giver, one.role, one.project, until, one.void, one.reason)


def _say(came: Signing, *, json: bool) -> None:
    show(came, json=json, text=lambda: f"{came}")
    if came.signature is None:
        raise Refused(came.refused, remedy=came.remedy)


def _told(one: Approval) -> str:
    asked = one.request
    head = facts(
        [
            ("request", asked.id),
            ("about", asked.about),
            ("state", one.state),
            ("asked", f"{when(asked.at)} by {who(asked.by)}"),
            ("reason", asked.reason),
            ("covers", one.covers or "-"),
        ]
    )
    gates = [(gate.verdict, gate.gate, gate.reason) for gate in (*one.gates, *one.signoffs)]
    signed = [
        (
            each.id,
            each.says,
            each.role,
            who(each.by) + (f" for {who(each.on_behalf_of)}" if each.on_behalf_of else ""),
            when(each.at)[:16],
            "revoked" if each.revoked_at else "",
            each.reason,
        )
        for each in one.signatures
    ]
    said = [(when(each.at)[:16], who(each.by), each.text) for each in asked.comments]
    parts = [head, table(("verdict", "gate", "reason"), gates, empty="")]
    if signed:
        parts.append(table(("signature", "says", "as", "by", "at", "", "reason"), signed, empty=""))
    if said:
        parts.append(table(("said", "by", "comment"), said, empty=""))
    return "\n\n".join(parts)
