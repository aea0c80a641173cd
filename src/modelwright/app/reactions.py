"""WHEN this happens THEN that is done: the whole choreography between rooms.

A reaction is a pure function from an event to calls of operations. The calls are written to the outbox in the event's
own transaction, so they are made exactly if it happened; the job worker makes them later, each under a key of its own,
so that a call which is made twice is carried out once. A kill between any two steps loses none and repeats none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Struct

from modelwright.alerts.model import OF_PEOPLE, AlertRaised, AlertRepeated, Severity
from modelwright.core import wire
from modelwright.core.events import Event, Recorded
from modelwright.core.guard import PHASE, SIGNED_OFF
from modelwright.core.unit import Projection, Unit
from modelwright.data.model import VersionCommitted
from modelwright.governance.model import Phase
from modelwright.models.model import AliasMoved
from modelwright.pipelines.model import CauseKind
from modelwright.rollouts.model import RolloutUnsigned
from modelwright.serving.model import EndpointMoved
from modelwright.store.ports import Outbox


class Call(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operation to be carried out.

    Attributes:
        operation: Its name, ``noun.verb``.
        arguments: What it is given, as JSON has it.
    """

    operation: str
    arguments: dict[str, Any]


class Reaction(NamedTuple):
    """What is done when something happens.

    Attributes:
        when: The kind of event.
        then: Event and the moment of its recording -> the calls to make; its name is the reaction's.
    """

    when: type[Event]
    then: Callable[[Any, datetime], Iterator[Call]]

    @property
    def name(self) -> str:
        """For logs and the reference."""
        return self.then.__name__


def start_pipelines_on_data(event: VersionCommitted, at: datetime) -> Iterator[Call]:
    """Start the pipelines that wait for new versions of the dataset."""
    yield Call(
        operation="pipelines.trigger",
        arguments={
            "kind": CauseKind.DATA,
            "subject": event.name,
            "at": at.isoformat(),
            "cause": f"{event.name}@{event.version}",
        },
    )


def start_pipelines_on_alarm(event: AlertRaised | AlertRepeated, _at: datetime) -> Iterator[Call]:
    """Start the pipelines that wait for an alarm of the endpoint, on what was known when it was told.

    What only informs starts nothing, nor does what people have to see to. An alarm that lasts is told again, and then
    tries again: what it started before may have been declined, or have come to nothing.
    """
    if event.severity is Severity.ALARM and event.rule not in OF_PEOPLE:
        yield Call(
            operation="pipelines.trigger",
            arguments={
                "kind": CauseKind.ALARM,
                "subject": event.endpoint,
                "at": event.at.isoformat(),
                "cause": event.alert_id,
            },
        )


def keep_documents(event: AliasMoved | EndpointMoved, _at: datetime) -> Iterator[Call]:
    """Keep the documents of a version that production comes to rely on, so that what was known then can be read."""
    yield Call(operation="documents.keep", arguments={"ref": f"{event.model}@{event.version}"})


def ask_for_signatures(event: RolloutUnsigned, _at: datetime) -> Iterator[Call]:
    """Ask people to sign a challenger that is to be promoted, or its application there: it lacks nothing else."""
    reason = f"The rollout at {event.endpoint} would promote it. {' '.join(event.look.finding.reasons)}"[:2000]
    lacking = {gate.partition(".")[0] for gate in event.lacking}
    for phase, subject in ((Phase.CHARTER, {}), (Phase.APPLICATION, {"subject": event.endpoint})):
        if f"{PHASE}-{phase}" in lacking:
            where = {"model": event.model, "phase": phase, **subject}
            yield Call(operation="approvals.request_phase", arguments={**where, "reason": reason})
    if SIGNED_OFF in lacking or not lacking:
        ref = f"{event.model}@{event.version}"
        yield Call(operation="approvals.request", arguments={"ref": ref, "reason": reason})


REACTIONS: tuple[Reaction, ...] = (
    Reaction(VersionCommitted, start_pipelines_on_data),
    Reaction(AlertRaised, start_pipelines_on_alarm),
    Reaction(AlertRepeated, start_pipelines_on_alarm),
    Reaction(AliasMoved, keep_documents),
    Reaction(EndpointMoved, keep_documents),
    Reaction(RolloutUnsigned, ask_for_signatures),
)
"""Every reaction of the house."""


def reacting(outbox: Outbox, reactions: Sequence[Reaction]) -> Projection:
    """The projection that writes down what is to be done because of an event."""

    def project(unit: Unit, recorded: Recorded) -> None:
        for reaction in reactions:
            if isinstance(recorded.event, reaction.when):
                for call in reaction.then(recorded.event, recorded.recorded_at):
                    outbox.put(
                        unit.rows,
                        project=recorded.project,
                        topic=reaction.name,
                        body=wire.encode(call).decode(),
                        cause=recorded.request_id,
                    )

    return project
