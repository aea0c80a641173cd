"""Policies, evidence, decisions: what must hold, what was found, and what followed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta, Struct

from modelwright.core import wire
from modelwright.core.clock import Duration
from modelwright.core.events import Actor, Event
from modelwright.core.guard import Decision, Transition
from modelwright.core.ids import Digest, Name, Pinned
from modelwright.core.schema import Violation
from modelwright.core.shown import Shown
from modelwright.governance.charter import Charter, ColumnName
from modelwright.governance.checks.model import Checked, More
from modelwright.governance.effects.model import Replay
from modelwright.risks.model import RisksCounted
from modelwright.stats.model import Calibration, Importance, Interval, Slice

T = TypeVar("T")

Scalar = bool | float | str
"""A gate's parameter."""


def settled(value: T, kind: type[T]) -> T:
    """A value as it will read after storage: what is hashed now is what is found again.

    Raises:
        Invalid: A part of it is not of its type, e.g. a NaN.
    """
    return wire.decode(wire.encode(value), kind)


Targets = Annotated[tuple[Annotated[str, Meta(pattern=r"^[A-Za-z0-9*?._-]{1,128}$")], ...], Meta(max_length=50)]
"""Names of aliases and endpoints; ``*`` and ``?`` stand for any characters. None means all of them."""


def matches(targets: Targets, name: str) -> bool:
    """Whether an alias or endpoint is one of these.

    Example:
        >>> matches((), "champion"), matches(("prod-*",), "prod-eu"), matches(("prod-*",), "champion")
        (True, True, False)
    """
    return not targets or any(fnmatchcase(name, target) for target in targets)


class Rule(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename={"passes": "pass"}
):
    """What a policy asks of one gate.

    Attributes:
        passes: The condition, ``pass`` in the file.
        evidence_max_age: Older evidence does not count; none accepts any age.
        at: Where it is asked.
        parameters: The gate's own, all of them; conditions read them as ``p.<name>``.
    """

    passes: str
    evidence_max_age: Duration | None = None
    at: Targets = ()
    parameters: dict[str, Scalar] = {}


class SignOff(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a policy asks of people: that so many of a role have signed.

    Attributes:
        role: As whom they sign: ``validator`` or ``approver``.
        count: How many, 1 to 9; each another person, also across roles.
        expires: How long a signature counts; none lets it count until what it covers changes.
        at: Where it is asked; in a phase: of which datasets, targets or endpoints.
    """

    role: Literal["validator", "approver"]
    count: Annotated[int, Meta(ge=1, le=9)] = 1
    expires: Duration | None = None
    at: Targets = ()

    def asks_wherever(self, other: SignOff) -> bool:
        """Whether it asks the same role wherever another does."""
        everywhere = not self.at or (bool(other.at) and set(other.at) <= set(self.at))
        return self.role == other.role and everywhere

    def __str__(self) -> str:
        return f"{self.count} {self.role}{'s' if self.count > 1 else ''}"


class Phase(StrEnum):
    """The phases of a model's life in which people may be asked, beside the deployment of each version."""

    CHARTER = "charter"
    DATA = "data"
    TRAINING = "training"
    APPLICATION = "application"
    RETIREMENT = "retirement"


class OnFail(StrEnum):
    """What happens when what an endpoint answers with would not be let through any more."""

    ALERT = "alert"
    FREEZE = "freeze"
    ROLLBACK = "rollback"


class After(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens after a version answers: it is judged again and again by the policy in force.

    Attributes:
        recheck: How often.
        on_fail: What happens when it fails: an alert; besides, nothing that runs by itself moves the endpoint any more;
            besides, it goes back to the newest version before that passes.
    """

    recheck: Duration
    on_fail: OnFail = OnFail.ALERT


class BreakGlass(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be done against the gates in an emergency.

    Attributes:
        expires: After so long it is undone by itself.
    """

    expires: Duration


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What must hold before production relies on a model of a tier. Everything is written out: nothing is inherited.

    Attributes:
        tier: The charters it is for.
        gates: Gate -> what is asked of it.
        signoffs: What is asked of people, one line for each role.
        phases: What is asked of them in phases of a model's life: phase -> one line for each role.
        after: How what answers is judged again; none: never.
        emergency: How somebody may go against the gates; none: not at all.
    """

    tier: Name
    gates: dict[Name, Rule]
    signoffs: tuple[SignOff, ...] = ()
    phases: dict[Phase, tuple[SignOff, ...]] = {}
    after: After | None = None
    emergency: BreakGlass | None = None

    def __post_init__(self) -> None:
        if not self.gates:
            raise ValueError("a policy has at least one gate")
        for lines in (self.signoffs, *self.phases.values()):
            if len({each.role for each in lines}) < len(lines):
                raise ValueError("a policy asks each role once")

    def asks_no_fewer(self, other: Policy) -> bool:
        """Whether it asks as many people of each role as another, of versions and in every phase, wherever it does."""
        mine, theirs = ({None: one.signoffs, **one.phases} for one in (self, other))
        return all(
            each.count <= sum(line.count for line in mine.get(phase, ()) if line.asks_wherever(each))
            for phase, lines in theirs.items()
            for each in lines
        )


class PolicyVersion(Struct, frozen=True, kw_only=True):
    """A published policy; it never changes.

    Attributes:
        version: Its number within the tier, from 1; the newest is in force. 0 is the one that comes with the release.
        digest: Of the policy.
        policy: What it asks.
        text: As it was written.
        published_at: Wall clock; none for version 0.
        by: Who, opaque.
    """

    version: int
    digest: Digest
    policy: Policy
    text: str
    published_at: datetime | None = None
    by: str = "modelwright"


class Kind(StrEnum):
    """The kinds of evidence."""

    CONTRACT = "contract"
    EVALUATION = "evaluation"
    COMPARISON = "comparison"
    EXPLANATION = "explanation"
    EFFECT = "effect"
    RISKS = "risks"
    RIVALS = "rivals"
    GROUPS = "groups"
    SIZE = "size"
    LATENCY = "latency"
    ROBUSTNESS = "robustness"
    REPRODUCTION = "reproduction"
    CHECK = "check"
    DOCUMENTS = "documents"


class Window(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A stretch of event time.

    Attributes:
        since: The first moment; none means from the beginning.
        until: The first moment after it; none means to the end.
    """

    since: datetime | None = None
    until: datetime | None = None

    def __str__(self) -> str:
        if self.since is None and self.until is None:
            return "all rows"
        shown = [f"{moment:%Y-%m-%d %H:%MZ}" if moment else "…" for moment in (self.since, self.until)]
        return f"[{shown[0]}, {shown[1]})"


class ContractCheck(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="contract"):
    """Whether rows are what the model takes.

    Attributes:
        rows: How many were checked.
        columns: The columns of the model's input contract.
        violations: What is out of order, one for each column at most.
    """

    rows: int
    columns: tuple[ColumnName, ...]
    violations: tuple[Violation, ...] = ()


class Evaluation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="evaluation"):
    """How good the model's scores are, computed by the server from its own labels.

    Attributes:
        metric: The KPI's metric.
        score: It, with its interval.
        calibration: Whether scores are probabilities; none for a regression.
        slices: The metric on each value of the columns asked for.
        n: Rows with a label.
        positives: How many of them have label 1; none for a regression.
        unlabelled: Rows of the window without a label.
        immature: Rows whose label cannot be known yet.
        scores: Digest of the scores, one for each row of the window.
    """

    metric: Name
    score: Interval
    calibration: Calibration | None = None
    slices: tuple[Slice, ...] = ()
    n: int
    positives: int | None = None
    unlabelled: int = 0
    immature: int = 0
    scores: Digest


class Comparison(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="comparison"):
    """How much better the model is than the charter's baseline on the same rows.

    Attributes:
        baseline: The model compared with.
        version: Its version.
        package: Digest of that version's package.
        evaluation: Digest of the evidence that holds its scores.
        metric: The KPI's metric.
        delta: The paired difference; positive means that the model is better, whichever way the metric points.
    """

    baseline: Name
    version: int
    package: Digest
    evaluation: Digest
    metric: Name
    delta: Interval


class Explanation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="explanation"):
    """What the model relies on, as the caller computed it: the server never loads a model.

    Attributes:
        method: The explainer.
        inputs: The columns of the model's input contract.
        importances: The most important first.
    """

    method: Name
    inputs: tuple[ColumnName, ...]
    importances: tuple[Importance, ...]


Values = ContractCheck | Evaluation | Comparison | Explanation | Replay | RisksCounted | More


class Finding(Shown, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that makes a piece of evidence what it is; its digest is the evidence's.

    Attributes:
        model: The model's name.
        version: Its version.
        package: Digest of its package: the bytes this is about.
        dataset: The rows' dataset version.
        window: Which of them.
        charter: Digest of the charter that asked, or of the first that judges as it does.
        values: What was found.
        code: Digest of the source that computed it (``stats``).
        made_at: Wall clock.
        made_by: Who.
        expires_at: From when on it does not count; none means never by itself.
    """

    model: Name
    version: int
    package: Digest
    dataset: Pinned
    window: Window = Window()
    charter: Digest
    values: Values
    code: Digest
    made_at: datetime
    made_by: Actor
    expires_at: datetime | None = None


class Evidence(Finding, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finding under its digest. It is never changed; a newer one may replace it in decisions.

    Attributes:
        digest: SHA-256 of the finding's canonical JSON.
    """

    digest: Digest

    @classmethod
    def of(cls, finding: Finding) -> Evidence:
        """The evidence of a finding, as it will read after storage."""
        kept = settled(finding, Finding)
        return cls(**_fields(kept), digest=wire.digest(kept))

    @property
    def kind(self) -> Kind:
        """Which kind it is."""
        return Kind(str(type(self.values).__struct_config__.tag))

    @property
    def slot(self) -> str:
        """What it takes the place of when it is newer: its kind; of checks of one's own ``check.<name>``."""
        return f"{Kind.CHECK}.{self.values.name}" if isinstance(self.values, Checked) else self.kind

    def __str__(self) -> str:
        return f"{self.digest[:12]}  {self.summary}"

    @property
    def summary(self) -> str:
        """What was found, on one line."""
        found = self.values
        match found:
            case ContractCheck():
                what = f"contract: {found.rows:,} rows, {len(found.violations)} violations"
            case Evaluation():
                ece = f", calibration error {found.calibration.error}" if found.calibration else ""
                what = f"evaluation: {found.metric} {found.score} on {found.n:,} rows{ece}"
            case Comparison():
                what = f"comparison: {found.metric} {found.delta} against {found.baseline}@{found.version}"
            case Explanation():
                leading = ", ".join(importance.column for importance in found.importances[:3])
                what = f"explanation: {found.method} over {len(found.importances)} inputs, most by {leading}"
            case Replay():
                what = f"effect: {found}"
            case RisksCounted():
                many = f"{len(found.situations)} situation{'s' if len(found.situations) > 1 else ''}"
                what = f"risks: {many} of register {found.version} on {found.rows:,} rows"
            case _:
                what = found.summary
        return f"{what} ({self.dataset.ref})"

    @property
    def intact(self) -> bool:
        """Whether it still is what its digest says."""
        fields = _fields(self)
        fields.pop("digest")
        return wire.digest(Finding(**fields)) == self.digest


def _fields(value: Finding) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


class Decided(Struct, frozen=True, kw_only=True):
    """A decision as it was recorded.

    Attributes:
        decision: The guard's answer.
        charter: Digest of the charter in force; none where there was none.
        at: Wall clock.
        by: Who asked, opaque.
    """

    decision: Decision
    charter: Digest | None
    at: datetime
    by: str


class Simulated(Shown, frozen=True, kw_only=True):
    """What another policy would make of a transition.

    Attributes:
        transition: What somebody asked for last, of this model at this target.
        allowed: Whether the policy in force allows it now.
        would: Whether the other one would.
        reasons: Why the other one would not.
    """

    transition: Transition
    allowed: bool
    would: bool
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        move = self.transition
        said = {True: "allowed", False: "refused"}
        return f"{move.model}@{move.version} -> {move.towards}: {said[self.allowed]}, would be {said[self.would]}"


class CharterPublished(Event, frozen=True, kw_only=True, tag="governance.charter_published"):
    """A charter is in force."""

    model: Name
    version: int
    digest: Digest
    charter: Charter


class PolicyPublished(Event, frozen=True, kw_only=True, tag="governance.policy_published"):
    """A policy is in force."""

    tier: Name
    version: int
    digest: Digest
    policy: Policy


class EvidenceRecorded(Event, frozen=True, kw_only=True, tag="governance.evidence_recorded"):
    """Evidence was found; the digest binds all of it."""

    digest: Digest
    evidence: Kind
    model: Name
    version: int
    package: Digest
    dataset: Pinned
    charter: Digest


class TransitionDecided(Event, frozen=True, kw_only=True, tag="governance.transition_decided"):
    """A transition was allowed or refused, under the policy that is written out here."""

    decision: Decision
    policy: Policy
    charter: Digest | None
