"""Column types and the table list that every room's ``repository.py`` adds to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BigInteger, MetaData, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from modelwright.core.errors import Corrupted

T = TypeVar("T")

control = MetaData()
"""The tables of the control database: registry, ledger, leases."""

telemetry = MetaData()
"""The tables of the telemetry database: metric histories."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(TypeDecorator[datetime]):
    """An aware UTC time as microseconds since 1970: sorts, compares and keeps every digit on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Into the database."""
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Out of the database."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Body(TypeDecorator[T]):
    """A Struct as JSON text: the columns beside it are what a query needs, the body is the fact.

    Args:
        kind: The type to read back.
    """

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[T]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:
        """Into the database."""
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> T | None:
        """Out of the database."""
        try:
            return None if value is None else msgspec.json.decode(value, type=self.kind)
        except msgspec.DecodeError as error:
            raise Corrupted(
                f"A stored row is not a {getattr(self.kind, '__name__', self.kind)}: {error}.",
                remedy="Run `modelwright ledger verify`, and restore control.db from a backup.",
            ) from error
