"""The rows of what can be found: by words, and by the beginnings of ids and digests."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Column, Index, String, Table, and_, case, insert, literal, select, update

from modelwright.core.unit import Rows
from modelwright.search.model import MATCHES, Hit, Match, Thing, plain
from modelwright.store.tables import Body, Moment, control

things = Table(
    "search",
    control,
    Column("project", String(128), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("key", String(300), primary_key=True),
    Column("words", String(500), nullable=False),
    Column("at", Moment, nullable=False),
    Column("body", Body(Thing), nullable=False),
    Index("search_by_words", "project", "words", "kind", "at", "key"),
)
beginnings = Table(
    "search_ids",
    control,
    Column("project", String(128), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("key", String(300), primary_key=True),
)

_BEHIND_HEX = "g"


class SearchRepository:
    """What can be found in one home."""

    def put(self, rows: Rows, project: str, thing: Thing, at: datetime) -> None:
        """Let something be found as it is now; ids that found it before go on finding it."""
        here = {"project": project, "kind": thing.kind.value, "key": thing.key}
        given = {"words": plain(thing.words), "at": at, "body": thing}
        there = and_(*(things.c[name] == value for name, value in here.items()))
        if rows.execute(update(things).where(there).values(**given)).rowcount == 0:
            rows.execute(insert(things).values(**here, **given))
        for each in thing.ids:
            values = {"project": project, "id": each, "kind": thing.kind.value, "key": thing.key}
            known = select(beginnings.c.id).where(*(beginnings.c[name] == value for name, value in values.items()))
            fresh = select(*(literal(value) for value in values.values())).where(~known.exists())
            rows.execute(insert(beginnings).from_select([*values], fresh))  # nobody comes between: a writer is alone

    def by_words(self, rows: Rows, project: str, asked: str, kinds: Collection[str], limit: int) -> list[Hit]:
        """What has all the words asked for, the best fit first and of those the newest.

        Args:
            rows: The open transaction.
            project: Whose.
            asked: Plain words.
            kinds: Nothing else.
            limit: At most so many.
        """
        words = things.c.words
        rank = case(
            (words == asked, 0),
            (words.startswith(asked), 1),
            (words.contains(f" {asked}"), 2),
            else_=3,
        ).label("rank")
        best = (
            select(things.c.kind, things.c.key, things.c.at, rank)
            .where(
                things.c.project == project,
                words > "",
                *(words.contains(word) for word in asked.split(" ")),
                things.c.kind.in_(kinds),
            )
            .order_by(rank, things.c.at.desc(), things.c.kind, things.c.key)
            .limit(limit)
            .subquery()
        )
        whole = and_(things.c.project == project, things.c.kind == best.c.kind, things.c.key == best.c.key)
        statement = (
            select(things.c.body, things.c.at, best.c.rank)
            .join(best, whole)
            .order_by(best.c.rank, things.c.at.desc(), things.c.kind, things.c.key)
        )
        return [hit(row.body, row.at, MATCHES[row.rank]) for row in rows.execute(statement)]

    def by_id(self, rows: Rows, project: str, asked: str, kinds: Collection[str], limit: int) -> list[Hit]:
        """What has an id or a digest that begins so, the newest ids first.

        Args:
            rows: The open transaction.
            project: Whose.
            asked: Hex digits.
            kinds: Nothing else.
            limit: At most so many.
        """
        best = (
            select(beginnings.c.id, beginnings.c.kind, beginnings.c.key)
            .where(
                beginnings.c.project == project,
                beginnings.c.id >= asked,
                beginnings.c.id < asked + _BEHIND_HEX,
                beginnings.c.kind.in_(kinds),
            )
            .order_by(beginnings.c.id.desc(), beginnings.c.kind, beginnings.c.key.desc())
            .limit(limit)
            .subquery()
        )
        whole = and_(things.c.project == project, things.c.kind == best.c.kind, things.c.key == best.c.key)
        statement = select(things.c.body, things.c.at, best.c.id).join(best, whole).order_by(best.c.id.desc())
        return [
            hit(row.body, row.at, Match.EXACT if row.id == asked else Match.BEGINNING)
            for row in rows.execute(statement)
        ]


def hit(thing: Thing, at: datetime, match: Match) -> Hit:
    """Something, as it is answered."""
    return Hit(kind=thing.kind, key=thing.key, name=thing.name, says=thing.says, of=thing.of, at=at, match=match)
