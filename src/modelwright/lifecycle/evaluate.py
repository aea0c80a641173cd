"""Evaluate a version: it is loaded and asked here, and judged by the server from its own labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from modelwright.core.clock import as_utc
from modelwright.governance.model import CharterVersion, Evidence, Window
from modelwright.models.model import ModelVersion

if TYPE_CHECKING:
    import pyarrow as pa

EXPLAINED_ROWS = 2000
"""Rows that importances are computed on, at most; the time grows with rows, inputs and shuffles."""


class Faces(Protocol):
    """The faces that evaluating needs: a workspace."""

    @property
    def models(self) -> Any: ...
    @property
    def data(self) -> Any: ...
    @property
    def charters(self) -> Any: ...
    @property
    def evidence(self) -> Any: ...


def evaluate(
    workspace: Faces,
    ref: str,
    dataset: str,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    slices: Sequence[str] = (),
    explain: bool = True,
    seed: int = 0,
) -> tuple[Evidence, ...]:
    """Let a version score the rows of a dataset version, and have the scores judged and kept as evidence.

    Evaluate the charter's baseline on the same rows first: the comparison needs its scores.

    Args:
        workspace: Where both lie.
        ref: The model's version.
        dataset: The dataset's version.
        since: The first event time; by default from the beginning.
        until: The first event time after it; by default to the end.
        slices: Columns to slice by.
        explain: Whether to compute permutation importances too, on at most 2,000 of the rows.
        seed: Chooses those rows and shuffles them.

    Returns:
        The contract check, the evaluation, the comparison where the baseline was evaluated, the explanation.

    Raises:
        NotFound: There is no such version, dataset or charter.
        Invalid: The rows cannot be judged.
        Corrupted: A byte of the package or of the dataset is not what was recorded.
    """
    from modelwright.governance.evaluation import rows_in  # weight: pyarrow and numpy, 0.4 s

    version: ModelVersion = workspace.models.get(ref)
    data = workspace.data.get(dataset)
    window = Window(
        since=None if since is None else as_utc(since, field="since"),
        until=None if until is None else as_utc(until, field="until"),
    )
    table = rows_in(workspace.data.table(data.ref), window, data.event_time)
    predictor = workspace.models.load(version.ref)
    scores = predictor(_columns(table, version))
    span = {"since": window.since, "until": window.until}
    found: tuple[Evidence, ...] = workspace.evidence.record(version.ref, data.ref, scores, slices=tuple(slices), **span)
    if not explain:
        return found
    importances = _importances(table, version, workspace.charters.get(version.model), predictor, seed=seed)
    return (*found, workspace.evidence.explain(version.ref, data.ref, importances, **span))


def _columns(table: pa.Table, version: ModelVersion) -> Mapping[str, Any]:
    return {name: table[name].to_numpy() for name in version.manifest.inputs.names}


def _importances(
    table: pa.Table, version: ModelVersion, charter: CharterVersion, predictor: Any, *, seed: int
) -> Sequence[Any]:
    import numpy as np  # weight: 0.1 s

    from modelwright.explain.methods.permutation import permutation

    label = charter.charter.label.column
    labelled = table.filter(table[label].is_valid())
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(labelled.num_rows)[:EXPLAINED_ROWS])
    sample = labelled.take(chosen)
    labels = sample[label].to_numpy()
    return permutation(predictor, _columns(sample, version), labels, charter.charter.kpi.metric, seed=seed)
