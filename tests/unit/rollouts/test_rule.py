"""The rule of a rollout, by cases and by laws."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.models.model import Task
from modelwright.rollouts.comparison import shares
from modelwright.rollouts.model import Comparison, Difference, Pace, Terms, Verdict
from modelwright.rollouts.rule import breaches, found
from modelwright.stats.model import Interval

TERMS = Terms(
    metric="roc_auc",
    task=Task.BINARY,
    looks=("14d", "28d"),
    maturity="1d",
    margin=0.005,
    latency_p99_ms=20,
)
MOMENT = datetime(2013, 5, 1, tzinfo=UTC)


def seen(*betters, **more):
    """A comparison in which the KPI and the Brier score came out so: pairs of ends, or none."""
    differences = tuple(
        Difference(metric=metric, reason="too few days")
        if ends is None
        else Difference(
            metric=metric,
            answering=0.7,
            challenger=0.7,
            better=Interval(estimate=sum(ends) / 2, low=ends[0], high=ends[1], n=1000, method="test"),
        )
        for metric, ends in zip(("roc_auc", "brier"), betters, strict=False)
    )
    counts = {"answered": 1000, "scored": 1000, "failed": 0, "missing": 0, "labelled": 1000, "days": 14} | more
    return Comparison(since=MOMENT, until=MOMENT, as_of=MOMENT, differences=differences, **counts)


@pytest.mark.parametrize(
    ("kpi", "brier", "verdict"),
    [
        ((0.01, 0.03), (-0.001, 0.001), Verdict.PROMOTE),
        ((-0.004, 0.03), (0.001, 0.002), Verdict.PROMOTE),
        ((-0.006, 0.03), (0.001, 0.002), Verdict.CONTINUE),
        ((-0.004, 0.03), (-0.001, 0.002), Verdict.CONTINUE),
        ((-0.03, -0.01), (-0.001, 0.001), Verdict.REFUSE),
        ((-0.03, -0.01), (0.001, 0.002), Verdict.REFUSE),
        ((0.01, 0.03), (-0.002, -0.001), Verdict.REFUSE),
        ((0.0, 0.03), (0.0, 0.001), Verdict.CONTINUE),
        (None, (0.001, 0.002), Verdict.CONTINUE),
        (None, None, Verdict.CONTINUE),
        ((0.01, 0.03), None, Verdict.PROMOTE),
        ((0.01, 0.03), "absent", Verdict.PROMOTE),
    ],
)
def test_what_a_look_comes_to(kpi, brier, verdict):
    comparison = seen(kpi) if brier == "absent" else seen(kpi, brier)
    finding = found(comparison, TERMS, last=False)
    assert finding.verdict is verdict
    assert finding.reasons
    last = found(comparison, TERMS, last=True)
    assert last.verdict is (Verdict.REFUSE if verdict is Verdict.CONTINUE else verdict)


ends = st.none() | st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(sorted)


@given(kpi=ends, brier=ends, margin=st.floats(0, 0.9), last=st.booleans())
def test_nothing_is_promoted_that_might_be_worse_than_the_margin_or_is_surely_worse_or_not_surely_better(
    kpi, brier, margin, last
):
    terms = Terms(metric="roc_auc", task=Task.BINARY, looks=("1d",), maturity="0s", margin=margin)
    finding = found(seen(kpi, brier), terms, last=last)
    known = [each for each in (kpi, brier) if each is not None]
    if finding.verdict is Verdict.PROMOTE:
        assert kpi is not None
        assert kpi[0] > -margin
        assert any(low > 0 for low, _ in known)
        assert all(high >= 0 for _, high in known)
    if any(high < 0 for _, high in known):
        assert finding.verdict is Verdict.REFUSE
    assert not (last and finding.verdict is Verdict.CONTINUE)


@given(st.integers(1, 10), st.floats(0.001, 0.5))
def test_the_error_is_shared_among_the_looks(looks, alpha):
    terms = Terms(
        metric="roc_auc",
        task=Task.BINARY,
        looks=tuple(f"{day + 1}d" for day in range(looks)),
        maturity="0s",
        margin=0,
        alpha=alpha,
    )
    one_side = (1 - terms.level) / 2
    assert one_side * looks * len(terms.metrics) == pytest.approx(alpha)


def limits(**more):
    return breaches(seen(None, **more), *shares(seen(None, **more)), TERMS)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({}, None),
        ({"failed": 12}, None),
        ({"failed": 30}, "could not score"),
        ({"scored": 60, "failed": 30}, None),
        ({"missing": 250}, None),
        ({"missing": 400}, "never saw"),
        ({"scored": 0, "missing": 99}, None),
        ({"scored": 0, "missing": 100}, "never saw"),
        ({"challenger_pace": Pace(calls=499, p50_ms=1, p99_ms=21)}, None),
        ({"challenger_pace": Pace(calls=500, p50_ms=1, p99_ms=21)}, "20"),
        ({"challenger_pace": Pace(calls=500, p50_ms=1, p99_ms=19)}, None),
    ],
)
def test_limits_that_need_no_labels(more, word):
    reasons = limits(**more)
    assert len(reasons) == (word is not None)
    assert word is None or word in reasons[0]


def test_without_a_charter_no_latency_is_too_long():
    slow = seen(None, challenger_pace=Pace(calls=5000, p50_ms=900, p99_ms=9000))
    terms = Terms(metric="rmse", task=Task.REGRESSION, looks=("1d",), maturity="0s", margin=0)
    assert breaches(slow, None, None, terms) == ()
    assert terms.metrics == ("rmse",)
