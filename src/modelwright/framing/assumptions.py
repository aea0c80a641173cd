"""The use cases of assumptions about data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelwright.core import wire
from modelwright.core.errors import Conflict, Invalid
from modelwright.core.ids import Name, Pinned, Ref, parse_ref
from modelwright.core.operation import Page, Service, limited, operation, paged
from modelwright.core.unit import Unit
from modelwright.framing.model import (
    Assumed,
    Assumption,
    AssumptionRecorded,
    AssumptionVersion,
    AssumptionWithdrawn,
    ColumnName,
    FeatureRef,
    Line,
    no_assumption,
)

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.data.model import DatasetVersion
    from modelwright.data.service import DataService
    from modelwright.features.model import ViewVersion
    from modelwright.features.service import FeatureService
    from modelwright.framing.repository import FramingRepository
    from modelwright.models.service import ModelService

_MOST = 1000


class AssumptionService(Service):
    """Keep what is assumed about data, and say when it is out of date."""

    noun = "assumptions"

    def __init__(
        self, repository: FramingRepository, *, data: DataService, features: FeatureService, models: ModelService
    ) -> None:
        self._repository = repository
        self._data = data
        self._features = features
        self._models = models

    @operation(permission="assumptions:write", kind="command")
    def record(
        self,
        unit: Unit,
        name: Name,
        statement: Line,
        reason: Line,
        dataset: Ref | None = None,
        column: ColumnName | None = None,
        feature: FeatureRef | None = None,
    ) -> Assumed:
        """Say what is assumed about data; under a name that is taken it supersedes what was said before.

        Args:
            unit: The unit of work.
            name: What to call it, e.g. ``late-means-landed-late``.
            statement: What is assumed.
            reason: Why.
            dataset: The dataset version that it was judged on; ``@latest`` is the one that is newest now.
            column: The column of it.
            feature: The feature it is about, if it is about one: ``VIEW@VERSION/FEATURE``.

        Raises:
            NotFound: There is no such dataset version or view.
            Invalid: It is about nothing, or that has no such column or feature.
        """
        assumption = Assumption(
            statement=statement,
            reason=reason,
            data=self._judged_on(unit, dataset, column),
            column=column,
            view=self._view(unit, feature),
            feature=feature.rpartition("/")[2] if feature else None,
        )
        if assumption.data is None and assumption.view is None:
            raise Invalid(
                "It is about no data.",
                remedy="Name the dataset version that it was judged on, or the feature it is about.",
                fields={"dataset": "neither is there a feature"},
            )
        kept = wire.decode(wire.encode(assumption), Assumption)  # as it will read after storage
        before = self._repository.assumption(unit.rows, unit.project, name)
        if before is not None and before.assumption == kept and not before.withdrawn:
            return self._standing(unit, before)
        said = AssumptionVersion(
            name=name,
            version=before.version + 1 if before else 1,
            assumption=kept,
            at=unit.now,
            by=unit.actor.id,
        )
        self._repository.add(unit.rows, unit.project, said)
        unit.emit(
            AssumptionRecorded(
                name=name,
                version=said.version,
                digest=kept.digest,
                statement=statement,
                data=kept.data.ref if kept.data else None,
                view=kept.view.ref if kept.view else None,
                feature=kept.feature,
            )
        )
        return self._standing(unit, said)

    @operation(permission="assumptions:write", kind="command")
    def withdraw(self, unit: Unit, name: Name, reason: Line) -> Assumed:
        """Say that an assumption is made no more. What was said stays on record.

        Args:
            unit: The unit of work.
            name: The assumption.
            reason: Why, in your words.

        Raises:
            NotFound: There is none of that name.
            Conflict: It is withdrawn already.
        """
        before = self._newest(unit, name)
        if before.withdrawn:
            raise Conflict(f"{name} was withdrawn on {before.at:%Y-%m-%d} already: {before.withdrawn}")
        said = AssumptionVersion(
            name=name,
            version=before.version + 1,
            assumption=before.assumption,
            withdrawn=reason,
            at=unit.now,
            by=unit.actor.id,
        )
        self._repository.add(unit.rows, unit.project, said)
        unit.emit(AssumptionWithdrawn(name=name, version=said.version, digest=said.assumption.digest))
        return Assumed(said=said)

    @operation(permission="assumptions:read", kind="query")
    def get(self, unit: Unit, name: Name) -> Assumed:
        """An assumption as it stands now.

        Args:
            unit: The unit of work.
            name: The assumption.

        Raises:
            NotFound: There is none of that name.
        """
        return self._standing(unit, self._newest(unit, name))

    @operation(permission="assumptions:read", kind="query")
    def versions(self, unit: Unit, name: Name) -> tuple[AssumptionVersion, ...]:
        """Everything that was said of an assumption, newest first.

        Args:
            unit: The unit of work.
            name: The assumption.

        Raises:
            NotFound: There is none of that name.
        """
        found = self._repository.versions(unit.rows, unit.project, name)
        if not found:
            raise no_assumption(name)
        return tuple(found)

    @operation(permission="assumptions:read", kind="query")
    def list(
        self, unit: Unit, dataset: Name | None = None, view: Name | None = None, limit: int = 100, after: str = ""
    ) -> Page[Assumed]:
        """Assumptions by name, those that are withdrawn too.

        Args:
            unit: The unit of work.
            dataset: Only those judged on a version of this dataset.
            view: Only those about a feature of this view.
            limit: Assumptions a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        found = self._repository.newest(
            unit.rows, unit.project, dataset=dataset, view=view, after=after, limit=limited(limit) + 1
        )
        return paged([self._standing(unit, one) for one in found], limit, lambda one: one.said.name)

    @operation(permission="assumptions:read", kind="query")
    def of(self, unit: Unit, ref: Ref) -> tuple[Assumed, ...]:
        """What is assumed about the data of a model's version: of what it learned from, and the features it takes.

        Args:
            unit: The unit of work.
            ref: The version.

        Raises:
            NotFound: There is no such version.
        """
        manifest = self._models.get(unit, ref).manifest
        view = self._features.get(unit, manifest.features.ref) if manifest.features else None
        datasets = {parse_ref(read.ref).name for read in manifest.data}
        datasets |= {source.dataset for source in view.view.sources} if view else set()
        every = self._repository.newest(unit.rows, unit.project, after="", limit=_MOST)
        return tuple(
            self._standing(unit, one)
            for one in every
            if not one.withdrawn and _concerns(one.assumption, datasets, view)
        )

    def _newest(self, unit: Unit, name: str) -> AssumptionVersion:
        found = self._repository.assumption(unit.rows, unit.project, name)
        if found is None:
            raise no_assumption(name)
        return found

    def _judged_on(self, unit: Unit, dataset: str | None, column: str | None) -> Pinned | None:
        if dataset is None:
            if column is not None:
                raise Invalid(
                    f"It names the column {column!r} of no dataset.",
                    remedy="Name the dataset version that it was judged on.",
                    fields={"dataset": "is not there"},
                )
            return None
        version = self._data.get(unit, dataset)
        if column is not None and column not in version.columns:
            raise Invalid(
                f"{version.ref} has no column {column!r}.",
                remedy=f"It has: {', '.join(list(version.columns)[:20])}.",
                fields={"column": "is not there"},
            )
        return version.pinned

    def _view(self, unit: Unit, feature: str | None) -> Pinned | None:
        if feature is None:
            return None
        ref, _, name = feature.partition("/")
        version = self._features.get(unit, ref)
        known = [column.name for column in version.columns]
        if name not in known:
            raise Invalid(
                f"{version.ref} has no feature {name!r}.",
                remedy=f"It has: {', '.join(known[:20])}.",
                fields={"feature": "is not there"},
            )
        return version.pinned

    def _standing(self, unit: Unit, said: AssumptionVersion) -> Assumed:
        if said.withdrawn:
            return Assumed(said=said)
        assumption = said.assumption
        outdated: list[str] = []
        if assumption.data is not None:
            newest = self._data.get(unit, f"{parse_ref(assumption.data.ref).name}@latest")
            outdated += _newer_data(assumption, assumption.data, newest)
        if assumption.view is not None:
            judged = self._features.get(unit, assumption.view.ref)
            outdated += _newer_view(assumption, judged, self._features.get(unit, f"{judged.name}@latest"))
        return Assumed(said=said, outdated=tuple(outdated))


def _concerns(assumption: Assumption, datasets: set[str], view: ViewVersion | None) -> bool:
    """Whether an assumption is about this data."""
    if assumption.view is not None:
        taken = {column.name for column in view.columns} if view else set()
        return view is not None and parse_ref(assumption.view.ref).name == view.name and assumption.feature in taken
    return assumption.data is not None and parse_ref(assumption.data.ref).name in datasets


def _newer_data(assumption: Assumption, judged: Pinned, newest: DatasetVersion) -> Iterator[str]:
    if newest.digest == judged.digest:  # the very same content, committed again
        return
    yield f"judged on {judged.ref}, newest is @{newest.version}"
    if assumption.column is not None and assumption.column not in newest.columns:
        yield f"{newest.ref} has no column {assumption.column}"


def _newer_view(assumption: Assumption, judged: ViewVersion, newest: ViewVersion) -> Iterator[str]:
    """A newer version in which the feature reads the same changes nothing."""
    before, after = (
        next((one for one in version.view.features if one.name == assumption.feature), None)
        for version in (judged, newest)
    )
    if after is None:
        yield f"{newest.ref} has no feature {assumption.feature}"
    elif before != after:
        yield f"{assumption.feature} was judged in {judged.ref}, and is another in @{newest.version}"
