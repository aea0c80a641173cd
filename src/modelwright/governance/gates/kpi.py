"""It meets the charter's KPI."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.governance.charter import Charter
from modelwright.governance.gates.base import Case, Seen, ends
from modelwright.governance.model import Evaluation, Kind, Scalar


class KpiGate:
    """The whole interval of the KPI's metric lies on the right side of its threshold; fulfils ``Gate``.

    ``e.margin`` is the distance to the threshold, positive where the KPI is met, whichever way it points.
    """

    reads = (Kind.EVALUATION,)
    exposes = ends("score") | ends("margin") | {"n", "positives", "unlabelled"}
    passes = "e.margin.low >= 0 && e.n >= p.min_rows"
    parameters: Mapping[str, Scalar] = {"min_rows": 100.0}

    def exempt(self, case: Case) -> str:
        """Always applies."""
        return ""

    def look(self, case: Case) -> Seen:
        """The metric against its threshold, and whether the threshold moved after results were seen."""
        found, kpi = case.values(Evaluation), case.charter.charter.kpi
        score = found.score
        low, high = score.low - kpi.threshold, score.high - kpi.threshold
        estimate = score.estimate - kpi.threshold
        if not kpi.higher_is_better:
            low, high, estimate = -high, -low, -estimate
        word = "meets" if low >= 0 else "misses" if high < 0 else "is not shown to meet"
        return Seen(
            values={
                "score": {"estimate": score.estimate, "low": score.low, "high": score.high},
                "margin": {"estimate": estimate, "low": low, "high": high},
                "n": found.n,
                "positives": found.positives,
                "unlabelled": found.unlabelled,
            },
            reason=f"Its {found.metric} {score} on {found.n:,} rows {word} the KPI, {kpi}." + _moved(case),
            remedy="Improve the model or evaluate it on more rows: " + case.evaluate_command(),
        )


def _moved(case: Case) -> str:
    if case.earlier is None:
        return ""
    before, now = case.earlier.charter, case.charter.charter
    what = "KPI" if before.kpi != now.kpi else "label"
    return (
        f" The {what} was changed after results had been seen: charter {case.earlier.version} asked {_asked(before)}, "
        f"charter {case.charter.version} of {case.charter.published_at:%Y-%m-%d} asks {_asked(now)}."
    )


def _asked(charter: Charter) -> str:
    floor = charter.kpi.slice_floor
    return f"{charter.kpi}{'' if floor is None else f' and {floor:g} in every slice'} of {charter.label.column}"


variant = KpiGate()
