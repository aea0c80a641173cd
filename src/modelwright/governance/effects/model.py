"""What outcomes of a decision are worth, when one acts, and what that brought on rows whose outcome is known."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from modelwright.core import wire
from modelwright.core.ids import Digest, Name
from modelwright.core.shown import Shown
from modelwright.stats.model import Interval


class Money(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What each outcome of the decision is worth, per prediction. Costs are negative.

    Attributes:
        currency: ISO 4217.
        true_positive: Acted, rightly.
        false_positive: Acted in vain.
        true_negative: Left alone, rightly.
        false_negative: Missed.
    """

    currency: Annotated[str, wire.described(r"\A[A-Z]{3}\Z", "a currency, e.g. USD")]
    true_positive: float = 0.0
    false_positive: float = 0.0
    true_negative: float = 0.0
    false_negative: float = 0.0


class DecisionRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """On which predictions somebody acts: from a score on, and no more of a day than there is room for, highest first.

    Attributes:
        act_at: The lowest score.
        per_day: At most so many of a day (UTC, of the event time).
        share: At most so large a share of a day.
    """

    act_at: Annotated[float, Meta(ge=0, le=1)] | None = None
    per_day: Annotated[int, Meta(ge=1)] | None = None
    share: Annotated[float, Meta(gt=0, le=1)] | None = None

    def __post_init__(self) -> None:
        if self.act_at is None and not self.limited:
            raise ValueError("a decision rule has act_at, per_day or share")

    @property
    def limited(self) -> bool:
        """Whether a day has room for some only."""
        return self.per_day is not None or self.share is not None

    def __str__(self) -> str:
        said = []
        if self.act_at is not None:
            said.append(f"from {self.act_at:.4g} on")
        if self.per_day is not None:
            said.append(f"at most {self.per_day:,} a day")
        if self.share is not None:
            said.append(f"at most {self.share:.4g} of a day's predictions")
        return f"act {', '.join(said)}"


class Terms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """By what scores become money: all of it from one charter.

    Attributes:
        value: What outcomes are worth.
        rule: When somebody acts: the charter's rule, or the one that follows from the value.
        derived: It follows from the value.
    """

    value: Money
    rule: DecisionRule
    derived: bool = False

    def __str__(self) -> str:
        why = ", where acting pays if scores are honest chances" if self.derived else ", as the charter says"
        return f"{self.rule}{why}"


class Outcomes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of predictions. No whole numbers where equal scores competed for the last place of a day.

    Attributes:
        true_positive: Acted, rightly.
        false_positive: Acted in vain.
        true_negative: Left alone, rightly.
        false_negative: Missed.
        total: What all of it is worth.
    """

    true_positive: float
    false_positive: float
    true_negative: float
    false_negative: float
    total: float

    @property
    def acted(self) -> float:
        """On how many somebody acts."""
        return self.true_positive + self.false_positive


class Against(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much more a version brings than something else on the same rows.

    Attributes:
        what: The charter's baseline, the champion, or a trivial policy: ``always`` acts on as many as the rule has
            room for, whatever the scores say, and ``never`` on none.
        ref: ``model@version`` of the other, where it is a version.
        evaluation: Digest of the evidence that holds its scores.
        outcomes: What would have become of the rows by it.
        gain: The paired difference per 1,000 rows; positive means that the version brings more.
    """

    what: Literal["baseline", "champion", "always", "never"]
    ref: str = ""
    evaluation: Digest | None = None
    outcomes: Outcomes
    gain: Interval | None = None

    @property
    def name(self) -> str:
        """Who or what it is, in words."""
        words = {"always": "always acting", "never": "never acting"}
        return words.get(self.what) or f"the {self.what} {self.ref}"


class Replay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="effect"):
    """What a version would have brought on history whose outcome is known, through the charter's decision rule.

    Attributes:
        terms: By what.
        outcomes: What would have become of the rows; none where the rule cannot be applied to them.
        per_thousand: What 1,000 rows bring, with an interval that resamples whole days; none where days are too few.
        against: The same for something else on the same rows, by the same rule.
        n: Rows with a label.
        unjudged: Rows of the window whose label is not known, or cannot be known yet.
        days: Different days of the rows with a label.
        since: The first of their event times; none where the dataset has none.
        until: The last.
        scores: Digest of the version's scores.
        reason: Why there are no outcomes or no interval; empty when there are.
    """

    terms: Terms
    outcomes: Outcomes | None
    per_thousand: Interval | None
    against: tuple[Against, ...] = ()
    n: int
    unjudged: int = 0
    days: int = 0
    since: datetime | None = None
    until: datetime | None = None
    scores: Digest
    reason: str = ""

    def against_the(self, what: str) -> Against | None:
        """One of those it is compared with."""
        return next((one for one in self.against if one.what == what), None)

    def __str__(self) -> str:
        if self.per_thousand is None:
            return f"UNKNOWN: {self.reason}"
        return f"{self.per_thousand} {self.terms.value.currency} per 1,000 rows"


class Realised(Shown, frozen=True, kw_only=True):
    """What an endpoint's present version has brought, beside what was promised before it answered.

    Attributes:
        endpoint: Who answered.
        model: The model.
        version: Its version.
        terms: By what: those of the promise, or of the charter in force where there is none; none without a value.
        promise: Digest of the evidence that the deployment's decision was made on.
        promised: What 1,000 rows were to bring.
        outcomes: What became of the predictions whose outcome is known.
        per_thousand: What 1,000 of them brought; none while too little has matured.
        gap: How much more it brought than was promised; less than nothing means less.
        answered: Its predictions.
        matured: Those about events so old that their outcome should be known.
        labelled: Those of them whose outcome is known.
        days: Different days of these.
        since: The first of their event times.
        until: The last.
        reason: Why there is no interval; empty when there is one.
        note: What else should be known, such as that the charter's value has changed since.
    """

    endpoint: Name
    model: Name
    version: int
    terms: Terms | None
    promise: Digest | None = None
    promised: Interval | None = None
    outcomes: Outcomes | None = None
    per_thousand: Interval | None = None
    gap: Interval | None = None
    answered: int = 0
    matured: int = 0
    labelled: int = 0
    days: int = 0
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""
    note: str = ""

    @property
    def verdict(self) -> str:
        """How it compares with what was promised, in words."""
        if self.per_thousand is None:
            return "UNKNOWN"
        if self.gap is None:
            return "nothing was promised"
        if self.gap.high < 0:
            return "less than promised"
        return "more than promised" if self.gap.low > 0 else "no different from what was promised, as far as it shows"

    def __str__(self) -> str:
        if self.per_thousand is None or self.terms is None:
            return f"{self.endpoint}: UNKNOWN. {self.reason}"
        currency = self.terms.value.currency
        return f"{self.endpoint}: {self.per_thousand} {currency} per 1,000 predictions, {self.verdict}"
