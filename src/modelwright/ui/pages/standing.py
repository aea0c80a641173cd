"""How an endpoint stands: what it serves, since when, and whether the newest month keeps to the KPI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.core.guard import Verdict
from modelwright.governance.charter import CharterVersion, Kpi
from modelwright.predictions.model import Counts, PeriodScore
from modelwright.serving.model import Endpoint
from modelwright.ui.page import Ask

_JUDGED = 6
_LEAST_LABELLED = 200


@dataclass(frozen=True)
class Standing:
    """An endpoint at a glance.

    Attributes:
        endpoint: What the house says of it.
        kpi: The KPI of its model's charter; none without a charter.
        score: The newest month in which the present version has an interval on at least 200 labels, else on any; none
            without labels.
        verdict: Whether that month keeps to the KPI.
        counts: Its predictions; none where there is no log.
        metric: That of the KPI; by default the area under the ROC curve.
        months: How well each version did by it, month by month.
    """

    endpoint: Endpoint
    kpi: Kpi | None
    score: PeriodScore | None
    verdict: Verdict
    counts: Counts | None
    metric: str = "roc_auc"
    months: tuple[PeriodScore, ...] = ()

    @property
    def ref(self) -> str:
        """The version that answers."""
        return f"{self.endpoint.current.model}@{self.endpoint.current.version}"

    @property
    def judged(self) -> str:
        """The verdict as the end of a sentence."""
        if self.kpi is None:
            return ", and no charter says what it must reach"
        return _WORDS[self.verdict]


_WORDS = {
    Verdict.PASS: " and within its KPI",
    Verdict.FAIL: " and misses its KPI",
    Verdict.UNKNOWN: ", and whether it keeps to its KPI cannot be told yet",
}


def standings(ask: Ask, endpoints: Sequence[Endpoint]) -> list[Standing]:
    """Endpoints at a glance; of many, only the first ones are judged, because each reads its whole log."""
    return [
        standing(ask, endpoint) if place < _JUDGED else Standing(endpoint, None, None, Verdict.UNKNOWN, None)
        for place, endpoint in enumerate(endpoints)
    ]


def standing(ask: Ask, endpoint: Endpoint) -> Standing:
    """Read what is needed to judge an endpoint.

    Args:
        ask: The request.
        endpoint: The endpoint as listed.
    """
    current = endpoint.current
    published: CharterVersion | None = ask.read("charters.get", current.model)
    kpi = published.charter.kpi if published is not None else None
    metric = "roc_auc" if kpi is None else kpi.metric
    months: list[PeriodScore] = ask.read("predictions.performance", endpoint.name, metric=metric) or []
    known = [
        month
        for month in months
        if (month.model, month.version) == (current.model, current.version) and month.interval is not None
    ]
    full = [
        month for month in known if month.labelled >= _LEAST_LABELLED
    ] or known  # a month that began just now says little
    newest = max(full, key=lambda month: month.period_start, default=None)
    counts = ask.read("predictions.counts", endpoint.name)
    return Standing(endpoint, kpi, newest, judge(kpi, newest), counts, metric=metric, months=tuple(months))


def judge(kpi: Kpi | None, month: PeriodScore | None) -> Verdict:
    """Whether a month keeps to the KPI: only an interval that lies wholly on one side decides."""
    if kpi is None or month is None or month.interval is None:
        return Verdict.UNKNOWN
    low, high = month.interval.low - kpi.threshold, month.interval.high - kpi.threshold
    if not kpi.higher_is_better:
        low, high = -high, -low
    if low >= 0:
        return Verdict.PASS
    return Verdict.FAIL if high < 0 else Verdict.UNKNOWN
