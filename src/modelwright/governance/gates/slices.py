"""It is good enough where it is weakest."""

from __future__ import annotations

from collections.abc import Mapping

from modelwright.governance.gates.base import Case, Seen, ends
from modelwright.governance.model import Evaluation, Kind, Scalar
from modelwright.stats.model import Interval


class SlicesGate:
    """The worst slice's whole interval lies on the right side of the charter's ``slice_floor``; fulfils ``Gate``.

    Slices of fewer than ``p.min_rows`` rows are not judged, nor, whatever it is, those of fewer than 200, for which an
    evaluation gives no interval; ``e.coverage`` is the share of rows in those that are, of
    the column with the smallest share. Without slices there is nothing to pass.
    """

    reads = (Kind.EVALUATION,)
    exposes = ends("worst") | ends("margin") | {"judged", "unjudged", "min_support", "coverage"}
    passes = "e.margin.low >= 0 && e.coverage >= p.min_coverage"
    parameters: Mapping[str, Scalar] = {"min_rows": 200.0, "min_coverage": 0.8}

    def exempt(self, case: Case) -> str:
        """Always applies."""
        return ""

    def look(self, case: Case) -> Seen:
        """The worst slice, and how many rows were judged."""
        found, kpi = case.values(Evaluation), case.charter.charter.kpi
        judged = [
            (each, each.interval)
            for each in found.slices
            if each.interval is not None and each.n >= float(case.parameters["min_rows"])
        ]
        coverage = min(
            (
                sum(each.n for each, _ in judged if each.column == column) / found.n
                for column in {each.column for each in found.slices}
            ),
            default=0.0,
        )
        values: dict[str, float | dict[str, float]] = {
            "judged": len(judged),
            "unjudged": len(found.slices) - len(judged),
            "coverage": coverage,
        }
        remedy = "Look at these rows, and evaluate by slices: " + case.evaluate_command(more="--slice COLUMN")
        if not judged:
            reason = f"None of {len(found.slices)} slices has {case.parameters['min_rows']:g} rows and an interval."
            return Seen(values=values, reason=reason, remedy=remedy)
        worst, interval = min(judged, key=lambda each: each[1].low if kpi.higher_is_better else -each[1].high)
        values |= {"worst": _ends(interval), "min_support": min(each.n for each, _ in judged)}
        if kpi.slice_floor is None:
            reason = "The charter has no slice_floor."
            remedy = "Add kpi.slice_floor to charter.yaml and publish it: modelwright charter publish."
        else:
            values["margin"] = _margin(interval, kpi.slice_floor, higher_is_better=kpi.higher_is_better)
            side = "at least" if kpi.higher_is_better else "at most"
            reason = (
                f"The worst of {len(judged)} slices is {worst.column} = {worst.value}: {found.metric} {interval} on "
                f"{worst.n:,} rows, where {side} {kpi.slice_floor:g} is asked; {coverage:.0%} of the rows were judged."
            )
        return Seen(values=values, reason=reason, remedy=remedy)


def _ends(interval: Interval) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}


def _margin(interval: Interval, floor: float, *, higher_is_better: bool) -> dict[str, float]:
    if higher_is_better:
        return {name: value - floor for name, value in _ends(interval).items()}
    return {"estimate": floor - interval.estimate, "low": floor - interval.high, "high": floor - interval.low}


variant = SlicesGate()
