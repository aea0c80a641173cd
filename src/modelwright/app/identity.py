"""Who calls, and what they may do. The one permission function stands here."""

from __future__ import annotations

from msgspec import Struct

from modelwright.core.events import Actor

DEFAULT_PROJECT = "default"


class Identity(Struct, frozen=True, kw_only=True):
    """A caller.

    Attributes:
        actor: Who, as the ledger will say.
        project: The project they work in.
        grants: What they hold: ``models:write``, ``models:*`` or ``*``.
    """

    actor: Actor
    project: str = DEFAULT_PROJECT
    grants: frozenset[str] = frozenset()

    def may(self, permission: str) -> bool:
        """Whether they hold a permission such as ``models:write``."""
        noun = permission.partition(":")[0]
        return not self.grants.isdisjoint((permission, f"{noun}:*", "*"))


OWNER = Identity(actor=Actor(id="owner"), grants=frozenset({"*"}))
"""The one user of a home without login: whoever can open its files, or reaches its loopback port."""
