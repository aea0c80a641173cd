"""The use cases of risk registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from modelwright.core import wire
from modelwright.core.errors import Invalid, NotFound
from modelwright.core.ids import Name
from modelwright.core.operation import Service, operation
from modelwright.core.unit import Unit
from modelwright.risks.model import (
    Checked,
    Judgement,
    Judging,
    JudgingRefused,
    Line,
    Register,
    RegisterPublished,
    RegisterVersion,
    Risk,
    RiskJudged,
    Standing,
    Watched,
    no_register,
    no_risk,
)

if TYPE_CHECKING:  # weight: SQLAlchemy, which a remote client does without
    from modelwright.access.repository import UserRepository
    from modelwright.models.model import ModelVersion
    from modelwright.models.service import ModelService
    from modelwright.risks.repository import RiskRepository
    from modelwright.risks.watching import Watcher

Says = Literal["accept", "close", "reopen"]


class RiskService(Service):
    """Keep a model's risk register, and judge its risks."""

    noun = "risks"

    def __init__(
        self, repository: RiskRepository, *, models: ModelService, users: UserRepository, watcher: Callable[[], Watcher]
    ) -> None:
        self._repository = repository
        self._models = models
        self._users = users
        self._watcher = watcher

    @operation(permission="risks:write", kind="command")
    def publish(self, unit: Unit, register: Register) -> RegisterVersion:
        """Put a register in force; the one that is in force already stays the same version.

        Situations are counted with the next evaluation, or by `modelwright risk count` on the rows of the newest. What
        was judged of a risk counts while the risk reads the same.

        Args:
            unit: The unit of work.
            register: What it says.

        Raises:
            Invalid: A predicate breaks, or names a column that the model's newest version does not take.
        """
        kept, before, checked = self._checked(unit, register)
        if before is not None and before.digest == checked.digest:
            return before
        fresh = {*checked.added, *checked.changed}
        version = RegisterVersion(
            model=kept.model,
            version=checked.version,
            digest=checked.digest,
            register=kept,
            authors={
                name: unit.actor.id if before is None or name in fresh else before.authors[name] for name in kept.risks
            },
            published_at=unit.now,
            by=unit.actor.id,
        )
        self._repository.add(unit.rows, unit.project, version)
        scores = {name: risk.residual.score for name, risk in kept.risks.items()}
        unit.emit(RegisterPublished(model=kept.model, version=version.version, digest=version.digest, scores=scores))
        return version

    @operation(permission="risks:read", kind="query")
    def check(self, unit: Unit, register: Register) -> Checked:
        """What publishing a register would come to; nothing is kept.

        Args:
            unit: The unit of work.
            register: What it says.

        Raises:
            Invalid: As ``publish``.
        """
        return self._checked(unit, register)[2]

    @operation(permission="risks:read", kind="query")
    def get(self, unit: Unit, model: Name) -> Standing:
        """A model's register as it stands now.

        Args:
            unit: The unit of work.
            model: The model.

        Raises:
            NotFound: It has none.
        """
        found = self.standing(unit, model)
        if found is None:
            raise no_register(model)
        return found

    @operation(permission="risks:read", kind="query")
    def versions(self, unit: Unit, model: Name) -> tuple[RegisterVersion, ...]:
        """A model's registers, newest first.

        Args:
            unit: The unit of work.
            model: The model.
        """
        return tuple(self._repository.registers(unit.rows, unit.project, model))

    @operation(permission="risks:read", kind="query")
    def judgements(self, unit: Unit, model: Name) -> tuple[Judgement, ...]:
        """Everything that was judged of a model's risks, newest first.

        Args:
            unit: The unit of work.
            model: The model.
        """
        return tuple(reversed(self._repository.judgements(unit.rows, unit.project, model)))

    @operation(permission="risks:judge", kind="command")
    def accept(self, unit: Unit, model: Name, risk: Name, reason: Line) -> Judging:
        """Accept a risk as it reads now. An attempt by its owner or author is an answer, and on record.

        Args:
            unit: The unit of work.
            model: The model.
            risk: The risk's name.
            reason: Why, in your words.

        Raises:
            NotFound: There is no such risk.
        """
        return self._judge(unit, model, risk, "accept", reason)

    @operation(permission="risks:judge", kind="command")
    def close(self, unit: Unit, model: Name, risk: Name, reason: Line) -> Judging:
        """Say that a risk is over: its gate and its guard ask no more. By somebody other than its owner and author.

        Args:
            unit: The unit of work.
            model: The model.
            risk: The risk's name.
            reason: Why, in your words.

        Raises:
            NotFound: There is no such risk.
        """
        return self._judge(unit, model, risk, "close", reason)

    @operation(permission="risks:judge", kind="command")
    def reopen(self, unit: Unit, model: Name, risk: Name, reason: Line) -> Judging:
        """Say that a risk is open after all. By somebody other than its owner and author, who publish it anew.

        Args:
            unit: The unit of work.
            model: The model.
            risk: The risk's name.
            reason: Why, in your words.

        Raises:
            NotFound: There is no such risk.
        """
        return self._judge(unit, model, risk, "reopen", reason)

    @operation(permission="monitors:write", kind="command", idempotent=True)
    def watch(self, unit: Unit, endpoint: Name) -> Watched:
        """Look whether an endpoint's traffic is in a situation more often than held-out rows were; the job worker does.

        A day is judged when it is over by an hour, by the newest event. What is ordinary is learnt from the days of the
        held-out rows, so they must be of 14 days at least. Running again judges nothing twice.

        Args:
            unit: The unit of work.
            endpoint: Its name.

        Raises:
            NotFound: The endpoint has not answered anything.
        """
        return self._watcher().watch(unit, endpoint)

    @operation(permission="risks:read", kind="query")
    def live(self, unit: Unit, endpoint: Name) -> Watched:
        """How the risks of what answers at an endpoint fare in live traffic, as it was last looked.

        Args:
            unit: The unit of work.
            endpoint: Its name.

        Raises:
            NotFound: Nobody has looked yet.
        """
        found = self._repository.watch(unit.rows, unit.project, endpoint)
        if found is None:
            raise NotFound(
                f"Nobody has looked at the risks of {endpoint} yet.", remedy=f"Run: modelwright risk watch {endpoint}"
            )
        return found.watched

    def standing(self, unit: Unit, model: str) -> Standing | None:
        """A model's register as it stands now, for other rooms; none where it has none."""
        return self._repository.standing(unit.rows, unit.project, model)

    def _judge(self, unit: Unit, model: str, name: str, says: Says, reason: str) -> Judging:
        standing = self.get(unit, model)
        risk = standing.risks.get(name)
        if risk is None:
            raise no_risk(model, name, standing.risks)
        version = standing.register.version
        barred = self._barred(unit, standing.register, name, risk)
        if barred is not None:
            why, words, remedy = barred
            unit.emit(JudgingRefused(model=model, version=version, risk=name, says=says, why=why))
            return Judging(refused=words, remedy=remedy)
        judgement = Judgement(risk=name, says=says, reason=reason, covers=risk.digest, by=unit.actor.id, at=unit.now)
        self._repository.judge(unit.rows, unit.project, model, judgement)
        unit.emit(RiskJudged(model=model, version=version, risk=name, says=says, covers=judgement.covers))
        return Judging(judgement=judgement)

    def _barred(
        self, unit: Unit, register: RegisterVersion, name: str, risk: Risk
    ) -> tuple[Literal["author", "owner", "login"], str, str] | None:
        """Why somebody cannot judge a risk; none where they can."""
        me = self._users.by_id(unit.rows, unit.actor.id)
        if me is None:
            words = f"Without login nobody but you is here, and nobody judges a risk of their own: {name}."
            return "login", words, "Begin login: modelwright user add NAME --token"
        if register.authors[name] == me.id:
            return "author", f"You wrote {name}, and nobody judges a risk of their own.", _ELSE
        if risk.owner in (me.name, *me.groups):
            return "owner", f"{name} is {risk.owner}'s, and nobody judges a risk of their own.", _ELSE
        return None

    def _checked(self, unit: Unit, register: Register) -> tuple[Register, RegisterVersion | None, Checked]:
        kept = wire.decode(wire.encode(register), Register)  # as it will read after storage
        newest = self._newest(unit, kept.model)
        for name, risk in kept.risks.items():
            _check_predicate(name, risk, newest)
        before = self._repository.register(unit.rows, unit.project, kept.model)
        known = before.register.risks if before else {}
        digest = wire.digest(kept)
        return (
            kept,
            before,
            Checked(
                model=kept.model,
                digest=digest,
                version=1 if before is None else before.version + (before.digest != digest),
                against=newest.ref if newest else None,
                added=tuple(name for name in kept.risks if name not in known),
                changed=tuple(name for name, risk in kept.risks.items() if name in known and known[name] != risk),
                removed=tuple(name for name in known if name not in kept.risks),
            ),
        )

    def _newest(self, unit: Unit, model: str) -> ModelVersion | None:
        try:
            return self._models.get(unit, f"{model}@latest")
        except NotFound:
            return None


_ELSE = "Ask somebody else who may: an approver."


def _check_predicate(name: str, risk: Risk, version: ModelVersion | None) -> None:
    from modelwright.risks.predicates import Predicate  # weight: numpy

    try:
        read = Predicate(risk.when)
    except Invalid as error:
        field = f"risks.{name}.when"
        raise Invalid(f"{field}: {error.message}", remedy=error.remedy, fields={field: error.message}) from None
    taken = version.manifest.inputs.names if version else read.columns
    absent = [column for column in read.columns if column not in taken]
    if absent and version is not None:
        raise Invalid(
            f"risks.{name}.when names {', '.join(absent)}, which {version.ref} does not take.",
            remedy=f"It takes: {', '.join(taken[:30])}.",
            fields={f"risks.{name}.when": f"no column {', '.join(absent)}"},
        )
