"""Login, and the story of those who may sign in: one call for every operation of the access room."""

from typing import Any

from modelwright.access.credentials import SHOWN, hashed
from modelwright.app.entrance import Presented
from modelwright.app.workspace import Platform
from modelwright.core.events import Actor
from modelwright.core.identity import OWNER, Identity
from support.story import World

TOKEN = "mwt_0000000000000000000000000002X7PwD"
"""The first admin's."""

WORKING = ("contributor", "operator", "auditor")
"""Roles that together see and do all but sign and manage people."""

_OTHERS = [f"{number:064x}" for number in (1, 2)]


def do(platform: Platform, name: str, identity: Identity = OWNER, /, **arguments: Any) -> Any:
    """An operation, in process."""
    operation = platform.table.get(name)
    return platform.run(operation, operation.bind((), arguments), identity=identity)


def begin_login(platform: Platform, *roles: str) -> Identity:
    """Add the first user, ``root``, an admin who holds ``TOKEN``, with further roles everywhere; who that is."""
    root = do(platform, "users.add", name="root", display="Root")
    themselves = Identity(actor=Actor(id=root.id), grants=frozenset({"self:write"}))
    do(platform, "tokens.add", themselves, digest=hashed(TOKEN), shown=TOKEN[:SHOWN], purpose="first token")
    for role in roles:
        do(platform, "grants.add", role=role, project="*", user="root")
    return platform.entrance.identify(Presented("token", TOKEN), None)


SIGNER = "mwt_0000000000000000000000000014diI6t"
"""The token of abel, who did not make what he signs."""


def a_signer(platform: Platform) -> Identity:
    """Add ``abel``, who works and approves; who that is."""
    do(platform, "users.add", name="abel", kind="simulated")
    for role in ("contributor", "approver"):
        do(platform, "grants.add", role=role, project="default", user="abel")
    do(platform, "tokens.give", user="abel", digest=hashed(SIGNER), shown=SIGNER[:SHOWN], purpose="signing")
    return platform.entrance.identify(Presented("token", SIGNER), None)


def _requested(world: World) -> dict[str, Any]:
    phases = "phases: {data: [{role: validator}], training: [{role: approver}]}"
    world.also("policies.publish", text=f"extends: minimal\nsignoffs: [{{role: approver}}]\n{phases}\n")
    return {"ref": "delay@1", "reason": "better than the heuristic <b>"}


def _request(world: World, **more: Any) -> dict[str, Any]:
    return {"request": world.seen["approvals.request"].request.id, **more}


APPROVALS = {
    "approvals.request": _requested,
    "approvals.get": _request,
    "approvals.request_phase": lambda w: {
        "model": "delay",
        "phase": "data",
        "reason": "it is ours to use <b>",
        "subject": "flights",
    },
    "approvals.list": lambda w: {"which": "all", "limit": 5},
    "approvals.comment": lambda w: _request(w, text="What of the thin slice?"),
    "approvals.sign": lambda w: _request(
        w, role="approver", reason="looked at it", covers=w.seen["approvals.get"].covers
    ),
    "approvals.revoke": lambda w: {"signature": w.seen["approvals.sign"].signature.id},
    "approvals.refuse": lambda w: _request(w, role="approver", reason="looked again"),
    "approvals.withdraw": _request,
    "delegations.add": lambda w: {"to": "ada", "role": "approver", "days": 14, "reason": "at sea <b>"},
    "delegations.list": lambda w: {"which": "all"},
    "delegations.end": lambda w: {"delegation": w.seen["delegations.add"].id},
    "risks.accept": lambda w: {"model": "delay", "risk": "far-out", "reason": "rare, and it says so <b>"},
    "risks.close": lambda w: {"model": "delay", "risk": "middling", "reason": "nobody is harmed"},
    "risks.reopen": lambda w: {"model": "delay", "risk": "middling", "reason": "somebody is"},
    "risks.judgements": lambda w: {"model": "delay"},
}
"""The same of approvals; told by ``abel`` in a home in which the story of ``support.story`` has happened."""


def _known(number: int) -> dict[str, Any]:
    return {"digest": _OTHERS[number], "shown": f"mwt_00000{number}", "purpose": "nightly scoring"}


def _withdrawn(world: World) -> dict[str, Any]:
    return {"token": world.seen["tokens.give"].id}


PEOPLE = {
    "users.add": lambda w: {"name": "ada", "display": "Ada <b>", "kind": "simulated", "groups": ["lab", "club"]},
    "users.set_password": lambda w: {"name": "ada", "password": "a sentence of hers"},
    "users.get": lambda w: {"name": "ada"},
    "users.join": lambda w: {"name": "ada", "groups": ["lab"]},
    "users.commits_as": lambda w: {"name": "ada", "addresses": ["Ada@example.com"]},
    "users.list": lambda w: {"limit": 1},
    "users.me": lambda w: {},
    "users.names": lambda w: {"ids": [w.seen["users.add"].id, "0" * 32]},
    "projects.add": lambda w: {"name": "claims", "description": "of another team"},
    "projects.list": lambda w: {},
    "grants.add": lambda w: {"role": "contributor", "project": "claims", "group": "lab"},
    "grants.list": lambda w: {},
    "grants.remove": lambda w: {"role": "contributor", "project": "claims", "group": "lab"},
    "tokens.add": lambda w: {**_known(0), "days": 7, "scopes": ["predictions:write", "data:*"], "project": "claims"},
    "tokens.give": lambda w: {**_known(1), "user": "ada"},
    "tokens.list": lambda w: {"limit": 5},
    "tokens.every": lambda w: {"user": "ada"},
    "tokens.revoke": lambda w: {"token": w.seen["tokens.add"].id},
    "tokens.withdraw": _withdrawn,
    "delegations.every": lambda w: {"which": "all", "limit": 5},
    "users.disable": lambda w: {"name": "ada"},
    "users.enable": lambda w: {"name": "ada"},
    "users.change_password": lambda w: {"password": "a sentence of mine"},
}
"""Operation -> arguments, in the order of the story, as ``support.story.CASES``; told by ``root`` in a home with login."""
