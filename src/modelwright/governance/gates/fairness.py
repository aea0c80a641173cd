"""It treats the groups that a policy protects alike."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

from modelwright.core.expressions import Namespace
from modelwright.governance.checks.apart import gap, ratio
from modelwright.governance.checks.model import Group, Groups
from modelwright.governance.gates.base import Case, Seen, ends
from modelwright.governance.model import Kind, Scalar
from modelwright.stats.model import Interval

MEASURES = {"opportunity": "caught", "selection": "selected", "metric": "metric"}
"""What can be compared between groups -> where a group has it."""
_WORDS = {
    "opportunity": "true positive rate",
    "selection": "selection rate",
    "metric": "metric",
}


class FairnessGate:
    """No two groups of the policy's ``columns`` lie further apart than it allows; fulfils ``Gate``.

    ``e.opportunity`` is the widest gap in the true positive rate (equal opportunity), ``e.selection`` in the share of
    rows whose score reaches the decision's threshold (demographic parity), ``e.metric`` in the KPI's metric;
    ``e.ratio`` is the smallest ratio of two selection rates (the four-fifths rule asks for 0.8); ``e.gap`` is the one
    that ``p.measure`` names. Of all pairs of groups it is the one that the least good can be said of, so that the
    interval holds for every pair. Groups of fewer than ``p.min_rows`` rows are not judged, and as long as there is one
    ``e.judged`` is UNKNOWN; so it is where whoever evaluated chose another ``e.threshold`` than the charter's, which
    can be one that selects nobody. ``e.coverage`` is the share of rows in groups that are judged, of the column with
    the smallest.

    Source:
        Hardt, Price and Srebro, "Equality of Opportunity in Supervised Learning", NeurIPS (2016); the four-fifths rule:
        Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4 D (1978).
    """

    reads = (Kind.GROUPS,)
    exposes = (
        ends("gap")
        | ends("opportunity")
        | ends("selection")
        | ends("metric")
        | ends("ratio")
        | {"judged", "coverage", "groups", "unjudged", "threshold"}
    )
    passes = "e.gap.high <= p.max_gap && e.judged"
    parameters: Mapping[str, Scalar] = {
        "columns": "",
        "measure": "opportunity",
        "max_gap": 0.1,
        "min_rows": 200.0,
    }

    def exempt(self, case: Case) -> str:
        """Always applies: which groups a policy protects is never a question that makes no sense."""
        return ""

    def look(self, case: Case) -> Seen:
        """The widest gaps; nothing where no column is named, or one was not evaluated."""
        found, columns = case.values(Groups), _named(case)
        remedy = "Look at these groups, and run: " + case.evaluate_command(
            more=" ".join(f"--slice {name}" for name in columns or ["COLUMN"])
        )
        groups = [each for each in found.groups if each.column in columns]
        if (problem := _problem(columns, groups)) is not None:
            return Seen(values={}, reason=problem[0], remedy=problem[1] or remedy)
        least = float(case.parameters["min_rows"])
        judged = [each for each in groups if each.n >= least]
        small = [each for each in groups if each.n < least]
        widest = {measure: _widest(judged, name) for measure, name in MEASURES.items()}
        measure = str(case.parameters["measure"])
        chosen, asked = widest.get(measure), found.threshold_from == "asked"
        return Seen(
            values={
                **{name: _ends(gap) for name, (gap, _) in _there(widest).items()},
                **({"gap": _ends(chosen[0])} if chosen else {}),
                **({"ratio": _ends(least_ratio)} if (least_ratio := _least_ratio(judged)) else {}),
                "judged": None if small or asked or not _compared(judged, columns, measure) else True,
                "coverage": min(_coverage(groups, judged, column) for column in columns),
                "groups": len(groups),
                "unjudged": len(small),
                "threshold": found.threshold,
            },
            reason=_said(found, groups, small, measure, chosen),
            remedy=remedy,
        )


Pair = tuple[Group, Group]

_MOST_GROUPS = 50
"""Groups of one column: with more of them it is no attribute that people are protected by."""


def _problem(columns: list[str], groups: list[Group]) -> tuple[str, str] | None:
    """Why nothing can be compared, with a remedy where evaluating again is none."""
    many = {name: sum(each.column == name for each in groups) for name in columns}
    if not columns:
        return (
            "The policy protects 0 columns: nobody has said which.",
            "Name them, `fairness: {columns: 'sex, age_band'}`, and run: modelwright policy publish policy.yaml",
        )
    if absent := [name for name, count in many.items() if not count]:
        return f"It was not evaluated by {', '.join(absent)}, of {len(columns)} columns that the policy protects.", ""
    if crowded := [name for name, count in many.items() if count > _MOST_GROUPS]:
        return (
            f"{crowded[0]} has {many[crowded[0]]} groups, more than {_MOST_GROUPS}.",
            "Name a column of fewer groups in policy.yaml, and run: modelwright policy publish policy.yaml",
        )
    return None


def _named(case: Case) -> list[str]:
    return [name.strip() for name in str(case.parameters["columns"]).split(",") if name.strip()]


def _value(group: Group, name: str) -> Interval | None:
    found: Interval | None = getattr(group, name)
    return found


def _widest(groups: list[Group], name: str) -> tuple[Interval, Pair] | None:
    """The gap of which the least good can be said, and between which groups of one column."""
    found = [
        (gap(mine, theirs), (one, other))
        for one, other in permutations(groups, 2)
        if one.column == other.column
        and (mine := _value(one, name)) is not None
        and (theirs := _value(other, name)) is not None
    ]
    return max(found, key=lambda each: (each[0].high, each[0].estimate), default=None)


def _least_ratio(groups: list[Group]) -> Interval | None:
    found = [
        rate
        for one, other in permutations(groups, 2)
        if one.column == other.column and one.selected is not None and other.selected is not None
        if (rate := ratio(one.selected, other.selected)) is not None
    ]
    return min(found, key=lambda each: (each.low, each.estimate), default=None)


def _compared(groups: list[Group], columns: list[str], measure: str) -> bool:
    """Whether each column has groups to compare, and each of them what they are compared in."""
    name = MEASURES.get(measure, "")
    return all(sum(each.column == column for each in groups) > 1 for column in columns) and all(
        name and _value(each, name) is not None for each in groups
    )


def _coverage(groups: list[Group], judged: list[Group], column: str) -> float:
    every = sum(each.n for each in groups if each.column == column)
    return sum(each.n for each in judged if each.column == column) / every


def _there(
    widest: Mapping[str, tuple[Interval, Pair] | None],
) -> dict[str, tuple[Interval, Pair]]:
    return {name: each for name, each in widest.items() if each is not None}


def _ends(found: Interval) -> Namespace:
    return {"estimate": found.estimate, "low": found.low, "high": found.high}


def _said(
    found: Groups, groups: list[Group], small: list[Group], measure: str, chosen: tuple[Interval, Pair] | None
) -> str:
    words = found.metric if measure == "metric" else _WORDS.get(measure, measure)
    at = f" with decisions at {found.threshold:.3g}" if found.threshold is not None else ""
    if chosen is None:
        said = f"There is no {words} to compare between {len(groups)} groups{at}."
    else:
        distance, (one, other) = chosen
        said = f"The widest gap in {words} is that of {one} over {other}: {distance}{at}, of {len(groups)} groups."
    if found.threshold_from == "asked":
        said += " That threshold is not the charter's: it was asked for."
    if small:
        told = ", ".join(f"{each} ({each.n} rows)" for each in small[:3])
        said += f" Too small to be judged: {told}{' and more' if len(small) > 3 else ''}."
    return said


variant = FairnessGate()
