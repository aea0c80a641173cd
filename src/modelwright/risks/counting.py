"""How often situations were met on held-out rows, and the KPI in them. Pure: a table and scores in, counts out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelwright.monitoring.evidence import share
from modelwright.risks.model import RegisterVersion, Risk, RisksCounted, Situation, Usual
from modelwright.risks.predicates import Cells, Met, Predicate, of_arrow
from modelwright.stats.intervals import wilson
from modelwright.stats.model import Slice
from modelwright.stats.ordinary import LEAST_DAYS
from modelwright.stats.slices import by_slice

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

INSIDE, OUTSIDE = "in the situation", "outside"
"""The values of the two slices."""

MATERIAL = 0.005
"""The smallest excess over the usual share of rows that is worth a word."""


class Scored(NamedTuple):
    """The rows of an evaluation, as they were scored.

    Attributes:
        labelled: Which of the rows have a label, shape ``(n_rows,)``.
        labels: Their labels, shape ``(n,)``.
        scores: The scores of all rows, shape ``(n_rows,)``.
        metric: The KPI's metric.
        digest: Of the scores as they were sent.
        days: The day of each row's event, as a number; none where rows have no event time.
    """

    labelled: NDArray[np.bool_]
    labels: NDArray[np.float64]
    scores: NDArray[np.float64]
    metric: str
    digest: str
    days: NDArray[np.int64] | None = None


def counted(register: RegisterVersion, table: pa.Table, scored: Scored) -> RisksCounted:
    """Count the situations of a register on the rows of an evaluation.

    Args:
        register: The register in force.
        table: The rows, with the columns that the model takes.
        scored: Their labels and scores.
    """
    risks = sorted(register.register.risks.items())
    read = {name: Predicate(risk.when) for name, risk in risks}
    wanted = dict.fromkeys(column for predicate in read.values() for column in predicate.columns)
    cells = {name: of_arrow(table[name]) for name in wanted if name in table.column_names}
    return RisksCounted(
        register=register.digest,
        version=register.version,
        metric=scored.metric,
        rows=table.num_rows,
        labelled=len(scored.labels),
        scores=scored.digest,
        situations=tuple(_situation(name, risk, read[name], cells, scored) for name, risk in risks),
    )


def _situation(name: str, risk: Risk, predicate: Predicate, cells: Mapping[str, Cells], scored: Scored) -> Situation:
    absent = [column for column in predicate.columns if column not in cells]
    if absent:
        reason = f"The rows have no {', '.join(absent)} that the model takes."
        return Situation(risk=name, when=risk.when, reason=reason)
    count = len(scored.labelled)
    met = predicate.over(cells, count)
    matched, unknown = int(met.yes.sum()), int(met.unknown.sum())
    inside, rest = _parts(met, scored)
    return Situation(
        risk=name,
        when=risk.when,
        matched=matched,
        unknown=unknown,
        share=wilson(matched, count - unknown) if unknown < count else None,
        inside=inside,
        rest=rest,
        usual=_usual(met, scored.days),
    )


def _usual(met: Met, days: NDArray[np.int64] | None) -> Usual | None:
    """How days differ; none where there are too few to tell."""
    if days is None:
        return None
    _, day = np.unique(days, return_inverse=True)
    known = np.bincount(day[~met.unknown], minlength=day.max() + 1).astype(np.float64)
    matched = np.bincount(day[met.yes], minlength=len(known)).astype(np.float64)
    matched, known = matched[known > 0], known[known > 0]
    if len(known) < LEAST_DAYS:
        return None
    found = share(matched, known, material=MATERIAL)
    return Usual(share=found.usual, most=found.most, clumping=found.clumping, days=len(known))


def _parts(met: Met, scored: Scored) -> tuple[Slice | None, Slice | None]:
    """The KPI inside and outside, on labelled rows of which it can be said."""
    said = ~met.unknown[scored.labelled]
    yes = met.yes[scored.labelled][said]
    labels, scores = scored.labels[said], scored.scores[scored.labelled][said]
    if not len(labels):
        return None, None
    values: NDArray[Any] = np.where(yes, INSIDE, OUTSIDE)
    found = {each.value: each for each in by_slice(scored.metric, labels, scores, "situation", values)}
    return found.get(INSIDE), found.get(OUTSIDE)
