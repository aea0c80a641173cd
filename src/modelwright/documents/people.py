"""Who stands in a document: the record keeps opaque ids, and people read names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from msgspec.structs import replace

from modelwright.core.ids import Id
from modelwright.documents.model import Document
from modelwright.facts.model import Attested, Statement, Value

S = TypeVar("S", bound=Statement)

BY = ("by", "on_behalf_of")
"""What every fact calls the values that are somebody."""


def people(document: Document) -> tuple[Id, ...]:
    """Ids of everybody it names, each once."""
    attesting = [said.by for said in document.statements if isinstance(said, Attested)]
    named = [said.values[by].shown for said in document.statements for by in BY if by in said.values]
    return tuple(dict.fromkeys([*attesting, *named]))


def named(document: Document, names: Mapping[Id, str]) -> Document:
    """The document as it is read: each id with the name of whom it means before it.

    Args:
        document: As it is kept.
        names: Id -> name; who is not known any more stays an id.
    """
    shown = {key: f"{name} ({key})" for key, name in names.items()}
    return replace(
        document,
        sections=tuple(
            replace(
                section,
                items=tuple(
                    replace(item, statements=tuple(_named(said, shown) for said in item.statements))
                    for item in section.items
                ),
            )
            for section in document.sections
        ),
    )


def _named(said: S, shown: Mapping[Id, str]) -> S:
    values = {name: _of(value, shown) if name in BY else value for name, value in said.values.items()}
    if isinstance(said, Attested):
        return replace(said, values=values, by=shown.get(said.by, said.by))
    return replace(said, values=values)


def _of(value: Value, shown: Mapping[Id, str]) -> Value:
    return replace(value, shown=shown.get(value.shown, value.shown))
