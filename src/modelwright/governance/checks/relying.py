"""What an alias or endpoint relies on now: what a version that is to take its place is compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from modelwright.core.guard import Action, Transition
from modelwright.core.ids import Digest, Name
from modelwright.core.unit import Unit

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.models.model import ModelVersion
    from modelwright.models.repository import ModelRepository
    from modelwright.serving.model import Deployment
    from modelwright.serving.repository import DeploymentRepository

_AT_ENDPOINTS = (Action.DEPLOY, Action.ROLLBACK, Action.CHALLENGE)
_EARLIER = 1000


class Relied(Struct, frozen=True, kw_only=True):
    """What the target of a transition relies on now.

    Attributes:
        model: The model, at an endpoint perhaps another than the one that is to take its place.
        version: Its version.
        package: Digest of its package.
        returning: Whether the version that is to take its place has answered there before.
    """

    model: Name
    version: int
    package: Digest
    returning: bool = False

    @property
    def ref(self) -> str:
        """``model@version``."""
        return f"{self.model}@{self.version}"


Relying = Callable[[Unit, Transition], Relied | None]
"""Says what a transition's target relies on now, if anything."""


def nothing_yet(_unit: Unit, _transition: Transition) -> Relied | None:
    """Where nothing is relied on."""
    return None


def relying(models: ModelRepository, deployments: DeploymentRepository) -> Relying:
    """Reads aliases and deployments."""

    def found(unit: Unit, transition: Transition) -> Relied | None:
        if transition.action is Action.SET_ALIAS:
            number = models.aliased(unit.rows, unit.project, transition.model, transition.target)
            version = None if number is None else models.version(unit.rows, unit.project, transition.model, number)
            return None if version is None else _of(version)
        if transition.action not in _AT_ENDPOINTS:
            return None
        history = deployments.newest(unit.rows, unit.project, transition.target, limit=_EARLIER)
        if not history:
            return None
        current = history[0]
        mine = (transition.model, transition.package)
        return Relied(
            model=current.model,
            version=current.version,
            package=current.package,
            returning=mine in {(each.model, each.package) for each in history[1:]},
        )

    return found


def relied_on(
    models: ModelRepository, deployments: DeploymentRepository
) -> Callable[[Unit, str, Digest], list[Relied]]:
    """Says what a version may come to replace: what the model's aliases point at, and what endpoints answer with."""

    def found(unit: Unit, model: str, package: Digest) -> list[Relied]:
        versions = models.newest(unit.rows, unit.project, model, before=None, limit=_EARLIER)
        aliased = [version for version in versions if version.aliases]
        ended = deployments.retired(unit.rows)
        answering = [each for each in deployments.current(unit.rows, unit.project) if each.endpoint not in ended]
        relied = [*map(_of, aliased), *map(_of, answering)]
        rivals = {each.ref: each for each in relied if each.package != package}
        return list(rivals.values())

    return found


def _of(version: ModelVersion | Deployment) -> Relied:
    return Relied(model=version.model, version=version.version, package=version.package)
