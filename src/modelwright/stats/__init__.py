"""Numbers with their uncertainty: scores of predictions, intervals, calibration, slices, drift.

Pure numerics: arrays in, values out; no store, no clock, randomness only from a seed. This page re-exports the wire
types, which need no numpy, so that a remote client can read answers. The computations are one file per subject:

- ``stats.scores``: the table of metrics, ``metric("roc_auc")(labels, scores)``.
- ``stats.intervals``: ``interval``, ``bootstrap``, ``difference``, ``auc_interval``, ``wilson``.
- ``stats.calibration``: ``reliability``.
- ``stats.slices``: ``by_slice``.
- ``stats.profile``: ``grid`` and ``profile``, columns as histograms that add up; ``stats.cells`` reads them.
- ``stats.drift``: a shelf of drift tests, which compare two histograms.
"""

from modelwright.stats.histogram import CategoryGrid, Grid, Histogram, NumericGrid
from modelwright.stats.model import Calibration, CalibrationBin, Cell, Drift, Effect, Importance, Interval, Slice

__all__ = [
    "Calibration",
    "CalibrationBin",
    "CategoryGrid",
    "Cell",
    "Drift",
    "Effect",
    "Grid",
    "Histogram",
    "Importance",
    "Interval",
    "NumericGrid",
    "Slice",
]
