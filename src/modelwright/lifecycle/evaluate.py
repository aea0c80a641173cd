"""Evaluate a version: it is loaded and asked here, and judged by the server from its own labels."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from msgspec.structs import replace

from modelwright.core.clock import as_utc
from modelwright.core.errors import Invalid
from modelwright.data.model import DatasetVersion
from modelwright.governance.charter import CharterVersion
from modelwright.governance.model import Evidence, Kind, Window
from modelwright.models.model import ModelVersion, Task

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

    @property
    def checks(self) -> Any:
        """What is measured where a model is loaded."""
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
    threshold: float | None = None,
    robustness: bool = False,
    noise: float = 0.1,
    latency: bool = False,
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
        threshold: From which score on the decision is taken; by default where the charter's worth of outcomes breaks
            even, else 0.5.
        robustness: Whether to perturb the inputs too, of at most 2,000 rows: noise, missing values, unseen categories.
        noise: How much, in units of each number's standard deviation.
        latency: Whether to time a thousand one-row answers too, here.

    Returns:
        The contract check, the evaluation, the size, the comparisons that could be made, then what was asked for.

    Raises:
        NotFound: There is no such version, dataset or charter.
        Invalid: The rows lack a column that the model takes, or cannot be judged.
        Corrupted: A byte of the package or of the dataset is not what was recorded.
    """
    asked = _asked(workspace, ref, dataset, since, until)
    scores = asked.predictor(asked.columns)
    found: tuple[Evidence, ...] = workspace.evidence.record(
        asked.version.ref, asked.data.ref, scores, slices=tuple(slices), threshold=threshold, **asked.span
    )
    more = []
    if explain:
        more.append(_explained(workspace, asked, seed=seed))
    if robustness:
        more.append(_perturbed(workspace, asked, found, noise=noise, seed=seed, threshold=threshold))
    if latency:
        more.append(_timed(workspace, asked))
    return (*found, *more)


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
    load_ms: float

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
    began = time.perf_counter()
    predictor = workspace.models.load(version.ref)
    return _Asked(version, charter, data, window, table, predictor, (time.perf_counter() - began) * 1000)


def _explained(workspace: Faces, asked: _Asked, *, seed: int) -> Evidence:
    importances = _importances(asked.table, asked.version, asked.charter, asked.predictor, seed=seed)
    found: Evidence = workspace.evidence.explain(asked.version.ref, asked.data.ref, importances, **asked.span)
    return found


def _perturbed(
    workspace: Faces,
    asked: _Asked,
    found: Sequence[Evidence],
    *,
    noise: float,
    seed: int,
    threshold: float | None,
) -> Evidence:
    """What it answers when its inputs are perturbed, on rows whose labels the evaluation knew."""
    import numpy as np  # weight: 0.1 s

    from modelwright.governance.evaluation import judged
    from modelwright.lifecycle.perturbing import answered, perturbations

    evaluated = next(each for each in found if each.kind is Kind.EVALUATION)
    labelled = judged(asked.table, asked.charter.charter, asked.data.event_time, evaluated.made_at).rows
    rows = np.sort(np.random.default_rng(seed).permutation(np.flatnonzero(labelled))[:EXPLAINED_ROWS])
    inputs, binary = asked.version.manifest.inputs, asked.version.manifest.task is Task.BINARY
    tried = []
    for perturbation, columns in perturbations(
        inputs, _columns(asked.table.take(rows), asked.version), noise=noise, seed=seed
    ):
        scores, error = answered(asked.predictor, columns, binary=binary)
        tried.append((replace(perturbation, error=error), scores))
    if not tried:
        raise Invalid(
            f"The inputs of {asked.version.ref} leave nothing to perturb: no number, nothing that may be missing, no "
            "category that lets others come.",
            remedy="Leave --robustness out.",
        )
    kept: Evidence = workspace.checks.perturb(
        asked.version.ref, asked.data.ref, tried, rows, threshold=threshold, **asked.span
    )
    return kept


def _timed(workspace: Faces, asked: _Asked) -> Evidence:
    from modelwright.lifecycle.timing import machine, times  # weight: numpy

    kept: Evidence = workspace.checks.time(
        asked.version.ref,
        asked.data.ref,
        times(asked.predictor, asked.columns),
        load_ms=asked.load_ms,
        machine=machine(),
        **asked.span,
    )
    return kept


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
