"""The use cases of effects: what was foreseen before a version answered, and what it has brought since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.core.clock import duration
from modelwright.core.errors import Invalid, NotFound
from modelwright.core.guard import Transition
from modelwright.core.ids import Name, Ref
from modelwright.core.operation import Service, operation
from modelwright.core.unit import Unit
from modelwright.governance.charter import no_charter
from modelwright.governance.effects.model import Realised, Replay
from modelwright.governance.matching import same_rows
from modelwright.governance.model import Evidence, Kind
from modelwright.models.model import Task
from modelwright.serving.model import Deployment

if TYPE_CHECKING:  # weight: SQLAlchemy, pyarrow and numpy, which a remote client does without
    from modelwright.governance.charter import CharterVersion
    from modelwright.governance.repository import GovernanceRepository
    from modelwright.models.service import ModelService
    from modelwright.predictions.service import PredictionService
    from modelwright.serving.service import EndpointService

_MOST_DECISIONS = 100
"""Newest decisions that let these bytes answer there, among which one is looked for that read evidence."""


class EffectService(Service):
    """What models bring: foreseen on history, and realised."""

    noun = "effects"

    def __init__(
        self,
        repository: GovernanceRepository,
        *,
        models: ModelService,
        endpoints: EndpointService,
        predictions: PredictionService,
    ) -> None:
        self._repository = repository
        self._models = models
        self._endpoints = endpoints
        self._predictions = predictions

    @operation(permission="evidence:read", kind="query")
    def get(self, unit: Unit, ref: Ref) -> Evidence:
        """What a version would have brought on its newest evaluation's rows, under the charter in force.

        Args:
            unit: The unit of work.
            ref: The version.

        Raises:
            NotFound: It was not evaluated under that charter, or there is no charter.
            Invalid: The charter does not say what outcomes are worth, or the model predicts a number.
        """
        version = self._models.get(unit, ref)
        charter = self._charter(unit, version.model)
        if why := _senseless(charter, version.manifest.task):
            publish = f"modelwright charter publish {version.model} charter.yaml"
            binary = version.manifest.task is Task.BINARY
            raise Invalid(
                why,
                remedy=f"Write kpi.value in charter.yaml and run: {publish}"
                if binary
                else "Judge it by its KPI alone.",
            )
        for found in self._repository.evidence_of(unit.rows, unit.project, version.model, version.version):
            mine = (found.package, found.charter) == (version.package, charter.judging)
            if mine and found.kind is Kind.EFFECT and found.intact:
                return found
        raise NotFound(
            f"What {version.ref} would have brought was not computed under charter {charter.version}.",
            remedy=f"Run: modelwright model evaluate {version.ref} --on DATASET@VERSION",
        )

    @operation(permission="predictions:read", kind="query")
    def realised(self, unit: Unit, endpoint: Name) -> Realised:
        """What the version that an endpoint answers with has brought, beside what was promised before it answered.

        The promise is the effect on the rows by which the guard let the version answer; its value and rule are applied
        to what was answered, also when the charter has changed since. Without a promise those of the charter in force
        are. A prediction counts once its event is as old, by the newest event in the log, as the charter's
        ``label.known_after``.

        Args:
            unit: The unit of work.
            endpoint: Its name.

        Raises:
            NotFound: There is no such endpoint.
        """
        from modelwright.governance.effects.realising import realised  # weight: pyarrow, numpy

        current = self._endpoints.current(unit, endpoint)
        charter = self._charter(unit, current.model)
        promise, foreseen = self._promise(unit, current), None
        if promise is not None and isinstance(promise.values, Replay):
            foreseen = promise.values
        answer = Realised(
            endpoint=endpoint,
            model=current.model,
            version=current.version,
            terms=None if foreseen is None else foreseen.terms,
            promise=None if promise is None else promise.digest,
            promised=None if foreseen is None else foreseen.per_thousand,
        )
        task = self._models.get(unit, f"{current.model}@{current.version}").manifest.task
        if foreseen is None and (why := _senseless(charter, task)):
            return replace(answer, reason=why)
        answer = _by_the_charter(answer, charter)
        table = self._predictions.timed(unit, endpoint)
        return realised(answer, table, now=unit.now, matures_after=duration(charter.charter.label.known_after))

    def _charter(self, unit: Unit, model: str) -> CharterVersion:
        found = self._repository.charter(unit.rows, unit.project, model)
        if found is None:
            raise no_charter(model)
        return found

    def _promise(self, unit: Unit, current: Deployment) -> Evidence | None:
        """The effect on the rows by which the guard let a version answer, as it was known then."""
        move = Transition(
            action=current.action,
            model=current.model,
            version=current.version,
            package=current.package,
            target=current.endpoint,
        )
        decided = self._repository.decisions(unit.rows, unit.project, current.model, served=move, limit=_MOST_DECISIONS)
        known = self._repository.evidence_of(unit.rows, unit.project, current.model, current.version)
        for one in decided:
            digests = {digest for gate in one.decision.gates for digest in gate.evidence}
            read = [each for each in known if each.digest in digests]
            if one.at > current.at or not read:
                continue
            for found in known:
                of_them = found.made_at <= one.at and found.charter == read[0].charter and same_rows(found, read[0])
                if found.kind is Kind.EFFECT and of_them and found.intact:
                    return found
            return None
        return None


def _senseless(charter: CharterVersion, task: Task) -> str:
    """Why scores are no money here; empty where they are."""
    if task is not Task.BINARY:
        return f"{charter.model} predicts a number, and kpi.value is what the outcomes of a yes or no are worth."
    if charter.charter.kpi.value is None:
        return f"The charter of {charter.model} does not say what outcomes are worth (kpi.value)."
    return ""


def _by_the_charter(answer: Realised, charter: CharterVersion) -> Realised:
    """By the charter in force where nothing was promised; with a word where it is another than that of the promise."""
    from modelwright.governance.effects.replay import terms  # weight: numpy

    now = terms(charter.charter)
    if answer.terms is None:
        note = "Nothing was promised: the rows by which it was let through say nothing of its effect."
        return replace(answer, terms=now, note=note)
    if answer.terms != now:
        note = (
            f"The charter in force, {charter.version}, has another value or rule than the promise, which is used here."
        )
        return replace(answer, note=note)
    return answer
