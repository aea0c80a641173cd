"""Packs: what documents ask, as data. A law that changes is a new file, and no code."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from msgspec import Struct

from modelwright.core import wire, written
from modelwright.core.ids import Digest, Name
from modelwright.documents.model import Clause, ItemId, Kind, Template
from modelwright.facts.model import first_figure


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question of a pack.

    Attributes:
        id: Its name.
        clause: Where it is asked.
        title: It, in short.
        facts: What of the record answers it.
        attest: What a person is asked; empty where the record says it all.
        names: Whether the answer may hold names with figures in them: standards, addresses.
    """

    id: ItemId
    clause: Clause
    title: str
    facts: tuple[Name, ...] = ()
    attest: str = ""
    names: bool = False

    def __post_init__(self) -> None:
        if first_figure(self.title + self.attest):
            raise ValueError(f"{self.id}: a question holds no figure; a clause may")
        if not (self.facts or self.attest):
            raise ValueError(f"{self.id}: nothing answers it")
        if self.names and not self.attest:
            raise ValueError(f"{self.id}: nobody is asked for names")

    @property
    def asked(self) -> Digest:
        """Digest of the question as it is put to a person."""
        return wire.digest({"id": self.id, "attest": self.attest, "names": self.names})


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section of a pack.

    Attributes:
        clause: Where it is asked.
        title: Its heading.
        items: Its questions.
    """

    clause: Clause
    title: str
    items: tuple[Question, ...]

    def __post_init__(self) -> None:
        if first_figure(self.title):
            raise ValueError(f"{self.title!r}: a heading holds no figure; a clause may")


class Pack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one kind of document asks.

    Attributes:
        name: Its name.
        version: Its version, as the regulation or paper counts.
        kind: The kind of document.
        title: What the document is called.
        cites: The regulation or paper.
        sections: What is asked.
    """

    name: Name
    version: str
    kind: Kind
    title: str
    cites: str
    sections: tuple[Part, ...]

    def __post_init__(self) -> None:
        ids = [question.id for part in self.sections for question in part.items]
        if len(set(ids)) != len(ids) or first_figure(self.title):
            raise ValueError(f"{self.name}: a question is asked twice, or the title holds a figure")

    @property
    def template(self) -> Template:
        """How a document names it."""
        return Template(name=self.name, version=self.version, digest=wire.digest(self), cites=self.cites)

    @property
    def questions(self) -> dict[ItemId, Question]:
        """Id -> question."""
        return {question.id: question for part in self.sections for question in part.items}


@cache
def built_in() -> Mapping[Kind, Pack]:
    """The packs that come with the release, one for each kind of document; of two, the later by name."""
    folder = files("modelwright.documents").joinpath("packs")
    texts = [file.read_text("utf-8") for file in sorted(folder.iterdir(), key=lambda file: file.name)]
    packs = [written.read_as(text, Pack, what="pack") for text in texts]
    return {pack.kind: pack for pack in packs}
