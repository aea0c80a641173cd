"""What an endpoint does with rows in a situation: compiled once for a route, asked for every request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelwright.core.schema import Contract, DType
from modelwright.risks.model import Fallback, Guarded
from modelwright.risks.predicates import Predicate, of_values

Rows = NDArray[np.int64]


class Acts(NamedTuple):
    """What the guards do with one request.

    Attributes:
        met: Risk -> the rows that are in its situation, or of which it cannot be said; only risks with such rows.
        fallbacks: Rows and the value that answers them, in the order in which they are laid over the model's answers.
        refused: The guard that lets the request not be answered, if one does.
        total: How many rows the request has.
    """

    met: Mapping[str, Rows]
    fallbacks: Sequence[tuple[Rows, float]]
    refused: Guarded | None
    total: int

    def answered(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The model's answers with the values that guards put in their place."""
        if not self.fallbacks:
            return outputs
        found = outputs.copy()
        for rows, value in self.fallbacks:
            found[rows] = value
        return found

    @property
    def rows(self) -> dict[str, list[int]]:
        """Risk -> rows, as an answer tells it."""
        return {risk: rows.tolist() for risk, rows in self.met.items()}

    def refusals(self, done: Mapping[str, str]) -> dict[int, str]:
        """Row -> ``risk:refuse`` for each guard that refuses it, with commas between; only such rows."""
        told: dict[int, list[str]] = {}
        for risk, rows in self.met.items():
            if done[risk] == "refuse":
                for row in rows.tolist():
                    told.setdefault(row, []).append(f"{risk}:refuse")
        return {row: ",".join(told[row]) for row in sorted(told)}

    def said(self, outputs: NDArray[np.float64]) -> list[float | None]:
        """What the model said of the rows that guards answer in its place; none of the others."""
        replaced = np.zeros(self.total, dtype=bool)
        for rows, _ in self.fallbacks:
            replaced[rows] = True
        return [value if there else None for value, there in zip(outputs.tolist(), replaced.tolist(), strict=True)]

    def marks(self, done: Mapping[str, str]) -> list[str]:
        """What the log keeps of each row: ``risk:act`` for each guard that acted, in order, with commas between."""
        told: list[list[str]] = [[] for _ in range(self.total)]
        for risk, rows in self.met.items():
            for row in rows.tolist():
                told[row].append(f"{risk}:{done[risk]}")
        return [",".join(each) for each in told]


class Guards:
    """The guards of a route.

    Args:
        guarded: Them, by name.
        contract: The columns that rows have.

    Attributes:
        done: Risk -> what its guard does, in a word: ``flag``, ``fallback`` or ``refuse``.

    Example:
        >>> from modelwright.core.schema import Column
        >>> contract = Contract(columns=(Column(name="x", dtype=DType.FLOAT64, nullable=True),))
        >>> guards = Guards([Guarded(risk="far", when="x > 1", guard=Fallback(fallback=0.5))], contract)
        >>> acts = guards.over({"x": [0.0, 2.0, None]}, 3)
        >>> acts.answered(np.array([0.1, 0.2, 0.3])).tolist(), acts.marks(guards.done)
        ([0.1, 0.5, 0.5], ['', 'far:fallback', 'far:fallback'])
    """

    def __init__(self, guarded: Sequence[Guarded], contract: Contract) -> None:
        self._guarded = [(each, Predicate(each.when)) for each in guarded]
        types = {column.name: column.dtype for column in contract.columns}
        read = dict.fromkeys(name for _, predicate in self._guarded for name in predicate.columns)
        self._types: dict[str, DType] = {name: types[name] for name in read if name in types}
        self.done = {each.risk: each.guard if isinstance(each.guard, str) else "fallback" for each in guarded}

    def over(self, columns: Mapping[str, Sequence[Any]], count: int) -> Acts | None:
        """What they do with a request's rows; none where no row is in a situation, nor possibly so.

        Args:
            columns: Column name -> plain values, which keep the contract.
            count: How many rows.
        """
        cells = {name: of_values(columns[name], dtype) for name, dtype in self._types.items()}
        met: dict[str, Rows] = {}
        fallbacks: list[tuple[Rows, float]] = []
        refused: Guarded | None = None
        for each, predicate in self._guarded:
            found = predicate.over(cells, count)
            rows = np.flatnonzero(found.yes | found.unknown)
            if not len(rows):
                continue
            met[each.risk] = rows
            if isinstance(each.guard, Fallback):
                fallbacks.insert(0, (rows, each.guard.fallback))  # the first by name is laid on last, and so holds
            elif each.guard == "refuse":
                refused = refused or each
        return Acts(met, fallbacks, refused, count) if met else None


def readable(guarded: Sequence[Guarded], contract: Contract) -> tuple[list[Guarded], list[Guarded]]:
    """The guards that rows of a contract can be asked, and those that name another column."""
    names = set(contract.names)
    can: list[Guarded] = []
    cannot: list[Guarded] = []
    for each in guarded:
        (can if names.issuperset(Predicate(each.when).columns) else cannot).append(each)
    return can, cannot
