"""``ws.features``: the operations, and verbs that make tables and vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from msgspec.structs import replace

from modelwright.core.clock import EPOCH, as_utc, utc_now
from modelwright.core.errors import Invalid
from modelwright.core.expressions import MICROSECOND, names, parse_row
from modelwright.core.ids import parse_ref
from modelwright.core.operation import Caller, Face, Operation
from modelwright.core.schema import Contract, DType
from modelwright.data.model import LATEST, DatasetVersion
from modelwright.features.model import Freshness, TrainingRecord, View, ViewVersion, columns_read

if TYPE_CHECKING:  # weight: pyarrow and duckdb
    import pyarrow as pa

    from modelwright.features.training import Frame

Rows = Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any]]


class TrainingSet:
    """Questions of the past with their features and labels.

    Attributes:
        table: The spine's key, ``asked_at``, the features in the view's order, the label, and when it was known.
        view: The view's version.
        reads: The dataset versions it was made of; ``run.read`` takes each.
        excluded: Questions left out because their label was not known.
        record: What the home keeps of it.
    """

    def __init__(self, table: pa.Table, view: ViewVersion, *, excluded: int, record: TrainingRecord) -> None:
        self.table = table
        self.view = view
        self.reads = record.reads
        self.excluded = excluded
        self.record = record

    def __repr__(self) -> str:
        made_of = ", ".join(pin.ref for pin in self.reads)
        return f"<TrainingSet {self.view.ref}  {self.table.num_rows:,} rows  of {made_of}>"

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """What lets Arrow, Polars, DuckDB, pandas and ``ws.data.add`` take it as a table."""
        return self.table.__arrow_c_stream__(requested_schema)

    @property
    def features(self) -> pa.Table:
        """The vectors alone: what ``save_model(example=…)`` takes."""
        return self.table.select([column.name for column in self.view.columns])

    @property
    def label(self) -> pa.ChunkedArray:
        """The labels.

        Raises:
            Invalid: The view has none.
        """
        if self.view.view.label is None:
            raise Invalid(f"{self.view.ref} has no label.", remedy="Give the view one: label=f.label(…)")
        return self.table[self.view.view.label.name]


class FeaturesFace(Face):
    """Training sets and vectors beside the operations."""

    def __init__(self, operations: Mapping[str, Operation], caller: Caller) -> None:
        from modelwright.data.sdk import DataFace
        from modelwright.data.service import DataService

        super().__init__(operations, caller)
        self._data = DataFace(DataService.operations(), caller)

    def training_set(
        self,
        view: View | ViewVersion | str,
        *,
        spine: str,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        sources: Sequence[str] = (),
        unlabelled: Literal["exclude", "keep"] = "exclude",
        run_id: str | None = None,
    ) -> TrainingSet:
        """Ask a view of the past: each row of the spine is answered with what was known when it was asked.

        Rows in = rows out, in their order: no question is lost or doubled by what is or is not known about it.

        Args:
            view: A definition, which is published if it is new; a version; or ``name@2``.
            spine: The dataset whose rows ask: ``flights@3``. A source of the same name is read in that version.
            since: The first moment of asking.
            until: The first moment of asking that no longer belongs; labels count as far as they were known and mature
                then. By default all questions, with every label there is.
            sources: Versions of other datasets to read, ``weather@2``; by default the newest.
            unlabelled: Whether questions whose label was not known or not mature are left out, or kept with a label
                that is missing.
            run_id: The run it is made for, for lineage; ``run.training_set`` gives it.

        Raises:
            NotFound: There is no such dataset or view.
            Invalid: The spine lacks a column, or there are no questions in the period.
        """
        from modelwright.features.distribution import distributions  # weight: pyarrow and duckdb
        from modelwright.features.training import Period, Spine, training_table

        version = self._version(view)
        asking, chosen = self._chosen(version, spine, sources)
        frames = {source.dataset: self._frame(chosen[source.dataset], version) for source in version.view.sources}
        asks = Spine(self._frame(asking, version, spine=True), asking.key, asking.event_time)
        period = Period(_moment(since, "since"), _moment(until, "until"))
        made = training_table(version, asks, frames, period, keep_unlabelled=unlabelled == "keep")
        if not made.table.num_rows:
            raise Invalid(
                f"{asking.ref} has no questions with a known label in that period."
                if made.excluded
                else f"{asking.ref} has no questions in that period.",
                remedy="Choose another since and until, or unlabelled='keep'.",
            )
        reads = {asking.ref: asking.pinned, **{dataset.ref: dataset.pinned for dataset in chosen.values()}}
        record: TrainingRecord = self._bound(self._operations["record"])(
            version.ref,
            tuple(reads.values()),
            made.table.num_rows,
            period.until or _last(made.table),
            distributions(made.table, version.columns),
            run_id=run_id,
        )
        return TrainingSet(made.table, version, excluded=made.excluded, record=record)

    def online(
        self,
        view: View | ViewVersion | str,
        rows: Rows,
        *,
        at: datetime | str | Sequence[datetime] | None = None,
    ) -> list[dict[str, Any]]:
        """The vectors of some questions, as an endpoint would complete them, from the online store.

        Args:
            view: As for ``training_set``; it must have been materialised.
            rows: Keys, context and columns of ``ask_at``: one dict per question, or column -> values.
            at: When they are asked, one moment for all or one each; by default what the view says, else now.

        Raises:
            Unavailable: Nothing of the view is in the online store.
            Invalid: A question lacks a column, or has one of another type.
        """
        from modelwright.features.vectors import Vectors  # weight: none, but only this verb needs it

        version = self._version(view)
        given, count = _columns(version, rows)
        vectors = Vectors(version)
        if at is not None:
            asked = _each(at, count)
        elif (moments := vectors.asked_at(given, count)) is not None:
            asked = [EPOCH + moment * MICROSECOND for moment in moments]
        else:
            asked = [utc_now()] * count
        keys = {key: given[key] for line in version.view.lines for key in line.by}
        stored = self._bound(self._operations["lookup"])(version.ref, keys, tuple(asked)) if keys else {}
        whole = vectors.finish(given, _read(version, stored), count)
        return [dict(zip(whole, row, strict=True)) for row in zip(*whole.values(), strict=True)]

    def materialize(self, view: View | ViewVersion | str, *, until: datetime | str | None = None) -> Freshness:
        """Bring a view's values in the online store up to a moment.

        Args:
            view: As for ``training_set``.
            until: Facts known by then; by default all there are.
        """
        ref = self._version(view).ref
        fresh: Freshness = self._bound(self._operations["materialize"])(ref, _moment(until, "until"))
        return fresh

    def _version(self, view: View | ViewVersion | str) -> ViewVersion:
        if isinstance(view, ViewVersion):
            return view
        version: ViewVersion = self.get(view) if isinstance(view, str) else self.apply(view)
        return version

    def _chosen(
        self, version: ViewVersion, spine: str, sources: Sequence[str]
    ) -> tuple[DatasetVersion, dict[str, DatasetVersion]]:
        """The spine's version, and that of every source."""
        asking: DatasetVersion = self._data.get(spine)
        refs = {asking.name: asking.ref, **{parse_ref(ref).name: ref for ref in sources}}
        wanted = {source.dataset for source in version.view.sources}
        return asking, {name: self._data.get(refs.get(name, f"{name}@{LATEST}")) for name in sorted(wanted)}

    def _frame(self, dataset: DatasetVersion, version: ViewVersion, *, spine: bool = False) -> Frame:
        from modelwright.features.training import Frame  # weight: pyarrow and duckdb

        if spine:
            wanted = [column.name for column in version.request]
            wanted += [*([dataset.key] if dataset.key else []), *([dataset.event_time] if dataset.event_time else [])]
            wanted += version.view.label.source.entity if version.view.label else ()
        else:
            wanted = columns_of(version.view, dataset)
        there = [name for name in dict.fromkeys(wanted) if name in dataset.columns]
        return Frame(self._data.table(dataset.ref, there), dataset.columns)


def columns_of(view: View, dataset: DatasetVersion) -> list[str]:
    """The columns of a dataset that a view reads as a source."""
    found: list[str] = []
    for source in view.sources:
        if source.dataset == dataset.name:
            found += [*source.entity, source.event_time, *([source.known_at] if source.known_at else [])]
    for line in view.lines:
        if line.source.dataset == dataset.name:
            found += [*line.by, *columns_read(line.features, dataset.columns)]
    if view.label is not None and view.label.source.dataset == dataset.name:
        found += [str(name) for name in names(parse_row(view.label.expression))]
    return list(dict.fromkeys(found))


def _columns(version: ViewVersion, rows: Rows) -> tuple[dict[str, list[Any]], int]:
    """The request's columns of some questions, checked."""
    if isinstance(rows, Mapping):
        given = {str(name): list(values) for name, values in rows.items()}
    else:
        known = {name for row in rows for name in row}
        given = {name: [row.get(name) for row in rows] for name in known}
    lengths = {len(values) for values in given.values()}
    if len(lengths) != 1:
        raise Invalid("The questions are no table.", remedy="Give one dict per question, or columns of one length.")
    asked_by = {column.name for column in version.request}
    wanted = (column for column in version.request if column.name in given or column.name in _needed(version))
    needed = Contract(columns=tuple(replace(column, nullable=True) for column in wanted))
    for column in needed.columns:
        if column.dtype is DType.TIMESTAMP and column.name in given:
            given[column.name] = [
                as_utc(value, field=column.name) if isinstance(value, str | datetime) else value
                for value in given[column.name]
            ]
    needed.require(given)
    return {name: values for name, values in given.items() if name in asked_by}, lengths.pop()


def _needed(version: ViewVersion) -> set[str]:
    """What a question must bring in any case: not what ``ask_at`` alone names, since the moment may be given."""
    keys = {key for line in version.view.lines for key in line.by}
    return keys | {column.name for column in version.request if not column.nullable}


def _each(at: datetime | str | Sequence[datetime], count: int) -> list[datetime]:
    if isinstance(at, datetime | str):
        return [as_utc(at, field="at")] * count
    if len(at) != count:
        raise Invalid(f"There are {len(at)} moments for {count} questions.", fields={"at": "wrong length"})
    return [as_utc(moment, field="at") for moment in at]


def _read(version: ViewVersion, stored: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Values as they came over the wire, in their own types again."""
    dtypes = {column.name: column.dtype for column in version.columns}

    def read(value: Any, dtype: DType) -> Any:
        if value is None or dtype not in (DType.TIMESTAMP, DType.FLOAT64):
            return value
        return as_utc(value) if dtype is DType.TIMESTAMP else float(value)

    return {name: [read(value, dtypes[name]) for value in values] for name, values in stored.items()}


def _moment(moment: datetime | str | None, field: str) -> datetime | None:
    return None if moment is None else as_utc(moment, field=field)


def _last(table: pa.Table) -> datetime:
    import pyarrow.compute as pc  # weight: pyarrow

    last: datetime = pc.max(table["asked_at"]).as_py()
    return last
