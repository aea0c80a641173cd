"""Charts are pure: answers in, well-formed SVG out, names as text."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from modelwright import charts
from modelwright.charts.graph import layers
from modelwright.charts.svg import Scale, ticks
from modelwright.stats.model import CalibrationBin, Interval

HOSTILE = "<script>alert('1')</script>\"&"


def interval(estimate, half=0.02, n=1000):
    return Interval(estimate=estimate, low=estimate - half, high=estimate + half, n=n, method="delong")


def month(number):
    return datetime(2013, number, 1, tzinfo=UTC)


def drawn_months(**given):
    first = charts.Series(HOSTILE, {month(number): interval(0.7 - number / 100) for number in range(1, 6)})
    second = charts.Series("flight-delay@2", {month(5): interval(0.74), month(6): None, month(7): interval(0.73)})
    return charts.months([first, second], name=HOSTILE, **given)


def drawn_graph():
    nodes = [charts.Node(id=key, kind="run", name=HOSTILE, href="/runs/1") for key in "abcd"]
    edges = [charts.Edge("a", "b"), charts.Edge("b", "c"), charts.Edge("a", "c"), charts.Edge("c", "d")]
    return charts.graph(nodes, edges, name=HOSTILE)


SCALE = charts.spread([interval(0.7)], also=[0.6])
BIN = CalibrationBin(low=0.1, high=0.2, n=80, mean_score=0.15, rate=0.2, rate_low=0.12, rate_high=0.3)
BUCKETS = [charts.Bucket(month(1), HOSTILE, {HOSTILE: 3, "b@1": 4}, 1.0, 5.0), charts.Bucket(month(2), "later")]
SPANS = [
    charts.Span(HOSTILE, month(1), month(2), HOSTILE, "done"),
    charts.Span("train#2", month(2), None, "running", "running"),
    charts.Span("gone", month(2), month(2), "failed at once", "failed"),
    charts.Span("taken", month(3), month(3), "from elsewhere", "cached"),
    charts.Span("later", None, None, "waits", "waiting"),
]
DRAWINGS = {
    "months": drawn_months(floor=0.65, floor_name=HOSTILE),
    "reliability": charts.reliability([BIN]),
    "dot": charts.dot(interval(0.7), SCALE, reference=0.6),
    "no dot": charts.dot(None, SCALE),
    "bar": charts.bar(interval(0.05), charts.spread([interval(0.05)], also=[0.0])),
    "ruler": charts.ruler(SCALE, reference=0.6, reference_name=HOSTILE),
    "volumes": charts.volumes(BUCKETS, [HOSTILE, "b@1"], name=HOSTILE),
    "latencies": charts.latencies(BUCKETS, name=HOSTILE, limit_ms=20.0),
    "graph": drawn_graph(),
    "timeline": charts.timeline(SPANS, now=month(4), name=HOSTILE),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_well_formed_named_and_without_script_or_style(name):
    tree = ET.fromstring(DRAWINGS[name])
    elements = list(tree.iter())
    assert "script" not in {element.tag for element in elements}
    assert [
        element for element in elements if "style" in element.attrib or any(k.startswith("on") for k in element.attrib)
    ] == []
    assert [element for element in elements if element.get("role") == "img" and element.get("aria-label")]


@pytest.mark.parametrize("name", DRAWINGS)
def test_no_place_is_beyond_the_drawing(name):
    places = [float(found) for found in re.findall(r'(?:x|x1|x2|cx)="([-0-9.]+)%"', DRAWINGS[name])]
    assert all(0 <= place <= 100 for place in places)


def test_nothing_known_draws_nothing():
    assert charts.months([charts.Series("a@1", {month(1): None})], name="AUC") == ""
    assert charts.volumes([], [], name="none") == ""
    assert charts.graph([], [], name="none") == ""


def test_a_higher_estimate_is_drawn_higher():
    low, high = (
        charts.months([charts.Series("a", {month(1): interval(0.6), month(2): interval(value)})], name="n")
        for value in (0.5, 0.7)
    )
    second = [
        float(re.findall(r'cy="([0-9.]+)"', drawing)[1]) - float(re.findall(r'cy="([0-9.]+)"', drawing)[0])
        for drawing in (low, high)
    ]
    assert second[0] > 0 > second[1]


def test_every_series_is_named_beside_its_dots():
    assert "flight-delay@2</text>" in drawn_months()


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.612, 0.768), (-5.0, 1e6), (3.0, 3.0), (1e-9, 2e-9)])
def test_ticks_are_round_rising_and_inside(low, high):
    found = ticks(low, high)
    assert found == sorted(found)
    assert all(low - 1e-12 <= value <= high + 1e-12 for value in found)
    assert len(found) <= 7


def test_a_scale_keeps_what_is_beyond_at_its_end():
    scale = Scale(0, 1)
    assert [scale.across(value) for value in (-1, 0.5, 2)] == ["0.00%", "50.00%", "100.00%"]


def test_layers_survive_a_circle():
    edges = [charts.Edge("a", "b"), charts.Edge("b", "a"), charts.Edge("b", "c")]
    assert set(layers(["a", "b", "c"], edges)) == {"a", "b", "c"}
    assert charts.graph([charts.Node(key, "run", key) for key in "abc"], edges, name="circle")


def test_a_graph_of_many_layers_is_drawn_in_time():
    nodes = [charts.Node(str(number), "run", str(number)) for number in range(60)]
    edges = [charts.Edge(str(one), str(two)) for one in range(60) for two in range(one + 1, min(one + 5, 60))]
    assert charts.graph(nodes, edges, name="many").count("<rect") == 60
