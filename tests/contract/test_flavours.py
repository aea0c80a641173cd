"""Every flavour of the house keeps the law of flavours."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from modelwright.core.schema import Column, Contract, DType
from modelwright.models.lookup import Lookup
from modelwright.models.package import FLAVOURS
from modelwright.testing.flavours import FlavourContract


def numbers(seed: int = 0, rows: int = 40) -> dict[str, list[float]]:
    made = np.random.default_rng(seed)
    return {name: made.normal(size=rows).tolist() for name in ("distance", "wind")}


class TestSklearn(FlavourContract):
    flavour = FLAVOURS.get("sklearn")
    model = LogisticRegression().fit(np.column_stack(list(numbers().values())), [0, 1] * 20)
    inputs = Contract(columns=tuple(Column(name=name, dtype=DType.FLOAT64) for name in numbers()))
    rows = numbers(seed=1, rows=7)


class TestLookup(FlavourContract):
    flavour = FLAVOURS.get("lookup")
    model = Lookup(["carrier", "hour"], {("UA", 7): 0.2, ("B6", 8): 1 / 3}, otherwise=0.25)
    inputs = Contract(
        columns=(Column(name="carrier", dtype=DType.STRING), Column(name="hour", dtype=DType.INT64)),
    )
    rows = MappingProxyType({"carrier": ["UA", "B6", "UA"], "hour": [7, 8, 9]})


@pytest.mark.parametrize("name", FLAVOURS.names())
def test_every_flavour_of_the_shelf_is_tested_here(name):
    assert f"Test{name.title().replace('-', '')}" in globals()
