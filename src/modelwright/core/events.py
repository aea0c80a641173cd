"""What happened. A room emits events; the ledger keeps them; projections derive rows from them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """A change of state. A room subclasses it with ``tag="models.alias_moved"``: room, then past participle.

    An event's bytes are hashed into the ledger and never migrated: a field is never removed or given another
    meaning; a new one has a default.
    """


class ActorKind(StrEnum):
    """Who acts."""

    PERSON = "person"
    SERVICE = "service"
    SIMULATED = "simulated"


class Actor(Struct, frozen=True, kw_only=True):
    """Who acts. The id is opaque: personal data never enters the ledger.

    Attributes:
        id: The user's opaque id.
        kind: Person, service or simulated.
    """

    id: str
    kind: ActorKind = ActorKind.PERSON


class Recorded(Struct, frozen=True, kw_only=True):
    """An event with the facts of its recording, as projections and readers of the ledger see it."""

    event: Event
    project: str
    actor: Actor
    recorded_at: datetime
    request_id: str
