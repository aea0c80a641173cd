"""Settings: the environment variables that Modelwright reads. Nothing else in the house reads the environment."""

from __future__ import annotations

import os
from typing import NamedTuple


class Setting(NamedTuple):
    """One environment variable.

    Attributes:
        name: The variable.
        what: What it decides, and what holds without it.
    """

    name: str
    what: str

    @property
    def value(self) -> str | None:
        """What it is set to; none where it is not set or empty."""
        return os.environ.get(self.name) or None


URL = Setting(
    "MODELWRIGHT_URL",
    "Where `connect()` and the command line find the workspace: `http://…` of a running server, or a home's folder. "
    "Without it the nearest `.modelwright/` in this folder or above.",
)
TOKEN = Setting(
    "MODELWRIGHT_TOKEN",
    "The token with which `connect()` and the command line call a server that has login: `modelwright token create` "
    "makes one. Without it nobody is named.",
)
PROJECT = Setting(
    "MODELWRIGHT_PROJECT",
    "The project that `connect()` and the command line work in. Without it the token's own, else `default`.",
)
RECORDS = Setting(
    "MODELWRIGHT_RECORDS",
    "Where the records are of a home that keeps them on PostgreSQL: `postgresql://user@host:5432/database`. It may "
    "hold a password, so it is shown nowhere. Without it what `records` in `modelwright.toml` says; without either a "
    "fresh home keeps them on SQLite, in its own folder.",
)
PLUGINS = Setting(
    "MODELWRIGHT_PLUGINS",
    "Names of third parties' variants (gates, flavours, …) that may be loaded, with commas between them. They run "
    "unsandboxed, so without it none is loaded.",
)

PUBLIC_URL = Setting(
    "MODELWRIGHT_PUBLIC_URL",
    "The address under which people reach the dashboard, where a proxy stands before it: `https://ml.example.com`. "
    "Without it what the browser asked for.",
)
OIDC_ISSUER = Setting(
    "MODELWRIGHT_OIDC_ISSUER",
    "The address of the OpenID provider that vouches for people. Without it they sign in by password or token.",
)
OIDC_CLIENT_ID = Setting("MODELWRIGHT_OIDC_CLIENT_ID", "What the provider calls this server.")
OIDC_CLIENT_SECRET = Setting(
    "MODELWRIGHT_OIDC_CLIENT_SECRET", "What this server proves that with. Without it the server is a public client."
)
OIDC_GROUPS_CLAIM = Setting(
    "MODELWRIGHT_OIDC_GROUPS_CLAIM",
    "The claim of the provider's token that names somebody's groups, taken over at each sign-in. Without it admins say "
    "who is in which.",
)

DEBUG = Setting(
    "MODELWRIGHT_DEBUG",
    "Set to anything, a command that fails shows the traceback before the line that says what went wrong. Without it "
    "the line alone.",
)

ANCHOR_FILE = Setting(
    "MODELWRIGHT_ANCHOR_FILE",
    "A file outside the home, best where the home's owner cannot rewrite it. The job worker appends a checkpoint of "
    "the ledger to it, at most one an hour and only after a change, and every `ledger verify` is held against it. "
    "Without it checkpoints are kept where `ledger anchor` is told to.",
)

ACTING = Setting(
    "MODELWRIGHT_ACTING",
    "Set by the house for what it carries out by itself: as which service the ledger has it, e.g. `pipelines`. People "
    "leave it unset.",
)
EGRESS = Setting(
    "MODELWRIGHT_EGRESS",
    "Where the server may send notifications, with commas between: `https://hooks.slack.com`, "
    "`https://hooks.example.com:8443`, `mailto:example.com` for mail to a domain, `http://127.0.0.1:9000` on this "
    "machine alone. They must be at public addresses, unless the list names their network as well: `10.1.0.0/16`. "
    "Without it nothing is sent.",
)
SMTP = Setting(
    "MODELWRIGHT_SMTP",
    "The server that takes mail: `smtp://user:password@mail.example.com:587`, encrypted by STARTTLS, or `smtps://…`. "
    "It may hold a password, so it is shown nowhere. Without it no mail is sent.",
)
MAIL_FROM = Setting(
    "MODELWRIGHT_MAIL_FROM",
    "Who mail is from: `modelwright@example.com`. Without it `modelwright` at the name of this machine.",
)

SETTINGS = (
    URL,
    RECORDS,
    TOKEN,
    PROJECT,
    PLUGINS,
    PUBLIC_URL,
    OIDC_ISSUER,
    OIDC_CLIENT_ID,
    OIDC_CLIENT_SECRET,
    OIDC_GROUPS_CLAIM,
    DEBUG,
    ANCHOR_FILE,
    ACTING,
    EGRESS,
    SMTP,
    MAIL_FROM,
)
"""Every setting, in the order of the reference."""
