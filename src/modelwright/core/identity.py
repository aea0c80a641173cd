"""Who calls, and what they may do. The one permission function stands here."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from modelwright.core.events import Actor

DEFAULT_PROJECT = "default"


class Identity(Struct, frozen=True, kw_only=True):
    """A caller.

    Attributes:
        actor: Who, as the ledger will say.
        project: The project they work in.
        grants: What they hold: ``models:write``, ``models:*`` or ``*``.
        own: Whether nobody else made or knows the credential they came with.
        signs_as: The roles as which they may sign; none without login.
    """

    actor: Actor
    project: str = DEFAULT_PROJECT
    grants: frozenset[str] = frozenset()
    own: bool = True
    signs_as: frozenset[str] = frozenset()

    def may(self, permission: str) -> bool:
        """Whether they hold a permission such as ``models:write``."""
        noun = permission.partition(":")[0]
        return not self.grants.isdisjoint((permission, f"{noun}:*", "*"))

    def within(self, project: str) -> Identity:
        """The same caller in another project."""
        return replace(self, project=project)


OWNER = Identity(actor=Actor(id="owner"), grants=frozenset({"*"}))
"""The one user of a home without login: whoever can open its files, or reaches its loopback port."""
