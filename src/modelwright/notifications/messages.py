"""Which events people are told of, and in which words: the whole of it on one page."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

import msgspec

from modelwright.alerts.model import AlertCleared, AlertHandled, AlertRaised, AlertRepeated, AlertState
from modelwright.approvals.model import ApprovalRequested, VersionSigned
from modelwright.assurance.model import EmergencyBegun, EmergencyEnded
from modelwright.core.events import Event
from modelwright.core.guard import Action
from modelwright.governance.model import TransitionDecided
from modelwright.models.model import AliasMoved
from modelwright.notifications.model import ChannelPaused, Message, Topic
from modelwright.pipelines.model import ExecutionEnded, Status
from modelwright.rollouts.model import Outcome, RolloutConcluded
from modelwright.serving.model import EndpointMoved, EndpointRetired

_LONGEST = 400

_TOLD: tuple[type[Event], ...] = (
    *(AlertRaised, AlertRepeated, AlertCleared, AlertHandled, ApprovalRequested, VersionSigned, TransitionDecided),
    *(
        AliasMoved,
        EndpointMoved,
        EndpointRetired,
        EmergencyBegun,
        EmergencyEnded,
        RolloutConcluded,
        ExecutionEnded,
        ChannelPaused,
    ),
)

KINDS: Mapping[str, type[Event]] = {str(each.__struct_config__.tag): each for each in _TOLD}
"""Kind -> event, of those that may be told."""


def told(kind: str, body: Mapping[str, Any], actor: str) -> Message | None:
    """What people are told of an entry of the ledger; none where it is nothing to them.

    Args:
        kind: The entry's kind.
        body: Its event.
        actor: Who caused it, opaque.
    """
    if kind not in KINDS:
        return None
    event = msgspec.convert({**body, "kind": kind}, KINDS[kind], strict=False)
    return _of_alert(event, actor) or _of_people(event, actor) or _of_machines(event, actor)


def _of_alert(event: Event, actor: str) -> Message | None:
    match event:
        case AlertRaised():
            topic, what, by = Topic.ALERT_RAISED, f"{event.severity} raised", ""
        case AlertRepeated():
            topic, what, by = Topic.ALERT_REPEATED, f"{event.severity} lasts", ""
        case AlertCleared():
            topic, what, by = Topic.ALERT_CLEARED, f"{event.severity} is over", ""
        case AlertHandled(state=AlertState.RESOLVED):
            said = f"resolved an alert of {event.endpoint}."
            path = f"/alerts/{event.alert_id}"
            return Message(topic=Topic.ALERT_CLEARED, said=said, by=actor, subjects=(event.endpoint,), path=path)
        case _:
            return None
    return Message(
        topic=topic,
        said=one_line(f"{event.endpoint}, {event.model}@{event.version}: {event.rule} {what}. {event.summary}"),
        by=by,
        subjects=(event.endpoint, event.model),
        severity=event.severity,
        path=f"/alerts/{event.alert_id}",
    )


def _of_people(event: Event, actor: str) -> Message | None:
    match event:
        case ApprovalRequested(basis=basis):
            topic, said = (
                Topic.APPROVAL_REQUESTED,
                f"asked for signatures on {basis.about}{f' as {event.alias}' if event.alias else ''}.",
            )
        case VersionSigned(basis=basis, says="approve"):
            topic, said = Topic.APPROVAL_SIGNED, f"signed {basis.about} as {event.role}{_instead(event)}."
        case VersionSigned(basis=basis):
            topic, said = Topic.APPROVAL_REFUSED, f"refused to sign {basis.about} as {event.role}{_instead(event)}."
        case AliasMoved():
            said = f"moved {event.model}@{event.alias} to version {event.version}{_from(event.previous)}."
            path = f"/models/{event.model}/{event.version}"
            return Message(topic=Topic.VERSION_PROMOTED, said=said, by=actor, subjects=(event.model,), path=path)
        case EndpointMoved():
            back = event.action is Action.ROLLBACK
            verb = "rolled back" if back else "deployed"
            return Message(
                topic=Topic.ENDPOINT_ROLLED_BACK if back else Topic.ENDPOINT_DEPLOYED,
                said=f"{verb} {event.endpoint} to {event.model}@{event.version}{_from(event.previous)}.",
                by=actor,
                subjects=(event.endpoint, event.model),
                path=f"/endpoints/{event.endpoint}",
            )
        case EndpointRetired():
            return Message(
                topic=Topic.ENDPOINT_RETIRED,
                said=f"retired {event.endpoint}, which answered with {_ref(event)}.",
                by=actor,
                subjects=(event.endpoint, event.model),
                path=f"/endpoints/{event.endpoint}",
            )
        case EmergencyBegun():
            until = event.expires_at.strftime("%Y-%m-%d %H:%M UTC")
            return Message(
                topic=Topic.EMERGENCY_BEGUN,
                said=f"let {event.endpoint} answer with {_ref(event)} against the gates, until {until} at most.",
                by=actor,
                subjects=(event.endpoint, event.model),
                path=f"/endpoints/{event.endpoint}",
            )
        case _:
            return None
    path = f"/approvals/{event.request_id}"
    return Message(topic=topic, said=said, by=actor, subjects=(basis.model,), path=path)


def _instead(event: VersionSigned) -> str:
    return " for somebody else" if event.on_behalf_of else ""


def _of_machines(event: Event, actor: str) -> Message | None:
    match event:
        case TransitionDecided(decision=decision) if not decision.allowed:
            move = decision.transition
            return Message(
                topic=Topic.VERSION_REFUSED,
                said=one_line(f"was refused {_ref(move)} as {move.towards}: {' '.join(decision.reasons)}"),
                by=actor,
                subjects=(move.model, move.target),
                path="/approvals" if move.action is Action.REGISTER else f"/models/{move.model}/{move.version}",
            )
        case EmergencyEnded():
            return Message(
                topic=Topic.EMERGENCY_ENDED,
                said=f"{event.endpoint}: the emergency of {_ref(event)} is over ({event.ending}).",
                subjects=(event.endpoint, event.model),
                path=f"/endpoints/{event.endpoint}",
            )
        case RolloutConcluded(outcome=outcome):
            done = {Outcome.PROMOTED: "won", Outcome.REFUSED: "lost"}.get(outcome, "was stopped")
            challenger = f"{event.model}@{event.version}"
            return Message(
                topic=Topic.CHALLENGE_CONCLUDED,
                said=one_line(f"{event.endpoint}: the challenger {challenger} {done}. {' '.join(event.reasons)}"),
                subjects=(event.endpoint, event.model),
                path=f"/rollouts/{event.rollout_id}",
            )
        case ExecutionEnded(status=Status.FAILED):
            return Message(
                topic=Topic.EXECUTION_FAILED,
                said=f"An execution of the pipeline {event.pipeline} failed.",
                subjects=(event.pipeline,),
                path=f"/executions/{event.execution_id}",
            )
        case ChannelPaused():
            why = f"after {event.failures} failures on end" if event.failures else "by hand"
            return Message(
                topic=Topic.CHANNEL_PAUSED,
                said=f"The channel {event.name} is paused, {why}.",
                subjects=(),
                path="/notifications",
            )
        case _:
            return None


def one_line(text: str) -> str:
    r"""Words as one line that is not too long, without anything that would steer whoever shows it.

    Example:
        >>> one_line("a\r\nBcc: eve \u202ereversed\x1b[31m")
        'a Bcc: eve reversed[31m'
    """
    plain = "".join(c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    words = " ".join(plain.split())
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1].rstrip() + "…"


def _ref(basis: Any) -> str:
    return f"{basis.model}@{basis.version}"


def _from(previous: int | None) -> str:
    return "" if previous is None else f" from {previous}"
