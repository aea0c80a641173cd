"""Users, groups, grants, tokens and sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from modelwright.access.roles import EVERYWHERE, Role
from modelwright.core.events import ActorKind, Event
from modelwright.core.ids import Digest, Id, Name
from modelwright.core.shown import Shown
from modelwright.core.wire import described

SignIn = Annotated[
    str,
    described(
        r"\A[A-Za-z0-9][A-Za-z0-9._+-]{0,62}(@[A-Za-z0-9.-]{1,64})?\Z", "a sign-in name, e.g. ada or ada@lab.org"
    ),
]
"""The name that somebody signs in with; often their mail address."""

Words = Annotated[str, Meta(max_length=200)]
"""A few words of a person's."""

Where = Annotated[str, described(r"\A(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,127})\Z", "a project, or * for all")]
"""Where a grant holds."""

Signer = Literal["validator", "approver"]
"""As whom somebody signs."""

Permission = Annotated[
    str, described(r"\A([a-z]+):(read|write|sign|attest|declare|judge|\*)\Z", "a permission, e.g. predictions:write")
]
"""What a token's scope names."""


class User(Shown, frozen=True, kw_only=True):
    """Somebody who may sign in, or something that may call.

    Attributes:
        id: What the ledger calls them.
        name: What they sign in with.
        display: What people call them.
        kind: A person, a service, or a simulated person of an example.
        groups: The groups they are in.
        disabled: Whether they may no longer sign in; what they did stays theirs.
        commits_as: The mail addresses under which they commit.
        provider: The issuer that vouches for them; none when they have a password or tokens alone.
        given: Whether somebody else set their password, who could sign in as them until they change it.
        created_at: Wall clock.
    """

    id: Id
    name: SignIn
    display: Words = ""
    kind: ActorKind = ActorKind.PERSON
    groups: tuple[Name, ...] = ()
    disabled: bool = False
    commits_as: tuple[Words, ...] = ()
    provider: str | None = None
    given: bool = False
    created_at: datetime

    def __str__(self) -> str:
        off = ", disabled" if self.disabled else ""
        return f"{self.name}  {self.display or '-'}  ({self.kind}{off})"


class Grant(Shown, frozen=True, kw_only=True, order=True):
    """A role that a user or a group holds.

    Attributes:
        holder: ``user`` or ``group``.
        name: The user's or the group's.
        role: What they are.
        project: Where; ``*`` everywhere.
    """

    holder: Literal["user", "group"] = "user"
    name: SignIn
    role: Role
    project: Where = EVERYWHERE

    def __str__(self) -> str:
        return f"{self.holder} {self.name}: {self.role} in {self.project}"


class Token(Shown, frozen=True, kw_only=True):
    """What a program presents instead of a person; only its hash is kept.

    Attributes:
        id: Its identifier.
        user: Whose it is: it may do what they may, or less.
        shown: How it begins, for people to tell theirs apart.
        purpose: What it is for: whoever calls an endpoint with it is known by this.
        given: Whether somebody else made it, who could use it as them.
        scopes: What it may do; empty means all that its user may.
        project: The one project it is for; none means all of its user's.
        created_at: Wall clock.
        expires_at: From when on it is nobody's.
        revoked_at: When somebody ended it.
        used_at: When it was last used, to the minute.
    """

    id: Id
    user: SignIn
    shown: str
    purpose: Words
    given: bool = False
    scopes: tuple[Permission, ...] = ()
    project: Name | None = None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None

    def ended(self, now: datetime) -> str:
        """Why it does not count any more; empty while it does."""
        if self.revoked_at is not None:
            return f"It was revoked on {self.revoked_at:%Y-%m-%d %H:%MZ}."
        return f"It expired on {self.expires_at:%Y-%m-%d %H:%MZ}." if self.expires_at <= now else ""

    def __str__(self) -> str:
        return f"{self.id[-8:]}  {self.shown}…  {self.user}: {self.purpose}"


class Principal(Struct, frozen=True, kw_only=True):
    """Who presented a credential, and what that allows in one project.

    Attributes:
        user: Who.
        project: Where.
        projects: All in which they hold a role.
        roles: What they are in this one.
        permissions: What follows from that, within the token's scopes.
        own: Whether nobody else made or knows the credential: only so can they sign.
    """

    user: User
    project: Name
    projects: tuple[Name, ...]
    roles: frozenset[Role]
    permissions: frozenset[str]
    own: bool


class Session(Struct, frozen=True, kw_only=True):
    """Somebody who has signed in with a browser.

    Attributes:
        digest: Of the cookie's secret.
        user: The user's id.
        project: The project they look at; none until they choose one.
        own: Whether nobody else knows what they signed in with.
        began_at: Wall clock.
        seen_at: When it was last used, to the minute; it ends after some hours without.
    """

    digest: Digest
    user: Id
    project: Name | None = None
    own: bool
    began_at: datetime
    seen_at: datetime


class Project(Shown, frozen=True, kw_only=True):
    """A project: what people share, and what others do not see.

    Attributes:
        name: Its name.
        description: What it is for.
        created_at: Wall clock.
    """

    name: Name
    description: Words = ""
    created_at: datetime


class Delegation(Shown, frozen=True, kw_only=True):
    """Somebody lets another person sign for them, for a while.

    Attributes:
        id: Its identifier.
        project: Where.
        role: As whom they sign.
        giver: For whom is signed.
        giver_id: What the ledger calls them.
        delegate: Who signs.
        delegate_id: What the ledger calls them.
        reason: Why, in the giver's words.
        at: Wall clock.
        expires_at: From when on it does not count any more.
        ended_at: When somebody ended it before that.
        void: Why it does not count now; empty while it does.
    """

    id: Id
    project: Name
    role: Signer
    giver: SignIn
    giver_id: Id
    delegate: SignIn
    delegate_id: Id
    reason: str
    at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    void: str = ""

    def over(self, now: datetime) -> str:
        """How it ended; empty while it lasts."""
        if self.ended_at is not None:
            return f"It was ended on {self.ended_at:%Y-%m-%d %H:%MZ}."
        return f"It expired on {self.expires_at:%Y-%m-%d %H:%MZ}." if self.expires_at <= now else ""

    def __str__(self) -> str:
        until = self.void or f"until {self.expires_at:%Y-%m-%d %H:%MZ}"
        return f"{self.delegate} for {self.giver}: {self.role} in {self.project}, {until}"


class Named(Struct, frozen=True, kw_only=True):
    """Whom the record means by an opaque id.

    Attributes:
        id: As the record has it.
        name: What people call them.
        kind: A person, a service, or an example's simulated person.
    """

    id: Id
    name: str
    kind: ActorKind

    def __str__(self) -> str:
        return f"{self.name} (simulated)" if self.kind is ActorKind.SIMULATED else self.name


class Me(Shown, frozen=True, kw_only=True):
    """Who the caller is.

    Attributes:
        id: What the ledger calls them; ``owner`` where there is no login.
        name: What they sign in with.
        display: What people call them.
        kind: A person, a service, or a simulated one.
        project: The project they work in.
        projects: Those in which they hold a role.
        roles: What they are in this one.
        signs_as: The roles as which they may sign with the credential they came with.
        signs_for: Those who let them sign for them here, with that credential.
        login: Whether the home has login.
    """

    id: str
    name: str
    display: str = ""
    kind: ActorKind
    project: Name
    projects: tuple[Name, ...]
    roles: tuple[Role, ...]
    signs_as: tuple[Role, ...] = ()
    signs_for: tuple[Delegation, ...] = ()
    login: bool

    def __str__(self) -> str:
        roles = ", ".join(self.roles) or "no role"
        return f"{self.name}: {roles} in {self.project}" if self.login else "owner: there is no login here"


class UserAdded(Event, frozen=True, kw_only=True, tag="access.user_added"):
    """Somebody may sign in. The name stays out of the ledger."""

    user_id: Id
    of_kind: ActorKind


class UserChanged(Event, frozen=True, kw_only=True, tag="access.user_changed"):
    """A user was disabled, enabled, or given another password; ``what`` says which."""

    user_id: Id
    what: Name


class MembersChanged(Event, frozen=True, kw_only=True, tag="access.members_changed"):
    """A user is in these groups now."""

    user_id: Id
    groups: tuple[Name, ...]


class RoleGranted(Event, frozen=True, kw_only=True, tag="access.role_granted"):
    """A user or a group holds a role; ``holder_id`` is a user's id or a group's name."""

    holder: Literal["user", "group"]
    holder_id: Name
    role: Role
    granted_in: Where


class RoleWithdrawn(Event, frozen=True, kw_only=True, tag="access.role_withdrawn"):
    """A user or a group no longer holds a role."""

    holder: Literal["user", "group"]
    holder_id: Name
    role: Role
    granted_in: Where


class TokenAdded(Event, frozen=True, kw_only=True, tag="access.token_added"):
    """A token counts from now on."""

    token_id: Id
    user_id: Id
    given: bool
    scopes: tuple[Permission, ...]
    only_in: Name | None
    expires_at: datetime


class TokenRevoked(Event, frozen=True, kw_only=True, tag="access.token_revoked"):
    """A token counts no more."""

    token_id: Id
    user_id: Id


class DelegationAdded(Event, frozen=True, kw_only=True, tag="access.delegation_added"):
    """Somebody lets another sign for them. Why is kept beside the ledger."""

    delegation_id: Id
    giver_id: Id
    delegate_id: Id
    role: Signer
    signs_in: Name
    expires_at: datetime


class DelegationEnded(Event, frozen=True, kw_only=True, tag="access.delegation_ended"):
    """Nobody signs by way of it any more."""

    delegation_id: Id
    giver_id: Id
    delegate_id: Id


class ProjectAdded(Event, frozen=True, kw_only=True, tag="access.project_added"):
    """A project is there."""

    name: Name


class SignedIn(Event, frozen=True, kw_only=True, tag="access.signed_in"):
    """Somebody signed in with a browser: by password, token or provider."""

    user_id: Id
    way: Name


class SignedOut(Event, frozen=True, kw_only=True, tag="access.signed_out"):
    """Somebody ended their session."""

    user_id: Id


class SignInRefused(Event, frozen=True, kw_only=True, tag="access.sign_in_refused"):
    """Somebody tried to sign in as a user and could not."""

    user_id: Id
    reason: Name
