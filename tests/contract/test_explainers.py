"""Every explainer of the house keeps the law of explainers."""

import pytest

from modelwright.explain import EXPLAINERS
from modelwright.testing.explainers import ExplainerContract


class TestPermutation(ExplainerContract):
    explainer = staticmethod(EXPLAINERS.get("permutation"))


@pytest.mark.parametrize("name", EXPLAINERS.names())
def test_every_explainer_of_the_shelf_is_tested_here(name):
    assert f"Test{name.title().replace('-', '')}" in globals()
