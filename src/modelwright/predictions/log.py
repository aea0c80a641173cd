"""The reader of the prediction log: what was shipped to Parquet and what still stands in segments, as one table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from modelwright.core.errors import Unavailable
from modelwright.core.ids import Id, Name
from modelwright.predictions.columns import empty, joined, rows_of
from modelwright.predictions.layout import endpoints_in, segment_folder, segments_in
from modelwright.predictions.model import Kind
from modelwright.predictions.repository import PartRepository, Place
from modelwright.predictions.segments import MAGIC, frames
from modelwright.predictions.tails import Tails
from modelwright.store.ports import Frames, Records

if TYPE_CHECKING:  # weight: pyarrow is 0.3 s
    import pyarrow as pa

ANSWERS = (Kind.PREDICTIONS, Kind.LABELS)
"""What the log of an endpoint is to most readers: what it answered, and what turned out."""

WITH_SHADOWS = (*ANSWERS, Kind.SHADOWS)
"""The same, and what challengers said of the same requests."""

WITH_REFUSALS = (*ANSWERS, Kind.REFUSALS)
"""The same, and the rows that guards did not let it answer."""

_STEMS = {
    Kind.PREDICTIONS: "prediction",
    Kind.LABELS: "label",
    Kind.SHADOWS: "shadow",
    Kind.REFUSALS: "refusal",
}
_ASKED = (Kind.PREDICTIONS, Kind.REFUSALS)
_TRIES = 20
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)

_ANSWERED = """
WITH written AS (
  SELECT *, TRUE AS shipped FROM prediction_parts UNION ALL BY NAME SELECT *, FALSE AS shipped FROM prediction_segments
), predictions AS (
  SELECT * FROM written
  QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY received_at, event_at, version, output) = 1
), said AS (
  SELECT * FROM label_parts UNION ALL BY NAME SELECT * FROM label_segments
), labels AS (
  SELECT prediction_id, value AS label, known_at AS label_known_at FROM said WHERE known_at <= $as_of
  QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY known_at DESC, recorded_at DESC, value DESC) = 1
), answered AS (
  SELECT predictions.*, label, label_known_at FROM predictions LEFT JOIN labels USING (prediction_id)
)
"""

# Both sides of the union are cut to the span first: a part of another time is not even opened.
_BETWEEN = """
WITH written AS (
  SELECT * FROM {stem}_parts WHERE event_at >= $since AND event_at < $until
  UNION ALL BY NAME SELECT * FROM {stem}_segments WHERE event_at >= $since AND event_at < $until
)
SELECT {columns} FROM written
QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY received_at, event_at, version, output) = 1
ORDER BY prediction_id
"""

_WITHOUT_INPUTS = "prediction_id, model, version, event_at, output"

_WITH_LABELS = """
WITH said AS (
  SELECT * FROM label_parts WHERE prediction_id BETWEEN $first AND $last
  UNION ALL BY NAME SELECT * FROM label_segments WHERE prediction_id BETWEEN $first AND $last
), labels AS (
  SELECT prediction_id, value AS label, known_at AS label_known_at
  FROM said JOIN (SELECT prediction_id, event_at FROM predictions) USING (prediction_id)
  WHERE known_at <= event_at + to_microseconds($within)
  QUALIFY row_number() OVER (PARTITION BY prediction_id ORDER BY known_at DESC, recorded_at DESC, value DESC) = 1
)
SELECT predictions.*, label, label_known_at FROM predictions LEFT JOIN labels USING (prediction_id)
ORDER BY prediction_id
"""

_SPAN = "SELECT min(event_at) AS first, max(event_at) AS last FROM rows WHERE event_at <= $before"

_REFUSED = """
SELECT guards, count(DISTINCT prediction_id) AS rows
FROM (SELECT * FROM refusal_parts UNION ALL BY NAME SELECT * FROM refusal_segments) GROUP BY guards ORDER BY guards
"""

Span = tuple[datetime, datetime]
"""The first and the last event time."""


class View:
    """One endpoint's log at one moment. It stays as it is, whatever is answered or shipped meanwhile.

    Attributes:
        records: Prediction records written, the duplicates of an id among them.
        is_empty: Whether there is no prediction at all.
    """

    def __init__(
        self,
        frames: Frames,
        tables: Mapping[str, Sequence[str] | pa.Table],
        records: int,
        spans: MutableMapping[str, Span],
    ) -> None:
        self._frames = frames
        self._tables = tables
        self._spans = spans
        self.records = records
        self.is_empty = not any(len(tables[f"prediction_{half}"]) for half in ("parts", "segments"))

    def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, *, as_of: datetime | None = None
    ) -> pa.Table:
        """Run one SELECT over ``answered``: one row per prediction id, the first by ``received_at``.

        Its columns are those of ``columns.prediction_table`` and ``shipped, label, label_known_at``. Of several labels
        of an id the one with the newest ``known_at`` holds, of those the one recorded last. ``predictions`` and
        ``labels`` are the two sides before the join.

        Args:
            sql: DuckDB SQL from this code base; ``$name`` marks a parameter, ``$as_of`` is there always.
            parameters: Values for the marks.
            as_of: Labels that became known later are left out; none leaves out nothing.
        """
        values = {**(parameters or {}), "as_of": as_of or _NEVER}
        return self._frames.query(_ANSWERED + sql, self._tables, values)

    def span(self, *, before: datetime) -> Span | None:
        """The first and the last event time up to a moment; none without a prediction, nor a refusal if they are read.

        Parts do not change, so each is looked at once by this process.
        """
        found = [self._span(part, before) for kind in _ASKED for part in self._parts(kind)]
        segments = [self._tables.get(f"{_STEMS[kind]}_segments", ()) for kind in _ASKED]
        found += [self._asked(rows, before) for rows in segments if len(rows)]
        known = [span for span in found if span is not None]
        return (min(first for first, _ in known), max(last for _, last in known)) if known else None

    def between(self, since: datetime, until: datetime) -> pa.Table:
        """The predictions about events of a span of time, by prediction id; an id once, the first by ``received_at``.

        Args:
            since: The first event time.
            until: The first event time after it.
        """
        return self._between(since, until, "*")

    def asked(self, since: datetime, until: datetime) -> pa.Table:
        """The same, and the rows that a guard refused, whose output is NaN; of a view ``WITH_REFUSALS``."""
        refused = self._between(since, until, "*", kind=Kind.REFUSALS)
        return joined([self.between(since, until), refused])

    def refused(self) -> dict[str, int]:
        """What guards said of the rows that they refused, and how many there are; of a view ``WITH_REFUSALS``."""
        halves = [self._tables[f"refusal_{half}"] for half in ("parts", "segments")]
        if not any(map(len, halves)):
            return {}  # without a row there is no column of guards
        found = self._frames.query(_REFUSED, {"refusal_parts": halves[0], "refusal_segments": halves[1]}, {})
        return {row["guards"]: row["rows"] for row in found.to_pylist()}

    def labelled(self, since: datetime, until: datetime, *, known_within: timedelta, inputs: bool = False) -> pa.Table:
        """The predictions of ``between`` with the labels that became known in time.

        Args:
            since: The first event time.
            until: The first event time after it.
            known_within: Since the event. Each row then had the same time to get its ``label``.
            inputs: Also the input columns, and the others of ``between``.
        """
        found = self._between(since, until, "*" if inputs else _WITHOUT_INPUTS)
        ids, within = found.column("prediction_id"), known_within // timedelta(microseconds=1)
        first, last = (ids[0].as_py(), ids[-1].as_py()) if found.num_rows else ("", "")
        sources = {"predictions": found, **{name: self._tables[name] for name in ("label_parts", "label_segments")}}
        return self._frames.query(_WITH_LABELS, sources, {"first": first, "last": last, "within": within})

    def _between(self, since: datetime, until: datetime, columns: str, *, kind: Kind = Kind.PREDICTIONS) -> pa.Table:
        parts, stem = [part for part in self._parts(kind) if self._may_hold(part, since, until)], _STEMS[kind]
        tables = {f"{stem}_parts": parts or empty(kind), f"{stem}_segments": self._tables[f"{stem}_segments"]}
        sql = _BETWEEN.format(columns=columns, stem=stem)
        return self._frames.query(sql, tables, {"since": since, "until": until})

    def _parts(self, kind: Kind) -> Sequence[str]:
        parts = self._tables.get(f"{_STEMS[kind]}_parts")
        return parts if isinstance(parts, list) else []

    def _span(self, part: str, before: datetime) -> Span | None:
        span = self._spans.get(part)
        if span is None:
            span = self._asked([part], _NEVER)
            if span is None:
                return None
            self._spans[part] = span
        return span if span[1] <= before else self._asked([part], before)

    def _asked(self, rows: list[str] | pa.Table, before: datetime) -> Span | None:
        import pyarrow.compute as pc  # weight: 0.1 s

        if isinstance(rows, list):
            found = self._frames.query(_SPAN, {"rows": rows}, {"before": before}).to_pylist()[0]
            first, last = found["first"], found["last"]
        else:
            moments = rows.column("event_at")
            first, last = pc.min_max(moments.filter(pc.less_equal(moments, before))).as_py().values()
        return None if first is None else (first.astimezone(UTC), last.astimezone(UTC))

    def _may_hold(self, part: str, since: datetime, until: datetime) -> bool:
        span = self._span(part, _NEVER)
        return span is not None and span[0] < until and span[1] >= since

    def table(self, *, as_of: datetime | None = None) -> pa.Table:
        """Every prediction with its label, by prediction id; ``as_of`` as in ``query``."""
        return self.query("SELECT * FROM answered ORDER BY prediction_id", as_of=as_of)


class _Rows(NamedTuple):
    """What the control database says of one kind."""

    parts: list[str]
    open: list[Path]
    records: int


class PredictionLog:
    """Reads every endpoint's predictions and labels.

    Law: a view holds each row that was acknowledged before it was asked for, and none twice, whatever a shipper does
    meanwhile.

    Args:
        folder: ``log/`` of the home.
        records: The control database.
        frames: Where the parts are.
    """

    def __init__(self, folder: Path, records: Records, frames: Frames) -> None:
        self.folder = folder
        self.records = records
        self.frames = frames
        self._repository = PartRepository()
        self._spans: dict[str, Span] = {}
        self._tails = Tails()

    def endpoints(self, project: Name) -> list[str]:
        """The endpoints that have a log."""
        with self.records.reading() as rows:
            return sorted({*endpoints_in(self.folder, project), *self._repository.endpoints(rows, project)})

    def view(
        self, project: Name, endpoint: Name, *, holding: Id | None = None, kinds: Collection[Kind] = ANSWERS
    ) -> View:
        """The log of an endpoint as it is now; an endpoint nobody knows has an empty one.

        Args:
            project: Whose endpoint.
            endpoint: Who answered.
            holding: Only this prediction is of interest: parts and records that cannot hold it are not read.
            kinds: What is read; ``WITH_SHADOWS`` adds the tables ``shadow_parts`` and ``shadow_segments``.

        Raises:
            Corrupted: A segment or a part is damaged. Nothing is left out silently.
        """
        # Segments are listed first, the rows are read second, the files third. A segment that is shipped after the
        # listing is named by the rows, and its part is used instead; one shipped after the rows were read is still
        # read as a file, or is gone, and then we begin again. The rows first would miss what is shipped and removed
        # before the listing; this is also why the snapshot is not the caller's, who may have begun it long ago.
        for _ in range(_TRIES):
            listed = {kind: segments_in(segment_folder(self.folder, endpoint, kind, project=project)) for kind in kinds}
            with self.records.reading() as rows:
                known = {
                    kind: self._known(rows, Place(project=project, endpoint=endpoint, kind=kind), listed[kind], holding)
                    for kind in kinds
                }
            try:
                return self._view(project, endpoint, known, holding)
            except FileNotFoundError:
                continue
        raise Unavailable(f"The log of {endpoint} moved {_TRIES} times while it was read.", remedy="Try again.")

    def has_predictions(self, project: Name, endpoint: Name) -> bool:
        """Whether the endpoint has answered anything."""
        place = Place(project=project, endpoint=endpoint, kind=Kind.PREDICTIONS)
        for path in segments_in(segment_folder(self.folder, endpoint, Kind.PREDICTIONS, project=project)):
            with suppress(FileNotFoundError):  # shipped just now, which the rows know
                if path.stat().st_size > len(MAGIC):
                    return True
        with self.records.reading() as rows:
            return bool(self._repository.overlapping(rows, place))

    def size(self, project: Name, endpoint: Name) -> int:
        """A number that grows with every prediction or label that is written, and is cheap to ask for."""
        total = 0
        for kind in Kind:
            for path in segments_in(segment_folder(self.folder, endpoint, kind, project=project)):
                with suppress(FileNotFoundError):  # shipped just now: its records are counted below
                    total += path.stat().st_size
            with self.records.reading() as rows:
                total += self._repository.records(rows, Place(project=project, endpoint=endpoint, kind=kind)) << 20
        return total

    def _known(self, rows: Any, place: Place, listed: Sequence[Path], holding: Id | None) -> _Rows:
        shipped = self._repository.shipped(rows, place, [path.name for path in listed])
        found = (
            self._repository.overlapping(rows, place)
            if holding is None
            else self._repository.overlapping(rows, place, holding, holding)
        )
        still_open = [path for path in listed if path.name not in shipped]
        return _Rows(found, still_open, self._repository.records(rows, place))

    def _view(self, project: str, endpoint: str, known: Mapping[Kind, _Rows], holding: Id | None) -> View:
        tables: dict[str, Any] = {}
        for kind, rows in known.items():
            tables[f"{_STEMS[kind]}_parts"] = rows.parts or empty(kind)
            if holding is None:
                folder = segment_folder(self.folder, endpoint, kind, project=project)
                tables[f"{_STEMS[kind]}_segments"] = self._tails.rows(folder, kind, rows.open)
            else:
                tables[f"{_STEMS[kind]}_segments"] = rows_of(kind, _payloads(rows.open, holding.encode()))
        written = known[Kind.PREDICTIONS].records + tables["prediction_segments"].num_rows
        return View(self.frames, tables, written, self._spans)


def _payloads(paths: Sequence[Path], needle: bytes) -> Iterator[bytes]:
    """Every payload that holds the needle: ids stand in it as they are, so most of a log need not be decoded."""
    for path in paths:
        for _, payload in frames(path):
            if needle in payload:
                yield payload
