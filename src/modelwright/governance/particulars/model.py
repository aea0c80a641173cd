"""Stakeholders, consumers and dates of a charter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

Who = Annotated[str, Meta(min_length=1, max_length=200)]
"""A role, a team, a group of people or a system."""

Uses = tuple[Literal["online", "batch"], ...]
"""How answers are asked for: one by one as they are needed, or many at once."""


class Stakeholder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who has a stake in the decision.

    Attributes:
        who: A team or a group of people, e.g. ``passengers``.
        role: What they are to it, e.g. ``sponsor``, ``is affected``, ``must be informed``.
    """

    who: Who
    role: Who


class Consumer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who uses the answers.

    Attributes:
        who: A team or a system.
        purpose: What for, where it is not the charter's decision.
    """

    who: Who
    purpose: Annotated[str, Meta(max_length=2000)] = ""

    def __str__(self) -> str:
        return f"{self.who} ({self.purpose})" if self.purpose else self.who


class Dates(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When the charter asks for something.

    Attributes:
        due: The day by which the first version is to answer.
        review: The last day on which the charter is to be looked at again.
    """

    due: date | None = None
    review: date | None = None

    def __post_init__(self) -> None:
        if self.due is not None and self.review is not None and self.review < self.due:
            raise ValueError(f"the review on {self.review} is before the first version is due, on {self.due}")


def check_once(what: str, names: Sequence[str]) -> None:
    """Raise ``ValueError`` where something is named twice."""
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise ValueError(f"{what} name {twice!r} twice")
