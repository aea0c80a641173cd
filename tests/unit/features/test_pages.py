"""Pages about features: never empty, and their first sentence answers."""

from contextlib import closing
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from modelwright import features as f
from modelwright.app.connect import connect
from modelwright.ui.page import Ask
from modelwright.ui.pages import features, lineage
from modelwright.ui.render import rendered
from support.features import hours
from support.homes import fresh_platform

NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def ws(tmp_path):
    with closing(fresh_platform(tmp_path)), connect(tmp_path) as opened:
        yield opened


def shown(ws, load, **path):
    query = {"of": path.pop("of")} if "of" in path else {}
    ask = Ask(ws, path, query, NOW)
    return rendered(load(ask), ask, "/features")


def weather(ws):
    at = pa.array([hours(0), hours(2)], pa.timestamp("us", "UTC"))
    ws.data.add("weather", pa.table({"station": ["a", "<b>"], "at": at, "temp": [1.5, 2.5]}), event_time="at")
    station = f.source("weather", entity="station", event_time="at")
    return f.view("context", [f.context(station=str), station.latest("temp", max_age="6h")])


def test_without_views_it_says_how_to_declare_one(ws):
    page = shown(ws, features.load_list)
    assert "No feature view is declared yet." in page
    assert "ws.features.apply" in page


def test_a_view_shows_its_definition_before_anything_was_made_of_it(ws):
    ws.features.apply(weather(ws))
    assert "1 feature view, declared once" in shown(ws, features.load_list)
    page = shown(ws, features.load_newest, name="context")
    assert "nothing of it is in the online store yet" in page
    assert "latest temp of weather by station, at most 6h old" in page
    assert "No run or model has used this version." in page


def test_a_view_shows_distributions_and_freshness(ws):
    view = weather(ws)
    ws.features.training_set(view, spine="weather@1")
    ws.features.materialize(view)
    page = shown(ws, features.load, name="context", version="1")
    assert "in the training set of 2 rows" in page
    assert "knows what was known by" in page
    assert "&lt;b&gt; 50%" in page
    assert "/features/context/1" in shown(ws, lineage.load, of="data:weather@1")
    ws.data.add(
        "weather", pa.table({"station": ["a"], "at": pa.array([hours(3)], pa.timestamp("us", "UTC")), "temp": [3.0]})
    )
    assert "there is newer data" in shown(ws, features.load, name="context", version="1")
