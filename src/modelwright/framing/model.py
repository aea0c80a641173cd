"""Assumptions about data, and decisions on whether a model is worth making."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from modelwright.core import wire
from modelwright.core.errors import NotFound
from modelwright.core.events import Event
from modelwright.core.ids import Digest, Name, Pinned, Ref
from modelwright.core.shown import Shown

Line = Annotated[str, Meta(min_length=1, max_length=2000)]
"""A sentence of somebody's own."""

ColumnName = Annotated[str, Meta(min_length=1, max_length=250)]
"""A column of a dataset."""

FeatureRef = Annotated[
    str,
    wire.described(
        r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}@[A-Za-z0-9._-]{1,128}/[A-Za-z_][A-Za-z0-9_]{0,127}\Z",
        "VIEW@VERSION/FEATURE, e.g. flight-context@2/delay_7d",
    ),
]
"""A feature of a version of a view."""

Says = Literal["go", "stop", "no_ml"]
"""Go on; stop, the question is not worth it; or go on without machine learning."""

Stage = Literal["before", "after"]
"""Before the data work, or after it."""


class Assumption(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How data were judged, e.g. what outliers or missing values mean.

    Attributes:
        statement: What is assumed.
        reason: Why.
        data: The dataset version that it was judged on.
        column: The column it is about; none means the rows.
        view: The version of the feature view it is about, where it is about a feature.
        feature: The feature.
    """

    statement: Line
    reason: Line
    data: Pinned | None = None
    column: ColumnName | None = None
    view: Pinned | None = None
    feature: str | None = None

    @property
    def about(self) -> str:
        """What it is about, in words."""
        judged = self.data.ref if self.data is not None else ""
        if self.view is not None:
            return f"{self.view.ref}/{self.feature}" + (f" (judged on {judged})" if judged else "")
        return f"{self.column} of {judged}" if self.column else judged

    @property
    def digest(self) -> Digest:
        """Of all that it says."""
        return wire.digest(self)


class AssumptionVersion(Shown, frozen=True, kw_only=True):
    """What somebody said of an assumption; it never changes, and the newest of a name stands.

    Attributes:
        name: What the assumption is called.
        version: Its number, from 1.
        assumption: What it says.
        withdrawn: Why it was withdrawn; empty where it was not.
        at: Wall clock.
        by: Who, opaque.
    """

    name: Name
    version: int
    assumption: Assumption
    withdrawn: Annotated[str, Meta(max_length=2000)] = ""
    at: datetime
    by: str

    @property
    def ref(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    def __str__(self) -> str:
        if self.withdrawn:
            return f"{self.ref}  withdrawn: {self.withdrawn}"
        return f"{self.ref}  {self.assumption.about}: {self.assumption.statement}"


class Assumed(Shown, frozen=True, kw_only=True):
    """An assumption as it stands now.

    Attributes:
        said: Its newest version.
        outdated: What has changed since it was judged, e.g. ``judged on flights@3, newest is @5``; empty where nothing.
    """

    said: AssumptionVersion
    outdated: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.said}" + (f"  OUTDATED: {'; '.join(self.outdated)}" if self.outdated else "")


class Feasibility(Shown, frozen=True, kw_only=True):
    """A decision on whether a model is worth making; the newest counts.

    Attributes:
        model: The model, registered or not yet.
        number: Of the decision, from 1.
        says: ``go``, ``stop`` or ``no_ml``: go on without machine learning.
        stage: Before the data work, or after it.
        reason: In their words.
        based_on: What they looked at, in words.
        evidence: Digests of the evidence they looked at.
        at: Wall clock.
        by: Who, opaque.
    """

    model: Name
    number: int
    says: Says
    stage: Stage
    reason: str
    based_on: str = ""
    evidence: tuple[Digest, ...] = ()
    at: datetime
    by: str

    @property
    def digest(self) -> Digest:
        """Of all of it."""
        return wire.digest(self)

    @property
    def binds(self) -> bool:
        """Whether it keeps trained versions out."""
        return self.says != "go"

    @property
    def meaning(self) -> str:
        """What it comes to, in words."""
        when = f"decided {self.stage} the data work on {self.at:%Y-%m-%d}"
        if self.says == "go":
            return f"{self.model} goes on, {when}."
        if self.says == "no_ml":
            return (
                f"{self.model} goes on without machine learning, {when}. That is a success: a heuristic that will do "
                "is cheaper to make, to explain and to keep."
            )
        return (
            f"{self.model} has stopped, {when}. Stopping early is a success: nothing more is spent on a question that "
            "is not worth it, and the reasons stay on record."
        )

    def __str__(self) -> str:
        return f"{self.meaning} {self.reason}"


class AssumptionRecorded(Event, frozen=True, kw_only=True, tag="framing.assumption_recorded"):
    """Somebody said what is assumed about data, or said it anew."""

    name: Name
    version: int
    digest: Digest
    statement: str
    data: Ref | None
    view: Ref | None
    feature: str | None


class AssumptionWithdrawn(Event, frozen=True, kw_only=True, tag="framing.assumption_withdrawn"):
    """An assumption is made no more."""

    name: Name
    version: int
    digest: Digest


class FeasibilityDecided(Event, frozen=True, kw_only=True, tag="framing.feasibility_decided"):
    """Somebody decided whether a model is worth making. Their words are kept beside the ledger, under this digest."""

    model: Name
    number: int
    says: Says
    stage: Stage
    digest: Digest
    evidence: tuple[Digest, ...]


def no_assumption(name: str, version: int | None = None) -> NotFound:
    """What to say where there is no such assumption."""
    return NotFound(
        f"There is no assumption {name}{'' if version is None else f'@{version}'}.",
        remedy="See what there is: modelwright assumption list",
    )


def undecided(model: str) -> NotFound:
    """What to say where nobody has decided."""
    return NotFound(
        f"Nobody has decided whether {model} is worth making.",
        remedy=f"Decide: modelwright feasibility decide {model} go --stage before --reason WHY --based-on WHAT",
    )
