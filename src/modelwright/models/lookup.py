"""A model that is a table: the value kept for a row's keys, or a default. Heuristics are models like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import Invalid

if TYPE_CHECKING:  # weight: numpy, 0.1 s
    import numpy as np
    from numpy.typing import NDArray


class Lookup:
    """Answers the value of a row's keys.

    Args:
        keys: The key columns, in order.
        values: Keys' values -> answer.
        otherwise: The answer for keys that are not kept.

    Example:
        >>> rate = Lookup(["carrier"], {("UA",): 0.2}, otherwise=0.25)
        >>> rate({"carrier": ["UA", "ZZ"]}).tolist()
        [0.2, 0.25]
    """

    def __init__(self, keys: Sequence[str], values: Mapping[tuple[Any, ...], float], *, otherwise: float) -> None:
        if not keys or len(set(keys)) != len(keys):
            raise Invalid(f"A lookup needs different key columns, not {list(keys)}.")
        if any(not isinstance(row, tuple) or len(row) != len(keys) for row in values):
            raise Invalid(f"A lookup by {', '.join(keys)} needs a tuple of {len(keys)} values per entry.")
        self.keys = tuple(keys)
        self.values = dict(values)
        self.otherwise = float(otherwise)

    @classmethod
    def of(cls, rows: Mapping[str, Sequence[Any]], *, keys: Sequence[str], value: str, otherwise: float) -> Lookup:
        """A lookup from columns, e.g. ``table.to_pydict()``: one row per combination of keys."""
        found = dict(zip(zip(*(rows[key] for key in keys), strict=True), rows[value], strict=True))
        return cls(keys, found, otherwise=otherwise)

    def __call__(self, columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> NDArray[np.float64]:
        """The kept value of each row ``(n_rows,)``."""
        import numpy as np

        asked = zip(*(columns[key] for key in self.keys), strict=True)
        return np.array([self.values.get(row, self.otherwise) for row in asked], dtype=np.float64)
