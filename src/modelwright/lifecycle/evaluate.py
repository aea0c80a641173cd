"""Evaluate a version: load it here, score a dataset's rows, and let the server judge the scores."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from modelwright.core.clock import as_utc
from modelwright.core.errors import Invalid
from modelwright.governance.model import Charter, Evidence, Window

if TYPE_CHECKING:  # weight: pyarrow and numpy, 0.4 s
    import pyarrow as pa
    from numpy.typing import NDArray

    from modelwright.models.flavours.base import Predictor

_BATCH = 100_000
"""Rows scored at once: memory stays bounded however large the window is."""
_EXPLAINED_ROWS = 5000
"""Rows of a permutation importance: five shuffles of each column cost 25,000 predictions a column."""


def evaluate(
    workspace: Any,
    ref: str,
    dataset: str,
    *,
    charter: str | None = None,
    slices: Sequence[str] = (),
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    explain: bool = True,
    seed: int = 0,
) -> tuple[Evidence, ...]:
    """Judge a version on rows it has not seen; the evidence is what gates read.

    Evaluate the charter's baseline on the same rows first: the comparison needs its scores.

    Args:
        workspace: From ``connect()``.
        ref: The version, e.g. ``flight-delay@4``.
        dataset: The rows, e.g. ``flights@3``; rows that it was trained on flatter it.
        charter: The model whose charter judges; by default the version's own. Give it for a baseline.
        slices: Columns to slice by.
        since: The first event time; none means from the beginning.
        until: The first event time after it; none means to the end.
        explain: Whether to compute permutation importances too, on at most 5,000 rows.
        seed: Which rows, and how they are shuffled.

    Returns:
        The contract check, the evaluation, the comparison with the baseline where its scores were there, and the
        explanation.

    Raises:
        NotFound: There is no such version, dataset or charter.
        Invalid: The rows lack a column that the model takes, or the labels cannot be judged.
        Corrupted: A byte of the package is not what was signed.
    """
    from modelwright.governance.evaluation import rows_in  # weight: pyarrow, numpy

    version, data = workspace.models.get(ref), workspace.data.get(dataset)
    judge: Charter = workspace.charters.get(charter or version.model).charter
    inputs = version.manifest.inputs.names
    missing = [name for name in (*inputs, judge.label.column) if name not in data.columns]
    if missing:
        raise Invalid(
            f"{data.ref} has no column {', '.join(missing)}, which {version.ref} or its label needs.",
            remedy=f"It has: {', '.join(list(data.columns)[:20])}.",
            fields=dict.fromkeys(missing, "is not a column"),
        )
    window = {"since": _moment(since, "since"), "until": _moment(until, "until")}
    times = [data.event_time] if data.event_time else []
    wanted = list(dict.fromkeys([*inputs, judge.label.column, *times]))
    table = rows_in(workspace.data.table(data.ref, columns=wanted), Window(**window), data.event_time)
    predictor: Predictor = workspace.models.load(version.ref)
    asked = {"charter": charter, **window}
    found: tuple[Evidence, ...] = workspace.evidence.record(
        version.ref, data.ref, scored(predictor, table, inputs), slices=tuple(slices), **asked
    )
    if not explain:
        return found
    importances = _importances(predictor, table, inputs, judge, seed=seed)
    return (*found, workspace.evidence.explain(version.ref, data.ref, importances, **asked))


def scored(predictor: Predictor, table: pa.Table, inputs: Sequence[str]) -> NDArray[Any]:
    """A model's answer for each row ``(n_rows,)``."""
    import numpy as np  # weight: 0.1 s

    starts = range(0, table.num_rows, _BATCH)
    return np.concatenate([predictor(columns_of(table.slice(start, _BATCH), inputs)) for start in starts])


def columns_of(table: pa.Table, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Columns as a predictor takes them ``(n_rows,)``: a missing number is NaN, a missing text None."""
    return {name: table[name].to_numpy(zero_copy_only=False) for name in names}


def _importances(
    predictor: Predictor, table: pa.Table, inputs: Sequence[str], charter: Charter, *, seed: int
) -> tuple[Any, ...]:
    import numpy as np  # weight: 0.1 s

    from modelwright.explain.methods.permutation import permutation

    labels = table[charter.label.column].cast("float64").to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(~np.isnan(labels))
    if len(rows) > _EXPLAINED_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _EXPLAINED_ROWS, replace=False))
    sample = columns_of(table.take(rows), inputs)
    return tuple(permutation(predictor, sample, labels[rows], charter.kpi.metric, seed=seed))


def _moment(value: datetime | str | None, field: str) -> datetime | None:
    return None if value is None else as_utc(value, field=field)
