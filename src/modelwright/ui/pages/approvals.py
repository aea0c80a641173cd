"""Approvals: what waits for a signature, and one request with everything that is to be looked at."""

from __future__ import annotations

from modelwright.access.delegations import LONGEST_DAYS
from modelwright.access.model import Delegation, Me
from modelwright.approvals.model import Approval, State
from modelwright.ui.page import Ask, View

_PAGE = 50


def load_list(ask: Ask) -> View:
    """What waits for somebody, or every request."""
    which = "all" if ask.word("which") == "all" else "open"
    page = ask.workspace.approvals.list(which=which, limit=_PAGE, after=ask.word("after") or None)
    me = ask.workspace.users.me()
    context = {
        "approvals": [(one, mine(one, me.id, me.signs_as), for_others(one, me)) for one in page.items],
        "delegations": ask.read_all("delegations.list", limit=_PAGE),
        "longest": LONGEST_DAYS,
        "after": page.next,
        "which": which,
        "waiting": sum(one.state is State.OPEN for one in page.items),
    }
    return View("approvals", "Approvals", context)


def load(ask: Ask) -> View:
    """One request: its gates, its signatures, and the forms for who may sign."""
    found: Approval = ask.workspace.approvals.get(ask.path["id"])
    me = ask.workspace.users.me()
    context = {
        "found": found,
        "roles": mine(found, me.id, me.signs_as),
        "others": for_others(found, me),
        "own": found.authors.get(me.id, ""),
        "charter": ask.read("charters.get", found.request.basis.model) if found.request.basis.phase else None,
    }
    return View("approval", found.request.about, context)


def for_others(one: Approval, me: Me) -> dict[str, list[Delegation]]:
    """For whom the caller could sign now, and by which delegations."""
    lacking = _lacking(one, me.id)
    found: dict[str, list[Delegation]] = {}
    for delegation in me.signs_for:
        if delegation.role in lacking and delegation.giver_id not in one.authors:
            found.setdefault(delegation.giver, []).append(delegation)
    return found


def mine(one: Approval, actor: str, signs_as: tuple[str, ...]) -> list[str]:
    """The roles as which the caller could sign now: those that lack somebody, and not of their own work."""
    return sorted(_lacking(one, actor) & set(signs_as))


def _lacking(one: Approval, actor: str) -> set[str]:
    if one.state is not State.OPEN or actor in one.authors:
        return set()
    return {gate.gate.rpartition(".")[2] for gate in one.signoffs if not gate.verdict.passes}
