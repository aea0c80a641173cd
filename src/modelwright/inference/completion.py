"""Questions that carry only entity keys and context become the vectors that the model takes.

A request with every column of the contract is taken as it is. Any other is completed from the online store, as of the
moment it is asked: its ``event_at``, else what the view says (``ask_at``), else its arrival. The completed vector is
what is checked, scored and logged.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.core.errors import Invalid
from modelwright.core.schema import Column, Contract, DType
from modelwright.features.vectors import Vectors
from modelwright.inference.response import Problem
from modelwright.inference.rows import NO_OPTIONS, Intake, Options, Rows, moments, moments_given


class CompletingIntake(Intake):
    """The door of an endpoint whose model has a feature view.

    Args:
        contract: What a whole vector must look like.
        vectors: Completes questions.
        also: A challenger's columns.
    """

    __slots__ = ("_brought", "_keys", "_request", "_vectors")

    def __init__(self, contract: Contract, vectors: Vectors, *, also: Sequence[Column] = ()) -> None:
        super().__init__(contract)
        request = vectors.version.request
        keys = tuple(column for column in request if column.name not in contract.names)
        self.accept(contract.columns + keys, also)
        self._vectors = vectors
        self._request = {column.name: column for column in request}
        self._keys = tuple(dict.fromkeys(key for line in vectors.version.view.lines for key in line.by))
        held = {column.name: column for column in contract.columns}
        brought = (held.get(each.name, each) for each in request if each.name in self._keys or each.name in held)
        self._brought = Contract(columns=tuple(brought))

    def rows(self, given: Mapping[str, list[Any]], count: int, *, options: Options = NO_OPTIONS) -> Rows:
        """Columns checked against the contract, completed where some of them are missing.

        Args:
            given: Column name -> its values.
            count: How many values each column must have.
            options: What the client said beside.

        Raises:
            Invalid: They break the contract or do not say what is needed; the fields are named.
            Problem: Nothing is known of an entity, and the model does not take a missing value.
            Unavailable: Nothing of the view was materialised yet.
        """
        if all(name in given for name in self.contract.names):
            return super().rows(given, count, options=options)
        brought = self._question(given, count)
        asked = moments_given(options, count) or self._vectors.asked_at(brought, count) or _now(count)
        found = super().rows(self._whole(given, brought, asked), count, options=options)
        found.event_at = asked
        return found

    def again(self, given: Mapping[str, list[Any]], count: int, event_at: list[int]) -> Rows:
        """Rows that another version has answered, completed as of the moment they were asked."""
        if not all(name in given for name in self.contract.names):
            given = self._whole(given, self._question(given, count), event_at)
        return super().rows(given, count)

    def _whole(
        self, given: Mapping[str, list[Any]], brought: dict[str, list[Any]], asked: list[int]
    ) -> dict[str, list[Any]]:
        whole = self._vectors.complete(brought, asked)
        self._require(whole, brought, len(asked))
        return {**given, **whole}

    def _question(self, given: Mapping[str, list[Any]], count: int) -> dict[str, list[Any]]:
        """The request's columns, in their types."""
        found = {name: given[name] for name in self._request if name in given}
        if count == 0:
            raise Invalid("There are no rows.", remedy="Send at least one.")
        for name, values in found.items():
            if len(values) != count:
                raise Invalid(f"{name} has {len(values)} values, not {count}.", fields={name: "has another length"})
            if self._request[name].dtype is DType.TIMESTAMP:
                found[name] = moments(values, name)
        absent = [column.name for column in self._brought.columns if column.name not in found]
        if absent:
            raise Invalid(
                f"The question lacks {', '.join(absent)}.",
                remedy=f"Send {', '.join(self._request)}, or the whole vector: {', '.join(self.contract.names)}.",
                fields=dict.fromkeys(absent, "is missing"),
            )
        self._brought.require(found)
        return found

    def _require(self, whole: Mapping[str, list[Any]], brought: Mapping[str, list[Any]], count: int) -> None:
        """Pass silently unless a value is missing that the model cannot do without; then name the entity."""
        for column in self.contract.columns:
            values = whole[column.name]
            if not column.nullable and column.name not in brought and None in values:
                row = values.index(None)
                entity = ", ".join(f"{key}={brought[key][row]!r:.60}" for key in self._keys)
                raise Problem(
                    422,
                    f"{column.name} is not known of {entity} (row {row} of {count}), and the model does not take a "
                    "missing value. Send the whole vector, or materialise the view.",
                )


def _now(count: int) -> list[int]:
    return [time.time_ns() // 1000] * count
