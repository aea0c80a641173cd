"""Sources, features, labels, views: what people declare, and its immutable versions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from modelwright.core.clock import shortly
from modelwright.core.events import Event
from modelwright.core.expressions import names, parse_row
from modelwright.core.ids import Digest, Id, Name, Pinned, Ref
from modelwright.core.schema import Column, Contract, DType
from modelwright.core.shown import Shown
from modelwright.core.wire import Real, described

LATEST = "latest"
ColumnName = Annotated[str, Meta(min_length=1, max_length=250)]
FeatureName = Annotated[
    str, described(r"\A[A-Za-z_][A-Za-z0-9_]{0,127}\Z", "a feature's name: letters, digits and _, no digit first")
]
Expression = Annotated[str, Meta(min_length=1, max_length=1000)]

Values = dict[str, list[bool | int | float | str | None]]
"""Column -> one value per question; times are ISO 8601, numbers that JSON lacks are words."""


class Aggregation(StrEnum):
    """What a window makes of its values. Missing values do not count; of no value only ``count`` is known."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    STD = "std"


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dataset of facts.

    A row is a fact from the later of its two times on: before, it does not exist for any question. A row without one of
    its times or its entity never does. Rows of one entity and one event time are versions of one fact: each replaces
    the earlier from the moment it is known; of those known at the same moment the last in the dataset counts.

    Attributes:
        dataset: The dataset's name.
        entity: The columns that say what a fact is about.
        event_time: The column that says when it happened.
        known_at: The column that says when it became known; none where that was when it happened.
    """

    dataset: Name
    entity: tuple[ColumnName, ...]
    event_time: ColumnName
    known_at: ColumnName | None = None


class Latest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="latest"):
    """A column of the fact with the latest event time, missing where that fact says nothing or is too old.

    Attributes:
        name: What the feature is called.
        source: Where facts come from; asked by its entity.
        column: The column.
        max_age: How old, from its event time to the question, the fact may be; exactly so old still counts.
        valid: A condition over the fact's columns without which the value is missing.
    """

    name: FeatureName
    source: Source
    column: ColumnName
    max_age: timedelta | None = None
    valid: Expression | None = None

    def __str__(self) -> str:
        aged = "" if self.max_age is None else f", at most {shortly(self.max_age)} old"
        by = ", ".join(self.source.entity)
        return f"latest {self.column} of {self.source.dataset} by {by}{aged}{_where(self.valid)}"


class Window(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="window"):
    """An aggregate over the facts that happened within a span before the question and were known by then.

    Sums are exact in steps of 2**-56, so that they do not depend on how they were computed.

    Attributes:
        name: What the feature is called.
        source: Where facts come from.
        function: What is made of the values.
        column: The column; none counts the facts themselves.
        by: The columns it is asked by; a fact belongs to those of its newest version.
        over: The span: an event time counts if it is after the question less this, up to the question itself.
        valid: A condition over the fact's columns without which the value is missing.
    """

    name: FeatureName
    source: Source
    function: Aggregation
    column: ColumnName | None
    by: tuple[ColumnName, ...]
    over: timedelta
    valid: Expression | None = None

    def __str__(self) -> str:
        of = f"{self.column} of {self.source.dataset}" if self.column else self.source.dataset
        return f"{self.function} of {of} by {', '.join(self.by)} over {shortly(self.over)}{_where(self.valid)}"


class Given(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="given"):
    """A column of the question itself.

    Attributes:
        name: The column.
        dtype: Its type.
    """

    name: FeatureName
    dtype: DType

    def __str__(self) -> str:
        return "comes with the question"


class Computed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="computed"):
    """An expression over the question's columns and the features before it.

    Attributes:
        name: What the feature is called.
        expression: E.g. ``distance / 60``; numbers are floats.
    """

    name: FeatureName
    expression: Expression

    def __str__(self) -> str:
        return self.expression


class OnDemand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="on_demand"):
    """A Python function of features before it, run where the question is asked.

    Attributes:
        name: The function's name, and the feature's.
        code: Its source text; ``functions.check`` says what it may contain.
        inputs: Its parameters, each a feature or a column of the question.
        optional: Those that may be missing; without another one the answer is missing and the function is not called.
        dtype: What it answers.
    """

    name: FeatureName
    code: Annotated[str, Meta(max_length=10_000)]
    inputs: tuple[FeatureName, ...]
    optional: tuple[FeatureName, ...] = ()
    dtype: DType

    def __str__(self) -> str:
        return f"Python function of {', '.join(self.inputs)}"


Feature = Latest | Window | Given | Computed | OnDemand
Stored = Latest | Window


class Label(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a question turned out to be.

    Attributes:
        name: What it is called.
        source: Where outcomes come from; the spine has its entity columns.
        expression: Over the outcome's columns; true is 1 and false 0.
        matures_after: How long after the outcome's event time all outcomes have had the time to become known. Before
            that, only the quick ones would be seen.
    """

    name: FeatureName
    source: Source
    expression: Expression
    matures_after: timedelta = timedelta(0)


class View(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list of features that are asked for together.

    Attributes:
        name: Its name.
        features: In the order of the vector.
        label: What the question turns out to be, for training.
        ask_at: An expression over the question's columns: when it is asked. Without it, the spine's event time, and at
            an endpoint the request's ``event_at`` or its arrival.
    """

    name: Name
    features: tuple[Feature, ...]
    label: Label | None = None
    ask_at: Expression | None = None

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source it reads, once, the label's last."""
        found = [feature.source for feature in self.features if isinstance(feature, Latest | Window)]
        return tuple(dict.fromkeys([*found, *([self.label.source] if self.label else [])]))

    @property
    def lines(self) -> tuple[Line, ...]:
        """Its stored features by what they are looked up by, in order of appearance."""
        found: dict[tuple[Source, tuple[str, ...], timedelta | None], list[Stored]] = {}
        for feature in self.features:
            if isinstance(feature, Latest):
                found.setdefault((feature.source, feature.source.entity, None), []).append(feature)
            elif isinstance(feature, Window):
                found.setdefault((feature.source, feature.by, feature.over), []).append(feature)
        return tuple(
            Line(source=source, by=by, over=over, features=tuple(features))
            for (source, by, over), features in found.items()
        )


class Line(Struct, frozen=True, kw_only=True):
    """Features of one source that change together: what is stored and looked up as one.

    Attributes:
        source: Where facts come from.
        by: The columns it is looked up by.
        over: The window; none for latest values.
        features: All windows of that span, or all latest values.
    """

    source: Source
    by: tuple[str, ...]
    over: timedelta | None
    features: tuple[Stored, ...]


class ViewVersion(Shown, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One immutable version of a view.

    Attributes:
        name: The view.
        version: Its number, from 1.
        digest: SHA-256 of the definition and the types.
        view: The definition.
        columns: The vector: name and type of every feature. What is stored or computed may be missing.
        request: What a question must bring: entity keys, columns of the question, columns of ``ask_at``.
        space: Where its vectors lie in the online store.
        applied_at: Wall clock.
        applied_by: Who, opaque.
    """

    name: Name
    version: int
    digest: Digest
    view: View
    columns: tuple[Column, ...]
    request: tuple[Column, ...]
    space: str
    applied_at: datetime
    applied_by: str

    @property
    def ref(self) -> Ref:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @property
    def pinned(self) -> Pinned:
        """What a model keeps of it."""
        return Pinned(ref=self.ref, digest=self.digest)

    @property
    def contract(self) -> Contract:
        """What a complete vector looks like."""
        return Contract(columns=self.columns)

    def __str__(self) -> str:
        asked = ", ".join(column.name for column in self.request)
        return f"{self.ref}  {len(self.columns)} features  asked by {asked}  {self.digest[:6]}…"


class FeatureView(Struct, frozen=True, kw_only=True):
    """A view: a name that versions share, as its newest one stands.

    Attributes:
        name: Its name.
        version: The newest version's number.
        digest: The newest one's.
        features: Their names.
        sources: The datasets it reads.
        applied_at: When the newest was applied.
    """

    name: Name
    version: int
    digest: Digest
    features: tuple[str, ...]
    sources: tuple[Name, ...]
    applied_at: datetime


class Distribution(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one feature is distributed over rows.

    Attributes:
        name: The feature.
        missing: Rows without a value.
        minimum: The smallest, for numbers.
        quantiles: At 5, 25, 50, 75 and 95 percent, for numbers.
        maximum: The largest, for numbers.
        top: The most frequent values with their counts, for the others.
    """

    name: FeatureName
    missing: int
    minimum: Real | None = None
    quantiles: tuple[Real, ...] = ()
    maximum: Real | None = None
    top: tuple[tuple[str, int], ...] = ()


class TrainingRecord(Struct, frozen=True, kw_only=True):
    """A training set that was made.

    Attributes:
        id: Its identifier.
        view: The view's version.
        digest: That version's.
        reads: The dataset versions it was made of.
        rows: How many rows it has.
        until: As of when it was made.
        distributions: How each feature is distributed in it.
        run_id: The run it was made for.
        made_at: Wall clock.
        made_by: Who, opaque.
    """

    id: Id
    view: Ref
    digest: Digest
    reads: tuple[Pinned, ...]
    rows: int
    until: datetime
    distributions: tuple[Distribution, ...]
    run_id: Id | None
    made_at: datetime
    made_by: str


class Freshness(Shown, frozen=True, kw_only=True):
    """How far the online store is.

    Attributes:
        view: The view's version.
        until: Facts known by then are in the store; none before the first time.
        reads: The dataset versions they came from.
        newer: Datasets of which there is a newer version by now.
        entries: Changes of value the store holds for it.
        written: Changes that the last time wrote.
        materialized_at: Wall clock.
    """

    view: Ref
    until: datetime | None
    reads: tuple[Pinned, ...] = ()
    newer: tuple[Name, ...] = ()
    entries: int = 0
    written: int = 0
    materialized_at: datetime | None = None

    def __str__(self) -> str:
        if self.until is None:
            return f"{self.view}  nothing is in the online store yet"
        newer = f"  newer: {', '.join(self.newer)}" if self.newer else ""
        return f"{self.view}  until {self.until:%Y-%m-%d %H:%M:%S}Z  {self.entries:,} entries{newer}"


class ViewApplied(Event, frozen=True, kw_only=True, tag="features.view_applied"):
    """A version of a view came to be."""

    view: Name
    version: int
    digest: Digest
    sources: tuple[Name, ...]
    features: tuple[str, ...] = ()


class TrainingSetMade(Event, frozen=True, kw_only=True, tag="features.training_set_made"):
    """A training set was made with a view."""

    view: Ref
    digest: Digest
    reads: tuple[Pinned, ...]
    rows: int
    until: datetime
    run_id: Id | None


class ViewMaterialized(Event, frozen=True, kw_only=True, tag="features.view_materialized"):
    """A view's values went into the online store."""

    view: Ref
    digest: Digest
    reads: tuple[Pinned, ...]
    until: datetime
    written: int


def _where(valid: str | None) -> str:
    return "" if valid is None else f", where {valid}"


def columns_read(features: Iterable[Stored], known: Iterable[str]) -> list[str]:
    """The columns of a source that features read: their own, and those their conditions name."""
    found: list[str] = []
    columns = set(known)
    for feature in features:
        if feature.column is not None:
            found.append(feature.column)
        if feature.valid is not None:
            found += [str(name) for name in names(parse_row(feature.valid)) if str(name) in columns]
    return list(dict.fromkeys(found))
