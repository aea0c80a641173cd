"""Leases with fencing tokens, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Column, Integer, String, insert, select, update
from sqlalchemy import Table as Rowset

from modelwright.core.clock import Clock, utc_now
from modelwright.core.unit import Rows
from modelwright.store.ports import Lease, Records
from modelwright.store.tables import Moment, control

leases = Rowset(
    "leases",
    control,
    Column("name", String(200), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("token", Integer, nullable=False),
    Column("until", Moment, nullable=False),
)


LONGEST = timedelta(minutes=2)
"""No lease is granted for longer. One that ends later was granted before the clock was put back: whether its holder
lives nobody knows, so it is free, and its token stops the holder."""


class RecordsQueue:
    """Leases in the control database; fulfils ``Queue``.

    Args:
        records: The control database.
        clock: The wall clock.
    """

    def __init__(self, records: Records, clock: Clock = utc_now) -> None:
        self._records = records
        self._clock = clock

    def acquire(self, name: str, owner: str, duration: timedelta) -> Lease | None:
        """The lease, or none while another owner holds it."""
        with self._records.writing() as rows:
            return self.take(rows, name, owner, duration)

    def take(self, rows: Rows, name: str, owner: str, duration: timedelta) -> Lease | None:
        """What ``acquire`` does, in the caller's own transaction."""
        now = self._clock()
        held = rows.execute(select(leases).where(leases.c.name == name)).first()
        if held is None:
            rows.execute(insert(leases).values(name=name, owner=owner, token=1, until=now + duration))
            return Lease(name=name, owner=owner, token=1)
        if held.owner != owner and now < held.until <= now + LONGEST:
            return None
        token = held.token if held.owner == owner and held.until > now else held.token + 1
        rows.execute(update(leases).where(leases.c.name == name).values(owner=owner, token=token, until=now + duration))
        return Lease(name=name, owner=owner, token=token)

    def renew(self, rows: Rows, lease: Lease, duration: timedelta) -> bool:
        """Whether the lease is still the newest grant; then it ends a duration from now, at once for zero."""
        now = self._clock()
        mine = (leases.c.name == lease.name, leases.c.owner == lease.owner, leases.c.token == lease.token)
        changed = rows.execute(update(leases).where(*mine).values(until=now + duration))
        return bool(changed.rowcount)

    def expired(self, rows: Rows, names: Sequence[str]) -> set[str]:
        """Those of some names that nobody holds now."""
        now = self._clock()
        held = select(leases.c.name).where(
            leases.c.name.in_(names), leases.c.until > now, leases.c.until <= now + LONGEST
        )
        return set(names) - set(rows.execute(held).scalars())

    def holds(self, rows: Rows, lease: Lease) -> bool:
        """Whether the lease is still the newest grant."""
        newest = rows.execute(select(leases.c.owner, leases.c.token).where(leases.c.name == lease.name)).first()
        return newest is not None and (newest.owner, newest.token) == (lease.owner, lease.token)

    def release(self, lease: Lease) -> None:
        """Let others have it now."""
        with self._records.writing() as rows:
            if self.holds(rows, lease):
                rows.execute(update(leases).where(leases.c.name == lease.name).values(until=self._clock()))
