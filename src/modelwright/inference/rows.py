"""From what a codec decoded to rows that keep the contract, whichever protocol brought them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any

from msgspec import Struct

from modelwright.core.clock import as_utc
from modelwright.core.errors import Invalid
from modelwright.core.ids import Id
from modelwright.core.schema import Column, Contract, DType, Fits
from modelwright.inference.ports import Columns
from modelwright.risks.guarding import Acts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
MAX_TIME = 64
"""The longest text that can be a time."""

_MISSING = frozenset({"NaN", "nan"})
_TEXT_OR_NAN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|\bNaN\b', re.DOTALL)
"""The closing quote is optional, so that text without an end is matched once and not tried again from every quote."""


class Options(Struct, frozen=True, kw_only=True):
    """What a client may say beside its rows; other parameters are none of ours and are ignored.

    Attributes:
        prediction_ids: One id per row, chosen by the client, so that a request sent twice is logged once.
        event_at: When the rows' events happened, one time for all or one per row; by default now.
        binary_data_output: Whether outputs shall come as bytes, by the binary tensor extension.
    """

    prediction_ids: list[Id] | None = None
    event_at: str | list[str] | None = None
    binary_data_output: bool = False


NO_OPTIONS = Options()


class Rows(Struct):
    """Rows that keep the contract.

    Attributes:
        columns: The contract's columns, in its order.
        count: How many rows.
        ids: The ids the client chose, one per row.
        event_at: Microseconds since 1970, one per row; none means on arrival.
        beyond: Columns beyond the contract that a challenger takes, as they came; nobody has checked them.
        acts: What the guards do with them; none where they do nothing.
    """

    columns: Columns
    count: int
    ids: list[str] | None = None
    event_at: list[int] | None = None
    beyond: Columns | None = None
    acts: Acts | None = None


class Intake:
    """The door of one endpoint, compiled from its contract.

    Args:
        contract: What rows must look like.
        also: A challenger's columns. Those that the endpoint itself does not accept are kept where they come, and never
            make a request fail.

    Attributes:
        accepts: The columns that a request may bring, and that are checked.
        beyond: The columns that are kept beside them, as they come.
        names: The names of both; other columns are dropped.
    """

    __slots__ = ("_floats", "_pick", "_times", "accepts", "beyond", "contract", "names")

    def __init__(self, contract: Contract, *, also: Sequence[Column] = ()) -> None:
        self.contract = contract
        self.accept(contract.columns, also)
        self._pick = Fits(contract).pick
        self._floats = [column.name for column in contract.columns if column.dtype is DType.FLOAT64]
        self._times = [column.name for column in contract.columns if column.dtype is DType.TIMESTAMP]

    def rows(self, given: Mapping[str, list[Any]], count: int, *, options: Options = NO_OPTIONS) -> Rows:
        """Columns checked against the contract; what neither it nor a challenger takes is dropped.

        Args:
            given: Column name -> its values.
            count: How many values each column must have.
            options: What the client said beside.

        Raises:
            Invalid: They break the contract; the fields are named.
        """
        columns = self._pick(given, count)
        if columns is None or count == 0:
            columns = self._interpreted(given, count)
            self.contract.require(columns)
        beyond = self._kept(given, count) if self.beyond else None
        if options is NO_OPTIONS:
            return Rows(columns, count, beyond=beyond)
        return Rows(columns, count, _ids(options, count), moments_given(options, count), beyond)

    def again(self, given: Mapping[str, list[Any]], count: int, event_at: list[int]) -> Rows:
        """Rows that another version has answered, for this one; raises as ``rows``.

        Args:
            given: Column name -> its values, those that version took and what was kept beside them.
            count: How many values each column must have.
            event_at: When they were asked, in microseconds since 1970.
        """
        return self.rows(given, count)

    def accept(self, columns: tuple[Column, ...], also: Sequence[Column]) -> None:
        """Say which columns may come: those that are checked, and a challenger's."""
        own = {column.name for column in columns}
        self.accepts = columns
        self.beyond = tuple(column for column in also if column.name not in own)
        self.names = tuple(column.name for column in (*self.accepts, *self.beyond))

    def _kept(self, given: Mapping[str, list[Any]], count: int) -> Columns:
        names = [column.name for column in self.beyond]
        return {name: given[name] for name in names if name in given and len(given[name]) == count}

    def _interpreted(self, given: Mapping[str, list[Any]], count: int) -> Columns:
        """The contract's columns, where missing values and times, which JSON has no form for, get their one form."""
        wanted = self.contract.names
        columns = {name: given[name] for name in wanted if name in given}
        if len(columns) < len(wanted):
            self.contract.require(columns)
        if count == 0:
            raise Invalid("There are no rows.", remedy="Send at least one.")
        for name, values in columns.items():
            if len(values) != count:
                raise Invalid(f"{name} has {len(values)} values, not {count}.", fields={name: "has another length"})
        for name in self._floats:
            columns[name] = [None if _is_missing(value) else value for value in columns[name]]
        for name in self._times:
            columns[name] = moments(columns[name], name)
        return columns


def without_nan(body: bytes) -> bytes:
    """JSON with null in place of each bare word NaN.

    JSON has no such word, but it is what MLflow's and Triton's clients write for a missing number.

    Example:
        >>> without_nan(b'{"distance": [NaN, 1.5], "carrier": ["NaN"]}')
        b'{"distance": [null, 1.5], "carrier": ["NaN"]}'
    """
    if b"NaN" not in body:
        return body
    return _TEXT_OR_NAN.sub(lambda found: b"null" if found[0] == b"NaN" else found[0], body)


def _is_missing(value: Any) -> bool:
    return value in _MISSING if type(value) is str else type(value) is float and isnan(value)


def _moment(value: Any, field: str) -> Any:
    return as_utc(value, field=field) if type(value) is str and len(value) <= MAX_TIME else value


def _ids(options: Options, count: int) -> list[str] | None:
    ids = options.prediction_ids
    if ids is None:
        return None
    if len(ids) != count:
        raise Invalid(
            f"There are {len(ids)} prediction_ids for {count} rows.", fields={"prediction_ids": "wrong length"}
        )
    if len(set(ids)) != count:
        raise Invalid("A prediction id comes twice.", fields={"prediction_ids": "not unique"})
    return ids


def moments(values: list[Any], field: str) -> list[Any]:
    """Texts as the times they are; anything else as it stands, for the contract to judge.

    Raises:
        Invalid: A text is no time.
    """
    return [_moment(value, field) for value in values]


def moments_given(options: Options, count: int) -> list[int] | None:
    """The moments of ``event_at``, in microseconds since 1970, one per row; none where it was not sent.

    Raises:
        Invalid: They are no times, or not one for each row.
    """
    given = options.event_at
    if given is None:
        return None
    if isinstance(given, str):
        return [_microseconds(given)] * count
    if len(given) != count:
        raise Invalid(
            f"There are {len(given)} times in event_at for {count} rows.", fields={"event_at": "wrong length"}
        )
    return [_microseconds(text) for text in given]


def _microseconds(text: str) -> int:
    return (as_utc(text[:MAX_TIME], field="event_at") - _EPOCH) // _MICROSECOND
