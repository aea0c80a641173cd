"""History replayed through scores and a decision rule into money. Pure: arrays in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from modelwright.core.errors import Invalid
from modelwright.core.ids import Digest
from modelwright.governance.charter import Charter
from modelwright.governance.effects.model import Against, DecisionRule, Money, Outcomes, Replay, Terms
from modelwright.stats import decisions
from modelwright.stats.decisions import Payoff, best_threshold
from modelwright.stats.inputs import Floats
from modelwright.stats.model import Interval
from modelwright.stats.paired import block_difference, block_interval

_REPLICATES = 500
_RESAMPLED_CELLS = 100_000_000
"""Rows times replicates of one interval, as for evaluations."""

Days = NDArray[np.int64]
Rival = Literal["baseline", "champion"]
Policy = Literal["baseline", "champion", "always", "never"]


class Rated(NamedTuple):
    """Another version's scores of the same rows."""

    ref: str
    evaluation: Digest | None
    scores: Floats


_NOBODY = Rated("", None, np.zeros(0))


class Rows(NamedTuple):
    """The rows of a window, or the answers of an endpoint.

    Attributes:
        known: Which of them have an outcome, shape ``(n_rows,)``.
        labels: Of those, shape ``(n_known,)``.
        times: Event times of all, shape ``(n_rows,)``; none where some have none.
    """

    known: NDArray[np.bool_]
    labels: Floats
    times: NDArray[np.datetime64] | None

    @property
    def days(self) -> Days | None:
        """The day of each row, in UTC."""
        return None if self.times is None else self.times.astype("datetime64[D]").astype(np.int64)

    @property
    def span(self) -> tuple[datetime, datetime] | tuple[None, None]:
        """The first and last event time of the rows with an outcome."""
        if self.times is None:
            return None, None
        known = self.times[self.known].astype("datetime64[us]")
        return known.min().item().replace(tzinfo=UTC), known.max().item().replace(tzinfo=UTC)


class Found(NamedTuple):
    """What a policy brought: which rows it acted on, what became of them, and the money with its interval."""

    actions: Floats
    outcomes: Outcomes
    per_thousand: Interval | None
    reason: str


def terms(charter: Charter) -> Terms | None:
    """By what a charter turns scores into money; none where it gives no value.

    Raises:
        Invalid: The value leaves nothing to decide.
    """
    kpi = charter.kpi
    if kpi.value is None:
        return None
    threshold = best_threshold(_payoff(kpi.value))
    rule = kpi.rule or DecisionRule(act_at=threshold)
    return Terms(value=kpi.value, rule=rule, derived=kpi.rule is None)


def replayed(by: Terms, rows: Rows, scores: Floats, rivals: Mapping[Rival, Rated], *, digest: Digest) -> Replay:
    """What scores would have brought on history, against others on the same rows.

    Args:
        by: What outcomes are worth, and when somebody acts.
        rows: The window's rows; those without an outcome take their places in a day's room, and are not counted.
        scores: One for each row of the window.
        rivals: Scores of other versions of the same rows.
        digest: Of the version's scores as they were sent.
    """
    n, (since, until) = len(rows.labels), rows.span
    common: dict[str, Any] = {"terms": by, "n": n, "unjudged": len(rows.known) - n, "scores": digest}
    if by.rule.limited and rows.days is None:
        reason = "The rule has room for some rows of a day only, and not every row has an event time."
        return Replay(outcomes=None, per_thousand=None, reason=reason, **common)
    mine = brought(by, rows, scores)
    anything = replace(by.rule, act_at=None) if by.rule.limited else DecisionRule(act_at=0)
    others: list[tuple[Policy, Rated, Floats]] = [
        *((name, rival, acting(by.rule, rows, rival.scores)) for name, rival in rivals.items()),
        ("always", _NOBODY, acting(anything, rows, np.zeros(len(scores)))),
        ("never", _NOBODY, np.zeros(n)),
    ]
    return Replay(
        outcomes=mine.outcomes,
        per_thousand=mine.per_thousand,
        against=tuple(
            Against(
                what=name,
                ref=rival.ref,
                evaluation=rival.evaluation,
                outcomes=_outcomes(by.value, rows, actions),
                gain=_gain(by.value, rows, mine, actions),
            )
            for name, rival, actions in others
        ),
        days=0 if rows.days is None else len(np.unique(rows.days[rows.known])),
        since=since,
        until=until,
        reason=mine.reason,
        **common,
    )


def brought(by: Terms, rows: Rows, scores: Floats) -> Found:
    """What acting on scores by a rule brought."""
    actions, days, interval, reason = acting(by.rule, rows, scores), rows.days, None, ""
    if days is None:
        reason = "Not every row has an event time, so there are no days to resample."
    else:
        try:
            interval = block_interval(
                decisions.money(_payoff(by.value)),
                rows.labels,
                actions,
                days[rows.known],
                replicates=_replicates(len(actions)),
            )
        except Invalid as error:
            reason = f"A block is a day. {error.message}"
    return Found(actions, _outcomes(by.value, rows, actions), interval, reason)


def acting(rule: DecisionRule, rows: Rows, scores: Floats) -> Floats:
    """On which of the rows with an outcome one acts, shape ``(n_known,)``."""
    actions = decisions.acted(scores, rule.act_at, days=rows.days, per_day=rule.per_day, share=rule.share)
    return np.asarray(actions[rows.known])


def _outcomes(value: Money, rows: Rows, actions: Floats) -> Outcomes:
    found = decisions.outcomes(rows.labels, actions)
    return Outcomes(**found._asdict(), total=decisions.worth(found, _payoff(value)))


def _gain(value: Money, rows: Rows, mine: Found, actions: Floats) -> Interval | None:
    if mine.per_thousand is None or rows.days is None:
        return None
    return block_difference(
        decisions.money(_payoff(value)),
        rows.labels,
        mine.actions,
        actions,
        rows.days[rows.known],
        replicates=_replicates(len(actions)),
    )


def _payoff(value: Money) -> Payoff:
    return Payoff(value.true_positive, value.false_positive, value.true_negative, value.false_negative)


def _replicates(n_rows: int) -> int:
    return max(100, min(_REPLICATES, _RESAMPLED_CELLS // n_rows))
