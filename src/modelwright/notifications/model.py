"""Channels, what is sent through them, and what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from modelwright.alerts.model import Severity
from modelwright.core.events import Event
from modelwright.core.ids import Id, Name
from modelwright.core.shown import Shown

PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""How long to wait after the first failure, the second, …: growing, three days together.

Source:
    Standard Webhooks, "Deliverability and reliability", https://github.com/standard-webhooks/standard-webhooks
"""

MOST_FAILURES = len(PAUSES) + 1
"""After so many failures on end a channel is paused."""

Target = Annotated[str, Meta(min_length=1, max_length=2000)]
"""Where to: an address, or mail addresses with commas between them. It may hold a secret."""

Secret = Annotated[str, Meta(max_length=200)]


class Kind(StrEnum):
    """How a channel says it."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"


class Topic(StrEnum):
    """What people want to hear of."""

    ALERT_RAISED = "alert.raised"
    ALERT_REPEATED = "alert.repeated"
    ALERT_CLEARED = "alert.cleared"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_SIGNED = "approval.signed"
    APPROVAL_REFUSED = "approval.refused"
    VERSION_PROMOTED = "version.promoted"
    VERSION_REFUSED = "version.refused"
    ENDPOINT_DEPLOYED = "endpoint.deployed"
    ENDPOINT_ROLLED_BACK = "endpoint.rolled-back"
    ENDPOINT_RETIRED = "endpoint.retired"
    EMERGENCY_BEGUN = "emergency.begun"
    EMERGENCY_ENDED = "emergency.ended"
    CHALLENGE_CONCLUDED = "challenge.concluded"
    EXECUTION_FAILED = "execution.failed"
    CHANNEL_PAUSED = "channel.paused"
    TEST = "test"


class ChannelState(StrEnum):
    """Whether a channel is used. What happens while it is paused is sent when it is resumed."""

    ACTIVE = "active"
    PAUSED = "paused"


class Channel(Shown, frozen=True, kw_only=True):
    """A way to tell people.

    Attributes:
        id: Its id.
        name: What people call it.
        kind: How it says it.
        target: Where to, without what could be a secret.
        topics: What it tells; empty means everything.
        about: Endpoints, models and pipelines that it tells of; empty means all.
        severity: ``alarm``: of alerts only alarms; ``inform``: all of them.
        state: Whether it is used.
        failures: How often it failed on end.
        problem: What went wrong last; empty while it works.
        created_by: Who added it, opaque.
        created_at: When.
    """

    id: Id
    name: Name
    kind: Kind
    target: str
    topics: tuple[Topic, ...] = ()
    about: tuple[Name, ...] = ()
    severity: Severity = Severity.ALARM
    state: ChannelState = ChannelState.ACTIVE
    failures: int = 0
    problem: str = ""
    created_by: str
    created_at: datetime

    def wants(self, message: Message) -> bool:
        """Whether it tells of this."""
        if self.topics and message.topic not in self.topics:
            return False
        if message.severity is Severity.INFORM and self.severity is Severity.ALARM:
            return False
        return not self.about or not message.subjects or not set(self.about).isdisjoint(message.subjects)

    def __str__(self) -> str:
        return f"{self.name}: {self.kind} to {self.target}, {self.state}"


class Sealed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a channel is kept encrypted.

    Attributes:
        target: Where to, whole.
        secret: What webhooks are signed with.
    """

    target: str
    secret: str = ""


class Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that people are told.

    Attributes:
        topic: What kind of thing.
        said: The sentence, without who did it.
        by: Who did it, opaque; empty where nobody did.
        subjects: The endpoint, model, pipeline or channel that it is about.
        severity: Of an alert.
        path: The page that shows more.
    """

    topic: Topic
    said: str
    by: str = ""
    subjects: tuple[str, ...] = ()
    severity: Severity | None = None
    path: str


class DeliveryState(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(Shown, frozen=True, kw_only=True):
    """One message on one channel.

    Attributes:
        id: Its id; whoever gets a message twice gets the same id twice.
        channel: The channel's name.
        seq: The ledger's entry that it tells of; none for a test.
        message: What is told.
        state: Whether it was taken.
        attempts: How often it was sent.
        status: The status of the last answer, where there was one.
        error: What went wrong last.
        created_at: When it was taken from the ledger.
        tried_at: When it was sent last.
    """

    id: Id
    channel: Name
    seq: int | None
    message: Message
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    status: int | None = None
    error: str = ""
    created_at: datetime
    tried_at: datetime | None = None

    def __str__(self) -> str:
        return f"{self.message.topic} on {self.channel}: {self.state}"


class Reply(Struct, frozen=True, kw_only=True):
    """What came back when something was sent.

    Attributes:
        taken: Whether whoever was told took it.
        status: The status, where there was one.
        error: Why not.
        gone: Whether they said never to send there again.
    """

    taken: bool
    status: int | None = None
    error: str = ""
    gone: bool = False


class Outgoing(Struct, frozen=True, kw_only=True):
    """What is handed to a channel.

    Attributes:
        id: The delivery's id.
        message: What is told.
        text: The whole sentence, one line.
        link: The page that shows more, where the server knows its own address.
        project: Where it happened.
        seq: The ledger's entry.
        at: When it is sent.
    """

    id: Id
    message: Message
    text: str
    link: str | None
    project: str
    seq: int | None
    at: datetime


class ChannelAdded(Event, frozen=True, kw_only=True, tag="notifications.channel_added"):
    """A project tells of itself in another place. Where is not recorded: it may be a secret, or somebody's address."""

    channel_id: Id
    name: Name
    channel_kind: Kind
    topics: tuple[Topic, ...]
    about: tuple[Name, ...]


class ChannelRemoved(Event, frozen=True, kw_only=True, tag="notifications.channel_removed"):
    """A channel is no more, nor its secret."""

    channel_id: Id
    name: Name


class ChannelPaused(Event, frozen=True, kw_only=True, tag="notifications.channel_paused"):
    """Nothing is sent through a channel until somebody resumes it; by a person, or after as many failures on end."""

    channel_id: Id
    name: Name
    failures: int


class ChannelResumed(Event, frozen=True, kw_only=True, tag="notifications.channel_resumed"):
    """A channel is used again, for what happened meanwhile too."""

    channel_id: Id
    name: Name
