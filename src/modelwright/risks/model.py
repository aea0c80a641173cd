"""Risks, the register that holds a model's, what people judged of them, and what was counted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

from modelwright.core import wire
from modelwright.core.errors import NotFound
from modelwright.core.events import Event
from modelwright.core.ids import Digest, Name, Ref
from modelwright.core.shown import Shown
from modelwright.stats.model import Interval, Slice

Line = Annotated[str, Meta(min_length=1, max_length=2000)]
"""A sentence of somebody's own."""

Degree = Annotated[int, Meta(ge=1, le=5)]
"""1, the least, to 5, the most."""

MOST_RISKS = 100


class Rating(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How bad, and how likely.

    Attributes:
        severity: What it does where it happens, 1 to 5.
        likelihood: How often it is to be expected, 1 to 5.
    """

    severity: Degree
    likelihood: Degree

    @property
    def score(self) -> int:
        """Severity times likelihood, 1 to 25."""
        return self.severity * self.likelihood

    def __str__(self) -> str:
        return f"{self.score} ({self.severity} x {self.likelihood})"


class Fallback(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A guard: this value answers instead of the model.

    Attributes:
        fallback: The value, e.g. the base rate.
    """

    fallback: float


Guard = Literal["flag", "refuse"] | Fallback
"""What an endpoint does with a row in the situation: mark the answer, answer a fixed value, or refuse the request."""


class State(StrEnum):
    """How a risk stands."""

    OPEN = "open"
    MITIGATED = "mitigated"
    ACCEPTED = "accepted"
    CLOSED = "closed"


class Risk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A situation in which a model fails.

    Attributes:
        what: What goes wrong.
        harms: Who is harmed, and how.
        when: The situation: a predicate over the model's input columns.
        cause: Why it does.
        inherent: How bad it is if nothing is done.
        residual: How bad it is with what is done.
        mitigation: What is done.
        evidence: Digest of the evidence that it helps, of the version that is judged.
        owner: Who answers for it: a sign-in name or a group.
        review_due: The last day on which it is to be looked at again.
        status: ``open``, or ``mitigated`` by the guard or what the evidence shows. Accepting and closing are acts of
            somebody else's.
        guard: What endpoints do with rows in the situation.
    """

    what: Line
    harms: Line
    when: Annotated[str, Meta(min_length=1, max_length=1000)]
    inherent: Rating
    residual: Rating
    cause: Annotated[str, Meta(max_length=2000)] = ""
    mitigation: Annotated[str, Meta(max_length=2000)] = ""
    evidence: Digest | None = None
    owner: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    review_due: date | None = None
    status: Literal["open", "mitigated"] = "open"
    guard: Guard | None = None

    def __post_init__(self) -> None:
        if self.residual.score > self.inherent.score:
            raise ValueError(f"the residual score {self.residual} is above the inherent {self.inherent}")
        if self.status == "mitigated" and self.guard is None and self.evidence is None:
            raise ValueError("a mitigated risk names its guard, or the evidence that its mitigation helps")

    @property
    def digest(self) -> Digest:
        """Of all that it says: a judgement is about these words."""
        return wire.digest(self)


class Register(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can go wrong with a model.

    Attributes:
        model: The model.
        risks: Name -> risk; at most 100.
    """

    model: Name
    risks: dict[Name, Risk]

    def __post_init__(self) -> None:
        if not 1 <= len(self.risks) <= MOST_RISKS:
            raise ValueError(f"a register has 1 to {MOST_RISKS} risks, not {len(self.risks)}")


class RegisterVersion(Shown, frozen=True, kw_only=True):
    """A published register; it never changes.

    Attributes:
        model: The model it is for.
        version: Its number, from 1; the newest is in force.
        digest: Of the register.
        register: What it says.
        authors: Risk -> who wrote it as it stands, opaque.
        published_at: Wall clock.
        by: Who published it, opaque.
    """

    model: Name
    version: int
    digest: Digest
    register: Register
    authors: dict[Name, str]
    published_at: datetime
    by: str

    def __str__(self) -> str:
        return f"{self.model} {self.version}: {', '.join(self.register.risks)}"


class Judgement(Struct, frozen=True, kw_only=True):
    """What somebody said of a risk.

    Attributes:
        risk: The risk's name.
        says: ``accept``, ``close`` or ``reopen``.
        reason: In their words.
        covers: Digest of the risk as it stood: when it says something else, the judgement counts no more.
        by: Who, opaque.
        at: Wall clock.
    """

    risk: Name
    says: Literal["accept", "close", "reopen"]
    reason: Line
    covers: Digest
    by: str
    at: datetime


class Standing(Shown, frozen=True, kw_only=True):
    """A model's register as it stands now.

    Attributes:
        register: The version in force.
        judgements: Risk -> the newest judgement about it as it reads now.
    """

    register: RegisterVersion
    judgements: dict[Name, Judgement]

    @property
    def risks(self) -> Mapping[str, Risk]:
        """Name -> risk."""
        return self.register.register.risks

    @property
    def digest(self) -> Digest:
        """Of the register and of what people judged."""
        return wire.digest([self.register.digest, {name: one.says for name, one in self.judgements.items()}])

    def state(self, name: str) -> State:
        """How a risk stands."""
        judged = self.judgements.get(name)
        if judged is not None and judged.says != "reopen":
            return State.ACCEPTED if judged.says == "accept" else State.CLOSED
        return State(self.risks[name].status) if judged is None else State.OPEN

    @property
    def guarded(self) -> tuple[Guarded, ...]:
        """What endpoints do: the guards of risks that are not closed."""
        return tuple(
            Guarded(risk=name, when=risk.when, guard=risk.guard)
            for name, risk in sorted(self.risks.items())
            if risk.guard is not None and self.state(name) is not State.CLOSED
        )

    def __str__(self) -> str:
        told = ", ".join(f"{name} {self.state(name)}" for name in self.risks)
        return f"{self.register.model} {self.register.version}: {told}"


class Judging(Shown, frozen=True, kw_only=True):
    """What came of an attempt to judge a risk.

    Attributes:
        judgement: What was said; none where it was refused.
        refused: Why not; empty where it was said.
        remedy: What would help.
    """

    judgement: Judgement | None = None
    refused: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.judgement.risk}: {self.judgement.says}" if self.judgement else self.refused


class Checked(Shown, frozen=True, kw_only=True):
    """What publishing a register would come to.

    Attributes:
        model: The model it is for.
        digest: Of the register.
        version: The number it would have.
        against: The version whose inputs its situations were held against; none where there is no version yet.
        added: Risks that the register in force lacks.
        changed: Risks that read otherwise: what was judged of them counts no more.
        removed: Risks that it lacks.
    """

    model: Name
    digest: Digest
    version: int
    against: Ref | None
    added: tuple[Name, ...]
    changed: tuple[Name, ...]
    removed: tuple[Name, ...]

    def __str__(self) -> str:
        parts = (("added", self.added), ("changed", self.changed), ("removed", self.removed))
        told = "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names) or "nothing changes"
        return f"{self.model} {self.version}: {told}"


class Usual(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a situation is met when nothing is wrong, learnt from the days of held-out rows.

    Attributes:
        share: Of the rows of which it can be said.
        most: A share up to this is not reported.
        clumping: By how much the share varies more between days than with independent rows, at least 1.
        days: How many days it is learnt from.
    """

    share: float
    most: float
    clumping: float
    days: int


class Situation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a risk's situation was met on held-out rows, and how good the model is in it.

    Attributes:
        risk: The risk.
        when: Its predicate.
        matched: Rows in it; none where it could not be counted.
        unknown: Rows of which it cannot be said, because a value is missing.
        share: The matched of those of which it can be said.
        inside: The KPI on labelled rows in it.
        rest: The KPI on labelled rows that are not.
        usual: How often it is met on ordinary days; none where there are fewer than 14 days.
        reason: Why it could not be counted; empty where it was.
    """

    risk: Name
    when: str
    matched: int | None = None
    unknown: int = 0
    share: Interval | None = None
    inside: Slice | None = None
    rest: Slice | None = None
    usual: Usual | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.matched is None) == (not self.reason):
            raise ValueError("a situation has either a count or a reason for its absence")


class RisksCounted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="risks"):
    """How often the situations of a register were met, counted by the server on the rows of an evaluation.

    Attributes:
        register: Digest of the register.
        version: Its number.
        metric: The KPI's metric.
        rows: Rows of the window.
        labelled: How many of them have a label.
        scores: Digest of the scores.
        situations: One for each risk, by name.
    """

    register: Digest
    version: int
    metric: Name
    rows: int
    labelled: int
    scores: Digest
    situations: tuple[Situation, ...]


class Guarded(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A guard as a route carries it.

    Attributes:
        risk: The risk's name.
        when: Its predicate.
        guard: What is done.
    """

    risk: Name
    when: str
    guard: Guard


class Live(Struct, frozen=True, kw_only=True):
    """How often the rows that an endpoint is asked about are in a situation.

    Attributes:
        risk: The risk.
        held_out: Its share of held-out rows.
        matched: Rows in it since the watch began.
        known: Rows of which it can be said.
        unknown: Rows of which it cannot.
        share: The matched of the known.
        newest: The same on the last day.
        level: The evidence that it is met more often than usual, as a share of the alarm's on a log scale: 1 alarms.
        since: When that seems to have begun.
        reason: Why it is not watched; empty where it is.
    """

    risk: Name
    held_out: Interval | None = None
    matched: int = 0
    known: int = 0
    unknown: int = 0
    share: Interval | None = None
    newest: Interval | None = None
    level: float = 0.0
    since: datetime | None = None
    reason: str = ""


class Watched(Shown, frozen=True, kw_only=True):
    """How the risks of what answers at an endpoint fare in live traffic.

    Attributes:
        endpoint: The endpoint.
        until: The end of the last day that was judged, on event time.
        model: The model that answered most of that day; none before the first.
        version: Its version.
        evidence: Digest of the count it is compared with; none where there is none.
        began: The day since which it is compared with that.
        risks: One for each risk.
        problem: Why nothing is compared; empty where it is.
        more: Whether more days are due.
    """

    endpoint: Name
    until: datetime
    model: Name | None = None
    version: int | None = None
    evidence: Digest | None = None
    began: datetime | None = None
    risks: tuple[Live, ...] = ()
    problem: str = ""
    more: bool = False

    def __str__(self) -> str:
        told = ", ".join(f"{one.risk} {one.share.estimate:.2%}" for one in self.risks if one.share)
        return f"{self.endpoint} until {self.until:%Y-%m-%d}: {told or self.problem or 'nothing yet'}"


class Evidence(Struct, frozen=True, kw_only=True):
    """The evidence on one risk so far, as ``monitoring.evidence.Stream`` keeps it."""

    sums: bytes = b""
    peaks: bytes = b""
    begun: bytes = b""


class Watch(Struct, frozen=True, kw_only=True):
    """What a restart of the watch goes on from."""

    watched: Watched
    streams: dict[Name, Evidence] = {}


class RegisterPublished(Event, frozen=True, kw_only=True, tag="risks.register_published"):
    """A register is in force. Its words are kept beside the ledger, under this digest."""

    model: Name
    version: int
    digest: Digest
    scores: dict[Name, int]


class RiskJudged(Event, frozen=True, kw_only=True, tag="risks.risk_judged"):
    """Somebody accepted, closed or reopened a risk."""

    model: Name
    version: int
    risk: Name
    says: Literal["accept", "close", "reopen"]
    covers: Digest


class JudgingRefused(Event, frozen=True, kw_only=True, tag="risks.judging_refused"):
    """Somebody tried to judge a risk of their own: ``author`` or ``owner`` says why they could not."""

    model: Name
    version: int
    risk: Name
    says: Literal["accept", "close", "reopen"]
    why: Literal["author", "owner", "login"]


def no_register(model: str, version: int | None = None) -> NotFound:
    """What to say where a model has no register."""
    return NotFound(
        f"{model} has no risk register" + (f" {version}." if version is not None else "."),
        remedy="Write risks.yaml and run: modelwright risk publish risks.yaml",
    )


def no_risk(model: str, risk: str, names: Mapping[str, Risk]) -> NotFound:
    """What to say where a register has no such risk."""
    return NotFound(f"The register of {model} has no risk {risk!r}.", remedy=f"It has: {', '.join(names)}.")
