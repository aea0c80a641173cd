"""Roles, and what each may do: the one table from which every permission of a person follows."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody is in a project."""

    VIEWER = "viewer"
    CONTRIBUTOR = "contributor"
    OPERATOR = "operator"
    VALIDATOR = "validator"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMIN = "admin"


_WORK = frozenset(
    f"{noun}:read"
    for noun in (
        *("alerts", "approvals", "charters", "comments", "data", "documents", "endpoints", "evidence", "features"),
        *("emergencies", "gates", "lifecycle", "lineage", "models", "monitors", "pipelines", "policies"),
        *("predictions", "rechecks", "risks", "rollouts", "runs"),
        *("assumptions", "feasibility"),
    )
)
"""To see the work of a project; not who its users are, nor the ledger of what each of them did."""

_TALK = frozenset({"comments:write"})

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.VIEWER: _WORK,
    Role.CONTRIBUTOR: _WORK
    | _TALK
    | {
        *("approvals:write", "blobs:write", "charters:write", "data:write", "evidence:write", "features:write"),
        *("labels:write", "lifecycle:write", "models:write", "pipelines:write", "predictions:write", "runs:write"),
        *("assumptions:write", "risks:write"),
        *("documents:attest", "documents:write"),
    },
    Role.OPERATOR: _WORK
    | _TALK
    | {
        *("alerts:write", "approvals:write", "blobs:write", "endpoints:write", "features:write", "labels:write"),
        *("documents:write", "emergencies:write", "monitors:write", "notifications:read", "notifications:write"),
        *("pipelines:write", "predictions:write", "rechecks:write", "rollouts:write"),
    },
    Role.VALIDATOR: _WORK
    | _TALK
    | {"approvals:sign", "assumptions:write", "blobs:write", "delegations:write", "documents:attest"}
    | {"evidence:write", "ledger:read", "ledger:write", "rechecks:write", "risks:judge", "risks:write"},
    Role.APPROVER: _WORK
    | _TALK
    | {"approvals:sign", "delegations:write", "documents:attest", "documents:declare", "emergencies:write"}
    | {"feasibility:decide", "ledger:read", "charters:write", "policies:write", "rechecks:write", "risks:judge"},
    Role.AUDITOR: _WORK | {"access:read", "ledger:read", "notifications:read"},
    Role.ADMIN: frozenset({"access:read", "access:write"}),
}
"""What each role may do. An admin manages people and does nothing else: who could give rights must not use them."""

OF_ALL: dict[Role, frozenset[str]] = {Role.AUDITOR: frozenset({"ledger:export"})}
"""What a role gives besides, where it is held in every project: the whole ledger has the entries of all of them."""

SIGNERS = frozenset({Role.VALIDATOR, Role.APPROVER})
"""The roles as which people sign."""

STANDING_IN = frozenset(
    {"approvals:sign"}
    | {f"{noun}:read" for noun in ("approvals", "charters", "evidence", "gates", "models", "policies", "risks")}
)
"""What somebody may do where another lets them sign for them: read what a signature covers, and sign."""

OF_WHO_IS_UNLIMITED = frozenset({"delegations:write", "self:write"})
"""What no token gives that is limited to a project or to scopes: it could make what is not."""

EVERYWHERE = "*"
"""The project of a grant that holds in all of them."""

OWN = frozenset({"search:read", "self:read", "self:write"})
"""What everybody who has signed in may do: see who they are, manage their own tokens, and find what they may read."""


def permitted(roles: frozenset[Role]) -> frozenset[str]:
    """What these roles may do together.

    Example:
        >>> sorted(permitted(frozenset({Role.ADMIN})))
        ['access:read', 'access:write']
    """
    return frozenset().union(*(PERMISSIONS[role] for role in roles))


def permitted_everywhere(roles: frozenset[Role]) -> frozenset[str]:
    """What roles that are held in every project give besides.

    Example:
        >>> sorted(permitted_everywhere(frozenset(Role)))
        ['ledger:export']
    """
    return frozenset().union(*(OF_ALL.get(role, frozenset()) for role in roles))
