"""What was found about a version beside its evaluation: the values of evidence, which never change."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from modelwright.core.ids import Digest, Id, Name, Ref
from modelwright.governance.charter import ColumnName
from modelwright.stats.model import Interval

Outcome = bool | float | Annotated[str, Meta(max_length=2000)]
"""A value that a check of one's own found."""

ValueName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
"""A name that a condition can read below ``e``."""

Machine = Annotated[str, Meta(min_length=1, max_length=300)]
"""Where something was measured, in words."""


ThresholdFrom = Literal["asked", "charter", "half"]
"""Why a decision's threshold is what it is."""


class Rival(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version that an alias or endpoint relied on, and how much better the model is on the same rows.

    Attributes:
        model: Its model.
        version: Its version.
        package: Digest of its package.
        evaluation: Digest of the evidence that holds its scores.
        score: Its metric on these rows.
        delta: The paired difference; positive means that the model is better, whichever way the metric points.
    """

    model: Name
    version: int
    package: Digest
    evaluation: Digest
    score: float
    delta: Interval

    @property
    def ref(self) -> str:
        """``model@version``."""
        return f"{self.model}@{self.version}"


class Rivals(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="rivals"):
    """The model beside what aliases and endpoints relied on when it was evaluated.

    Attributes:
        metric: The KPI's metric.
        scores: Digest of the model's scores.
        rivals: Those whose scores of the same rows were there.
    """

    metric: Name
    scores: Digest
    rivals: tuple[Rival, ...]

    @property
    def summary(self) -> str:
        """What was found, on one line."""
        told = ", ".join(f"{each.delta} against {each.ref}" for each in self.rivals[:3])
        return f"rivals: {self.metric} {told}{_more(len(self.rivals) - 3)}"


class Group(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rows that share one value of a column, and how the model treats them.

    Attributes:
        column: The column.
        value: The shared value as text; none where the value is missing.
        n: How many labelled rows share it.
        positives: How many of them have label 1; none for a regression.
        metric: The KPI's metric there; none where it cannot be computed honestly.
        selected: Share of the rows whose score reaches the threshold; none for a regression.
        caught: The same of the rows with label 1, the true positive rate; none where there is no such row.
    """

    column: ColumnName
    value: str | None
    n: int
    positives: int | None = None
    metric: Interval | None = None
    selected: Interval | None = None
    caught: Interval | None = None

    def __str__(self) -> str:
        return f"{self.column} = {'missing' if self.value is None else self.value}"


class Groups(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="groups"):
    """How the model treats the groups of the columns that it was sliced by.

    Attributes:
        metric: The KPI's metric.
        scores: Digest of the model's scores.
        threshold: From which score on the decision is taken; none for a regression, or where only room decides.
        threshold_from: Why that: ``asked``, ``charter`` (its rule, or what outcomes are worth), or ``half``.
        groups: By column, the largest first.
    """

    metric: Name
    scores: Digest
    threshold: float | None = None
    threshold_from: ThresholdFrom = "half"
    groups: tuple[Group, ...]

    @property
    def summary(self) -> str:
        """What was found, on one line."""
        columns = ", ".join(dict.fromkeys(each.column for each in self.groups))
        at = "" if self.threshold is None else f", decided at {self.threshold:.3g}"
        return f"groups: {len(self.groups)} of {columns}{at}"


class Size(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="size"):
    """How large the package is.

    Attributes:
        bytes: Of all its files together.
        files: How many.
        largest: The largest one's name.
        largest_bytes: Its bytes.
    """

    bytes: int
    files: int
    largest: str
    largest_bytes: int

    @property
    def summary(self) -> str:
        """What was found, on one line."""
        return f"size: {self.bytes:,} bytes in {self.files} file{'s' if self.files > 1 else ''}"


class Latency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="latency"):
    """How long the model takes to answer one row, in the process that loaded it.

    It is the model's own share of an answer: what the network, the contract and the log add, an endpoint measures.

    Attributes:
        p50: The median, in milliseconds.
        p99: The slowest hundredth begins here, in milliseconds.
        answers: How many one-row answers were timed, one after another.
        load_ms: How long loading and verifying the package took.
        machine: Where.
        times: Digest of the times as they were sent.
    """

    p50: Interval
    p99: Interval
    answers: int
    load_ms: float
    machine: Machine
    times: Digest

    @property
    def summary(self) -> str:
        """What was found, on one line."""
        return f"latency: p50 {self.p50} ms, p99 {self.p99} ms over {self.answers:,} answers on {self.machine}"


class Perturbation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was done to the inputs.

    Attributes:
        what: ``noise`` in numbers, values ``missing`` that may be, or a category ``unseen`` before.
        columns: Of which.
        amount: The noise's spread, in units of the column's own.
        error: What the model said instead of an answer.
    """

    what: Literal["noise", "missing", "unseen"]
    columns: Annotated[tuple[ColumnName, ...], Meta(min_length=1, max_length=1000)]
    amount: Annotated[float, Meta(gt=0, le=100)] | None = None
    error: Annotated[str, Meta(max_length=500)] = ""

    def __str__(self) -> str:
        columns = ", ".join(self.columns[:2]) + _more(len(self.columns) - 2)
        match self.what:
            case "noise":
                return f"noise of {self.amount:g} of the spread in {columns}"
            case "missing":
                return f"{columns} missing"
            case _:
                return f"{columns} never seen before"


class Trial(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a perturbation did to the model.

    Attributes:
        perturbation: What was done.
        drop: How much worse the metric is than on the same rows as they are; none where the model failed.
        flipped: Share of the rows that are decided otherwise; none for a regression, or where the model failed.
    """

    perturbation: Perturbation
    drop: Interval | None = None
    flipped: Interval | None = None


class Robustness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="robustness"):
    """How much the model loses when its inputs are perturbed.

    Attributes:
        metric: The KPI's metric.
        scores: Digest of the scores of the rows as they are.
        score: The metric of those, on the rows that were perturbed.
        n: How many these are.
        threshold: From which score on the decision is taken; none for a regression.
        trials: What was done, and what came of it.
        sent: Digest of the perturbed rows' scores as they were sent.
    """

    metric: Name
    scores: Digest
    score: float
    n: int
    threshold: float | None = None
    trials: tuple[Trial, ...]
    sent: Digest

    @property
    def worst(self) -> Trial | None:
        """The trial that the least good can be said of; none where none came to a number."""
        came = [each for each in self.trials if each.drop is not None]
        return max(came, key=lambda each: each.drop.high if each.drop else 0.0, default=None)

    @property
    def failed(self) -> tuple[Trial, ...]:
        """The trials in which the model did not answer."""
        return tuple(each for each in self.trials if each.drop is None)

    @property
    def summary(self) -> str:
        """What was found, on one line."""
        told = f", worst {self.worst.drop} with {self.worst.perturbation}" if self.worst is not None else ""
        failed = f", {len(self.failed)} failed" if self.failed else ""
        many = f"{len(self.trials)} perturbation{'s' if len(self.trials) > 1 else ''}"
        return f"robustness: {self.metric} drops under {many}{told}{failed}"


class Checked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="check"):
    """What a check of somebody's own found, as it came: it ran where the caller was, never on the server.

    Attributes:
        name: The check's.
        values: Name -> what it found.
        source: Digest of the function's source, whose bytes are kept.
        rows: How many rows it was given.
    """

    name: Name
    values: dict[ValueName, Outcome]
    source: Digest
    rows: int

    @property
    def summary(self) -> str:
        """What was found, on one line."""
        told = ", ".join(f"{name} {_shown(value)}" for name, value in list(self.values.items())[:4])
        return f"check {self.name}: {told}{_more(len(self.values) - 4)}"


class Written(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a document about the version had and lacked when it was counted.

    Attributes:
        document: Which kind: ``technical_file``.
        digest: Of the document, which was kept as it was then.
        computed: Statements that rest on values on record.
        attested: Statements that rest on somebody's words.
        missing: Statements that rest on nothing yet, and could before anybody relies on the version.
        later: Statements that only its release or use can give: where it is deployed, who signed, what monitors found.
        lacking: The items that the missing ones stand in, in the document's order.
    """

    document: Name
    digest: Digest
    computed: int
    attested: int
    missing: int
    later: int
    lacking: tuple[Name, ...] = ()


class Documented(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="documents"):
    """How complete the documents about the version were.

    Attributes:
        documents: Each that is made of every version.
    """

    documents: tuple[Written, ...]

    @property
    def summary(self) -> str:
        """What was found, on one line."""
        told = ", ".join(f"{each.missing:,} missing in {each.document}" for each in self.documents)
        return f"documents: {told}"


Ingredient = Literal["data", "source", "parameters", "pipeline", "seeds", "environment"]
"""What a version is made of."""

NEEDED: frozenset[Ingredient] = frozenset({"data", "source", "parameters", "pipeline"})
"""Without the same of these it is another model that was made. A seed or a library that is another one is said."""


class Reproduction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="reproduction"):
    """The model beside one that was made again.

    Attributes:
        remade: What was made again: another version.
        remade_package: Digest of its package.
        execution: The execution that it came out of, if it came out of one.
        maker: Who made the model, opaque.
        remaker: Who made it again.
        made_of: Whether both were made of the same; none where that is not on record. Of pipelines nothing is said
            where neither came out of one.
        differing: The parts of the package that are not the same bytes. Neither the time at which it was packaged is
            one, nor its environment.
        scores: Digest of the model's scores.
        evaluation: Digest of the evidence that holds the other's, on the same rows.
        largest: The largest difference of two answers, as a share of the model's where that is more than 1.
        n: How many answers.
    """

    remade: Ref
    remade_package: Digest
    execution: Id | None = None
    maker: str
    remaker: str
    made_of: dict[Ingredient, bool | None]
    differing: tuple[str, ...]
    scores: Digest
    evaluation: Digest
    largest: float
    n: int

    @property
    def same_bytes(self) -> bool:
        """Whether nothing differs but when and where it was packaged."""
        return not self.differing

    @property
    def second_person(self) -> bool:
        """Whether somebody else than its maker made it again."""
        return self.maker != self.remaker

    @property
    def same_recipe(self) -> bool | None:
        """Whether both were made of the same as far as it matters; none where that is not on record."""
        found = [same for what, same in self.made_of.items() if what in NEEDED]
        return False if False in found else None if None in found else True

    @property
    def other_ingredients(self) -> tuple[str, ...]:
        """What they were not both made of."""
        return tuple(what for what, same in self.made_of.items() if same is False)

    @property
    def unknown_ingredients(self) -> tuple[str, ...]:
        """Of what it is not on record whether it is the same."""
        return tuple(what for what, same in self.made_of.items() if same is None)

    @property
    def summary(self) -> str:
        """What was found, on one line."""
        came = "the same bytes" if self.same_bytes else f"{len(self.differing)} other parts"
        differs = f", made of other {', '.join(self.other_ingredients)}" if self.other_ingredients else ""
        return (
            f"reproduction: {self.remade} has {came}{differs}; {self.n:,} answers differ by {self.largest:.2g} at most"
        )


More = Rivals | Groups | Size | Latency | Robustness | Reproduction | Checked | Documented
"""What is found beside an evaluation."""


def _shown(value: Outcome) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""
