"""The rows of monitors."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    insert,
    select,
    tuple_,
    update,
)

from modelwright.core.unit import Rows
from modelwright.monitoring.kept import Kept
from modelwright.monitoring.model import Judged, Outcome, ReferenceNote, Settings, Standing
from modelwright.stats.histogram import Histogram
from modelwright.store.tables import Body, Moment, control, telemetry

Key = tuple[str, int]
"""Model and version."""

settings = Table(
    "monitor_settings",
    control,
    Column("project", String(128), primary_key=True),
    Column("endpoint", String(128), primary_key=True),
    Column("body", Body(Settings), nullable=False),
)

standings = Table(
    "monitor_standings",
    control,
    Column("project", String(128), primary_key=True),
    Column("endpoint", String(128), primary_key=True),
    Column("body", Body(Standing), nullable=False),
)

versions = Table(
    "monitored_versions",
    control,
    Column("project", String(128), primary_key=True),
    Column("endpoint", String(128), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("note", Body(ReferenceNote), nullable=False),
    Column("norm", LargeBinary),
    Column("kept", Body(Kept), nullable=False),
)

periods = Table(
    "monitor_periods",
    control,
    Column("project", String(128), primary_key=True),
    Column("endpoint", String(128), primary_key=True),
    Column("start", Moment, primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("end", Moment, nullable=False),
    Column("judged", Body(Judged), nullable=False),
    Column("outcome", Body(Outcome)),
)

hours = Table(
    "monitor_hours",
    telemetry,
    Column("project", String(128), primary_key=True),
    Column("endpoint", String(128), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("hour", Moment, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)


class Found(NamedTuple):
    """One period of one version."""

    key: Key
    start: datetime
    end: datetime
    judged: Judged
    outcome: Outcome | None


class Watching(NamedTuple):
    """What is known of a version."""

    note: ReferenceNote
    norm: bytes | None
    kept: Kept


class MonitorRepository:
    """Settings, standings, versions and periods of one home."""

    def settings(self, rows: Rows, project: str, endpoint: str) -> Settings:
        """How an endpoint is watched."""
        found: Settings | None = rows.execute(select(settings.c.body).where(*_at(settings, project, endpoint))).scalar()
        return found or Settings()

    def configure(self, rows: Rows, project: str, endpoint: str, new: Settings) -> None:
        """Write how an endpoint is watched, and forget the evidence so far: it was of other periods or columns."""
        for table in (settings, versions):
            rows.execute(delete(table).where(*_at(table, project, endpoint)))
        rows.execute(insert(settings).values(project=project, endpoint=endpoint, body=new))

    def standing(self, rows: Rows, project: str, endpoint: str) -> Standing | None:
        """How far a monitor has come."""
        found: Standing | None = rows.execute(
            select(standings.c.body).where(*_at(standings, project, endpoint))
        ).scalar()
        return found

    def advance(self, rows: Rows, project: str, endpoint: str, standing: Standing) -> None:
        """Write how far it has come."""
        rows.execute(delete(standings).where(*_at(standings, project, endpoint)))
        rows.execute(insert(standings).values(project=project, endpoint=endpoint, body=standing))

    def versions(self, rows: Rows, project: str, endpoint: str) -> dict[Key, Watching]:
        """The versions that have answered in judged periods, by name and number."""
        statement = select(versions).where(*_at(versions, project, endpoint))
        return {
            (row.model, row.version): Watching(row.note, row.norm, row.kept)
            for row in rows.execute(statement.order_by(versions.c.model, versions.c.version))
        }

    def keep(self, rows: Rows, project: str, endpoint: str, found: Mapping[Key, Watching]) -> None:
        """Write what is known of versions now."""
        for (model, version), watching in found.items():
            here = (*_at(versions, project, endpoint), versions.c.model == model, versions.c.version == version)
            rows.execute(delete(versions).where(*here))
            place = {"project": project, "endpoint": endpoint, "model": model, "version": version}
            rows.execute(insert(versions).values(**place, **watching._asdict()))

    def add_judged(self, rows: Rows, project: str, endpoint: str, found: Iterable[tuple[Key, Any, Judged]]) -> None:
        """Write what inputs showed."""
        fresh: list[dict[str, Any]] = [
            {
                "project": project,
                "endpoint": endpoint,
                "model": model,
                "version": version,
                "start": start,
                "end": end,
                "judged": judged,
                "outcome": None,
            }
            for (model, version), (start, end), judged in found
        ]
        if fresh:
            first, last = min(row["start"] for row in fresh), max(row["start"] for row in fresh)
            inside = (periods.c.start >= first, periods.c.start <= last)  # of another cadence, if any
            rows.execute(delete(periods).where(*_at(periods, project, endpoint), *inside))
            rows.execute(insert(periods), fresh)

    def add_outcomes(self, rows: Rows, project: str, endpoint: str, found: Iterable[tuple[Key, Any, Outcome]]) -> None:
        """Write what labels showed, beside what the inputs of the same period did."""
        for (model, version), (start, end), outcome in found:
            own = (periods.c.model == model, periods.c.version == version, periods.c.start == start)
            here = (*_at(periods, project, endpoint), *own)
            if rows.execute(update(periods).where(*here).values(outcome=outcome)).rowcount == 0:  # all rows came late
                place = {"project": project, "endpoint": endpoint, "model": model, "version": version}
                nothing = Judged(rows=0, levels={})
                rows.execute(insert(periods).values(**place, start=start, end=end, judged=nothing, outcome=outcome))

    def periods(
        self,
        rows: Rows,
        project: str,
        endpoint: str,
        *,
        before: tuple[datetime, str, int] | None = None,
        limit: int = 1000,
    ) -> list[Found]:
        """Periods of versions before one of them, newest first."""
        statement = select(periods).where(*_at(periods, project, endpoint))
        if before is not None:
            statement = statement.where(tuple_(periods.c.start, periods.c.model, periods.c.version) < before)
        ordered = statement.order_by(periods.c.start.desc(), periods.c.model.desc(), periods.c.version.desc())
        return [
            Found((row.model, row.version), row.start, row.end, row.judged, row.outcome)
            for row in rows.execute(ordered.limit(limit))
        ]

    def past(self, rows: Rows, project: str, endpoint: str, key: Key, *, limit: int) -> dict[datetime, Outcome]:
        """The newest outcomes of a version, by the beginning of their period."""
        statement = (
            select(periods.c.start, periods.c.outcome)
            .where(*_at(periods, project, endpoint), periods.c.model == key[0], periods.c.version == key[1])
            .where(periods.c.outcome.is_not(None))
            .order_by(periods.c.start.desc())
            .limit(limit)
        )
        return {row.start: row.outcome for row in rows.execute(statement)}

    def endpoints(self, rows: Rows, project: str) -> set[str]:
        """The endpoints that have been judged or configured."""
        found = (select(table.c.endpoint).where(table.c.project == project) for table in (standings, settings))
        return {name for statement in found for name in rows.execute(statement).scalars()}


class HourRepository:
    """Histograms by hour, in the telemetry database: what is lost can be counted again."""

    def put(self, rows: Rows, project: str, endpoint: str, found: Sequence[tuple[Key, datetime, Any]]) -> None:
        """Write the hours of a run; what was there of the same span is replaced: a run that was cut off wrote it."""
        fresh: list[dict[str, Any]] = [
            {
                "project": project,
                "endpoint": endpoint,
                "model": model,
                "version": version,
                "hour": hour,
                "body": zlib.compress(msgspec.msgpack.encode(histograms), 1),
            }
            for (model, version), hour, histograms in found
        ]
        if fresh:
            first, last = min(row["hour"] for row in fresh), max(row["hour"] for row in fresh)
            inside = (hours.c.hour >= first, hours.c.hour <= last)
            rows.execute(delete(hours).where(*_at(hours, project, endpoint), *inside))
            rows.execute(insert(hours), fresh)

    def between(
        self, rows: Rows, project: str, endpoint: str, key: Key, since: datetime, until: datetime
    ) -> list[dict[str, Histogram]]:
        """The hours of a version in a span, in order."""
        statement = (
            select(hours.c.body)
            .where(*_at(hours, project, endpoint), hours.c.model == key[0], hours.c.version == key[1])
            .where(hours.c.hour >= since, hours.c.hour < until)
            .order_by(hours.c.hour)
        )
        return [_HISTOGRAMS.decode(zlib.decompress(body)) for body in rows.execute(statement).scalars()]


_HISTOGRAMS = msgspec.msgpack.Decoder(dict[str, Histogram])


def _at(table: Table, project: str, endpoint: str) -> tuple[ColumnElement[bool], ...]:
    return table.c.project == project, table.c.endpoint == endpoint
