"""Predictions: what endpoints have answered, and what turned out to be true.

Inference workers append each request to a segment before they answer it; labels come the same way. One shipper, under a
lease, turns closed segments into Parquet. A reader sees the union of both, each prediction once, with its newest label.

- ``segments``: files that outlive the process that writes them (``SegmentWriter``), and ``layout``: where they stand.
- ``model``: what a frame holds (``PredictionBatch``, ``LabelBatch``, ``encode``), and what queries answer.
- ``log``: the reader; ``answers``: the questions; ``shipper``: segments to Parquet; ``labels``: the writer of labels.
"""

from modelwright.predictions.model import (
    Counts,
    Kind,
    LabelBatch,
    LabelsAdded,
    PeriodScore,
    Prediction,
    PredictionBatch,
    Shipped,
    Traffic,
    encode,
)

__all__ = [
    "Counts",
    "Kind",
    "LabelBatch",
    "LabelsAdded",
    "PeriodScore",
    "Prediction",
    "PredictionBatch",
    "Shipped",
    "Traffic",
    "encode",
]
