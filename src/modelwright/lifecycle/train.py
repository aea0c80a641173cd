"""The central pipeline's verbs: check the rows, split them by time, fit, and write the change report.

Each takes a workspace and values, so that it runs in a script, in a step of a pipeline, and over HTTP alike. ``app``
makes steps of them; evaluating and explaining are in ``evaluate``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from modelwright.core.clock import as_utc, duration
from modelwright.core.errors import Invalid
from modelwright.core.ids import Name, Ref
from modelwright.core.shown import Shown
from modelwright.features.model import View, ViewVersion
from modelwright.governance.charter import CharterVersion
from modelwright.lifecycle.evaluate import Faces
from modelwright.models.model import ModelVersion

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.data.model import DatasetVersion

FEWEST_ROWS = 100
"""Rows below which neither a model is fitted nor a verdict given."""

REPORT, REPORT_KIND = "change-report.md", "change_report"


class Workspace(Faces, Protocol):
    """The faces that training needs."""

    @property
    def runs(self) -> Any:
        """What was executed."""
        ...

    @property
    def features(self) -> Any:
        """Feature views."""
        ...

    @property
    def documents(self) -> Any:
        """What is written of a version."""
        ...


class Split(Shown, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows a model learns from, and which it is judged on. The former all come before the latter.

    Attributes:
        data: The dataset version.
        label: Its label column.
        learn_until: Learn from the rows before it: at the cut all of them have had the time to get their label. Of
            later rows only the quick outcomes would be known.
        cut: When learning ends; judge on the rows from here on.
        until: The end of the rows that are judged on, which have had that time too.
        training: Rows to learn from.
        holdout: Rows to judge on, with a label.
    """

    data: Ref
    label: str
    learn_until: datetime
    cut: datetime
    until: datetime
    training: int
    holdout: int


def validate(workspace: Workspace, model: Name, data: Ref) -> Ref:
    """Check that a model may learn from a dataset version.

    Args:
        workspace: Where it lies.
        model: Its charter names the label.
        data: The version. Its rows say when they happened, and when their label was known.

    Returns:
        The version by its number.

    Raises:
        NotFound: There is no such version, or the model has no charter.
        Invalid: The rows do not say their times or have no label, a label was known before its question was asked, or
            the version breaks its contract.
    """
    version, label = _subject(workspace, model, data)
    if leaks := _Rows(workspace, version, label).known_before_they_happened:
        raise Invalid(
            f"{leaks:,} rows of {version.ref} have a {version.known_at} before their {version.event_time}: a label "
            f"that is known before the question is asked was not predicted.",
            remedy="Give the moment at which the label itself became known.",
        )
    return version.ref


def split(workspace: Workspace, model: Name, data: Ref, *, until: datetime | str, holdout: timedelta) -> Split:
    """Split the rows of a dataset version by time.

    Args:
        workspace: Where it lies.
        model: Its charter names the label.
        data: The version.
        until: What was known by then is used. The charter says how long a label may take.
        holdout: How long before it the rows to judge on begin.

    Raises:
        Invalid: There are too few rows to learn from or to judge on, or all of one class; otherwise as ``validate``.
    """
    version, label = _subject(workspace, model, data)
    known_by = as_utc(until, field="until")
    maturity = duration(workspace.charters.get(model).charter.label.known_after)
    cut, end = known_by - holdout, known_by - maturity
    learn_until = cut - maturity
    rows = _Rows(workspace, version, label)
    training = rows.between(None, learn_until, known_by=cut)
    judging = rows.between(cut, end, known_by=known_by)
    return Split(
        data=version.ref,
        label=label,
        learn_until=learn_until,
        cut=cut,
        until=end,
        training=_enough(training, f"to learn from before {learn_until:%Y-%m-%d %H:%MZ}"),
        holdout=_enough(judging, f"to judge on from {cut:%Y-%m-%d %H:%MZ} until {end:%Y-%m-%d %H:%MZ}"),
    )


def fit(
    workspace: Workspace,
    model: Name,
    rows: Split,
    function: Callable[..., object],
    *,
    parameters: Mapping[str, Any] | None = None,
    features: View | Ref | None = None,
    inputs: Sequence[str] | None = None,
    seed: int = 0,
    **save: Any,
) -> ModelVersion:
    """Fit a model on the rows to learn from, as a recorded run, and register it.

    Args:
        workspace: Where it is recorded.
        model: The model to register it under.
        rows: From ``split``.
        function: ``(table, **parameters) -> fitted model``; the table has the label.
        parameters: What was chosen.
        features: The feature view whose vectors the rows hold; endpoints then complete questions by it.
        inputs: The columns it takes; by default the view's, else all but key, times and label.
        seed: For the global generators.
        save: As for ``ws.models.save``, e.g. ``nullable``.
    """
    version: DatasetVersion = workspace.data.get(rows.data)
    chosen = dict(parameters or {})
    notes = {"fit": f"{function.__module__}:{function.__qualname__}", "cut": rows.cut.isoformat(), **chosen}
    with workspace.runs.begin(model, notes, seed=seed) as run:
        run.read(version.pinned)
        table = workspace.data.table(version.ref)
        training = table.filter(_mask(table, version, rows.label, None, rows.learn_until, known_by=rows.cut))
        fitted = function(training, **chosen)
        view = _view(workspace, features)
        taken = inputs or ([column.name for column in view.columns] if view else _inputs(version, rows.label))
        found: ModelVersion = workspace.models.save(
            fitted, model, example=training.select(list(taken)), run_id=run.id, features=view, **save
        )
        run.log(rows=training.num_rows)
    return found


def report(workspace: Workspace, ref: Ref) -> str:
    """Write the change report of a version, and keep it with the run that trained it.

    Args:
        workspace: Where it lies.
        ref: The version.

    Returns:
        The report in Markdown.
    """
    version: ModelVersion = workspace.models.get(ref)
    written: str = workspace.documents.read(version.ref, REPORT_KIND).decode()
    if version.manifest.run_id is not None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / REPORT
            file.write_text(written, "utf-8")
            workspace.runs.keep(version.manifest.run_id, REPORT, workspace.runs.send(file))
    return written


class _Rows:
    """The times and labels of a dataset version.

    Args:
        workspace: Where it lies.
        version: The version.
        label: Its label column.
    """

    def __init__(self, workspace: Workspace, version: DatasetVersion, label: str) -> None:
        self._version = version
        self._label = label
        times = [str(version.event_time), str(version.known_at)]
        self._table = workspace.data.table(version.ref, list(dict.fromkeys([*times, label])))

    @property
    def known_before_they_happened(self) -> int:
        """How many labels were known before their question was asked."""
        import pyarrow.compute as pc  # weight: 0.3 s

        event, known = self._table[self._version.event_time], self._table[self._version.known_at]
        return int(pc.sum(pc.less(known, event)).as_py() or 0)

    def between(self, since: datetime | None, until: datetime, *, known_by: datetime) -> list[int]:
        """How many rows of each label were asked in a span and answered by a moment."""
        import pyarrow.compute as pc  # weight: 0.3 s

        mask = _mask(self._table, self._version, self._label, since, until, known_by=known_by)
        counts = pc.value_counts(self._table[self._label].filter(mask))
        return [int(count) for count in counts.field("counts").to_pylist()]


def _mask(
    table: pa.Table,
    version: DatasetVersion,
    label: str,
    since: datetime | None,
    until: datetime,
    *,
    known_by: datetime,
) -> Any:
    import pyarrow.compute as pc  # weight: 0.3 s

    event, known = table[version.event_time], table[version.known_at]
    mask = pc.and_(pc.less(event, until), pc.less_equal(known, known_by))
    if since is not None:
        mask = pc.and_(mask, pc.greater_equal(event, since))
    return pc.and_(mask, pc.is_valid(table[label]))


def _subject(workspace: Workspace, model: Name, data: Ref) -> tuple[DatasetVersion, str]:
    """The version and its label column."""
    version: DatasetVersion = workspace.data.get(data)
    charter: CharterVersion = workspace.charters.get(model)
    label = charter.charter.label.column
    _require_times(version, label)
    return version, label


def _require_times(version: DatasetVersion, label: str) -> None:
    missing = [what for what in ("event_time", "known_at") if getattr(version, what) is None]
    if missing:
        raise Invalid(
            f"{version.ref} does not say its {' and '.join(missing)}, so it cannot be split by time.",
            remedy=f"Add it with event_time=COLUMN and known_at=COLUMN: ws.data.add({version.name!r}, …)",
        )
    if label not in version.columns:
        raise Invalid(
            f"{version.ref} has no column {label}, which the charter calls the label.",
            remedy=f"It has: {', '.join(list(version.columns)[:20])}.",
            fields={"label": "is not a column"},
        )
    if version.contract_problems:
        raise Invalid(
            f"{version.ref} breaks its contract: {version.contract_problems[0]}",
            remedy="Mend the data, or add it with contract='infer' if this is how it is from now on.",
        )


def _enough(counts: list[int], what: str) -> int:
    total = sum(counts)
    if total < FEWEST_ROWS or len(counts) < 2:
        classes = "" if len(counts) > 1 else ", and all of one class"
        raise Invalid(
            f"There are {total:,} rows with a known label {what}{classes}; it takes {FEWEST_ROWS} of two.",
            remedy="Take a longer span of time, or wait until more labels are known.",
        )
    return total


def _view(workspace: Workspace, features: View | Ref | None) -> ViewVersion | None:
    if features is None:
        return None
    found = workspace.features.get(features) if isinstance(features, str) else workspace.features.apply(features)
    version: ViewVersion = found
    return version


def _inputs(version: DatasetVersion, label: str) -> list[str]:
    others = {version.key, version.event_time, version.known_at, label}
    return [name for name in version.columns if name not in others]
