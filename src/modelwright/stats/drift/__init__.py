"""How far the rows of now are from those of the reference, one column at a time: a shelf of drift tests.

All of them read histograms (``stats.profile``), never rows: what was counted an hour or a year ago can be compared
again, with another test, without reading the log. ``base`` says what a drift test is.
"""

from modelwright.stats.drift.base import DRIFT_TESTS, DriftTest, Kind

__all__ = ["DRIFT_TESTS", "DriftTest", "Kind"]
