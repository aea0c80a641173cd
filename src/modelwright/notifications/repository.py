"""The rows of channels and deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint, delete, insert, select, update

from modelwright.core.unit import Rows
from modelwright.notifications.model import Channel, ChannelState, Delivery, DeliveryState
from modelwright.store.tables import Body, Moment, control

channels = Table(
    "notification_channels",
    control,
    Column("id", String(32), primary_key=True),
    Column("project", String(128), nullable=False),
    Column("name", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("cursor", Integer, nullable=False),
    Column("due", Moment, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("body", Body(Channel), nullable=False),
    UniqueConstraint("project", "name"),
)

deliveries = Table(
    "notification_deliveries",
    control,
    Column("id", String(32), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("seq", Integer),
    Column("state", String(16), nullable=False),
    Column("body", Body(Delivery), nullable=False),
    UniqueConstraint("channel", "seq"),  # an entry is told once on a channel; tests are of none
    Index("notification_deliveries_by_state", "channel", "state", "id"),
)


class Kept(NamedTuple):
    """A channel with what only whoever sends needs.

    Attributes:
        project: Its project.
        channel: The channel.
        cursor: The last entry of the ledger that was looked at.
        sealed: Target and secret, encrypted.
    """

    project: str
    channel: Channel
    cursor: int
    sealed: str


class ChannelRepository:
    """Channels of one home, and what was sent through them."""

    def add(self, rows: Rows, kept: Kept) -> None:
        """A new channel."""
        channel = kept.channel
        given = {"project": kept.project, "name": channel.name, "state": channel.state.value, "cursor": kept.cursor}
        rows.execute(
            insert(channels).values(id=channel.id, due=channel.created_at, sealed=kept.sealed, body=channel, **given)
        )

    def put(self, rows: Rows, channel: Channel, *, due: datetime) -> None:
        """A channel as it is now, and when to send through it again."""
        given = {"state": channel.state.value, "body": channel, "due": due}
        rows.execute(update(channels).where(channels.c.id == channel.id).values(**given))

    def advance(self, rows: Rows, channel: str, cursor: int, *, forgotten_before: datetime) -> None:
        """What stands before this entry has been looked at; what was delivered long ago is forgotten."""
        rows.execute(update(channels).where(channels.c.id == channel).values(cursor=cursor))
        first = f"{int(forgotten_before.timestamp() * 1000):012x}"  # ids begin with the time of their making
        old = (deliveries.c.id < first, deliveries.c.state != DeliveryState.WAITING.value)
        rows.execute(delete(deliveries).where(deliveries.c.channel == channel, *old))

    def remove(self, rows: Rows, channel: str) -> None:
        """A channel with its secret, and everything sent through it."""
        rows.execute(delete(deliveries).where(deliveries.c.channel == channel))
        rows.execute(delete(channels).where(channels.c.id == channel))

    def get(self, rows: Rows, project: str, name: str) -> Kept | None:
        """The channel of a name."""
        return self._first(rows, (channels.c.project == project) & (channels.c.name == name))

    def by_id(self, rows: Rows, channel: str) -> Kept | None:
        """The channel of an id, while there is one."""
        return self._first(rows, channels.c.id == channel)

    def of_project(self, rows: Rows, project: str) -> list[Channel]:
        """A project's channels by name."""
        wanted = select(channels.c.body).where(channels.c.project == project).order_by(channels.c.name)
        return list(rows.execute(wanted).scalars())

    def active(self, rows: Rows) -> list[Kept]:
        """The channels of every project that are used."""
        wanted = select(channels).where(channels.c.state == ChannelState.ACTIVE.value).order_by(channels.c.id)
        return [_kept(row) for row in rows.execute(wanted)]

    def put_delivery(self, rows: Rows, channel: str, delivery: Delivery) -> None:
        """A delivery as it is now."""
        given = {"state": delivery.state.value, "body": delivery}
        if rows.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(**given)).rowcount == 0:
            rows.execute(insert(deliveries).values(id=delivery.id, channel=channel, seq=delivery.seq, **given))

    def due(self, rows: Rows, now: datetime) -> list[str]:
        """Ids of channels in use with something to send, that need not wait."""
        waiting = select(deliveries.c.id).where(
            deliveries.c.channel == channels.c.id, deliveries.c.state == DeliveryState.WAITING.value
        )
        wanted = (channels.c.state == ChannelState.ACTIVE.value, channels.c.due <= now, waiting.exists())
        return list(rows.execute(select(channels.c.id).where(*wanted).order_by(channels.c.due)).scalars())

    def waiting(self, rows: Rows, channel: str) -> Delivery | None:
        """The oldest that is to be sent."""
        wanted = (deliveries.c.channel == channel, deliveries.c.state == DeliveryState.WAITING.value)
        found: Delivery | None = rows.execute(
            select(deliveries.c.body).where(*wanted).order_by(deliveries.c.seq).limit(1)
        ).scalar()
        return found

    def deliveries(
        self, rows: Rows, project: str, *, name: str | None, before: str | None, limit: int
    ) -> list[Delivery]:
        """What was sent in a project, newest first."""
        wanted = (
            select(deliveries.c.body)
            .join(channels, channels.c.id == deliveries.c.channel)
            .where(channels.c.project == project)
        )
        if name is not None:
            wanted = wanted.where(channels.c.name == name)
        if before is not None:
            wanted = wanted.where(deliveries.c.id < before)
        return list(rows.execute(wanted.order_by(deliveries.c.id.desc()).limit(limit)).scalars())

    def _first(self, rows: Rows, condition: object) -> Kept | None:
        found = rows.execute(select(channels).where(condition)).first()  # type: ignore[arg-type]  # one of the above
        return None if found is None else _kept(found)


def _kept(row: object) -> Kept:
    return Kept(row.project, row.body, row.cursor, row.sealed)  # type: ignore[attr-defined]  # a row of channels
