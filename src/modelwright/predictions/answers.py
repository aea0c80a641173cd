"""What people ask of a prediction log, each one question to one view of it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from modelwright.core.errors import Invalid
from modelwright.core.ids import Id, Name
from modelwright.core.wire import real
from modelwright.predictions.columns import GUARDS, INPUT, SAID
from modelwright.predictions.model import Counts, PeriodScore, Prediction, Traffic
from modelwright.stats.model import Interval

if TYPE_CHECKING:  # weight: log reaches SQLAlchemy; pyarrow is 0.3 s
    import pyarrow as pa

    from modelwright.predictions.log import View
    from modelwright.stats.scores import Metric

_REPLICATES = 100
"""Of a month's rows, for metrics of ranks that have no interval of their own."""

_ALWAYS, _NEVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


def one(view: View, endpoint: Name, prediction: Id) -> Prediction | None:
    """The prediction with this id, if the endpoint made it."""
    found = view.query("SELECT * FROM answered WHERE prediction_id = $id", {"id": prediction}).to_pylist()
    return _prediction(endpoint, found[0]) if found else None


def newest(view: View, endpoint: Name, *, before: Id | None, limit: int) -> list[Prediction]:
    """Predictions with ids below one, newest first."""
    ids = """
        SELECT DISTINCT prediction_id FROM written WHERE prediction_id < $before
        ORDER BY prediction_id DESC LIMIT $limit
    """
    before = before or "\x7f"
    page = view.query(ids, {"before": before, "limit": limit}).column("prediction_id").to_pylist()
    if not page:
        return []
    # A range, unlike a set of ids, is also applied before duplicates are sought and labels are joined.
    sql = "SELECT * FROM answered WHERE prediction_id BETWEEN $first AND $last ORDER BY prediction_id DESC"
    found = view.query(sql, {"first": page[-1], "last": page[0]})
    return [_prediction(endpoint, row) for row in found.to_pylist()]


def counts(view: View, endpoint: Name) -> Counts:
    """How many predictions there are, and where."""
    sql = """
        SELECT model, version, count(*) AS answered, count(*) FILTER (shipped) AS in_parquet, count(label) AS labelled,
            (SELECT count(*) FROM labels ANTI JOIN predictions USING (prediction_id)) AS strays
        FROM answered GROUP BY GROUPING SETS ((), (model, version)) ORDER BY model, version
    """
    rows = view.query(sql).to_pylist()
    whole = next(row for row in rows if row["model"] is None)
    return Counts(
        endpoint=endpoint,
        answered=whole["answered"],
        in_parquet=whole["in_parquet"],
        in_segments=whole["answered"] - whole["in_parquet"],
        duplicates=view.records - whole["answered"],
        labelled=whole["labelled"],
        labels_without_prediction=whole["strays"],
        by_version={f"{row['model']}@{row['version']}": row["answered"] for row in rows if row is not whole},
        refused=_refused(view),
    )


def _refused(view: View) -> dict[str, int]:
    """Risk -> the rows that its guard refused; a row may be in several situations."""
    found: Counter[str] = Counter()
    for marks, rows in view.refused().items():
        for mark in marks.split(","):
            found[mark.partition(":")[0]] += rows
    return dict(sorted(found.items()))


def between(view: View, since: datetime | None, until: datetime | None) -> pa.Table:
    """The predictions of a span of event time with their labels, by event time."""
    sql = """
        SELECT * EXCLUDE (shipped) FROM answered
        WHERE event_at >= $since AND event_at < $until ORDER BY event_at, prediction_id
    """
    return view.query(sql, {"since": since or _ALWAYS, "until": until or _NEVER})


def labelled(view: View) -> pa.Table:
    """The predictions whose outcome is known: ``prediction_id, model, version, event_at, output, label``."""
    columns = "prediction_id, model, version, event_at, output, label"
    return view.query(f"SELECT {columns} FROM answered WHERE label IS NOT NULL ORDER BY prediction_id")


def timed(view: View) -> pa.Table:
    """Every prediction by event time: ``model, version, event_at, output, label``; none where it has no label."""
    columns = "model, version, event_at, output, label"
    return view.query(f"SELECT {columns} FROM answered ORDER BY event_at, prediction_id")


def performance(view: View, metric: str, *, as_of: datetime | None) -> list[PeriodScore]:
    """A metric by month of ``event_at`` and model version, as it stood at a moment."""
    from modelwright.stats.scores import metric as find  # weight: numpy is 0.1 s

    chosen = find(metric)
    sql = """
        SELECT model, version, date_trunc('month', event_at) AS period_start, count(*) AS n, count(label) AS labelled,
            list({'label': label, 'output': output}) FILTER (label IS NOT NULL) AS pairs
        FROM answered WHERE event_at <= $as_of
        GROUP BY ALL ORDER BY period_start, model, version
    """
    found = view.query(sql, as_of=as_of)
    pairs = found.column("pairs").combine_chunks()
    scores = []
    for index, row in enumerate(found.drop_columns("pairs").to_pylist()):
        interval, reason = None, "No outcome is known yet."
        if row["labelled"]:
            known = pairs[index].values
            interval, reason = _scored(chosen, known.field("label").to_numpy(), known.field("output").to_numpy())
        row["period_start"] = row["period_start"].astimezone(UTC)
        scores.append(PeriodScore(**row, interval=interval, reason=reason))
    return scores


def traffic(view: View) -> list[Traffic]:
    """Requests, rows and latency by hour of ``received_at`` and model version."""
    sql = """
        SELECT date_trunc('hour', received_at) AS period, model, version,
            count(*) FILTER (position = 0) AS requests, count(*) AS rows,
            coalesce(quantile_cont(latency_us / 1000, 0.50) FILTER (position = 0), 0) AS latency_p50_ms,
            coalesce(quantile_cont(latency_us / 1000, 0.99) FILTER (position = 0), 0) AS latency_p99_ms
        FROM answered GROUP BY ALL ORDER BY period, model, version
    """
    return [Traffic(**{**row, "period": row["period"].astimezone(UTC)}) for row in view.query(sql).to_pylist()]


def _scored(metric: Metric, labels: Any, outputs: Any) -> tuple[Interval | None, str]:
    """Where the metric is a mean, large samples need no resampling: a page is waiting."""
    from modelwright.stats.intervals import interval, mean_interval  # weight: numpy is 0.1 s

    try:
        if metric.each is None or metric.name == "accuracy":
            return interval(metric, labels, outputs, replicates=_REPLICATES), ""
        found = mean_interval(metric.each(metric.labels(labels), metric.scores(outputs)))
    except Invalid as error:
        return None, error.message
    if metric.root:
        low, middle, high = (max(end, 0.0) ** 0.5 for end in (found.low, found.estimate, found.high))
        found = replace(found, low=low, estimate=middle, high=high, method="root of a normal mean")
    return found, ""


def _prediction(endpoint: Name, row: dict[str, Any]) -> Prediction:
    known_at, said = row["label_known_at"], row.get(SAID)
    return Prediction(
        id=row["prediction_id"],
        endpoint=endpoint,
        model=row["model"],
        version=row["version"],
        package=row["package"],
        event_at=row["event_at"].astimezone(UTC),
        received_at=row["received_at"].astimezone(UTC),
        latency_ms=row["latency_us"] / 1000,
        inputs={
            name.removeprefix(INPUT): real(value) if isinstance(value, float) else value
            for name, value in row.items()
            if name.startswith(INPUT) and value is not None
        },
        output=real(row["output"]),
        guards=tuple(filter(None, (row.get(GUARDS) or "").split(","))),
        said=None if said is None else real(said),
        label=None if row["label"] is None else real(row["label"]),
        label_known_at=None if known_at is None else known_at.astimezone(UTC),
    )
