"""Lookups, kept as JSON: data alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from modelwright.core import wire
from modelwright.core.errors import Corrupted, Invalid
from modelwright.core.schema import Contract
from modelwright.models.flavours.base import Predictor
from modelwright.models.lookup import Lookup
from modelwright.models.model import Task

FILE = "lookup.json"

Cell = bool | int | float | str | None


class LookupFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What lies in ``lookup.json``."""

    keys: tuple[str, ...]
    entries: tuple[tuple[tuple[Cell, ...], float], ...]
    otherwise: float


class LookupFlavour:
    """Lookup tables; fulfils ``Flavour``."""

    def handles(self, model: object) -> bool:
        """Whether it is a ``Lookup``."""
        return isinstance(model, Lookup)

    def task(self, model: object) -> Task:
        """Binary when every answer is a probability."""
        assert isinstance(model, Lookup)  # the caller asked handles()
        answers = [*model.values.values(), model.otherwise]
        return Task.BINARY if all(0 <= answer <= 1 for answer in answers) else Task.REGRESSION

    def save(self, model: object, inputs: Contract) -> dict[str, bytes]:
        """The table, sorted, so that equal lookups are equal bytes."""
        assert isinstance(model, Lookup)  # the caller asked handles()
        missing = [key for key in model.keys if key not in inputs.names]
        if missing:
            raise Invalid(f"The example rows lack the lookup's keys: {', '.join(missing)}.")
        entries = sorted(model.values.items(), key=lambda entry: tuple(map(str, entry[0])))
        kept = LookupFile(
            keys=model.keys, entries=tuple((key, float(answer)) for key, answer in entries), otherwise=model.otherwise
        )
        return {FILE: wire.canonical(kept)}

    def mlmodel(self, model: object) -> dict[str, Any]:
        """A flavour of our own: MLflow knows no tables."""
        return {"modelwright_lookup": {"data": FILE, "format": 1}}

    def load(self, files: Mapping[str, bytes], inputs: Contract, task: Task) -> Predictor:
        """The lookup itself."""
        try:
            kept = wire.decode(files[FILE], LookupFile)
            return Lookup(kept.keys, dict(kept.entries), otherwise=kept.otherwise)
        except (KeyError, Invalid) as error:
            raise Corrupted(f"{FILE} is not a lookup: {error}.") from error


variant = LookupFlavour()
