"""Numbers from the server's own labels and a caller's scores. Pure: tables and bytes in, evidence values out."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import PurePath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from modelwright.core.clock import duration
from modelwright.core.errors import Invalid
from modelwright.core.schema import Column, Contract, DType, Violation
from modelwright.data.schema import dtype_of
from modelwright.governance.charter import Charter
from modelwright.governance.model import ContractCheck, Evaluation, Window
from modelwright.models.model import Task
from modelwright.stats.calibration import reliability
from modelwright.stats.intervals import difference, interval
from modelwright.stats.model import Interval
from modelwright.stats.slices import by_slice

MOST_ROWS = 1_000_000
"""Rows of one evaluation."""
LARGEST_UPLOAD = 64 << 20
"""Bytes of scores."""
_RESAMPLED_CELLS = 100_000_000
"""Rows times bootstrap replicates of one interval, some seconds."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """The rows of a window that have a label.

    Attributes:
        rows: Which of the window's rows, shape ``(n_window,)``.
        labels: Their labels, shape ``(n,)``.
        unlabelled: Rows without one.
        immature: Rows whose label cannot be known yet.
    """

    rows: NDArray[np.bool_]
    labels: Floats
    unlabelled: int
    immature: int


def rows_in(table: pa.Table, window: Window, event_time: str | None) -> pa.Table:
    """The rows of a window, in their order.

    Raises:
        Invalid: A window is asked of a dataset without an event time, it is empty, or it holds too many rows.
    """
    if (window.since or window.until) and event_time is None:
        raise Invalid(
            "The dataset has no event_time, so no window can be cut from it.",
            remedy="Leave since and until out, or add a version that names its event_time.",
            fields={"since": "the dataset has no event_time"},
        )
    if window.since and window.until and window.since >= window.until:
        raise Invalid(f"The window {window} is empty.", fields={"until": "is not after since"})
    for moment, keeps in ((window.since, pc.greater_equal), (window.until, pc.less)):
        if moment is not None:
            times = table[event_time]
            table = table.filter(keeps(times, pa.scalar(moment, times.type)))
    if not 0 < table.num_rows <= MOST_ROWS:
        raise Invalid(
            f"The window {window} holds {table.num_rows:,} rows, not 1 to {MOST_ROWS:,}.",
            remedy="Choose another window with since and until.",
            fields={"since": "holds no rows, or too many"},
        )
    return table


def judged(table: pa.Table, charter: Charter, event_time: str | None, now: datetime) -> Judged:
    """The labels that a window's rows have, as the charter reads them.

    Raises:
        Invalid: There is no such column, it holds no numbers, or no row has a label.
    """
    name = charter.label.column
    if name not in table.column_names:
        raise Invalid(
            f"The dataset has no column {name!r}, the charter's label.",
            remedy=f"It has: {', '.join(table.column_names[:20])}.",
            fields={"dataset": f"has no column {name}"},
        )
    if pa.types.is_string(table[name].type) or pa.types.is_timestamp(table[name].type):
        raise Invalid(f"The label {name!r} holds {table[name].type}, not numbers.", fields={name: "holds no numbers"})
    labels = table[name].cast(pa.float64()).to_numpy()
    known = ~np.isnan(labels)
    mature = np.ones(len(labels), dtype=np.bool_)
    if event_time is not None and event_time in table.column_names:
        latest = pa.scalar(now - duration(charter.label.known_after), table[event_time].type)
        mature = pc.fill_null(pc.less_equal(table[event_time], latest), fill_value=True).to_numpy()
    rows = known & mature
    if not rows.any():
        raise Invalid(
            f"None of {len(rows):,} rows has a label in {name!r} yet.",
            remedy="Choose a window whose labels are known.",
            fields={"since": "no row has a label"},
        )
    return Judged(rows, labels[rows], int((~known).sum()), int((known & ~mature).sum()))


def written_scores(scores: ArrayLike) -> bytes:
    """Scores as they travel: one column of float64 in a Parquet file."""
    sink = io.BytesIO()
    column = pa.array(np.asarray(scores, dtype=np.float64))
    pq.write_table(pa.table({"score": column}), sink, compression="zstd", use_dictionary=False)
    return sink.getvalue()


def read_scores(data: bytes, rows: int, task: Task) -> Floats:
    """Scores that a caller sent, shape ``(rows,)``.

    Args:
        data: A Parquet file of one column of numbers.
        rows: How many rows the window has.
        task: What the scores mean.

    Raises:
        Invalid: Another form, number of rows, a missing or infinite score, or a probability beyond 0 to 1.
    """
    try:
        found = pq.ParquetFile(io.BytesIO(data))
        shape = (found.metadata.num_rows, len(found.schema_arrow.names))
        if shape != (rows, 1):
            raise _scores(f"hold {shape[0]:,} rows in {shape[1]} columns; the window has {rows:,} rows")
        if not pa.types.is_floating(found.schema_arrow.types[0]):
            raise _scores(f"are {found.schema_arrow.types[0]}, not floats")
        column = found.read().column(0).cast(pa.float64())
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _scores(f"are not a Parquet file: {str(error)[:200]}") from None
    scores = column.to_numpy()
    if len(scores) != rows:
        raise _scores(f"hold {len(scores):,} rows; the window has {rows:,}")
    bad = ~np.isfinite(scores)
    if task is Task.BINARY:
        bad |= (scores < 0) | (scores > 1)
    if bad.any():
        row = int(bad.argmax())
        asked = "a probability from 0 to 1" if task is Task.BINARY else "a finite number"
        raise _scores(f"have {int(bad.sum()):,} rows that are not {asked}; first row {row}: {scores[row]}")
    return np.asarray(scores)


def evaluated(
    table: pa.Table, rows: Judged, scores: Floats, charter: Charter, *, slices: Sequence[str], digest: str, task: Task
) -> Evaluation:
    """How good scores are.

    Args:
        table: The window's rows, with the slice columns.
        rows: Those with a label.
        scores: One for each row of the window.
        charter: What they are judged by.
        slices: Columns to slice by.
        digest: Of the scores as they were sent.
        task: What they mean.
    """
    metric, labels, given = charter.kpi.metric, rows.labels, scores[rows.rows]
    replicates = _replicates(len(labels))
    labelled = table.filter(pa.array(rows.rows))
    return Evaluation(
        metric=metric,
        score=interval(metric, labels, given, replicates=replicates),
        calibration=reliability(labels, given, replicates=replicates) if task is Task.BINARY else None,
        slices=tuple(
            found
            for column in slices
            for found in by_slice(metric, labels, given, column, labelled[column].to_numpy(zero_copy_only=False))
        ),
        n=len(labels),
        positives=int(labels.sum()) if task is Task.BINARY else None,
        unlabelled=rows.unlabelled,
        immature=rows.immature,
        scores=digest,
    )


def compared(rows: Judged, scores: Floats, baseline: Floats, metric: str) -> Interval:
    """How much better scores are than the baseline's on the same rows."""
    given, theirs = scores[rows.rows], baseline[rows.rows]
    return difference(metric, rows.labels, given, theirs, replicates=_replicates(len(given)))


def _replicates(n_rows: int) -> int:
    """As many as take some seconds: with more rows an interval is narrow, and steady with fewer."""
    return max(100, min(1000, _RESAMPLED_CELLS // n_rows))


def checked(table: pa.Table, contract: Contract) -> ContractCheck:
    """Whether rows are what a model takes: the first thing wrong with each column."""
    found = [
        Violation(column=column.name, problem=problem)
        for column in contract.columns
        if (problem := _problem(column, table)) is not None
    ]
    return ContractCheck(rows=table.num_rows, columns=contract.names, violations=tuple(found))


def _problem(column: Column, table: pa.Table) -> str | None:
    if column.name not in table.column_names:
        return "is missing"
    values = table[column.name]
    dtype = dtype_of(values.type)
    if dtype != column.dtype and (dtype, column.dtype) != (DType.INT64, DType.FLOAT64):
        return f"is {dtype or values.type}, not {column.dtype}"
    if dtype is DType.FLOAT64:
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    if values.null_count and not column.nullable:
        return f"has {values.null_count:,} rows without a value, and may have none"
    return _beyond(column, values, dtype)


def _beyond(column: Column, values: pa.ChunkedArray, dtype: DType | None) -> str | None:
    """The first value that is out of order, of a column with the right type."""
    present = values.drop_null()
    if dtype in (DType.INT64, DType.FLOAT64) and len(present):
        ends = pc.min_max(present).as_py()
        if column.minimum is not None and ends["min"] < column.minimum:
            return f"goes down to {ends['min']}, below the minimum {column.minimum:g}"
        if column.maximum is not None and ends["max"] > column.maximum:
            return f"goes up to {ends['max']}, above the maximum {column.maximum:g}"
    if column.categories is not None and dtype is DType.STRING:
        known = pc.is_in(present, pa.array(column.categories, pa.string()))
        strange = present.filter(pc.invert(known))
        if len(strange):
            return f"holds {strange[0].as_py()[:80]!r}, not one of {', '.join(column.categories[:8])}"
    return None


@cache
def code_digest() -> str:
    """SHA-256 over the source that computes evidence: this module, what replays, counts and checks, and ``stats``."""
    hashed = hashlib.sha256(files("modelwright.governance").joinpath(PurePath(__file__).name).read_bytes())
    counts = [files("modelwright.risks").joinpath(name) for name in ("counting.py", "predicates.py")]
    counts += [files("modelwright.governance.checks").joinpath(name) for name in ("computing.py", "quantiles.py")]
    counts.append(files("modelwright.governance.effects").joinpath("replay.py"))
    for entry in [*counts, *sorted(files("modelwright.stats").iterdir(), key=lambda found: found.name)]:
        if entry.name.endswith(".py"):
            source = entry.read_bytes()
            hashed.update(f"\0{entry.name}\0{len(source)}\0".encode() + source)
    return hashed.hexdigest()


def _scores(problem: str) -> Invalid:
    return Invalid(
        f"The scores {problem}.",
        remedy="Score every row of the window, in its order; modelwright model evaluate does.",
        fields={"scores": problem},
    )
