"""The use cases of features."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from modelwright.core import wire
from modelwright.core.clock import EPOCH, as_utc
from modelwright.core.errors import Invalid, NotFound, Unavailable
from modelwright.core.expressions import MICROSECOND
from modelwright.core.ids import Id, Name, Pinned, Ref, new_id, parse_ref
from modelwright.core.operation import Page, Service, limited, operation, paged, position
from modelwright.core.schema import Contract
from modelwright.core.unit import Snapshot, Unit
from modelwright.data.model import DatasetVersion
from modelwright.features.model import (
    LATEST,
    Distribution,
    FeatureView,
    Freshness,
    TrainingRecord,
    TrainingSetMade,
    Values,
    View,
    ViewApplied,
    ViewMaterialized,
    ViewVersion,
)
from modelwright.features.resolve import resolved
from modelwright.predictions.model import microseconds

if TYPE_CHECKING:  # weight: SQLAlchemy and pyarrow, which a remote client does without
    from modelwright.data.service import DataService
    from modelwright.features.repository import FeatureRepository
    from modelwright.features.store import Reading
    from modelwright.store.ports import Frames, KeyValue, Queue, Records

MOST_ROWS = 10_000
_LEASE = timedelta(minutes=10)
"""Who dies while materialising keeps others from it for so long at most."""


class FeatureService(Service):
    """Publish views, fill the online store, look vectors up."""

    noun = "features"

    def __init__(
        self,
        repository: FeatureRepository,
        *,
        data: DataService,
        records: Records,
        frames: Frames,
        store: KeyValue,
        queue: Queue,
    ) -> None:
        self._repository = repository
        self._data = data
        self._records = records
        self._frames = frames
        self._store = store
        self._queue = queue

    @operation(permission="features:write", kind="command")
    def apply(self, unit: Unit, view: View) -> ViewVersion:
        """Publish a view's next version; the newest version's definition again is that version.

        Args:
            unit: The unit of work.
            view: The definition; its datasets must be there, for their columns' types.

        Raises:
            NotFound: A dataset is not there.
            Invalid: A column is not there or of the wrong type, or an expression or a function may not be.
        """
        known = self._repository.newest(unit.rows, unit.project, view.name)
        datasets = {source.dataset: self._dataset(unit, source.dataset).columns for source in view.sources}
        columns, request = resolved(view, datasets)
        digest = wire.digest({"view": view, "columns": columns, "request": request})
        if known and known[0].digest == digest:
            return known[0]
        number = known[0].version + 1 if known else 1
        version = ViewVersion(
            name=view.name,
            version=number,
            digest=digest,
            view=view,
            columns=columns,
            request=request,
            space=f"{unit.project}/{view.name}@{number}",
            applied_at=unit.now,
            applied_by=unit.actor.id,
        )
        self._repository.add(unit.rows, unit.project, version)
        named = tuple(feature.name for feature in view.features)
        unit.emit(ViewApplied(view=view.name, version=number, digest=digest, sources=tuple(datasets), features=named))
        return version

    @operation(permission="features:read", kind="query")
    def get(self, unit: Unit, ref: Ref) -> ViewVersion:
        """One version of a view.

        Args:
            unit: The unit of work.
            ref: ``name@3`` or ``name@latest``.

        Raises:
            NotFound: There is no such view or version.
        """
        wanted = parse_ref(ref, what="feature view")
        if wanted.alias is None:
            found = self._repository.version(unit.rows, unit.project, wanted.name, wanted.version or 0)
        else:
            newest = self._repository.newest(unit.rows, unit.project, wanted.name) if wanted.alias == LATEST else []
            found = newest[0] if newest else None
        if found is None:
            raise NotFound(f"There is no feature view {wanted}.", remedy="See what there is: modelwright feature list")
        return found

    @operation(permission="features:read", kind="query")
    def list(self, unit: Unit, limit: int = 100, after: str = "") -> Page[FeatureView]:
        """Views, by name.

        Args:
            unit: The unit of work.
            limit: Views a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        found = self._repository.views(unit.rows, unit.project, after=after, limit=limited(limit) + 1)
        return paged(found, limit, lambda view: view.name)

    @operation(permission="features:read", kind="query")
    def versions(self, unit: Unit, name: Name, limit: int = 20, after: str | None = None) -> Page[ViewVersion]:
        """A view's versions, newest first.

        Args:
            unit: The unit of work.
            name: The view.
            limit: Versions a page, 1 to 1,000.
            after: ``next`` of the page before.

        Raises:
            NotFound: There is no such view.
        """
        before = position(after)
        found = self._repository.newest(unit.rows, unit.project, name, before=before, limit=limited(limit) + 1)
        if not found and after is None:
            raise NotFound(f"There is no feature view {name!r}.", remedy="See what there is: modelwright feature list")
        return paged(found, limit, lambda version: version.version)

    @operation(permission="features:write", kind="command")
    def record(
        self,
        unit: Unit,
        ref: Ref,
        reads: tuple[Pinned, ...],
        rows: int,
        until: datetime,
        distributions: tuple[Distribution, ...] = (),
        run_id: Id | None = None,
    ) -> TrainingRecord:
        """Write down that a training set was made: what it read, and how its features are distributed.

        Args:
            unit: The unit of work.
            ref: The view's version.
            reads: The dataset versions it was made of.
            rows: How many rows it has.
            until: As of when it was made.
            distributions: One per feature.
            run_id: The run it was made for.

        Raises:
            NotFound: There is no such version of a view or a dataset.
            Invalid: A dataset version has another content than said, or a distribution is of no feature.
        """
        until = as_utc(until, field="until")
        version = self.get(unit, ref)
        for pinned in reads:
            if self._data.get(unit, pinned.ref).digest != pinned.digest:
                raise Invalid(f"{pinned.ref} is not {pinned.digest[:12]}….", fields={"reads": "another content"})
        names = {column.name for column in version.columns}
        strangers = [each.name for each in distributions if each.name not in names]
        if strangers or rows < 0:
            raise Invalid(f"{version.ref} has no {', '.join(strangers[:5]) or f'{rows} rows'}.")
        record = TrainingRecord(
            id=new_id(),
            view=version.ref,
            digest=version.digest,
            reads=reads,
            rows=rows,
            until=until,
            distributions=distributions,
            run_id=run_id,
            made_at=unit.now,
            made_by=unit.actor.id,
        )
        self._repository.add_training(unit.rows, unit.project, record)
        unit.emit(
            TrainingSetMade(view=record.view, digest=record.digest, reads=reads, rows=rows, until=until, run_id=run_id)
        )
        return record

    @operation(permission="features:read", kind="query")
    def training_sets(self, unit: Unit, ref: Ref, limit: int = 20, after: Id | None = None) -> Page[TrainingRecord]:
        """The training sets made with a view's version, newest first.

        Args:
            unit: The unit of work.
            ref: The view's version.
            limit: Training sets a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        view = self.get(unit, ref).ref
        found = self._repository.training_sets(unit.rows, unit.project, view, before=after, limit=limited(limit) + 1)
        return paged(found, limit, lambda record: record.id)

    @operation(permission="features:write", kind="command")
    def materialize(self, unit: Unit, ref: Ref, until: datetime | None = None) -> Freshness:
        """Bring a view's values in the online store up to a moment, from its datasets' newest versions.

        Only what changed since the last time is written; the same again writes nothing. What the store has beyond the
        moment stays: a question is answered as of its own moment.

        Args:
            unit: The unit of work.
            ref: The view's version.
            until: Facts known by then; by default all there are.

        Raises:
            Invalid: Nothing of the view is stored.
            Unavailable: Somebody else is at it.
        """
        from modelwright.features.store import materialize  # weight: pyarrow and duckdb

        limit = None if until is None else as_utc(until, field="until")
        with self._records.reading() as rows:
            version = self.get(Snapshot(unit, rows), ref)
        if not version.view.lines:
            raise Invalid(f"Everything of {version.ref} comes with the question: there is nothing to materialise.")
        lease = self._queue.acquire(f"materialize/{wire.digest(version.space)}", unit.request_id, _LEASE)
        if lease is None:
            raise Unavailable(f"{version.ref} is being materialised already.", remedy="Try again when that is done.")
        try:  # before the unit's first write: the work holds up nobody
            last, reading = self._reading(unit, version)
            done = materialize(version, reading, limit, frames=self._frames, store=self._store)
        finally:
            self._queue.release(lease)
        fresh = Freshness(
            view=version.ref,
            until=EPOCH + done.until * MICROSECOND,
            reads=tuple(dataset.pinned for dataset in reading.now.values()),
            entries=done.held,
            written=done.entries,
            materialized_at=unit.now,
        )
        self._repository.refresh(unit.rows, unit.project, fresh)
        if last is None or (last.reads, last.until) != (fresh.reads, fresh.until):
            unit.emit(
                ViewMaterialized(
                    view=version.ref,
                    digest=version.digest,
                    reads=fresh.reads,
                    until=EPOCH + done.until * MICROSECOND,
                    written=fresh.written,
                )
            )
        return fresh

    @operation(permission="features:read", kind="query")
    def freshness(self, unit: Unit, ref: Ref) -> Freshness:
        """How far the online store is with a view's version, and which of its datasets have newer versions by now.

        Args:
            unit: The unit of work.
            ref: The view's version.
        """
        version = self.get(unit, ref)
        found = self._repository.freshness(unit.rows, unit.project, version.ref)
        if found is None:
            return Freshness(view=version.ref, until=None)
        newer = [name for pin in found.reads if self._dataset(unit, name := parse_ref(pin.ref).name).pinned != pin]
        return replace(found, newer=tuple(newer))

    @operation(permission="features:read", kind="query")
    def lookup(self, unit: Unit, ref: Ref, keys: Values, asked_at: tuple[datetime, ...]) -> Values:
        """What the online store knows: the stored features of some keys, each as of its own moment.

        Expressions and functions are not computed here: ``ws.features.online`` does, where it is called.

        Args:
            unit: The unit of work.
            ref: The view's version.
            keys: Key column -> one value per question.
            asked_at: The moment of each question, at most 10,000.

        Raises:
            Unavailable: Nothing was materialised yet.
            Invalid: A key is missing, or of another length or type.
        """
        from modelwright.features.vectors import Vectors

        version = self.get(unit, ref)
        if len(asked_at) > MOST_ROWS:
            raise Invalid(f"There are {len(asked_at):,} questions, not at most {MOST_ROWS:,}.")
        wanted = {key for line in version.view.lines for key in line.by}
        for name in sorted(wanted):
            if len(keys.get(name, ())) != len(asked_at) or (not asked_at and name not in keys):
                problem = f"{len(keys[name])} values for {len(asked_at)} moments" if name in keys else "is missing"
                raise Invalid(f"The key {name} {problem}.", fields={"keys": f"{name}: {problem}"})
        moments = [microseconds(as_utc(moment, field="asked_at")) for moment in asked_at]
        return _shown(Vectors(version, self._store).stored(_checked(version, keys, wanted), moments))

    def _reading(self, unit: Unit, version: ViewVersion) -> tuple[Freshness | None, Reading]:
        """How far the store is, and the dataset versions of now and of the last time."""
        from modelwright.features.store import Reading  # weight: pyarrow and duckdb

        with self._records.reading() as rows:
            snapshot = Snapshot(unit, rows)
            last = self._repository.freshness(rows, unit.project, version.ref)
            now = {line.source.dataset: self._dataset(snapshot, line.source.dataset) for line in version.view.lines}
            reads = () if last is None else last.reads
            before = {parse_ref(pin.ref).name: self._data.get(snapshot, pin.ref) for pin in reads}
        until = None if last is None or last.until is None else microseconds(last.until)
        return last, Reading(now, before, until)

    def _dataset(self, unit: Unit, name: str) -> DatasetVersion:
        return self._data.get(unit, f"{name}@{LATEST}")


def _shown(columns: Mapping[str, list[Any]]) -> Values:
    def shown(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.isoformat()
        return wire.real(value) if isinstance(value, float) else value

    return {name: [shown(value) for value in values] for name, values in columns.items()}


def _checked(version: ViewVersion, keys: Values, wanted: set[str]) -> Values:
    columns = tuple(replace(column, nullable=True) for column in version.request if column.name in wanted)
    given = {column.name: keys[column.name] for column in columns}
    Contract(columns=columns).require(given)
    return given
