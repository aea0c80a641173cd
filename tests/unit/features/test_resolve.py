"""A view is checked against its datasets when it is published."""

import pytest

from modelwright import features as f
from modelwright.core.errors import Invalid
from modelwright.core.schema import DType
from modelwright.features.define import Facts
from modelwright.features.model import Source
from modelwright.features.resolve import resolved

READINGS = {
    "station": DType.STRING,
    "at": DType.TIMESTAMP,
    "temp": DType.FLOAT64,
    "note": DType.STRING,
    "n": DType.INT64,
}
TRIPS = {"trip": DType.INT64, "station": DType.INT64, "left": DType.TIMESTAMP, "delay": DType.INT64}
readings = f.source("readings", entity="station", event_time="at")
trips = f.source("trips", entity="trip", event_time="left")
DATASETS = {"readings": READINGS, "trips": TRIPS}


def test_types_and_the_request_follow_from_the_datasets():
    view = f.view(
        "v",
        [
            f.context(hour=int),
            readings.latest("note"),
            readings.count(over="1h"),
            readings.std("n", over="90m"),
            f.row("late_hour", "hour > 20"),
        ],
        ask_at="left - 1h",
    )
    found = resolved(view, DATASETS)
    assert [(c.name, c.dtype, c.nullable) for c in found.columns] == [
        ("hour", DType.INT64, False),
        ("note", DType.STRING, True),
        ("readings_count_1h", DType.INT64, False),
        ("n_std_90m", DType.FLOAT64, True),
        ("late_hour", DType.BOOL, True),
    ]
    assert [(c.name, c.dtype, c.nullable) for c in found.request] == [
        ("station", DType.STRING, True),
        ("hour", DType.INT64, False),
        ("left", DType.TIMESTAMP, True),
    ]


@pytest.mark.parametrize(
    ("features", "more", "said"),
    [
        ([], {}, "has 0 features"),
        ([readings.latest("wind")], {}, "wind is not a column of readings"),
        ([readings.latest("temp"), readings.latest("temp")], {}, "temp is there twice"),
        ([readings.latest("temp", valid="temp + 1")], {}, "which is a number"),
        ([readings.mean("note", over="1h")], {}, "mean of string"),
        ([readings.mean("temp", over="1h", by="temp")], {}, "temp is float64"),
        ([readings.latest("temp"), trips.latest("delay"), trips.count(over="1h", by="station")], {}, "string here"),
        ([Facts(Source(dataset="readings", entity=(), event_time="at")).latest("temp")], {}, "without an entity"),
        ([f.source("readings", entity="station", event_time="temp").latest("n")], {}, "temp is no time"),
        ([f.row("x", "temp * 2"), readings.latest("temp")], {}, "names temp, which is not there"),
        ([f.row("x", "1h")], {}, "is a duration"),
        ([f.context(hour=int)], {"ask_at": "hour + 1"}, "ask_at is a number"),
        ([f.context(late=int)], {"label": f.label(trips, "delay > 15", name="late")}, "a feature and the label"),
        ([f.context(hour=int)], {"label": f.label(trips, "left")}, "label is a time"),
    ],
)
def test_what_does_not_fit_is_said_with_its_name(features, more, said):
    with pytest.raises(Invalid, match=said.replace("+", r"\+")):
        resolved(f.view("v", features, **more), DATASETS)


@pytest.mark.parametrize("span", ["0d", "7", "-1h", "1y"])
def test_a_window_needs_a_span(span):
    with pytest.raises(Invalid):
        readings.mean("temp", over=span)


def test_a_context_column_needs_a_type():
    with pytest.raises(Invalid, match="hour is of"):
        f.context(hour=list)
