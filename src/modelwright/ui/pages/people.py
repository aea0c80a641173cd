"""People: who may sign in, what they are where, and the tokens that programs hold."""

from __future__ import annotations

from collections import defaultdict

from modelwright.access.model import Grant
from modelwright.access.roles import EVERYWHERE, PERMISSIONS, Role
from modelwright.ui.page import Ask, View

_PAGE = 200


def load(ask: Ask) -> View:
    """Everybody, with their roles, and for admins the forms that change them."""
    page = ask.workspace.users.list(limit=_PAGE, after=ask.word("after"))
    roles: dict[tuple[str, str], list[Grant]] = defaultdict(list)
    for grant in ask.workspace.grants.list():
        roles[grant.holder, grant.name].append(grant)
    context = {
        "users": [(user, held(roles, user.name, user.groups)) for user in page.items],
        "after": page.next,
        "groups": sorted({name for holder, name in roles if holder == "group"}),
        "grants": {name: grants for (holder, name), grants in roles.items() if holder == "group"},
        "tokens": ask.workspace.tokens.every(limit=_PAGE).items,
        "delegations": ask.workspace.delegations.every(limit=_PAGE).items,
        "roles": list(Role),
        "everywhere": EVERYWHERE,
    }
    return View("people", "People", context)


def held(roles: dict[tuple[str, str], list[Grant]], name: str, groups: tuple[str, ...]) -> list[Grant]:
    """A user's grants: their own, then those of their groups."""
    return [*roles[("user", name)], *(grant for group in groups for grant in roles[("group", group)])]


def load_account(ask: Ask) -> View:
    """Who the caller is, what that allows, and their own tokens."""
    me = ask.workspace.users.me()
    context = {
        "tokens": ask.read_all("tokens.list", limit=_PAGE) if me.login else [],
        "permissions": {role: sorted(PERMISSIONS[role]) for role in me.roles},
    }
    return View("account", "Your account", context)
