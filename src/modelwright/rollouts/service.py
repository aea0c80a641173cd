"""The use cases of rollouts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modelwright.core.clock import Duration, duration
from modelwright.core.errors import Conflict, Invalid, NotFound
from modelwright.core.guard import Action, Guard, Transition, no_guard
from modelwright.core.ids import Id, Name, Ref, new_id
from modelwright.core.operation import Page, Service, limited, operation, paged
from modelwright.core.unit import Rows, Snapshot, Unit
from modelwright.models.model import CHAMPION, ModelVersion, Task
from modelwright.rollouts import rule
from modelwright.rollouts.comparison import Watch, shares
from modelwright.rollouts.conclusion import concluded
from modelwright.rollouts.model import (
    Cause,
    Comparison,
    Contender,
    Expectation,
    Look,
    Outcome,
    Rollout,
    RolloutLooked,
    RolloutStarted,
    RolloutUnsigned,
    ShadowWorker,
    Standing,
    Started,
    Terms,
    Verdict,
    no_rollout,
)
from modelwright.serving.model import Challenger, Deployment

if TYPE_CHECKING:  # weight: SQLAlchemy, cryptography and pyarrow, which a remote client does without
    from modelwright.models.service import ModelService
    from modelwright.predictions.log import PredictionLog
    from modelwright.rollouts.repository import RolloutRepository
    from modelwright.serving.repository import DeploymentRepository
    from modelwright.serving.service import EndpointService

LOOKS = ("14d", "28d")
MARGIN = 0.005
"""How much worse a KPI between 0 and 1 might be, at the pessimistic end, when the Brier score is better. A regression's
KPI has the label's unit, in which no number is small by itself; its default is 0."""

ASK_AGAIN = timedelta(days=1)
"""How often people are asked: what is asked already is answered as it stands."""

PATIENCE = timedelta(days=30)
"""How long a challenger that is to be promoted waits for signatures, on the wall clock."""

_MOST_LOOKS = 10

Expectations = Callable[[Unit, str], Expectation]
"""What a model's charter says of how it is judged."""


def no_expectations(unit: Unit, model: str) -> Expectation:
    """What a room without charters expects."""
    return Expectation()


class RolloutService(Service):
    """Challenge what an endpoint answers with: in its shadow, on the same requests, then promoted or refused."""

    noun = "rollouts"

    def __init__(
        self,
        repository: RolloutRepository,
        deployments: DeploymentRepository,
        *,
        endpoints: EndpointService,
        models: ModelService,
        log: PredictionLog,
        guard: Guard = no_guard,
        expectations: Expectations = no_expectations,
    ) -> None:
        self._repository = repository
        self._deployments = deployments
        self._endpoints = endpoints
        self._models = models
        self._log = log
        self._guard = guard
        self._expectations = expectations

    @operation(permission="rollouts:write", kind="command")
    def start(
        self,
        unit: Unit,
        endpoint: Name,
        ref: Ref,
        cause: Cause = "",
        looks: tuple[Duration, ...] = LOOKS,
        maturity: Duration | None = None,
        margin: float | None = None,
    ) -> Started:
        """Ask the guard to let a version score an endpoint's requests in the shadow of what answers them.

        From then on it is judged by the terms that are set here: at each look, counted in event time from now, on the
        requests whose outcome is known. Nothing that it does reaches an answer until it is promoted.

        Args:
            unit: The unit of work.
            endpoint: Whose requests.
            ref: The challenger, e.g. ``flight-delay@latest``.
            cause: Why: an alarm's id, or words.
            looks: When it is judged, counted from the beginning in event time: 1 to 10, rising. More looks decide
                sooner and need more to decide.
            maturity: How long after the event its outcome is known; by default what the charter says.
            margin: How much worse the KPI might be, at the pessimistic end of its interval, when the Brier score is
                better; by default 0.005, and 0 for a regression.

        Returns:
            The guard's decision, and the rollout if it is allowed.

        Raises:
            Conflict: Another rollout of this endpoint runs, it answers with this version already, or it was retired.
            Invalid: The looks do not rise, or the version has another task than what answers.
            NotFound: There is no such endpoint or version.
        """
        began_at = self._watermark(unit.project, endpoint)  # before the transaction, which holds up every other writer
        current = self._endpoints.answering(unit, endpoint)
        version = self._models.get(unit, ref)
        running = self._repository.newest(unit.rows, unit.project, endpoint)
        if running and running[0].outcome is None:
            return Started(decision=None, rollout=_same(running[0], version))
        self._check_challenger(unit, current, version)
        terms = self._terms(unit, version, looks, maturity, margin)
        decision = self._guard(
            unit,
            Transition(
                action=Action.CHALLENGE,
                model=version.model,
                version=version.version,
                package=version.package,
                target=endpoint,
                replaces=current.version,
            ),
        )
        if not decision.allowed:
            return Started(decision=decision, rollout=None)
        rollout = Rollout(
            id=new_id(),
            endpoint=endpoint,
            answering=Contender(model=current.model, version=current.version, package=current.package),
            challenger=Contender(model=version.model, version=version.version, package=version.package),
            terms=terms,
            cause=cause,
            policy=decision.policy,
            began_at=began_at,
            started_at=unit.now,
            started_by=unit.actor.id,
        )
        self._begin(unit, rollout)
        return Started(decision=decision, rollout=rollout)

    @operation(permission="rollouts:write", kind="command", idempotent=True)
    def judge(self, unit: Unit, endpoint: Name) -> Rollout:
        """Promote or refuse an endpoint's challenger if that is due; otherwise do nothing.

        A look is due when the endpoint's event time has passed it by the label's maturity, and enough of its pairs have
        a label. Promotion moves the alias ``champion`` and the endpoint, each through the guard, in the transaction
        that ends the rollout; what the guard refuses ends it as refused. Where nothing but signatures is lacking, it
        stays in the shadow for up to 30 days, and is promoted when they are there. The job worker asks this again and
        again.

        Args:
            unit: The unit of work.
            endpoint: Its name.

        Returns:
            The rollout as it is then: the running one, or the last.

        Raises:
            NotFound: The endpoint has no rollout.
        """
        with self._log.records.reading() as rows:
            rollout = self._newest(rows, unit.project, endpoint)
            waits = rollout.outcome is None and self._waits(Snapshot(unit, rows), rollout)
        if waits or rollout.outcome is not None:
            asked = rollout.asked_at or unit.now
            return self._unsigned(unit, rollout) if waits and unit.now - asked >= ASK_AGAIN else rollout
        watch = self._watch(unit.project, rollout, unit.now)  # long, and so before the transaction
        if watch is None:
            return rollout
        counted = watch.counted()
        breaches = rule.breaches(counted, *shares(counted), rollout.terms)
        look = None if breaches or rollout.unsigned_since else watch.look()
        if look is None and not breaches and rollout.unsigned_since is None:
            return rollout
        present = self._newest(unit.rows, unit.project, endpoint)
        if present != rollout:  # somebody else judged or stopped it meanwhile
            return present
        if breaches:
            return self._over(unit, rollout, Outcome.REFUSED, breaches, counted)
        return self._signed(unit, rollout) if look is None else self._looked(unit, rollout, look)

    @operation(permission="rollouts:write", kind="command", idempotent=True)
    def stop(self, unit: Unit, endpoint: Name, reason: Cause = "") -> Rollout:
        """End a rollout without a judgement; what answers goes on answering. One that is over stays as it is.

        Args:
            unit: The unit of work.
            endpoint: Its name.
            reason: Why, for the record.

        Raises:
            NotFound: The endpoint has no rollout.
        """
        rollout = self._newest(unit.rows, unit.project, endpoint)
        if rollout.outcome is not None:
            return rollout
        return self._over(unit, rollout, Outcome.STOPPED, [reason] if reason else [])

    @operation(permission="rollouts:read", kind="query")
    def standing(self, unit: Unit, endpoint: Name, compare: bool = True) -> Standing:  # noqa: FBT001, FBT002  # by name
        """How an endpoint's newest rollout stands, with the comparison as it would be seen now.

        Args:
            unit: The unit of work.
            endpoint: Its name.
            compare: Whether to compute the comparison, which takes a second for a million rows.

        Raises:
            NotFound: The endpoint has no rollout.
        """
        rollout = self._newest(unit.rows, unit.project, endpoint)
        if rollout.outcome is not None:
            watermark = self._watermark(unit.project, endpoint)
            return Standing(rollout=rollout, watermark=watermark, due_at=None, waiting="", present=None, workers=())
        watch = self._watch(unit.project, rollout, unit.now)
        return Standing(
            rollout=rollout,
            watermark=watch.watermark if watch else None,
            due_at=watch.due_at if watch else None,
            waiting=watch.waiting if watch else "Waits for the endpoint's first prediction.",
            present=watch.present() if watch and compare else None,
            workers=self._workers(unit, rollout),
        )

    @operation(permission="rollouts:read", kind="query")
    def get(self, unit: Unit, id: Id) -> Rollout:  # noqa: A002  # the name that callers write
        """One rollout, with what each look saw.

        Args:
            unit: The unit of work.
            id: Its id.

        Raises:
            NotFound: There is none.
        """
        found = self._repository.get(unit.rows, unit.project, id)
        if found is None:
            raise NotFound(f"There is no rollout {id}.", remedy="List them: modelwright rollout list")
        return found

    @operation(permission="rollouts:read", kind="query")
    def list(
        self, unit: Unit, endpoint: Name | None = None, limit: int = 100, after: Id | None = None
    ) -> Page[Rollout]:
        """Rollouts, newest first.

        Args:
            unit: The unit of work.
            endpoint: Only this endpoint's.
            limit: Rollouts a page, 1 to 1,000.
            after: ``next`` of the page before.
        """
        found = self._repository.newest(unit.rows, unit.project, endpoint, before=after, limit=limited(limit) + 1)
        return paged(found, limit, lambda rollout: rollout.id)

    def _newest(self, rows: Rows, project: str, endpoint: str) -> Rollout:
        found = self._repository.newest(rows, project, endpoint)
        if not found:
            raise no_rollout(endpoint)
        return found[0]

    def _workers(self, unit: Unit, rollout: Rollout) -> tuple[ShadowWorker, ...]:
        states = {said.worker: said.shadows.get(rollout.endpoint) for said in self._endpoints.living(unit)}
        package = rollout.challenger.package
        return tuple(
            ShadowWorker(worker=worker, state=state if state is not None and state.package == package else None)
            for worker, state in states.items()
        )

    def _watermark(self, project: str, endpoint: str) -> datetime | None:
        from modelwright.predictions.pairs import watermark  # weight: pyarrow

        return watermark(self._log.view(project, endpoint))

    def _watch(self, project: str, rollout: Rollout, now: datetime) -> Watch | None:
        """What the log says of a running rollout; none before the endpoint's first prediction."""
        from modelwright.predictions.log import WITH_SHADOWS  # weight: SQLAlchemy
        from modelwright.predictions.pairs import Pairing, paired, watermark  # weight: pyarrow

        view = self._log.view(project, rollout.endpoint, kinds=WITH_SHADOWS)
        newest = watermark(view)
        if newest is None:
            return None
        whose = Pairing(rollout.answering.package, rollout.challenger.package, rollout.started_at)
        return Watch(rollout, paired(view, whose, as_of=newest), watermark=newest, now=now)

    def _check_challenger(self, unit: Unit, current: Deployment, version: ModelVersion) -> None:
        if version.package == current.package:
            raise Conflict(
                f"{current.endpoint} answers with {version.ref} already.", remedy="Challenge it with another version."
            )
        task = self._models.get(unit, f"{current.model}@{current.version}").manifest.task
        if version.manifest.task is not task:
            raise Invalid(
                f"{version.ref} is for {version.manifest.task}, and {current.endpoint} answers for {task}.",
                remedy="Challenge it with a version of the same task.",
                fields={"ref": "is of another task"},
            )

    def _terms(
        self,
        unit: Unit,
        version: ModelVersion,
        looks: tuple[Duration, ...],
        maturity: Duration | None,
        margin: float | None,
    ) -> Terms:
        spans = [timedelta(), *map(duration, looks)]
        rising = all(before < after for before, after in pairwise(spans))
        if not 1 <= len(looks) <= _MOST_LOOKS or not rising:
            raise Invalid(
                f"The looks are {', '.join(looks) or 'none'}.",
                remedy=f"Give 1 to {_MOST_LOOKS}, each later than the one before.",
                fields={"looks": "do not rise"},
            )
        if margin is not None and not 0 <= margin < 1:
            raise Invalid(
                f"The margin is {margin}.", remedy="Give 0 or more, below 1.", fields={"margin": "not 0 to 1"}
            )
        expected = self._expectations(unit, version.model)
        task = version.manifest.task
        return Terms(
            metric=expected.metric or ("roc_auc" if task is Task.BINARY else "rmse"),
            task=task,
            looks=looks,
            maturity=expected.maturity if maturity is None else maturity,
            margin=(MARGIN if task is Task.BINARY else 0.0) if margin is None else margin,
            latency_p99_ms=expected.latency_p99_ms,
        )

    def _begin(self, unit: Unit, rollout: Rollout) -> None:
        challenger = rollout.challenger
        package = self._models.package(unit, challenger.ref)
        generation = self._deployments.challenge(
            unit.rows,
            rollout.endpoint,
            Challenger(model=challenger.model, version=challenger.version, package=package),
        )
        self._repository.add(unit.rows, unit.project, rollout)
        unit.emit(
            RolloutStarted(
                rollout_id=rollout.id,
                endpoint=rollout.endpoint,
                generation=generation,
                model=challenger.model,
                version=challenger.version,
                package=challenger.package,
                answering=rollout.answering,
                terms=rollout.terms,
                policy=rollout.policy,
                cause=rollout.cause,
            )
        )
        self._endpoints.hasten(unit)

    def _looked(self, unit: Unit, rollout: Rollout, look: Look) -> Rollout:
        finding = look.finding
        if finding.verdict is Verdict.PROMOTE:
            return self._promoted(unit, rollout, look)
        if finding.verdict is Verdict.REFUSE:
            return self._over(unit, rollout, Outcome.REFUSED, finding.reasons, look)
        later = replace(rollout, looks=(*rollout.looks, look))
        self._repository.change(unit.rows, later)
        challenger = rollout.challenger
        unit.emit(
            RolloutLooked(
                rollout_id=rollout.id,
                endpoint=rollout.endpoint,
                model=challenger.model,
                version=challenger.version,
                look=look,
            )
        )
        return later

    def _waits(self, unit: Unit, rollout: Rollout) -> bool:
        """Whether there is nothing to be done but to wait for signatures: it is asked often, and reads no log."""
        since = rollout.unsigned_since
        if since is None or unit.now - since >= PATIENCE:
            return False
        return self._guard.decide(unit, _deploying(rollout)).lacks_only_signatures

    def _signed(self, unit: Unit, rollout: Rollout) -> Rollout:
        """What waited for signatures: promoted, as they are there, or refused, as it is late."""
        look = rollout.looks[-1]
        decision = self._guard.decide(unit, _deploying(rollout))
        if decision.lacks_only_signatures:
            if rollout.unsigned_since is not None and unit.now - rollout.unsigned_since < PATIENCE:
                return rollout  # one was taken back since it was looked at
            late = [f"Nobody signed it within {PATIENCE.days} days. {why}" for why in decision.reasons]
            return self._over(unit, rollout, Outcome.REFUSED, late, look.comparison)
        return self._promoted(unit, rollout, look)

    def _promoted(self, unit: Unit, rollout: Rollout, look: Look) -> Rollout:
        """Move the endpoint, then the alias. The guard judges both on the same evidence, but each for itself."""
        version = self._models.get(unit, rollout.challenger.ref)
        reason = f"Rollout {rollout.id}: {look.finding.reasons[0]}"
        seen = look.comparison if rollout.unsigned_since else look
        moved = self._endpoints.move(unit, rollout.endpoint, version, action=Action.DEPLOY, reason=reason)
        if moved.decision.lacks_only_signatures and rollout.unsigned_since is None:
            return self._unsigned(unit, replace(rollout, looks=(*rollout.looks, look), unsigned_since=unit.now))
        if moved.generation is None:
            refused = [f"It is better, but the gates refuse it. {why}" for why in moved.decision.reasons]
            return self._over(unit, rollout, Outcome.REFUSED, refused, seen)
        alias = self._models.set_alias(unit, version.ref, CHAMPION, reason)
        kept = [f"The alias {CHAMPION} stays where it was. {why}" for why in alias.reasons]
        return concluded(
            unit,
            self._repository,
            rollout,
            Outcome.PROMOTED,
            [*look.finding.reasons, *kept],
            generation=moved.generation,
            seen=seen,
        )

    def _unsigned(self, unit: Unit, rollout: Rollout) -> Rollout:
        """Have people asked; again after a while, for what they were asked about may have changed since."""
        waiting = replace(rollout, asked_at=unit.now)
        self._repository.change(unit.rows, waiting)
        decision = self._guard.decide(unit, _deploying(rollout))
        unit.emit(
            RolloutUnsigned(
                rollout_id=rollout.id,
                endpoint=rollout.endpoint,
                model=rollout.challenger.model,
                version=rollout.challenger.version,
                look=rollout.looks[-1],
                lacking=tuple(gate.gate for gate in decision.gates if not gate.verdict.passes),
            )
        )
        return waiting

    def _over(
        self,
        unit: Unit,
        rollout: Rollout,
        outcome: Outcome,
        reasons: Sequence[str],
        seen: Look | Comparison | None = None,
    ) -> Rollout:
        generation = self._deployments.leave(unit.rows, rollout.endpoint)
        over = concluded(unit, self._repository, rollout, outcome, reasons, generation=generation, seen=seen)
        self._endpoints.hasten(unit)
        return over


def _deploying(rollout: Rollout) -> Transition:
    """What would let the endpoint answer with the challenger."""
    return Transition(
        action=Action.DEPLOY,
        model=rollout.challenger.model,
        version=rollout.challenger.version,
        package=rollout.challenger.package,
        target=rollout.endpoint,
        replaces=rollout.answering.version,
    )


def _same(running: Rollout, version: ModelVersion) -> Rollout:
    """The running rollout if it is of this version.

    Raises:
        Conflict: It is of another one.
    """
    if running.challenger.package == version.package:
        return running
    raise Conflict(
        f"{running.endpoint} has a rollout already: {running.challenger.ref} challenges {running.answering.ref}.",
        remedy=f"Wait for it, or stop it: modelwright rollout stop {running.endpoint}",
    )
