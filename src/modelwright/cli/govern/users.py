"""``modelwright user | grant | project | token | whoami``: who may do what."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from modelwright.access.roles import EVERYWHERE, Role
from modelwright.core.errors import Invalid
from modelwright.core.events import ActorKind
from modelwright.terminal.context import workspace
from modelwright.terminal.output import After, Json, Limit, facts, show, table, when

user = typer.Typer(help="Users: who may sign in.", no_args_is_help=True)
grant = typer.Typer(help="Grants: who holds which role where.", no_args_is_help=True)
project = typer.Typer(help="Projects: what people share, and others do not see.", no_args_is_help=True)
token = typer.Typer(help="Tokens: what programs present.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(metavar="NAME", help="What they sign in with.")]
Where = Annotated[str, typer.Option("--in", help="The project it holds in; * for all.")]
OfUser = Annotated[str | None, typer.Option("--user", help="Who holds it: a user, or")]
OfGroup = Annotated[str | None, typer.Option("--group", help="a group.")]
TokenId = Annotated[str, typer.Argument(metavar="TOKEN", help="The token's id.")]


def add_to(root: typer.Typer) -> None:
    """Hang these commands below the root."""
    root.command()(whoami)
    for app, name in ((user, "user"), (grant, "grant"), (project, "project"), (token, "token")):
        root.add_typer(app, name=name)


def whoami(context: typer.Context, json: Json = False) -> None:
    """Show who you are, and what you may do here."""
    me = workspace(context).users.me()
    show(
        me,
        json=json,
        text=lambda: facts(
            [
                ("name", me.name if me.login else "owner: there is no login here"),
                ("project", me.project),
                ("roles", ", ".join(me.roles) or ("none" if me.login else "all")),
                ("signs as", ", ".join(me.signs_as) or "nobody"),
                *(
                    ("signs for", f"{one.giver} as {one.role} until {when(one.expires_at)[:16]}")
                    for one in me.signs_for
                ),
                ("projects", ", ".join(me.projects) or "none"),
                ("in the ledger", me.id),
            ]
        ),
    )


@user.command("add")
def user_add(
    context: typer.Context,
    name: Who,
    display: Annotated[str, typer.Option(help="What people call them.")] = "",
    kind: Annotated[ActorKind, typer.Option(help="What they are.")] = ActorKind.PERSON,
    group: Annotated[list[str] | None, typer.Option(help="A group they are in; may be given again.")] = None,
    password: Annotated[bool, typer.Option("--password", help="Ask for a first password.")] = False,
    with_token: Annotated[bool, typer.Option("--token", help="Make them a first token, and print it.")] = False,
    json: Json = False,
) -> None:
    """Let somebody in.

    The first user is an admin; from then on nobody gets in without a credential.
    """
    space = workspace(context)
    secret = _password() if password else None
    added = space.users.add(name, display=display, kind=kind, password=secret, groups=tuple(group or ()))
    made = space.tokens.create("first token", user=name) if with_token else None

    def text() -> str:
        told = [f"{added}"]
        if made is not None:
            told += [f"token: {made.secret}", "Nobody will be told it again. They use it as MODELWRIGHT_TOKEN."]
        return "\n".join(told)

    show(made if made is not None else added, json=json, text=text)


@user.command("list")
def user_list(context: typer.Context, limit: Limit = 100, after: After = None, json: Json = False) -> None:
    """List users by name."""
    page = workspace(context).users.list(limit=limit, after=after or "")
    rows = [
        (each.name, each.display or "-", f"{each.kind}{', disabled' if each.disabled else ''}", ", ".join(each.groups))
        for each in page.items
    ]
    empty = "There is no login. Begin it: modelwright user add NAME --token"
    show(page, json=json, text=lambda: table(("name", "who", "kind", "groups"), rows, empty=empty, more=page.next))


@user.command("show")
def user_show(context: typer.Context, name: Who, json: Json = False) -> None:
    """Show a user."""
    found = workspace(context).users.get(name)
    pairs = [
        ("name", found.name),
        ("who", found.display or "-"),
        ("kind", found.kind),
        ("groups", ", ".join(found.groups) or "none"),
        ("commits as", ", ".join(found.commits_as) or "none"),
        ("may sign in", "no" if found.disabled else "yes"),
        ("since", when(found.created_at)),
        ("in the ledger", found.id),
    ]
    show(found, json=json, text=lambda: facts(pairs))


@user.command("disable")
def user_disable(context: typer.Context, name: Who, json: Json = False) -> None:
    """Let somebody in no more.

    Within a second their tokens and sessions count nowhere.
    """
    changed = workspace(context).users.disable(name)
    show(changed, json=json, text=lambda: f"{changed}")


@user.command("enable")
def user_enable(context: typer.Context, name: Who, json: Json = False) -> None:
    """Let somebody in again."""
    changed = workspace(context).users.enable(name)
    show(changed, json=json, text=lambda: f"{changed}")


@user.command("join")
def user_join(
    context: typer.Context,
    name: Who,
    groups: Annotated[list[str] | None, typer.Argument(help="The groups; none takes them out of all.")] = None,
    json: Json = False,
) -> None:
    """Put somebody into these groups, and out of all others."""
    changed = workspace(context).users.join(name, tuple(groups or ()))
    show(changed, json=json, text=lambda: f"{changed.name}: {', '.join(changed.groups) or 'no group'}")


@user.command("commits-as")
def user_commits_as(
    context: typer.Context,
    name: Who,
    addresses: Annotated[list[str] | None, typer.Argument(help="Mail addresses; none takes all away.")] = None,
    json: Json = False,
) -> None:
    """Say under which mail addresses somebody commits.

    They cannot sign what they have committed code to.
    """
    changed = workspace(context).users.commits_as(name, tuple(addresses or ()))
    show(changed, json=json, text=lambda: f"{changed.name}: {', '.join(changed.commits_as) or 'no address'}")


@user.command("password")
def user_password(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Whose, for admins; by default your own.")] = None,
    json: Json = False,
) -> None:
    """Set a password, and end the sessions.

    It is asked for, or read from a pipe.
    """
    space, secret = workspace(context), _password()
    changed = space.users.change_password(secret) if name is None else space.users.set_password(name, secret)
    show(changed, json=json, text=lambda: f"{changed.name} has another password.")


@grant.command("add")
def grant_add(
    context: typer.Context,
    role: Annotated[Role, typer.Argument(help="What they are.")],
    who: OfUser = None,
    group: OfGroup = None,
    where: Where = "default",
    json: Json = False,
) -> None:
    """Give a user or a group a role in a project."""
    given = workspace(context).grants.add(role, where, user=who, group=group)
    show(given, json=json, text=lambda: f"{given}")


@grant.command("remove")
def grant_remove(
    context: typer.Context,
    role: Annotated[Role, typer.Argument(help="What they are no longer.")],
    who: OfUser = None,
    group: OfGroup = None,
    where: Where = "default",
    json: Json = False,
) -> None:
    """Take a role from a user or a group."""
    taken = workspace(context).grants.remove(role, where, user=who, group=group)
    show(taken, json=json, text=lambda: f"taken: {taken}")


@grant.command("list")
def grant_list(context: typer.Context, json: Json = False) -> None:
    """List who holds which role where."""
    grants = workspace(context).grants.list()
    rows = [
        (each.holder, each.name, each.role, "everywhere" if each.project == EVERYWHERE else each.project)
        for each in grants
    ]
    show(grants, json=json, text=lambda: table(("", "who", "role", "in"), rows, empty="Nobody holds a role."))


@project.command("add")
def project_add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.")],
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    json: Json = False,
) -> None:
    """Make a project.

    Whoever shall see it needs a role in it: modelwright grant add.
    """
    added = workspace(context).projects.add(name, description)
    show(added, json=json, text=lambda: f"{added.name} is there. Work in it: modelwright --project {added.name} …")


@project.command("list")
def project_list(context: typer.Context, json: Json = False) -> None:
    """List the projects in which you hold a role."""
    names = workspace(context).projects.list()
    show(names, json=json, text=lambda: table(("project",), [(name,) for name in names], empty="None."))


@token.command("create")
def token_create(
    context: typer.Context,
    purpose: Annotated[str, typer.Argument(help="What it is for.")],
    who: Annotated[str | None, typer.Option("--user", help="Whose it will be, for admins; else yours.")] = None,
    days: Annotated[int, typer.Option(min=1, max=730, help="How long it counts.")] = 90,
    scope: Annotated[list[str] | None, typer.Option(help="What it may do, e.g. predictions:write; repeatable.")] = None,
    only_in: Annotated[str | None, typer.Option("--in", help="The one project it is for.")] = None,
    json: Json = False,
) -> None:
    """Make a token, and print it once.

    Only what it hashes to is stored.
    """
    scopes = tuple(scope or ())
    made = workspace(context).tokens.create(purpose, user=who, days=days, scopes=scopes, project=only_in)

    def text() -> str:
        return f"{made.secret}\nIt counts until {when(made.token.expires_at)}. Nobody will be told it again."

    show(made, json=json, text=text)


@token.command("list")
def token_list(
    context: typer.Context,
    who: Annotated[str | None, typer.Option("--user", help="Somebody's, for admins and auditors.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Everybody's, for admins and auditors.")] = False,
    limit: Limit = 100,
    after: After = None,
    json: Json = False,
) -> None:
    """List tokens, newest first."""
    tokens = workspace(context).tokens
    page = tokens.every(user=who, limit=limit, after=after) if every or who else tokens.list(limit=limit, after=after)
    rows = [
        (
            each.id,
            f"{each.shown}…",
            each.user,
            each.purpose,
            ", ".join(each.scopes) or "all",
            when(each.used_at)[:16] if each.used_at else "never",
            "revoked" if each.revoked_at else when(each.expires_at)[:10],
        )
        for each in page.items
    ]
    heads = ("id", "begins", "whose", "for", "may", "used", "until")
    show(page, json=json, text=lambda: table(heads, rows, empty="There is none.", more=page.next))


@token.command("revoke")
def token_revoke(
    context: typer.Context,
    token_id: TokenId,
    anybodys: Annotated[bool, typer.Option("--anybodys", help="Also somebody else's, for admins.")] = False,
    json: Json = False,
) -> None:
    """End a token; within a second it counts nowhere."""
    tokens = workspace(context).tokens
    ended = tokens.withdraw(token_id) if anybodys else tokens.revoke(token_id)
    show(ended, json=json, text=lambda: f"{ended}: revoked")


def _password() -> str:
    """Asked for twice at a terminal; from a pipe its first line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    import getpass  # a terminal's

    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Once more: "):
        raise Invalid("The two are not the same.", remedy="Type it again.")
    return first
