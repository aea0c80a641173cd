"""What a flavour is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from modelwright.core.schema import Contract
from modelwright.models.model import Task

if TYPE_CHECKING:  # weight: numpy, 0.1 s
    import numpy as np
    from numpy.typing import NDArray

    Columns = Mapping[str, Sequence[Any] | NDArray[Any]]
    """Column name -> values ``(n_rows,)``; missing is None or NaN."""


class Predictor(Protocol):
    """A loaded model.

    Law: ``predictor(columns)`` answers float64 ``(n_rows,)``, row by row independent of its neighbours, and changes
    nothing. For a binary task it is the probability of 1.
    """

    def __call__(self, columns: Columns) -> NDArray[np.float64]:
        """One output per row."""
        ...


class Flavour(Protocol):
    """A way to keep models.

    Law: what ``load`` makes of the bytes of ``save`` in a clean process predicts bit for bit the same. ``load`` runs
    no code that comes with the bytes: it refuses types it does not know.
    """

    def handles(self, model: object) -> bool:
        """Whether this flavour can keep the object; answered without importing a framework that is not loaded."""
        ...

    def task(self, model: object) -> Task:
        """What the model's output means.

        Raises:
            Invalid: It has more outputs than one.
        """
        ...

    def save(self, model: object, inputs: Contract) -> dict[str, bytes]:
        """File name -> bytes, the entry ``MLmodel`` not among them."""
        ...

    def mlmodel(self, model: object) -> dict[str, Any]:
        """The ``flavors`` section of the MLmodel file."""
        ...

    def load(self, files: Mapping[str, bytes], inputs: Contract, task: Task) -> Predictor:
        """The predictor.

        Raises:
            Corrupted: The bytes are not of this flavour.
            Refused: They hold a type that is not on the allow-list.
        """
        ...
