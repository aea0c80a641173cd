"""What can be found, and how well it fits what was asked."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from modelwright.core.shown import Shown

LONGEST = 200
"""Characters of a question."""

_WORDS = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"[0-9a-f]{4,64}")
_KEPT = 500


class Kind(StrEnum):
    """What is found."""

    MODEL = "model"
    VERSION = "version"
    ALIAS = "alias"
    CHARTER = "charter"
    FEASIBILITY = "feasibility"
    ASSUMPTION = "assumption"
    EVIDENCE = "evidence"
    DOCUMENT = "document"
    APPROVAL = "approval"
    POLICY = "policy"
    DATASET = "dataset"
    DATASET_VERSION = "dataset version"
    VIEW = "feature view"
    VIEW_VERSION = "view version"
    RUN = "run"
    EXPERIMENT = "experiment"
    PIPELINE = "pipeline"
    EXECUTION = "execution"
    ENDPOINT = "endpoint"
    ROLLOUT = "rollout"
    MONITOR = "monitor"
    ALERT = "alert"
    PREDICTION = "prediction"
    USER = "user"
    ENTRY = "ledger entry"


NEEDS: dict[Kind, str] = {
    Kind.MODEL: "models:read",
    Kind.VERSION: "models:read",
    Kind.ALIAS: "models:read",
    Kind.CHARTER: "charters:read",
    Kind.FEASIBILITY: "feasibility:read",
    Kind.ASSUMPTION: "assumptions:read",
    Kind.EVIDENCE: "evidence:read",
    Kind.DOCUMENT: "documents:read",
    Kind.APPROVAL: "approvals:read",
    Kind.POLICY: "policies:read",
    Kind.DATASET: "data:read",
    Kind.DATASET_VERSION: "data:read",
    Kind.VIEW: "features:read",
    Kind.VIEW_VERSION: "features:read",
    Kind.RUN: "runs:read",
    Kind.EXPERIMENT: "runs:read",
    Kind.PIPELINE: "pipelines:read",
    Kind.EXECUTION: "pipelines:read",
    Kind.ENDPOINT: "endpoints:read",
    Kind.ROLLOUT: "rollouts:read",
    Kind.MONITOR: "monitors:read",
    Kind.ALERT: "alerts:read",
    Kind.PREDICTION: "predictions:read",
    Kind.USER: "access:read",
    Kind.ENTRY: "ledger:read",
}
"""Who may not read a kind does not find it."""


class Match(StrEnum):
    """How something fits, best first."""

    EXACT = "exact"
    BEGINNING = "beginning"
    WORD = "word"
    PART = "part"


MATCHES = tuple(Match)
"""By rank."""


class Thing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that can be found.

    Attributes:
        kind: What it is.
        key: What that kind is known by: a name, ``name@3``, an id, a digest.
        name: What it is shown as.
        says: A few words beside the name.
        of: The version it is about, ``model@3``; empty where it is about none.
        words: What it is found by; empty for what is found by ids alone.
        ids: Ids and digests whose beginning finds it.
    """

    kind: Kind
    key: str
    name: str
    says: str = ""
    of: str = ""
    words: str = ""
    ids: tuple[str, ...] = ()


class Hit(Shown, frozen=True, kw_only=True):
    """Something that was found.

    Attributes:
        kind: What it is.
        key: What that kind is known by: a name, ``name@3``, an id, a digest, a number of the ledger.
        name: What it is shown as.
        says: A few words beside the name.
        of: The version it is about, ``model@3``; empty where it is about none.
        at: When it last changed.
        match: How it fits.
    """

    kind: Kind
    key: str
    name: str
    says: str
    of: str
    at: datetime
    match: Match

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f": {self.says}" if self.says else "")


def plain(text: str) -> str:
    """What is compared: the words of a text, in one case, with one blank between them.

    Example:
        >>> plain("Flight_Delay@3")
        'flight delay 3'
    """
    return " ".join(_WORDS.findall(text.casefold()))[:_KEPT]


def beginning(text: str) -> str:
    """The text if it may be the beginning of an id or a digest: 4 to 64 hex digits; else nothing."""
    lowered = text.strip().lower()
    return lowered if _DIGITS.fullmatch(lowered) else ""


def fit(asked: str, words: str) -> Match | None:
    """How words fit what was asked, both plain; none where one of the words asked for is missing.

    Example:
        >>> fit("delay", "flight delay"), fit("lay", "flight delay"), fit("delay flight", "flight delay")
        (<Match.WORD: 'word'>, <Match.PART: 'part'>, <Match.PART: 'part'>)
    """
    if not asked or not all(word in words for word in asked.split(" ")):
        return None
    if words == asked:
        return Match.EXACT
    if words.startswith(asked):
        return Match.BEGINNING
    return Match.WORD if f" {asked}" in words else Match.PART
