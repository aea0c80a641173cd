"""The use cases of feasibility: is the model worth making, and does it need machine learning?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from modelwright.core.errors import Invalid
from modelwright.core.ids import Digest, Name
from modelwright.core.operation import Page, Service, limited, operation, paged
from modelwright.core.unit import Unit
from modelwright.framing.model import Feasibility, FeasibilityDecided, Line, Says, Stage, undecided

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.framing.repository import FramingRepository
    from modelwright.governance.repository import GovernanceRepository

_MOST_EVIDENCE = 50


class FeasibilityService(Service):
    """Decide whether models are worth making."""

    noun = "feasibility"

    def __init__(self, repository: FramingRepository, governance: GovernanceRepository) -> None:
        self._repository = repository
        self._governance = governance

    @operation(permission="feasibility:decide", kind="command")
    def decide(
        self,
        unit: Unit,
        model: Name,
        says: Says,
        stage: Stage,
        reason: Line,
        based_on: Annotated[str, Meta(max_length=10_000)] = "",
        evidence: tuple[Digest, ...] = (),
    ) -> Feasibility:
        """Decide whether a model is worth making; the newest decision counts. Stopping early is a success.

        While ``stop`` stands no version of the model is registered or released; while ``no_ml`` does, only a heuristic
        is: a lookup table, or a model whose charter named itself as the baseline by then. Going back at an endpoint to
        what answered there before is always free.

        Args:
            unit: The unit of work.
            model: The model, registered or not yet.
            says: ``go``, ``stop``, or ``no_ml``: without machine learning.
            stage: ``before`` the data work, or ``after`` it.
            reason: Why, in your words.
            based_on: What you looked at, in words.
            evidence: At most 50 digests of evidence you looked at, about the model or its charter's baseline.

        Raises:
            Invalid: It is based on nothing, on too much, or on evidence that is not there or about another model.
        """
        if not (based_on.strip() or evidence):
            raise Invalid(
                f"The decision on {model} is based on nothing.",
                remedy="Say what was looked at in based_on, or name evidence by its digests.",
                fields={"based_on": "neither is there evidence"},
            )
        if len(evidence) > _MOST_EVIDENCE:
            raise Invalid(
                f"It names {len(evidence)} pieces of evidence, not at most {_MOST_EVIDENCE}.",
                fields={"evidence": "too many"},
            )
        self._check(unit, model, evidence)
        before = self._repository.decision(unit.rows, unit.project, model)
        decision = Feasibility(
            model=model,
            number=before.number + 1 if before else 1,
            says=says,
            stage=stage,
            reason=reason,
            based_on=based_on,
            evidence=evidence,
            at=unit.now,
            by=unit.actor.id,
        )
        self._repository.decide(unit.rows, unit.project, decision)
        unit.emit(
            FeasibilityDecided(
                model=model,
                number=decision.number,
                says=says,
                stage=stage,
                digest=decision.digest,
                evidence=evidence,
            )
        )
        return decision

    @operation(permission="feasibility:read", kind="query")
    def get(self, unit: Unit, model: Name) -> Feasibility:
        """The decision that counts.

        Args:
            unit: The unit of work.
            model: The model.

        Raises:
            NotFound: Nobody has decided.
        """
        found = self._repository.decision(unit.rows, unit.project, model)
        if found is None:
            raise undecided(model)
        return found

    @operation(permission="feasibility:read", kind="query")
    def history(self, unit: Unit, model: Name) -> tuple[Feasibility, ...]:
        """Everything that was decided of a model, newest first.

        Args:
            unit: The unit of work.
            model: The model.
        """
        return tuple(self._repository.decisions(unit.rows, unit.project, model))

    @operation(permission="feasibility:read", kind="query")
    def list(self, unit: Unit, limit: int = 100, after: str = "") -> Page[Feasibility]:
        """The decision that counts for each model on which somebody decided, by model.

        Args:
            unit: The unit of work.
            limit: Decisions a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        found = self._repository.standing(unit.rows, unit.project, after=after, limit=limited(limit) + 1)
        return paged(found, limit, lambda one: one.model)

    def _check(self, unit: Unit, model: str, evidence: tuple[Digest, ...]) -> None:
        charter = self._governance.charter(unit.rows, unit.project, model)
        about = {model, (charter and charter.charter.baseline) or model}
        for digest in evidence:
            found = self._governance.evidence(unit.rows, unit.project, digest)
            if found is None or found.model not in about:
                raise Invalid(
                    f"There is no evidence {digest[:12]}… about {' or '.join(sorted(about))}.",
                    remedy=f"List it: modelwright evidence list {model}@VERSION",
                    fields={"evidence": "is not there"},
                )
