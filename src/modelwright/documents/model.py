"""Documents and what becomes of them: kept, attested, declared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from modelwright.core import wire
from modelwright.core.errors import NotFound
from modelwright.core.events import Event
from modelwright.core.ids import Digest, Name, Ref
from modelwright.core.shown import Shown
from modelwright.facts.model import Missing, State, Statement

ItemId = Annotated[str, wire.described(r"\A[a-z][a-z-]{0,63}\Z", "an item of a pack: small letters and hyphens")]
"""What a pack calls one of its questions."""

Clause = Annotated[str, Meta(max_length=120)]
"""Where a regulation or a paper asks it."""


class Kind(StrEnum):
    """The kinds of document."""

    MODEL_CARD = "model_card"
    TECHNICAL_FILE = "technical_file"
    CHANGE_REPORT = "change_report"
    DECLARATION = "declaration"


class Format(StrEnum):
    """The forms in which a document is read."""

    MD = "md"
    HTML = "html"
    PDF = "pdf"


class Item(Struct, frozen=True, kw_only=True):
    """The answer to one question of a pack.

    Attributes:
        id: What the pack calls the question.
        clause: Where it is asked.
        title: It, in short.
        statements: What there is to say.
    """

    id: ItemId
    clause: Clause
    title: str
    statements: tuple[Statement, ...]


class Section(Struct, frozen=True, kw_only=True):
    """A part of a document.

    Attributes:
        clause: Where the pack's source asks for it.
        title: Its heading.
        items: Its answers.
    """

    clause: Clause
    title: str
    items: tuple[Item, ...]


class Template(Struct, frozen=True, kw_only=True):
    """The pack that a document is made by.

    Attributes:
        name: Its name.
        version: Its version, as a text: packs follow laws and papers, not our releases.
        digest: SHA-256 of the file.
        cites: The regulation or paper.
    """

    name: Name
    version: str
    digest: Digest
    cites: str


class Counts(Struct, frozen=True, kw_only=True):
    """How many statements rest on what.

    Attributes:
        computed: On values that are on record.
        attested: On somebody's words.
        missing: On nothing yet.
    """

    computed: int
    attested: int
    missing: int


class Document(Shown, frozen=True, kw_only=True):
    """What is known of a version, under the questions of a pack. The same state gives the same document.

    Attributes:
        kind: Which kind.
        title: What the pack calls it.
        subject: The version, ``model@version``.
        package: Digest of its package.
        against: The version it is compared with, in a change report.
        template: The pack.
        as_of: When the newest record that was read was made: no clock is asked.
        sections: What it says.
    """

    kind: Kind
    title: str
    subject: Ref
    package: Digest
    against: Ref | None = None
    template: Template
    as_of: datetime
    sections: tuple[Section, ...]

    @property
    def digest(self) -> Digest:
        """SHA-256 of its canonical JSON."""
        return wire.digest(self)

    @property
    def statements(self) -> Iterator[Statement]:
        """Everything it says, in order."""
        return (said for section in self.sections for item in section.items for said in item.statements)

    @property
    def missing(self) -> list[tuple[Item, Missing]]:
        """What it cannot say, with the question."""
        every = ((item, said) for section in self.sections for item in section.items for said in item.statements)
        return [(item, said) for item, said in every if isinstance(said, Missing)]

    @property
    def counts(self) -> Counts:
        """How many statements rest on what."""
        states = [said.state for said in self.statements]
        return Counts(
            computed=states.count(State.COMPUTED),
            attested=states.count(State.ATTESTED),
            missing=states.count(State.MISSING),
        )

    def __str__(self) -> str:
        return f"{self.title} of {self.subject}: {described(self.counts)}"


class Attestation(Shown, frozen=True, kw_only=True):
    """What somebody says of a version that no program can know. It is never changed; a newer one takes its place.

    Attributes:
        digest: SHA-256 of what was asked, of which bytes, the words and the salt: what the ledger keeps.
        ref: The version.
        package: Digest of its package.
        kind: The document that asks.
        item: The question.
        asked: Digest of the question as it was put; other words need another answer.
        text: The answer.
        names: Names that hold figures, where the question is for such: standards, addresses.
        salt: Makes the digest of a short answer impossible to guess.
        at: Wall clock.
        by: Who, opaque.
    """

    digest: Digest
    ref: Ref
    package: Digest
    kind: Kind
    item: ItemId
    asked: Digest
    text: str
    names: tuple[str, ...] = ()
    salt: str
    at: datetime
    by: str


class Asked(Shown, frozen=True, kw_only=True):
    """A question that a document puts to people, because no program can answer it.

    Attributes:
        kind: The document that asks.
        item: What it calls the question.
        clause: Where its source asks it.
        title: It, in short.
        question: It, as it is put to a person.
        names: Whether the answer may hold names with figures in them: standards, addresses.
        answer: What somebody said of these bytes to this very question; none where nobody has.
    """

    kind: Kind
    item: ItemId
    clause: Clause
    title: str
    question: str
    names: bool
    answer: Attestation | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.item}: {self.question}"


class Kept(Shown, frozen=True, kw_only=True):
    """A document as it was kept when production came to rely on a version, or when somebody asked.

    Attributes:
        digest: Of the document.
        kind: Which kind.
        subject: The version.
        package: Digest of its package.
        template: The pack.
        as_of: The newest record that it rests on.
        counts: What its statements rest on.
        at: When it was kept; wall clock.
        by: Who kept it, opaque.
    """

    digest: Digest
    kind: Kind
    subject: Ref
    package: Digest
    template: Template
    as_of: datetime
    counts: Counts
    at: datetime
    by: str

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject} {self.digest[:12]}: {described(self.counts)}"


class Standing(Struct, frozen=True, kw_only=True):
    """How far one kind of document is.

    Attributes:
        kind: Which.
        title: What the pack calls it.
        digest: Of the document as it would be made now.
        counts: What its statements rest on.
        lacking: Questions that lack an answer, by the ids of the pack.
        kept: The newest that was kept; none where none was.
    """

    kind: Kind
    title: str
    digest: Digest
    counts: Counts
    lacking: tuple[ItemId, ...]
    kept: Kept | None = None


class Declaration(Shown, frozen=True, kw_only=True):
    """A declaration of conformity that was made: nothing in its documents was missing.

    Attributes:
        subject: The version.
        package: Digest of its package.
        technical_file: Digest of the technical file it rests on.
        document: Digest of the declaration itself.
        at: Wall clock.
        by: Who declared, opaque.
    """

    subject: Ref
    package: Digest
    technical_file: Digest
    document: Digest
    at: datetime
    by: str


class Status(Shown, frozen=True, kw_only=True):
    """How the documents of a version stand.

    Attributes:
        subject: The version.
        documents: Each kind.
        declaration: The newest declaration of these bytes; none where none was made.
    """

    subject: Ref
    documents: tuple[Standing, ...]
    declaration: Declaration | None = None


class DocumentKept(Event, frozen=True, kw_only=True, tag="documents.document_kept"):
    """A document was kept as it was."""

    digest: Digest
    document: Kind
    model: Name
    version: int
    package: Digest
    pack: Digest
    counts: Counts


class FactAttested(Event, frozen=True, kw_only=True, tag="documents.fact_attested"):
    """Somebody answered a question; the digest is salted, and the words, which may be of persons, stay outside."""

    digest: Digest
    document: Kind
    item: ItemId
    asked: Digest
    model: Name
    version: int
    package: Digest


class ConformityDeclared(Event, frozen=True, kw_only=True, tag="documents.conformity_declared"):
    """A declaration of conformity was made."""

    model: Name
    version: int
    package: Digest
    technical_file: Digest
    document: Digest


def described(counts: Counts) -> str:
    """Counts in words.

    Example:
        >>> described(Counts(computed=2, attested=1, missing=0))
        '2 computed, 1 attested, 0 missing'
    """
    return f"{counts.computed:,} computed, {counts.attested:,} attested, {counts.missing:,} missing"


def not_kept(digest: str) -> NotFound:
    """What to say where no document of that digest was kept."""
    return NotFound(f"No document {digest} was kept.", remedy="See: modelwright doc list")
