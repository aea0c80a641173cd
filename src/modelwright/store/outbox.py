"""What is to be done after a transaction, as rows that the transaction itself writes."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Column, ColumnElement, Integer, String, Text, delete, insert, select, update
from sqlalchemy import Table as Rowset

from modelwright.core.clock import Clock, utc_now
from modelwright.core.unit import Rows
from modelwright.store.ports import Message, Records
from modelwright.store.tables import Moment, control

outbox = Rowset(
    "outbox",
    control,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("project", String(128), nullable=False),
    Column("topic", String(128), nullable=False),
    Column("body", Text, nullable=False),
    Column("cause", String(64), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("due", Moment, nullable=False, index=True),
    sqlite_autoincrement=True,  # an id is never given twice: it is part of an idempotency key
)

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(hours=1)


class RecordsOutbox:
    """Messages in the control database; fulfils ``Outbox``.

    Args:
        records: The control database.
        clock: The wall clock.
    """

    def __init__(self, records: Records, clock: Clock = utc_now) -> None:
        self._records = records
        self._clock = clock

    def put(self, rows: Rows, *, project: str, topic: str, body: str, cause: str) -> None:
        """Add a message within the caller's transaction."""
        message = {"project": project, "topic": topic, "body": body, "cause": cause}
        rows.execute(insert(outbox).values(**message, attempts=0, error="", due=self._clock()))

    def due(self, limit: int) -> list[Message]:
        """The oldest messages that are not put off."""
        return self._found(outbox.c.due <= self._clock(), limit)

    def settle(self, message: Message) -> None:
        """It is done."""
        with self._records.writing() as rows:
            rows.execute(delete(outbox).where(outbox.c.id == message.id))

    def postpone(self, message: Message, error: str) -> None:
        """It failed: hand it out again later."""
        pause = min(FIRST_PAUSE * 2 ** min(message.attempts, 12), LONGEST_PAUSE)
        with self._records.writing() as rows:
            rows.execute(
                update(outbox)
                .where(outbox.c.id == message.id)
                .values(attempts=message.attempts + 1, error=error[:2000], due=self._clock() + pause)
            )

    def failing(self, limit: int) -> list[Message]:
        """Messages that have failed and wait to be tried again."""
        return self._found(outbox.c.attempts > 0, limit)

    def _found(self, condition: ColumnElement[bool], limit: int) -> list[Message]:
        wanted = [outbox.c[name] for name in Message.__struct_fields__]
        with self._records.reading() as rows:
            found = rows.execute(select(*wanted).where(condition).order_by(outbox.c.id).limit(limit))
            return [Message(**row._mapping) for row in found]  # noqa: SLF001  # SQLAlchemy's public name for it
