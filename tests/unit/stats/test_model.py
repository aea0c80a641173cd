"""The wire types of statistics."""

import subprocess
import sys

import msgspec
import pytest

from modelwright.core.errors import Invalid
from modelwright.core.wire import decode, encode
from modelwright.stats import Calibration, CalibrationBin, Importance, Interval, Slice

INTERVAL = Interval(estimate=0.7, low=0.6, high=0.8, n=100, method="delong")
BIN = CalibrationBin(low=0.1, high=0.2, n=10, mean_score=0.15, rate=0.1, rate_low=0.02, rate_high=0.4)


def test_reading_the_types_needs_no_numpy():
    code = "import sys, modelwright.stats; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "value",
    [
        INTERVAL,
        Slice(column="origin", value=None, n=3, reason="3 rows"),
        Slice(column="origin", value="JFK", n=300, positives=40, interval=INTERVAL),
        Calibration(error=INTERVAL, bias=INTERVAL, bins=(BIN,)),
        Importance(column="distance", drop=INTERVAL),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_travels_and_comes_back(value):
    assert decode(encode(value), type(value)) == value


@pytest.mark.parametrize("ends", [{"low": float("nan")}, {"high": float("inf")}, {"low": 0.9}])
def test_an_interval_is_finite_and_ordered(ends):
    with pytest.raises(ValueError, match=r"interval is finite|above high"):
        msgspec.structs.replace(INTERVAL, **ends)
    with pytest.raises(Invalid):
        decode(b'{"estimate": 0.7, "low": 0.9, "high": 0.8, "n": 1, "method": "delong"}', Interval)


def test_a_slice_has_an_interval_or_a_reason():
    for broken in ({}, {"interval": INTERVAL, "reason": "too few"}):
        with pytest.raises(ValueError, match="either an interval or a reason"):
            Slice(column="origin", value="JFK", n=3, **broken)
