"""Column types and the table list that every room's ``repository.py`` adds to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Text, type_coerce
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from modelwright.core.errors import Corrupted
from modelwright.core.wire import sha256

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

    A checksum stands before the text, so that a flipped bit is found by whoever reads the row. It finds accidents;
    intent is found by what is signed: the ledger, the manifests of packages, the routes.

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
        if value is None:
            return None
        text = msgspec.json.encode(value).decode()
        return f"{_checksum(text)} {text}"

    def process_result_value(self, value: Any, dialect: Dialect) -> T | None:
        """Out of the database."""
        return None if value is None else self.read(value)

    def read(self, value: Any) -> T:
        """The Struct of a stored value.

        Raises:
            Corrupted: It is not what was written.
        """
        checksum, _, text = str(value).partition(" ")
        if checksum != _checksum(text):
            raise self._corrupted("its checksum is another")
        try:
            return msgspec.json.decode(text, type=self.kind)
        except msgspec.DecodeError as error:
            raise self._corrupted(str(error)) from error

    def _corrupted(self, problem: str) -> Corrupted:
        return Corrupted(
            f"A stored {self.kind.__name__} has been altered: {problem}.",
            remedy="`modelwright doctor` names the row; restore the control database from a backup.",
        )


class octets(FunctionElement[bytes]):  # noqa: N801  # reads as the SQL function that it is
    """The very bytes of a text column, also of one that was altered and is no text any more.

    Args:
        column: The column.
    """

    name = "octets"
    type = LargeBinary()
    inherit_cache = True

    def __init__(self, column: Column[Any]) -> None:
        super().__init__(type_coerce(column, Text()))


@compiles(octets)
def _cast(element: octets, compiler: SQLCompiler, **given: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **given)} AS BLOB)"


@compiles(octets, "postgresql")
def _sent(element: octets, compiler: SQLCompiler, **given: Any) -> str:
    return f"textsend({compiler.process(element.clauses, **given)})"  # a cast would read backslashes as escapes


def _checksum(text: str) -> str:
    return sha256(text.encode())[:16]
