"""What is found about a version beside its evaluation, as numbers. Pure: labels and scores in, evidence values out."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from modelwright.core.errors import Invalid, first_line
from modelwright.governance.charter import Charter
from modelwright.governance.checks.model import (
    Group,
    Groups,
    Latency,
    Perturbation,
    Rival,
    Rivals,
    Robustness,
    Size,
    ThresholdFrom,
    Trial,
)
from modelwright.governance.checks.quantiles import quantile_interval
from modelwright.governance.effects.replay import terms
from modelwright.governance.evaluation import Floats, Judged, compared
from modelwright.models.model import Manifest, Task
from modelwright.stats.intervals import wilson
from modelwright.stats.model import Slice
from modelwright.stats.scores import metric as find

if TYPE_CHECKING:
    from modelwright.governance.model import Evaluation, Evidence

FEWEST_ANSWERS, MOST_ANSWERS = 400, 100_000
"""One-row answers of which a 99th percentile can be told, and that are worth keeping."""
MOST_PERTURBED = 10_000
"""Rows that are perturbed."""
MOST_TRIALS = 500
ROW = "row"
"""The column of a file of perturbed scores that says which row of the window each is of."""


def rivalled(
    rows: Judged, scores: Floats, judged: Evaluation, theirs: Sequence[tuple[Evidence, Floats]]
) -> list[Rivals]:
    """A model beside what is relied on now; nothing where no scores of the same rows are there.

    Args:
        rows: The rows with a label.
        scores: The model's, one for each row of the window.
        judged: What was found on those.
        theirs: Evaluations of the others on these rows, with their scores.
    """
    if not theirs:
        return []
    found = [
        Rival(
            model=evaluation.model,
            version=evaluation.version,
            package=evaluation.package,
            evaluation=evaluation.digest,
            score=find(judged.metric)(rows.labels, other[rows.rows]),
            delta=compared(rows, scores, other, judged.metric),
        )
        for evaluation, other in theirs
    ]
    return [Rivals(metric=judged.metric, scores=judged.scores, rivals=tuple(found))]


def sized(manifest: Manifest) -> Size:
    """How large a package is."""
    largest = max(manifest.files, key=lambda file: file.size)
    return Size(
        bytes=sum(file.size for file in manifest.files),
        files=len(manifest.files),
        largest=largest.path,
        largest_bytes=largest.size,
    )


def decided_at(charter: Charter, task: Task, asked: float | None) -> tuple[float | None, ThresholdFrom]:
    """From which score on the decision is taken, and why that: asked, where it is another than by itself."""
    if task is not Task.BINARY:
        return None, "half"
    found = terms(charter)
    own: tuple[float, ThresholdFrom] = (0.5, "half")
    if found is not None and found.rule.act_at is not None:
        own = found.rule.act_at, "charter"
    return own if asked is None or asked == own[0] else (asked, "asked")


def selected_at(charter: Charter, task: Task, asked: float | None) -> tuple[float | None, ThresholdFrom]:
    """The same for groups: none where the charter's rule has room for some of a day only, so that no score decides."""
    found = terms(charter) if task is Task.BINARY and asked is None else None
    return (None, "charter") if found is not None and found.rule.limited else decided_at(charter, task, asked)


def grouped(
    table: pa.Table,
    rows: Judged,
    scores: Floats,
    judged: Evaluation,
    threshold: tuple[float | None, ThresholdFrom],
) -> list[Groups]:
    """How a model treats the groups that it was sliced by; nothing where it was not.

    Args:
        table: The window's rows, with the slices' columns.
        rows: Those with a label.
        scores: The model's, one for each row of the window.
        judged: What was found on them, with the metric of each slice.
        threshold: From which score on the decision is taken, and why that.
    """
    if not judged.slices:
        return []
    at, reason = threshold
    selected = None if at is None else scores[rows.rows] >= at
    values = {name: _texts(table[name], rows) for name in dict.fromkeys(each.column for each in judged.slices)}
    groups = tuple(_group(each, values[each.column] == each.value, rows.labels, selected) for each in judged.slices)
    return [Groups(metric=judged.metric, scores=judged.scores, threshold=at, threshold_from=reason, groups=groups)]


def _texts(column: pa.ChunkedArray, rows: Judged) -> NDArray[np.object_]:
    """The values of the rows with a label, as ``stats.slices`` names them."""
    values = column.to_numpy(zero_copy_only=False)[rows.rows].tolist()
    return np.array([_text(value) for value in values], dtype=object)


def _group(found: Slice, here: NDArray[np.bool_], labels: Floats, selected: NDArray[np.bool_] | None) -> Group:
    caught = None if selected is None else selected[here & (labels == 1)]
    return Group(
        column=found.column,
        value=found.value,
        n=found.n,
        positives=found.positives,
        metric=found.interval,
        selected=None if selected is None else wilson(int(selected[here].sum()), found.n),
        caught=wilson(int(caught.sum()), len(caught)) if caught is not None and len(caught) else None,
    )


def _text(value: object) -> str | None:
    return None if value is None or value != value else str(value)  # noqa: PLR0124  # NaN is what differs from itself


def timed(data: bytes, digest: str, *, load_ms: float, machine: str) -> Latency:
    """How long answers took.

    Args:
        data: A Parquet file of one column: milliseconds of one-row answers.
        digest: Of it.
        load_ms: How long loading took.
        machine: Where.

    Raises:
        Invalid: Another form, too few or too many, or a time that is not a positive number.
    """
    table = _read(data, "times")
    if len(table.column_names) != 1 or not pa.types.is_floating(table.schema.types[0]):
        raise _refused("times", "are not one column of floats")
    times = table.column(0).cast(pa.float64()).to_numpy()
    if not FEWEST_ANSWERS <= len(times) <= MOST_ANSWERS:
        raise _refused("times", f"are {len(times):,}, not {FEWEST_ANSWERS:,} to {MOST_ANSWERS:,}")
    if not (np.isfinite(times) & (times > 0)).all():
        raise _refused("times", "are not all positive numbers")
    return Latency(
        p50=quantile_interval(times, 0.5),
        p99=quantile_interval(times, 0.99),
        answers=len(times),
        load_ms=load_ms,
        machine=machine,
        times=digest,
    )


def written_trials(rows: NDArray[np.int64], scores: Sequence[Floats | None]) -> bytes:
    """Perturbed scores as they travel: which rows, then a column for each trial that came to scores."""
    columns = {ROW: pa.array(rows, pa.int64())}
    columns |= {str(place): pa.array(each, pa.float64()) for place, each in enumerate(scores) if each is not None}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd", use_dictionary=False)
    return sink.getvalue()


def perturbed(
    sent: tuple[bytes, str],
    trials: Sequence[Perturbation],
    scored: tuple[Judged, Floats, Evaluation],
    threshold: float | None,
) -> Robustness:
    """How much a model loses when its inputs are perturbed: each trial against its own scores of the same rows.

    Args:
        sent: The perturbed rows' scores, as ``written_trials`` writes them, and the digest of that.
        trials: What was done, one for each column; a trial with an error has none.
        scored: The window's rows with a label, the scores of the rows as they are, and what was found on those.
        threshold: From which score on the decision is taken; none for a regression.

    Raises:
        Invalid: They are something else, or not of these rows.
    """
    (data, digest), (rows, scores, judged) = sent, scored
    table = _read(data, "scores")
    places = _places(table, rows)
    labels = np.full(len(rows.rows), np.nan)
    labels[rows.rows] = rows.labels
    given, known = scores[places], labels[places]
    expected = [ROW, *(str(place) for place, each in enumerate(trials) if not each.error)]
    if table.column_names != expected:
        raise _refused("scores", "are not a column for each perturbation that the model answered")
    found = []
    for place, perturbation in enumerate(trials):
        if perturbation.error:
            found.append(Trial(perturbation=perturbation))
            continue
        theirs = _numbers(table, str(place), binary=threshold is not None)
        every = Judged(np.ones(len(places), np.bool_), known, 0, 0)
        flipped = None
        if threshold is not None:
            flipped = wilson(int(((theirs >= threshold) != (given >= threshold)).sum()), len(places))
        drop = compared(every, given, theirs, judged.metric)
        found.append(Trial(perturbation=perturbation, drop=drop, flipped=flipped))
    return Robustness(
        metric=judged.metric,
        scores=judged.scores,
        score=find(judged.metric)(known, given),
        n=len(places),
        threshold=threshold,
        trials=tuple(found),
        sent=digest,
    )


def _places(table: pa.Table, rows: Judged) -> NDArray[np.int64]:
    """Which rows of the window were perturbed: in their order, each once, all with a label."""
    if ROW not in table.column_names or table.schema.field(ROW).type != pa.int64() or table[ROW].null_count:
        raise _refused("scores", f"have no column {ROW} of whole numbers")
    places: NDArray[np.int64] = table[ROW].to_numpy()
    if not 0 < len(places) <= MOST_PERTURBED:
        raise _refused("scores", f"are of {len(places):,} rows, not 1 to {MOST_PERTURBED:,}")
    if (np.diff(places) <= 0).any() or places[0] < 0 or places[-1] >= len(rows.rows):
        raise _refused("scores", "are not of rows of the window in their order, each once")
    if not rows.rows[places].all():
        raise _refused("scores", "are of rows without a label")
    return places


def _numbers(table: pa.Table, name: str, *, binary: bool) -> Floats:
    column = table[name]
    if column.type != pa.float64():
        raise _refused("scores", f"of perturbation {name} are {column.type}, not float64")
    values: Floats = column.to_numpy()
    if not np.isfinite(values).all() or (binary and ((values < 0) | (values > 1)).any()):
        asked = "probabilities from 0 to 1" if binary else "finite numbers"
        raise _refused("scores", f"of perturbation {name} are not all {asked}")
    return values


def _read(data: bytes, what: str) -> pa.Table:
    try:
        return pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _refused(what, f"are not a Parquet file: {first_line(error)}") from None


def _refused(what: str, problem: str) -> Invalid:
    return Invalid(
        f"The {what} {problem}.",
        remedy="modelwright model evaluate measures and sends them: --robustness, --latency.",
        fields={what: problem},
    )
