"""The rows of users, groups, grants, projects, tokens and sessions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import Boolean, Column, Index, String, Table, delete, func, insert, or_, select, update

from modelwright.access.model import Delegation, Grant, Project, Session, Token, User
from modelwright.access.roles import Role
from modelwright.core.events import ActorKind
from modelwright.core.source import author_of
from modelwright.core.unit import Rows
from modelwright.store.tables import Body, Moment, control

users = Table(
    "users",
    control,
    Column("id", String(32), primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("display", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("password", String(200)),
    Column("given", Boolean, nullable=False),
    Column("issuer", String(300)),
    Column("subject", String(300)),
    Column("created_at", Moment, nullable=False),
    Index("users_by_subject", "issuer", "subject", unique=True),
)
members = Table(
    "members",
    control,
    Column("user", String(32), primary_key=True),
    Column("group", String(128), primary_key=True),
)
addresses = Table(
    "addresses",
    control,
    Column("author", String(64), primary_key=True),
    Column("user", String(32), nullable=False),
    Column("address", String(200), nullable=False),
)
grants = Table(
    "grants",
    control,
    Column("holder", String(8), primary_key=True),
    Column("holder_id", String(128), primary_key=True),
    Column("project", String(128), primary_key=True),
    Column("role", String(16), primary_key=True),
)
projects = Table("projects", control, Column("name", String(128), primary_key=True), Column("body", Body(Project)))
tokens = Table(
    "tokens",
    control,
    Column("id", String(32), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("user", String(32), nullable=False),
    Column("used_at", Moment),
    Column("body", Body(Token), nullable=False),
    Index("tokens_by_user", "user", "id"),
)
sessions = Table(
    "sessions",
    control,
    Column("digest", String(64), primary_key=True),
    Column("user", String(32), nullable=False),
    Column("project", String(128)),
    Column("own", Boolean, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
)

delegations = Table(
    "delegations",
    control,
    Column("id", String(32), primary_key=True),
    Column("project", String(128), nullable=False),
    Column("delegate", String(32), nullable=False),
    Column("body", Body(Delegation), nullable=False),
    Index("delegations_by_project", "project", "id"),
    Index("delegations_by_delegate", "delegate", "id"),
)


class UserRepository:
    """Users and the groups they are in."""

    def any(self, rows: Rows) -> bool:
        """Whether there is anybody: then there is login."""
        return rows.execute(select(users.c.id).limit(1)).first() is not None

    def add(self, rows: Rows, user: User, *, password: str | None, subject: str | None = None) -> None:
        """Keep a new user; raises where the name is taken."""
        rows.execute(
            insert(users).values(
                id=user.id,
                name=user.name,
                display=user.display,
                kind=user.kind.value,
                disabled=user.disabled,
                password=password,
                given=user.given,
                issuer=user.provider,
                subject=subject,
                created_at=user.created_at,
            )
        )
        self.put_groups(rows, user.id, user.groups)

    def by_name(self, rows: Rows, name: str) -> User | None:
        """The user who signs in with a name."""
        return self._one(rows, users.c.name == name)

    def by_id(self, rows: Rows, user: str) -> User | None:
        """The user whom the ledger calls so."""
        return self._one(rows, users.c.id == user)

    def by_subject(self, rows: Rows, issuer: str, subject: str) -> User | None:
        """The user for whom a provider vouches."""
        return self._one(rows, (users.c.issuer == issuer) & (users.c.subject == subject))

    def page(self, rows: Rows, *, after: str, limit: int) -> list[User]:
        """Users by name."""
        found = rows.execute(select(users).where(users.c.name > after).order_by(users.c.name).limit(limit)).all()
        return [self._user(rows, row) for row in found]

    def called(self, rows: Rows) -> list[tuple[str, str, datetime]]:
        """Everybody's name, what they are called and since when they are here."""
        found = rows.execute(select(users.c.name, users.c.display, users.c.created_at).order_by(users.c.name))
        return [(row.name, row.display, row.created_at) for row in found]

    def password(self, rows: Rows, user: str) -> str | None:
        """What is kept of a user's password."""
        kept: str | None = rows.execute(select(users.c.password).where(users.c.id == user)).scalar()
        return kept

    def put_password(self, rows: Rows, user: str, password: str, *, given: bool) -> None:
        """Keep another, which somebody else set or not."""
        rows.execute(update(users).where(users.c.id == user).values(password=password, given=given))

    def put_disabled(self, rows: Rows, user: str, *, disabled: bool) -> None:
        """Let a user in no more, or again."""
        rows.execute(update(users).where(users.c.id == user).values(disabled=disabled))

    def put_groups(self, rows: Rows, user: str, groups: Collection[str]) -> None:
        """The groups that a user is in, and no other."""
        rows.execute(delete(members).where(members.c.user == user))
        for group in sorted(set(groups)):
            rows.execute(insert(members).values(user=user, group=group))

    def _one(self, rows: Rows, condition: object) -> User | None:
        found = rows.execute(select(users).where(condition)).first()  # type: ignore[arg-type]  # one of the above
        return None if found is None else self._user(rows, found)

    def _user(self, rows: Rows, row: object) -> User:
        kept = row._mapping  # type: ignore[attr-defined]  # noqa: SLF001  # SQLAlchemy's own name for it
        groups = rows.execute(select(members.c.group).where(members.c.user == kept["id"]).order_by(members.c.group))
        committing = select(addresses.c.address).where(addresses.c.user == kept["id"])
        return User(
            id=kept["id"],
            name=kept["name"],
            display=kept["display"],
            kind=ActorKind(kept["kind"]),
            groups=tuple(groups.scalars()),
            disabled=kept["disabled"],
            commits_as=tuple(rows.execute(committing.order_by(addresses.c.address)).scalars()),
            provider=kept["issuer"],
            given=kept["given"],
            created_at=kept["created_at"],
        )


class AddressRepository:
    """Who commits under which mail address."""

    def put(self, rows: Rows, user: str, given: Collection[str]) -> None:
        """The addresses under which a user commits, and no other; raises where somebody else has one of them."""
        rows.execute(delete(addresses).where(addresses.c.user == user))
        for address in sorted({each.strip().lower() for each in given}):
            rows.execute(insert(addresses).values(author=author_of(address), user=user, address=address))

    def user_of(self, rows: Rows, author: str) -> str | None:
        """The id of who commits under an address, as a history has it."""
        found: str | None = rows.execute(select(addresses.c.user).where(addresses.c.author == author)).scalar()
        return found

    def users_of(self, rows: Rows, authors: Collection[str]) -> list[str]:
        """The ids of those who commit under any of some addresses."""
        statement = select(addresses.c.user).where(addresses.c.author.in_(sorted(authors))).distinct()
        return sorted(rows.execute(statement).scalars())


class GrantRepository:
    """Who holds which role, and the projects they hold them in."""

    def add(self, rows: Rows, grant: Grant, holder_id: str) -> bool:
        """Keep a grant; false where it is held already."""
        values = {"holder": grant.holder, "holder_id": holder_id, "project": grant.project, "role": grant.role.value}
        if rows.execute(select(grants).filter_by(**values)).first() is not None:
            return False
        rows.execute(insert(grants).values(**values))
        return True

    def remove(self, rows: Rows, grant: Grant, holder_id: str) -> bool:
        """Drop a grant; false where nobody holds it."""
        found = rows.execute(
            delete(grants).where(
                grants.c.holder == grant.holder,
                grants.c.holder_id == holder_id,
                grants.c.project == grant.project,
                grants.c.role == grant.role.value,
            )
        )
        return bool(found.rowcount)

    def of(self, rows: Rows, user: User) -> list[tuple[str, Role]]:
        """The roles of a user, through groups too: project and role."""
        held = or_(
            (grants.c.holder == "user") & (grants.c.holder_id == user.id),
            (grants.c.holder == "group") & grants.c.holder_id.in_(user.groups),
        )
        found = rows.execute(select(grants.c.project, grants.c.role).where(held).distinct())
        return [(row.project, Role(row.role)) for row in found]

    def every(self, rows: Rows) -> list[Grant]:
        """Every grant; users by name."""
        name = func.coalesce(users.c.name, grants.c.holder_id)
        statement = (
            select(grants.c.holder, name.label("name"), grants.c.role, grants.c.project)
            .select_from(grants.outerjoin(users, (grants.c.holder == "user") & (grants.c.holder_id == users.c.id)))
            .order_by(name, grants.c.project, grants.c.role)
        )
        return [
            Grant(holder=row.holder, name=row.name, role=Role(row.role), project=row.project)
            for row in rows.execute(statement)
        ]

    def holders(self, rows: Rows, role: Role) -> int:
        """How many users who may sign in hold a role everywhere by themselves."""
        statement = (
            select(func.count())
            .select_from(grants.join(users, (grants.c.holder == "user") & (grants.c.holder_id == users.c.id)))
            .where(grants.c.role == role.value, users.c.disabled.is_(False))
        )
        return int(rows.execute(statement).scalar_one())

    def add_project(self, rows: Rows, project: Project) -> None:
        """Keep a new project."""
        rows.execute(insert(projects).values(name=project.name, body=project))

    def project(self, rows: Rows, name: str) -> Project | None:
        """One project."""
        found: Project | None = rows.execute(select(projects.c.body).where(projects.c.name == name)).scalar()
        return found

    def projects(self, rows: Rows) -> list[Project]:
        """Every project by name."""
        return list(rows.execute(select(projects.c.body).order_by(projects.c.name)).scalars())


class TokenRepository:
    """Tokens, by what they hash to."""

    def add(self, rows: Rows, token: Token, *, user: str, digest: str) -> None:
        """Keep a new token."""
        rows.execute(insert(tokens).values(id=token.id, digest=digest, user=user, body=token))

    def put(self, rows: Rows, token: Token) -> None:
        """Keep a token as it is now."""
        rows.execute(update(tokens).where(tokens.c.id == token.id).values(body=token))

    def get(self, rows: Rows, token: str) -> tuple[Token, str] | None:
        """One token, and its user's id."""
        found = rows.execute(select(tokens).where(tokens.c.id == token)).first()
        return None if found is None else (_used(found.body, found.used_at), found.user)

    def by_digest(self, rows: Rows, digest: str) -> tuple[Token, str] | None:
        """The token with a hash, and its user's id."""
        found = rows.execute(select(tokens).where(tokens.c.digest == digest)).first()
        return None if found is None else (_used(found.body, found.used_at), found.user)

    def page(self, rows: Rows, *, user: str | None, after: str | None, limit: int) -> list[Token]:
        """Tokens of a user or of all, newest first."""
        statement = select(tokens.c.body, tokens.c.used_at)
        if user is not None:
            statement = statement.where(tokens.c.user == user)
        if after is not None:
            statement = statement.where(tokens.c.id < after)
        found = rows.execute(statement.order_by(tokens.c.id.desc()).limit(limit))
        return [_used(row.body, row.used_at) for row in found]

    def revoke_given(self, rows: Rows, user: str, at: datetime) -> list[Token]:
        """End the tokens of a user that somebody else made; those that were ended."""
        of_theirs = list(rows.execute(select(tokens.c.body).where(tokens.c.user == user)).scalars())
        ended = [replace(token, revoked_at=at) for token in of_theirs if token.given and token.revoked_at is None]
        for token in ended:
            self.put(rows, token)
        return ended

    def used(self, rows: Rows, token: str, at: datetime) -> None:
        """Say when a token was last used."""
        rows.execute(update(tokens).where(tokens.c.id == token).values(used_at=at))

    def every(self, rows: Rows) -> list[tuple[str, str, Token]]:
        """Every token with its hash and its user's id."""
        found = rows.execute(select(tokens).order_by(tokens.c.id))
        return [(row.digest, row.user, row.body) for row in found]


class SessionRepository:
    """Who has signed in with a browser."""

    def add(self, rows: Rows, session: Session) -> None:
        """Keep a session."""
        rows.execute(
            insert(sessions).values(
                digest=session.digest,
                user=session.user,
                project=session.project,
                own=session.own,
                began_at=session.began_at,
                seen_at=session.seen_at,
            )
        )

    def get(self, rows: Rows, digest: str) -> Session | None:
        """The session of a cookie."""
        row = rows.execute(select(sessions).where(sessions.c.digest == digest)).first()
        return None if row is None else Session(**row._mapping)  # noqa: SLF001  # SQLAlchemy's own name for it

    def seen(self, rows: Rows, digest: str, at: datetime) -> None:
        """It was used."""
        rows.execute(update(sessions).where(sessions.c.digest == digest).values(seen_at=at))

    def look_at(self, rows: Rows, digest: str, project: str) -> None:
        """Another project."""
        rows.execute(update(sessions).where(sessions.c.digest == digest).values(project=project))

    def remove(self, rows: Rows, digest: str) -> None:
        """Signed out."""
        rows.execute(delete(sessions).where(sessions.c.digest == digest))

    def remove_of(self, rows: Rows, user: str) -> None:
        """Sign a user out everywhere."""
        rows.execute(delete(sessions).where(sessions.c.user == user))

    def remove_old(self, rows: Rows, before: datetime) -> None:
        """Forget what nobody used."""
        rows.execute(delete(sessions).where(sessions.c.seen_at < before))


class DelegationRepository:
    """Who lets whom sign for them."""

    def add(self, rows: Rows, delegation: Delegation) -> None:
        """Keep a new one."""
        kept = {"id": delegation.id, "project": delegation.project, "delegate": delegation.delegate_id}
        rows.execute(insert(delegations).values(**kept, body=delegation))

    def put(self, rows: Rows, delegation: Delegation) -> None:
        """Keep one as it is now."""
        rows.execute(update(delegations).where(delegations.c.id == delegation.id).values(body=delegation))

    def get(self, rows: Rows, delegation: str) -> Delegation | None:
        """One of them."""
        found: Delegation | None = rows.execute(
            select(delegations.c.body).where(delegations.c.id == delegation)
        ).scalar()
        return found

    def to(self, rows: Rows, delegate: str) -> list[Delegation]:
        """Those by which somebody signs, or did, oldest first."""
        statement = select(delegations.c.body).where(delegations.c.delegate == delegate)
        found = list(rows.execute(statement.order_by(delegations.c.id)).scalars())
        return [one for one in found if one.delegate_id == delegate]  # the body is the fact

    def page(self, rows: Rows, *, project: str | None, after: str | None, limit: int) -> list[Delegation]:
        """Those of a project or of all, newest first."""
        statement = select(delegations.c.body)
        if project is not None:
            statement = statement.where(delegations.c.project == project)
        if after is not None:
            statement = statement.where(delegations.c.id < after)
        return list(rows.execute(statement.order_by(delegations.c.id.desc()).limit(limit)).scalars())


def _used(token: Token, at: datetime | None) -> Token:
    return replace(token, used_at=at)
