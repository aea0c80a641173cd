"""Every drift test of the house keeps the law of drift tests."""

import pytest

from modelwright.stats.drift import DRIFT_TESTS
from modelwright.testing.drift_tests import DriftTestContract


class TestKs(DriftTestContract):
    drift_test = DRIFT_TESTS.get("ks")


class TestPsi(DriftTestContract):
    drift_test = DRIFT_TESTS.get("psi")


class TestJs(DriftTestContract):
    drift_test = DRIFT_TESTS.get("js")


class TestHellinger(DriftTestContract):
    drift_test = DRIFT_TESTS.get("hellinger")


class TestWasserstein(DriftTestContract):
    drift_test = DRIFT_TESTS.get("wasserstein")


class TestChi2(DriftTestContract):
    drift_test = DRIFT_TESTS.get("chi2")


class TestLInfinity(DriftTestContract):
    drift_test = DRIFT_TESTS.get("l-infinity")


@pytest.mark.parametrize("name", DRIFT_TESTS.names())
def test_every_drift_test_of_the_shelf_is_tested_here(name):
    assert f"Test{name.title().replace('-', '')}" in globals()
