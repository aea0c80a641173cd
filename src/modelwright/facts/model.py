"""Statements: computed, attested or missing, and never anything else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from modelwright.core.ids import Digest

Exact = int | float | tuple[float, ...]
"""A figure before it was rounded; an interval is its estimate, its lower and its upper end."""

_HOLE = re.compile(r"\{([a-z][a-z_]*)\}")


class State(StrEnum):
    """What a statement rests on."""

    COMPUTED = "COMPUTED"
    ATTESTED = "ATTESTED"
    MISSING = "MISSING"


class SourceKind(StrEnum):
    """The records that a value may come from."""

    ALERT = "alert"
    ASSUMPTION = "assumption"
    ATTESTATION = "attestation"
    CHARTER = "charter"
    CODE = "code"
    DATA = "data"
    ENDPOINT = "endpoint"
    EVIDENCE = "evidence"
    EXECUTION = "execution"
    FEASIBILITY = "feasibility"
    FEATURES = "features"
    LEDGER = "ledger"
    PACKAGE = "package"
    PIPELINE = "pipeline"
    POLICY = "policy"
    REGISTER = "register"
    ROLLOUT = "rollout"
    RUN = "run"


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a value comes from.

    Attributes:
        kind: What kind of record.
        name: What people call it: ``flights@3``, an id, the number of a ledger entry.
        digest: SHA-256 of its content, where it has one.
    """

    kind: SourceKind
    name: str
    digest: Digest | None = None


class Value(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A value that a statement says, with its source.

    Attributes:
        shown: As it is read.
        source: Its place among the statement's sources.
        exact: The figure, where it is one.
    """

    shown: str
    source: int = 0
    exact: Exact | None = None


class _Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="state", omit_defaults=True):
    """Words with values in them.

    LAW: the words hold no figure. What is a figure, a date, a name or somebody's own words is a value with a source.

    Attributes:
        says: The words, with ``{name}`` where a value stands.
        values: Name -> value.
        sources: Where the values come from.
    """

    says: str
    values: dict[str, Value] = {}
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        self._check(self.says)

    def _check(self, words: str) -> None:
        figure = first_figure(_HOLE.sub("", words))
        if figure:
            raise ValueError(f"the words hold the figure {figure!r}, which has no source: {words!r}")
        holes = set(_HOLE.findall(words))
        if holes != set(self.values):
            raise ValueError(f"the words name {sorted(holes)}, and the values are {sorted(self.values)}")
        if any(not 0 <= value.source < len(self.sources) for value in self.values.values()):
            raise ValueError(f"a value of {words!r} has no source")

    @property
    def state(self) -> State:
        """What it rests on."""
        return State(str(type(self).__struct_config__.tag))

    @property
    def text(self) -> str:
        """The words with their values."""
        return "".join(piece if value is None else value.shown for piece, value in self.pieces)

    @property
    def pieces(self) -> Iterator[tuple[str, Value | None]]:
        """Words and values in turn; a value comes with the name of its place."""
        for place, piece in enumerate(_HOLE.split(self.says)):
            if place % 2:
                yield piece, self.values[piece]
            elif piece:
                yield piece, None


class Computed(_Said, frozen=True, kw_only=True, tag="COMPUTED"):
    """Made from values that are on record."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sources:
            raise ValueError(f"what is computed has a source: {self.says!r}")


class Attested(_Said, frozen=True, kw_only=True, tag="ATTESTED"):
    """Somebody's own words, as they stand under a digest.

    Attributes:
        by: Who, opaque.
        at: When; wall clock.
    """

    by: str
    at: datetime

    def __post_init__(self) -> None:
        super().__post_init__()
        if not any(source.digest for source in self.sources):
            raise ValueError(f"what is attested has a digest: {self.says!r}")


class Missing(_Said, frozen=True, kw_only=True, tag="MISSING"):
    """What cannot be said, and what to do about it.

    Attributes:
        remedy: A command or a sentence; its values stand among the statement's.
    """

    remedy: str

    def __post_init__(self) -> None:
        if not self.remedy:
            raise ValueError(f"what is missing has a remedy: {self.says!r}")
        self._check(f"{self.says} {self.remedy}")

    @property
    def advice(self) -> str:
        """The remedy with its values."""
        return _HOLE.sub(lambda hole: self.values[hole[1]].shown, self.remedy)


Statement = Computed | Attested | Missing


def first_figure(text: str) -> str:
    """The first figure of a text: a digit of any script, a fraction, a Roman or superscript number; empty if none.

    Example:
        >>> first_figure("about ½"), first_figure("no figure")
        ('½', '')
    """
    return next((letter for letter in text if unicodedata.category(letter).startswith("N")), "")
