"""The use cases of people: users, groups, roles and projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta
from msgspec.structs import replace

from modelwright.access.credentials import hash_password
from modelwright.access.model import (
    Grant,
    Me,
    MembersChanged,
    Named,
    Project,
    ProjectAdded,
    RoleGranted,
    RoleWithdrawn,
    SignIn,
    TokenRevoked,
    User,
    UserAdded,
    UserChanged,
    Where,
    Words,
)
from modelwright.access.roles import EVERYWHERE, SIGNERS, Role
from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.core.events import ActorKind
from modelwright.core.ids import Id, Name, new_id
from modelwright.core.operation import Page, Service, limited, operation, paged
from modelwright.core.source import author_of
from modelwright.core.unit import Unit

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.access.principal import Doorkeeper
    from modelwright.access.repository import (
        AddressRepository,
        GrantRepository,
        SessionRepository,
        TokenRepository,
        UserRepository,
    )

Address = Annotated[str, Meta(pattern=r"^[^@\s]{1,64}@[^@\s]{1,128}$")]


class UserService(Service):
    """Who may sign in."""

    noun = "users"

    def __init__(
        self,
        users: UserRepository,
        grants: GrantRepository,
        tokens: TokenRepository,
        sessions: SessionRepository,
        doorkeeper: Doorkeeper,
        addresses: AddressRepository,
    ) -> None:
        self._users = users
        self._addresses = addresses
        self._grants = grants
        self._tokens = tokens
        self._sessions = sessions
        self._doorkeeper = doorkeeper

    @operation(permission="access:write", kind="command")
    def add(
        self,
        unit: Unit,
        name: SignIn,
        display: Words = "",
        kind: ActorKind = ActorKind.PERSON,
        password: str | None = None,
        groups: tuple[Name, ...] = (),
    ) -> User:
        """Let somebody in. With the first user login begins, and nobody without a credential sees anything any more.

        The first user is an admin, so that somebody can let the others in.

        Args:
            unit: The unit of work.
            name: What they sign in with.
            display: What people call them.
            kind: ``person``, ``service``, or ``simulated`` for an example's.
            password: At least 12 characters; they must change it before they can sign anything. None where they come
                by a provider or with tokens alone.
            groups: The groups they are in.

        Raises:
            Conflict: The name is taken.
        """
        if self._users.by_name(unit.rows, name) is not None:
            raise Conflict(f"There is a user {name!r} already.", remedy="See: modelwright user list")
        first = not self._users.any(unit.rows)
        if first and kind is not ActorKind.PERSON:
            raise Invalid(
                "The first user manages the others, and is a person.",
                remedy="Add one: modelwright user add NAME",
                fields={"kind": "of the first user"},
            )
        if kind is ActorKind.SERVICE and password is not None:
            raise Invalid("A service has tokens, and no password.", fields={"password": "of a service"})
        user = User(
            id=new_id(),
            name=name,
            display=display,
            kind=kind,
            groups=tuple(sorted(set(groups))),
            given=password is not None,
            created_at=unit.now,
        )
        self._users.add(unit.rows, user, password=None if password is None else hash_password(password))
        unit.emit(UserAdded(user_id=user.id, of_kind=kind))
        if user.groups:
            unit.emit(MembersChanged(user_id=user.id, groups=user.groups))
        if first:
            self._grants.add(unit.rows, Grant(name=name, role=Role.ADMIN), user.id)
            unit.emit(RoleGranted(holder="user", holder_id=user.id, role=Role.ADMIN, granted_in=EVERYWHERE))
        return user

    @operation(permission="access:read", kind="query")
    def list(self, unit: Unit, limit: int = 100, after: str = "") -> Page[User]:
        """Users by name.

        Args:
            unit: The unit of work.
            limit: Users a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        return paged(self._users.page(unit.rows, after=after, limit=limited(limit) + 1), limit, lambda user: user.name)

    @operation(permission="access:read", kind="query")
    def get(self, unit: Unit, name: SignIn) -> User:
        """One user.

        Args:
            unit: The unit of work.
            name: What they sign in with.

        Raises:
            NotFound: There is none.
        """
        return existing(self._users, unit, name)

    @operation(permission="self:read", kind="query")
    def names(self, unit: Unit, ids: Annotated[tuple[Id, ...], Meta(max_length=200)]) -> tuple[Named, ...]:
        """Whom opaque ids mean that the caller has seen on record; those of nobody are left out.

        Args:
            unit: The unit of work.
            ids: At most 200.
        """
        found = (self._users.by_id(unit.rows, each) for each in dict.fromkeys(ids))
        return tuple(Named(id=user.id, name=user.display or user.name, kind=user.kind) for user in found if user)

    @operation(permission="self:read", kind="query")
    def me(self, unit: Unit) -> Me:
        """Who the caller is, and what they may do here."""
        login = self._doorkeeper.login(unit.rows)
        user = self._users.by_id(unit.rows, unit.actor.id)
        if user is None:
            known = {"default", *(each.name for each in self._grants.projects(unit.rows))}
            return Me(
                id=unit.actor.id,
                name=unit.actor.id,
                kind=unit.actor.kind,
                project=unit.project,
                projects=tuple(sorted(known)),
                roles=(),
                login=login,
            )
        stands_in = self._doorkeeper.standing_in(unit.rows, user, unit.now)
        signs = unit.caller.own and unit.caller.may("approvals:sign")
        return Me(
            id=user.id,
            name=user.name,
            display=user.display,
            kind=user.kind,
            project=unit.project,
            projects=self._doorkeeper.projects(unit.rows, user, unit.now),
            roles=tuple(sorted(self._doorkeeper.roles(unit.rows, user, unit.project))),
            signs_as=tuple(sorted(Role(role) for role in unit.caller.signs_as)),
            signs_for=tuple(one for one in stands_in if signs and one.project == unit.project),
            login=login,
        )

    @operation(permission="access:write", kind="command", idempotent=True)
    def set_password(self, unit: Unit, name: SignIn, password: str) -> User:
        """Give somebody another password, and end their sessions; they must change it before they can sign anything.

        Args:
            unit: The unit of work.
            name: Whose.
            password: At least 12 characters.
        """
        user = existing(self._users, unit, name)
        if user.kind is ActorKind.SERVICE:
            raise Invalid("A service has tokens, and no password.", fields={"name": "is a service"})
        self._users.put_password(unit.rows, user.id, hash_password(password), given=user.id != unit.actor.id)
        self._sessions.remove_of(unit.rows, user.id)
        unit.emit(UserChanged(user_id=user.id, what="password"))
        return existing(self._users, unit, name)

    @operation(permission="self:write", kind="command", idempotent=True)
    def change_password(self, unit: Unit, password: str) -> User:
        """Take another password of one's own. Every session ends, and every token that somebody else made.

        Args:
            unit: The unit of work.
            password: At least 12 characters.

        Raises:
            Invalid: The caller is no person who signs in, or the password is too short.
        """
        user = self._users.by_id(unit.rows, unit.actor.id)
        if user is None or user.kind is ActorKind.SERVICE:
            raise Invalid("Only somebody who signs in has a password.", remedy="Add a user: modelwright user add NAME")
        self._users.put_password(unit.rows, user.id, hash_password(password), given=False)
        self._sessions.remove_of(unit.rows, user.id)
        for token in self._tokens.revoke_given(unit.rows, user.id, unit.now):
            unit.emit(TokenRevoked(token_id=token.id, user_id=user.id))
        unit.emit(UserChanged(user_id=user.id, what="own-password"))
        return replace(user, given=False)

    @operation(permission="access:write", kind="command", idempotent=True)
    def disable(self, unit: Unit, name: SignIn) -> User:
        """Let somebody in no more: their tokens and sessions count nothing from now on. What they did stays theirs.

        Args:
            unit: The unit of work.
            name: Who.

        Raises:
            Conflict: Nobody would be left to manage users.
        """
        return self._switched(unit, name, disabled=True)

    @operation(permission="access:write", kind="command", idempotent=True)
    def enable(self, unit: Unit, name: SignIn) -> User:
        """Let somebody in again.

        Args:
            unit: The unit of work.
            name: Who.
        """
        return self._switched(unit, name, disabled=False)

    @operation(permission="access:write", kind="command", idempotent=True)
    def join(self, unit: Unit, name: SignIn, groups: tuple[Name, ...]) -> User:
        """Put somebody into these groups, and out of all others.

        Args:
            unit: The unit of work.
            name: Who.
            groups: The groups.
        """
        user = existing(self._users, unit, name)
        self._users.put_groups(unit.rows, user.id, groups)
        changed = existing(self._users, unit, name)
        if changed.groups != user.groups:
            unit.emit(MembersChanged(user_id=user.id, groups=changed.groups))
        return changed

    @operation(permission="access:write", kind="command", idempotent=True)
    def commits_as(
        self, unit: Unit, name: SignIn, addresses: Annotated[tuple[Address, ...], Meta(max_length=20)]
    ) -> User:
        """Say under which mail addresses somebody commits: they cannot sign what they have committed code to.

        Args:
            unit: The unit of work.
            name: Who.
            addresses: All of them; none takes them away.

        Raises:
            Conflict: Somebody else commits under one of them.
        """
        user = existing(self._users, unit, name)
        for address in addresses:
            holder = self._addresses.user_of(unit.rows, author_of(address))
            if holder not in (None, user.id):
                raise Conflict(f"Somebody else commits as {address}.", remedy="Take it from them first.")
        self._addresses.put(unit.rows, user.id, addresses)
        changed = existing(self._users, unit, name)
        if changed.commits_as != user.commits_as:
            unit.emit(UserChanged(user_id=user.id, what="addresses"))
        return changed

    def _switched(self, unit: Unit, name: str, *, disabled: bool) -> User:
        user = existing(self._users, unit, name)
        if user.disabled == disabled:
            return user
        self._users.put_disabled(unit.rows, user.id, disabled=disabled)
        if disabled:
            self._sessions.remove_of(unit.rows, user.id)
            somebody_manages(self._grants, unit)
        unit.emit(UserChanged(user_id=user.id, what="disabled" if disabled else "enabled"))
        return replace(user, disabled=disabled)


class GrantService(Service):
    """Who holds which role."""

    noun = "grants"

    def __init__(self, users: UserRepository, grants: GrantRepository) -> None:
        self._users = users
        self._grants = grants

    @operation(permission="access:write", kind="command", idempotent=True)
    def add(
        self, unit: Unit, role: Role, project: Where, user: SignIn | None = None, group: Name | None = None
    ) -> Grant:
        """Give a user or a group a role.

        Args:
            unit: The unit of work.
            role: What they are.
            project: Where; ``*`` everywhere.
            user: The user, or
            group: the group.

        Raises:
            Invalid: Neither or both are named; an admin of one project; who manages people would sign.
            NotFound: There is no such user or project.
        """
        grant, holder = self._named(unit, role, project, user, group)
        if project not in (EVERYWHERE, "default") and self._grants.project(unit.rows, project) is None:
            raise NotFound(f"There is no project {project!r}.", remedy=f"Make it: modelwright project add {project}")
        if role is Role.ADMIN and (project != EVERYWHERE or group is not None):
            raise Invalid(
                "An admin manages the people of the whole home, and is one person.",
                remedy="Grant admin to a user, with the project *.",
                fields={"project": "not *"} if project != EVERYWHERE else {"group": "is no user"},
            )
        self._apart(unit, grant)
        if self._grants.add(unit.rows, grant, holder):
            unit.emit(RoleGranted(holder=grant.holder, holder_id=holder, role=role, granted_in=project))
        return grant

    @operation(permission="access:write", kind="command")
    def remove(
        self, unit: Unit, role: Role, project: Where, user: SignIn | None = None, group: Name | None = None
    ) -> Grant:
        """Take a role from a user or a group.

        Args:
            unit: The unit of work.
            role: What they are no longer.
            project: Where; ``*`` for the one that holds everywhere.
            user: The user, or
            group: the group.

        Raises:
            NotFound: They do not hold it.
            Conflict: Nobody would be left to manage users.
        """
        grant, holder = self._named(unit, role, project, user, group)
        if not self._grants.remove(unit.rows, grant, holder):
            raise NotFound(f"{grant}: that is not held.", remedy="See: modelwright grant list")
        if role is Role.ADMIN:
            somebody_manages(self._grants, unit)
        unit.emit(RoleWithdrawn(holder=grant.holder, holder_id=holder, role=role, granted_in=project))
        return grant

    @operation(permission="access:read", kind="query")
    def list(self, unit: Unit) -> tuple[Grant, ...]:
        """Every grant, by holder."""
        return tuple(self._grants.every(unit.rows))

    def _named(self, unit: Unit, role: Role, project: str, user: str | None, group: str | None) -> tuple[Grant, str]:
        if user is not None and group is None:
            found = existing(self._users, unit, user)
            return Grant(holder="user", name=found.name, role=role, project=project), found.id
        if group is not None and user is None:
            return Grant(holder="group", name=group, role=role, project=project), group
        raise Invalid("Name a user or a group.", fields={"user": "or group, and not both"})

    def _apart(self, unit: Unit, grant: Grant) -> None:
        """Who manages people signs nothing; through a group it is seen when they sign."""
        if grant.holder == "group":
            return
        held = {role for _, role in self._grants.of(unit.rows, existing(self._users, unit, grant.name))}
        if (grant.role is Role.ADMIN and held & SIGNERS) or (grant.role in SIGNERS and Role.ADMIN in held):
            raise Invalid(
                f"{grant.name} cannot be an admin and sign: who gives rights must not use them.",
                remedy="Take another person, or take the other role away first.",
                fields={"role": "does not go together"},
            )


class ProjectService(Service):
    """What people share."""

    noun = "projects"

    def __init__(self, grants: GrantRepository, users: UserRepository, doorkeeper: Doorkeeper) -> None:
        self._grants = grants
        self._users = users
        self._doorkeeper = doorkeeper

    @operation(permission="access:write", kind="command")
    def add(self, unit: Unit, name: Name, description: Words = "") -> Project:
        """Make a project; whoever shall see it needs a role in it.

        Args:
            unit: The unit of work.
            name: Its name.
            description: What it is for.

        Raises:
            Conflict: There is one of that name.
        """
        if name == "default" or self._grants.project(unit.rows, name) is not None:
            raise Conflict(f"There is a project {name!r} already.", remedy="See: modelwright project list")
        project = Project(name=name, description=description, created_at=unit.now)
        self._grants.add_project(unit.rows, project)
        unit.emit(ProjectAdded(name=name))
        return project

    @operation(permission="self:read", kind="query")
    def list(self, unit: Unit) -> tuple[Name, ...]:
        """The projects in which the caller holds a role, by name."""
        user = self._users.by_id(unit.rows, unit.actor.id)
        if user is None:
            return tuple(sorted({"default", *(each.name for each in self._grants.projects(unit.rows))}))
        return self._doorkeeper.projects(unit.rows, user, unit.now)


def existing(users: UserRepository, unit: Unit, name: str) -> User:
    """The user of a name.

    Raises:
        NotFound: There is none.
    """
    found = users.by_name(unit.rows, name)
    if found is None:
        raise NotFound(f"There is no user {name!r}.", remedy="See: modelwright user list")
    return found


def somebody_manages(grants: GrantRepository, unit: Unit) -> None:
    """Pass silently while an admin is left.

    Raises:
        Conflict: None would be.
    """
    if grants.holders(unit.rows, Role.ADMIN) == 0:
        raise Conflict("Nobody would be left to manage users.", remedy="Make somebody else an admin first.")
