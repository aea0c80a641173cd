"""A challenger's way to production: in the shadow first, then promoted or refused, by terms that are set beforehand."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from modelwright.core.clock import Duration, duration
from modelwright.core.errors import NotFound
from modelwright.core.events import Event
from modelwright.core.guard import Decision
from modelwright.core.ids import Digest, Id, Name
from modelwright.core.shown import Shown
from modelwright.models.model import Task
from modelwright.serving.model import ShadowState
from modelwright.stats.model import Interval

Cause = Annotated[str, Meta(max_length=2_000)]


class Outcome(StrEnum):
    """How a rollout ended."""

    PROMOTED = "promoted"
    REFUSED = "refused"
    STOPPED = "stopped"


class Verdict(StrEnum):
    """What the rule says at a look."""

    PROMOTE = "promote"
    REFUSE = "refuse"
    CONTINUE = "continue"


class Contender(Struct, frozen=True, kw_only=True):
    """One of the two versions of a rollout.

    Attributes:
        model: The registered model.
        version: The version.
        package: Digest of its package.
    """

    model: Name
    version: int
    package: Digest

    @property
    def ref(self) -> str:
        """``model@version``."""
        return f"{self.model}@{self.version}"


class Expectation(Struct, frozen=True, kw_only=True):
    """What a model's charter says of how it is judged.

    Attributes:
        metric: The KPI's metric; none where no charter says.
        maturity: How long after the event its outcome is known.
        latency_p99_ms: The slowest hundredth of answers may take so long, in milliseconds.
    """

    metric: Name | None = None
    maturity: Duration = "0s"
    latency_p99_ms: float | None = None


class Terms(Struct, frozen=True, kw_only=True):
    """What a rollout is judged by, set before its first row.

    Attributes:
        metric: The KPI's metric.
        task: What both versions' outputs mean.
        looks: How long after its beginning, in event time, the challenger is judged: rising.
        maturity: How long after the event its outcome is known.
        margin: How much worse the KPI might be, at the pessimistic end of its interval, and still be promoted for its
            better calibration; in the metric's unit.
        alpha: How often a challenger that is no better in anything is promoted at most, over all looks.
        label_share: A look waits until so large a share of its pairs has a label.
        most_failed: The challenger is refused when it surely fails on a larger share of rows.
        most_missing: The same for rows that it never saw.
        latency_p99_ms: The slowest hundredth of its calls may take so long, in milliseconds.
    """

    metric: Name
    task: Task
    looks: tuple[Duration, ...]
    maturity: Duration
    margin: float
    alpha: float = 0.05
    label_share: float = 0.8
    most_failed: float = 0.01
    most_missing: float = 0.2
    latency_p99_ms: float | None = None

    @property
    def level(self) -> float:
        """The level of the intervals at each look: the error is shared among the looks."""
        return 1 - self.alpha / len(self.looks)

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is compared: the KPI first, then for probabilities the Brier score, which also sees calibration."""
        return (self.metric, "brier") if self.task is Task.BINARY and self.metric != "brier" else (self.metric,)


class Difference(Struct, frozen=True, kw_only=True):
    """One metric of both versions on the same rows.

    Attributes:
        metric: Its name.
        answering: What the answering version reaches; none where it does not exist.
        challenger: What the challenger reaches.
        better: How much better the challenger is, whichever way the metric points; whole days are resampled.
        reason: Why there is no interval; empty when there is one.
    """

    metric: Name
    answering: float | None = None
    challenger: float | None = None
    better: Interval | None = None
    reason: str = ""


class Pace(Struct, frozen=True, kw_only=True):
    """How long calls took.

    Attributes:
        calls: Their number: requests of the answering version, calls of the challenger.
        p50_ms: The median, in milliseconds.
        p99_ms: The 99th percentile.
    """

    calls: int
    p50_ms: float
    p99_ms: float


class Comparison(Shown, frozen=True, kw_only=True):
    """Both versions on the same requests.

    Attributes:
        since: Events after this time; none where nothing was mirrored yet.
        until: Events up to this time.
        as_of: Outcomes that became known later are left out.
        answered: Predictions of the answering version there.
        scored: Those that the challenger has scored too.
        failed: Those that it could not score.
        missing: Those that it never saw; the newest, which it may still see, are not counted.
        labelled: Pairs whose outcome is known.
        days: Different days of these.
        differences: What is compared on them, the KPI first.
        distance: Mean absolute difference of the two outputs.
        disagreement: Share of pairs on different sides of 0.5; none for a regression.
        answering_pace: How long requests took.
        challenger_pace: How long the challenger's calls took. One call scores what came together, so it is no less
            than a request of its own would take.
    """

    since: datetime | None
    until: datetime
    as_of: datetime
    answered: int
    scored: int
    failed: int
    missing: int
    labelled: int
    days: int
    differences: tuple[Difference, ...]
    distance: float | None = None
    disagreement: float | None = None
    answering_pace: Pace | None = None
    challenger_pace: Pace | None = None

    @property
    def label_share(self) -> float:
        """The share of pairs whose outcome is known."""
        return self.labelled / self.scored if self.scored else 0.0


class Finding(Struct, frozen=True, kw_only=True):
    """What the rule says, and why.

    Attributes:
        verdict: Promote, refuse or continue.
        reasons: Sentences with the values.
    """

    verdict: Verdict
    reasons: tuple[str, ...]


class Look(Struct, frozen=True, kw_only=True):
    """One look at the comparison.

    Attributes:
        number: From 1.
        finding: What the rule said.
        comparison: What it saw.
        at: Wall clock.
    """

    number: int
    finding: Finding
    comparison: Comparison
    at: datetime


class Rollout(Shown, frozen=True, kw_only=True):
    """A challenger of one endpoint, from its start to its end.

    Attributes:
        id: Its id.
        endpoint: Whose requests are mirrored.
        answering: The version that answers them.
        challenger: The version in its shadow.
        terms: What it is judged by.
        cause: Why it was started: an alarm's id, or words.
        policy: Digest of the policy that let it start.
        began_at: The endpoint's event time then; none before its first prediction.
        started_at: Wall clock.
        started_by: Who, opaque.
        looks: The looks that were due, oldest first.
        unsigned_since: When it was to be promoted, and waited for signatures from then on.
        asked_at: When people were asked for them last.
        outcome: How it ended; none while it runs.
        reasons: Why, one sentence each.
        comparison: What the last look, or a breach of the limits, saw.
        concluded_at: When it ended; wall clock.
        concluded_by: Who ended it, opaque.
    """

    id: Id
    endpoint: Name
    answering: Contender
    challenger: Contender
    terms: Terms
    cause: str
    policy: Digest
    began_at: datetime | None
    started_at: datetime
    started_by: str
    looks: tuple[Look, ...] = ()
    unsigned_since: datetime | None = None
    asked_at: datetime | None = None
    outcome: Outcome | None = None
    reasons: tuple[str, ...] = ()
    comparison: Comparison | None = None
    concluded_at: datetime | None = None
    concluded_by: str | None = None

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.challenger.ref} challenges {self.answering.ref}, {self.state}"

    @property
    def state(self) -> str:
        """How it stands, in a word or two."""
        return self.outcome or ("unsigned" if self.unsigned_since else "running")

    @property
    def next_look(self) -> timedelta | None:
        """The next look, counted from the beginning; none after the last."""
        return duration(self.terms.looks[len(self.looks)]) if len(self.looks) < len(self.terms.looks) else None


class Started(Shown, frozen=True, kw_only=True):
    """The outcome of starting a rollout.

    Attributes:
        decision: The guard's; none where this very rollout is running already.
        rollout: The rollout; none if the guard refused.
    """

    decision: Decision | None
    rollout: Rollout | None


class ShadowWorker(Struct, frozen=True, kw_only=True):
    """What one living worker says of the challenger.

    Attributes:
        worker: The worker.
        state: How the challenger fares there; none where the worker has not taken it up yet.
    """

    worker: Name
    state: ShadowState | None


class Standing(Shown, frozen=True, kw_only=True):
    """How an endpoint's newest rollout stands.

    Attributes:
        rollout: The running one, or the last that ran.
        watermark: The endpoint's event time now.
        due_at: The event time at which it is judged next; none when it is over or has not begun.
        waiting: What it waits for; empty when it is over.
        present: What would be seen now; none when it is over. It decides nothing: looks are set beforehand.
        workers: The living workers.
    """

    rollout: Rollout
    watermark: datetime | None
    due_at: datetime | None
    waiting: str
    present: Comparison | None
    workers: tuple[ShadowWorker, ...]


class RolloutStarted(Event, frozen=True, kw_only=True, tag="rollouts.started"):
    """A challenger is in an endpoint's shadow."""

    rollout_id: Id
    endpoint: Name
    generation: int
    model: Name
    version: int
    package: Digest
    answering: Contender
    terms: Terms
    policy: Digest
    cause: str


class RolloutLooked(Event, frozen=True, kw_only=True, tag="rollouts.looked"):
    """A challenger was judged at a look that was set beforehand, and goes on."""

    rollout_id: Id
    endpoint: Name
    model: Name
    version: int
    look: Look


class RolloutUnsigned(Event, frozen=True, kw_only=True, tag="rollouts.unsigned"):
    """A challenger is to be promoted, and waits for the signatures that these gates lack."""

    rollout_id: Id
    endpoint: Name
    model: Name
    version: int
    look: Look
    lacking: tuple[Name, ...] = ()


class RolloutConcluded(Event, frozen=True, kw_only=True, tag="rollouts.concluded"):
    """A challenger's rollout is over."""

    rollout_id: Id
    endpoint: Name
    generation: int
    model: Name
    version: int
    package: Digest
    outcome: Outcome
    reasons: tuple[str, ...]
    comparison: Comparison | None


def no_rollout(endpoint: str) -> NotFound:
    """What to say where an endpoint has none."""
    return NotFound(
        f"{endpoint} has no rollout.", remedy=f"Start one: modelwright endpoint challenge {endpoint} MODEL@N"
    )
