"""Charters: what a model is for, agreed before it exists."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from modelwright.core.clock import Duration
from modelwright.core.errors import NotFound
from modelwright.core.ids import Digest, Name
from modelwright.governance.effects.model import DecisionRule, Money
from modelwright.governance.particulars.model import Consumer, Dates, Stakeholder, Uses, check_once

Line = Annotated[str, Meta(min_length=1, max_length=2000)]
"""A sentence of somebody's own."""

ColumnName = Annotated[str, Meta(min_length=1, max_length=250)]
"""A column of a dataset."""


class Kpi(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The one number the model is judged by: in tuning, gates, experiments and monitors alike.

    Attributes:
        metric: Its name in ``stats``.
        at_least: What it must reach, where higher is better.
        at_most: What it must not exceed, where lower is better.
        slice_floor: The same for the worst slice: a floor where higher is better, else a ceiling.
        value: What outcomes are worth, where it is known.
        rule: When somebody acts on a prediction; none: where acting is worth more than leaving alone.
    """

    metric: Name
    at_least: float | None = None
    at_most: float | None = None
    slice_floor: float | None = None
    value: Money | None = None
    rule: DecisionRule | None = None

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a KPI has one threshold: at_least or at_most")
        if self.rule is not None and self.value is None:
            raise ValueError("a decision rule needs the value of its outcomes")

    @property
    def threshold(self) -> float:
        """The threshold, whichever way it points."""
        return float(self.at_least if self.at_least is not None else self.at_most or 0.0)

    @property
    def higher_is_better(self) -> bool:
        """The direction."""
        return self.at_least is not None

    def __str__(self) -> str:
        return f"{self.metric} {'at least' if self.higher_is_better else 'at most'} {self.threshold:g}"


class Label(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is predicted, as it becomes known.

    Attributes:
        column: The dataset's column that holds it.
        dataset: The dataset whose versions evidence must be about; none accepts any.
        known_after: How long after the event time the truth is known; younger rows are not judged.
        source: Who says so: users' reports, a heuristic, annotators, a record.
    """

    column: ColumnName
    dataset: Name | None = None
    known_after: Duration = "0s"
    source: Annotated[str, Meta(max_length=2000)] = ""


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What serving the model may take.

    Attributes:
        latency_p99_ms: The slowest hundredth of answers, in milliseconds.
        cost_per_month: In the KPI's currency.
    """

    latency_p99_ms: Annotated[float, Meta(gt=0)] | None = None
    cost_per_month: Annotated[float, Meta(ge=0)] | None = None


class Owners(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who answers for the model: roles or teams, not persons.

    Attributes:
        business: For the decision it drives.
        technical: For the model.
    """

    business: Line
    technical: Line


class Charter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a model is for, agreed before it exists.

    Attributes:
        question: What it answers, in one sentence.
        decision: What is done with the answer.
        kpi: The number it is judged by.
        label: What it predicts.
        owners: Who answers for it.
        baseline: The registered model that holds the heuristic every candidate must beat.
        limits: What serving may take.
        tier: How much the policy asks for.
        business_case: Why it is worth having.
        stakeholders: Who has a stake in it, and as what; at most 50.
        consumers: Who uses the answers; at most 50.
        use: Whether they are asked for ``online``, in ``batch``, or both.
        resources: What it may take to make and to run: people, data, computing; at most 50.
        dates: When the first version is due, and when the charter is to be looked at again.
    """

    question: Line
    decision: Line
    kpi: Kpi
    label: Label
    owners: Owners
    baseline: Name | None = None
    limits: Limits = Limits()
    tier: Name = "minimal"
    business_case: Annotated[str, Meta(max_length=10_000)] = ""
    stakeholders: Annotated[tuple[Stakeholder, ...], Meta(max_length=50)] = ()
    consumers: Annotated[tuple[Consumer, ...], Meta(max_length=50)] = ()
    use: Uses = ()
    resources: Annotated[tuple[Line, ...], Meta(max_length=50)] = ()
    dates: Dates = Dates()

    def __post_init__(self) -> None:
        check_once("stakeholders", [one.who for one in self.stakeholders])
        check_once("consumers", [one.who for one in self.consumers])
        check_once("use", self.use)

    @property
    def yardstick(self) -> tuple[object, ...]:
        """All that evidence depends on."""
        return self.kpi, self.label, self.baseline, self.limits, self.tier

    @property
    def application(self) -> tuple[object, ...]:
        """All that somebody signs for: what it is judged by, and what is done with the answers by whom."""
        return *self.yardstick, self.question, self.decision, self.consumers, self.use


class CharterVersion(Struct, frozen=True, kw_only=True):
    """A published charter; it never changes.

    Attributes:
        model: The model it is for.
        version: Its number, from 1; the newest is in force.
        digest: Of the charter.
        charter: What it says.
        published_at: Wall clock.
        by: Who, opaque.
        judges_as: Digest of the first charter with this yardstick; none where it is this one.
        signs_as: Digest of the first charter with this application; none where it is this one.
    """

    model: Name
    version: int
    digest: Digest
    charter: Charter
    published_at: datetime
    by: str
    judges_as: Digest | None = None
    signs_as: Digest | None = None

    @property
    def judging(self) -> Digest:
        """What evidence is bound to."""
        return self.judges_as or self.digest

    @property
    def signing(self) -> Digest:
        """What a signature covers."""
        return self.signs_as or self.digest


def no_charter(model: str, version: int | None = None) -> NotFound:
    """What to say where a model has no charter."""
    return NotFound(
        f"{model} has no charter" + (f" {version}." if version is not None else "."),
        remedy=f"Write charter.yaml and run: modelwright charter publish {model} charter.yaml",
    )
