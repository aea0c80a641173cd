"""When a challenger is promoted, and when it is refused: the rule, as pure functions of what was seen.

At any time it is refused for what needs no labels: it surely fails on more than ``most_failed`` of the rows, it surely
misses more than ``most_missing`` of them, or the slowest hundredth of its calls takes longer than the charter allows.

At each look, on the pairs whose outcome is known:

1. Significantly worse in the KPI or in the Brier score: refused.
2. Significantly better in the KPI or in the Brier score, and the KPI's lower end above ``-margin``: promoted.
3. Neither: the next look decides; after the last the answering version stays.

"Significantly" is an interval that excludes zero, at the level ``1 - alpha / looks``. Each of its sides errs in
``alpha / (2 looks)``, and there are two metrics and ``looks`` looks: a challenger that is no better in either is
promoted in at most ``alpha`` of rollouts (Bonferroni).
"""

from __future__ import annotations

from modelwright.rollouts.model import Comparison, Difference, Finding, Terms, Verdict
from modelwright.stats.model import Interval

FEWEST_ROWS = 100
"""Rows below which no share is judged."""

FEWEST_CALLS = 500
"""Calls below which no 99th percentile is judged."""


def breaches(seen: Comparison, failed: Interval | None, missing: Interval | None, terms: Terms) -> tuple[str, ...]:
    """Why the challenger is refused without waiting for labels; empty when it is not.

    Args:
        seen: Everything since the beginning.
        failed: The share of mirrored rows that it could not score, with its interval; none below ``FEWEST_ROWS``.
        missing: The share of rows that it never saw.
        terms: The limits.
    """
    reasons = []
    if failed is not None and failed.low > terms.most_failed:
        reasons.append(
            f"It could not score {seen.failed:,} of {failed.n:,} rows ({failed.estimate:.1%}, surely more than "
            f"{terms.most_failed:.1%})."
        )
    if missing is not None and missing.low > terms.most_missing:
        reasons.append(
            f"It never saw {seen.missing:,} of {missing.n:,} rows ({missing.estimate:.1%}, surely more than "
            f"{terms.most_missing:.1%}): it is not loaded, or slower than the traffic."
        )
    pace, limit = seen.challenger_pace, terms.latency_p99_ms
    if limit is not None and pace is not None and pace.calls >= FEWEST_CALLS and pace.p99_ms > limit:
        reasons.append(f"The slowest hundredth of its calls takes {pace.p99_ms:.1f} ms; the charter allows {limit:g}.")
    return tuple(reasons)


def found(seen: Comparison, terms: Terms, *, last: bool) -> Finding:
    """What a look comes to.

    Args:
        seen: The look's comparison.
        terms: What was set beforehand.
        last: Whether no further look was set.
    """
    worse = [each for each in seen.differences if each.better is not None and each.better.high < 0]
    better = [each for each in seen.differences if each.better is not None and each.better.low > 0]
    if worse:
        return Finding(verdict=Verdict.REFUSE, reasons=tuple(f"It is worse: {_said(each)}." for each in worse))
    kpi = seen.differences[0]
    if better and kpi.better is not None and kpi.better.low > -terms.margin:
        reasons = [f"It is better: {_said(each)}." for each in better]
        if kpi not in better:
            reasons.append(f"The KPI is no worse than the margin of {terms.margin:g} allows: {_said(kpi)}.")
        return Finding(verdict=Verdict.PROMOTE, reasons=tuple(reasons))
    reasons = [
        f"Undecided: {_said(each)}." if each.better else f"{each.metric}: {each.reason}" for each in seen.differences
    ]
    if better:
        reasons.append(f"The KPI might be worse by more than the margin of {terms.margin:g}.")
    if last:
        return Finding(
            verdict=Verdict.REFUSE, reasons=(*reasons, "This was the last look: the answering version stays.")
        )
    return Finding(verdict=Verdict.CONTINUE, reasons=tuple(reasons))


def _said(each: Difference) -> str:
    return f"{each.metric} {each.challenger:.4g} against {each.answering:.4g}, gain {each.better}"
