"""Evaluate a version: it is loaded and asked here, and judged by the server from its own labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from modelwright.core.clock import as_utc
from modelwright.core.errors import Invalid
from modelwright.data.model import DatasetVersion
from modelwright.governance.charter import CharterVersion
from modelwright.governance.model import Evidence, Window
from modelwright.models.model import ModelVersion

if TYPE_CHECKING:
    import pyarrow as pa

EXPLAINED_ROWS = 2000
"""Rows that importances are computed on, at most; the time grows with rows, inputs and shuffles."""


class Faces(Protocol):
    """The faces that evaluating needs: a workspace."""

    @property
    def models(self) -> Any:
        """Versions and their packages."""
        ...

    @property
    def data(self) -> Any:
        """Datasets."""
        ...

    @property
    def charters(self) -> Any:
        """What models are for."""
        ...

    @property
    def evidence(self) -> Any:
        """What was found."""
        ...


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
        Invalid: The rows lack a column that the model takes, or cannot be judged.
        Corrupted: A byte of the package or of the dataset is not what was recorded.
    """
    asked = _asked(workspace, ref, dataset, since, until)
    scores = asked.predictor(asked.columns)
    found: tuple[Evidence, ...] = workspace.evidence.record(
        asked.version.ref, asked.data.ref, scores, slices=tuple(slices), **asked.span
    )
    return (*found, _explained(workspace, asked, seed=seed)) if explain else found


def explain(
    workspace: Faces,
    ref: str,
    dataset: str,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    seed: int = 0,
) -> Evidence:
    """Compute what a version relies on, on at most 2,000 rows of a dataset version, and keep it as evidence.

    Args:
        workspace: Where both lie.
        ref: The model's version.
        dataset: The dataset's version.
        since: The first event time; by default from the beginning.
        until: The first event time after it; by default to the end.
        seed: Chooses the rows and shuffles them.

    Raises:
        NotFound: There is no such version, dataset or charter.
        Invalid: The rows lack a column that the model takes.
        Corrupted: A byte of the package or of the dataset is not what was recorded.
    """
    return _explained(workspace, _asked(workspace, ref, dataset, since, until), seed=seed)


class _Asked(NamedTuple):
    """A loaded version and the rows it is asked about."""

    version: ModelVersion
    charter: CharterVersion
    data: DatasetVersion
    window: Window
    table: pa.Table
    predictor: Any

    @property
    def columns(self) -> Mapping[str, Any]:
        """What the model takes."""
        return _columns(self.table, self.version)

    @property
    def span(self) -> dict[str, datetime | None]:
        """The window as operations take it."""
        return {"since": self.window.since, "until": self.window.until}


def _asked(
    workspace: Faces, ref: str, dataset: str, since: datetime | str | None, until: datetime | str | None
) -> _Asked:
    from modelwright.governance.evaluation import rows_in  # weight: pyarrow and numpy, 0.4 s

    version: ModelVersion = workspace.models.get(ref)
    data = workspace.data.get(dataset)
    window = Window(
        since=None if since is None else as_utc(since, field="since"),
        until=None if until is None else as_utc(until, field="until"),
    )
    charter: CharterVersion = workspace.charters.get(version.model)
    table = rows_in(workspace.data.table(data.ref, _needed(version, charter, data)), window, data.event_time)
    return _Asked(version, charter, data, window, table, workspace.models.load(version.ref))


def _explained(workspace: Faces, asked: _Asked, *, seed: int) -> Evidence:
    importances = _importances(asked.table, asked.version, asked.charter, asked.predictor, seed=seed)
    found: Evidence = workspace.evidence.explain(asked.version.ref, asked.data.ref, importances, **asked.span)
    return found


def _needed(version: ModelVersion, charter: CharterVersion, data: DatasetVersion) -> list[str]:
    """The columns to fetch: what the model takes, the label, the event time."""
    needed = [*version.manifest.inputs.names, charter.charter.label.column]
    missing = [name for name in needed if name not in data.columns]
    if missing:
        raise Invalid(
            f"{data.ref} has no column {', '.join(missing)}, which {version.ref} or its label needs.",
            remedy=f"It has: {', '.join(list(data.columns)[:20])}.",
            fields=dict.fromkeys(missing, "is not a column"),
        )
    return list(dict.fromkeys([*needed, *([data.event_time] if data.event_time else [])]))


def _columns(table: pa.Table, version: ModelVersion) -> Mapping[str, Any]:
    return {name: table[name].to_numpy() for name in version.manifest.inputs.names}


def _importances(
    table: pa.Table, version: ModelVersion, charter: CharterVersion, predictor: Any, *, seed: int
) -> Sequence[Any]:
    import numpy as np  # weight: 0.1 s

    from modelwright.explain.base import EXPLAINERS

    label, metric = charter.charter.label.column, charter.charter.kpi.metric
    labels = table[label].cast("float64").to_numpy()
    rows = np.flatnonzero(~np.isnan(labels))
    chosen = np.sort(np.random.default_rng(seed).permutation(rows)[:EXPLAINED_ROWS])
    explain = EXPLAINERS.get("permutation")
    return explain(predictor, _columns(table.take(chosen), version), labels[chosen], metric, seed=seed)
