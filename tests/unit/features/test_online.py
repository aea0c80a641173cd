"""LAW: the online store answers what a training set answers, to the last bit, whenever and however it was filled."""

from contextlib import closing, nullcontext
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import features as f
from modelwright.app.connect import connect
from modelwright.core import wire
from modelwright.core.errors import Invalid, Unavailable
from modelwright.data.model import DatasetVersion, Part
from modelwright.data.parts import encoded
from modelwright.features.store import Reading, materialize
from modelwright.features.training import features
from modelwright.features.vectors import Vectors
from modelwright.predictions.model import microseconds
from modelwright.store.adapters.duckdb_frames import DuckdbFrames
from modelwright.store.adapters.local_blobs import LocalBlobs
from modelwright.store.adapters.sqlite_keyvalue import SqliteKeyValue
from support.features import applied, frame, hours
from support.homes import fresh_platform, live

TYPES = {"station": str, "at": datetime, "seen": datetime, "temp": float, "wind": int}
readings = f.source("readings", entity="station", event_time="at", known_at="seen")
VIEW = f.view(
    "v",
    [
        f.context(station=str, n=int),
        readings.latest("temp"),
        readings.latest("temp", max_age="2h", valid="wind >= 0", name="fresh"),
        readings.latest("at", name="when"),
        *(getattr(readings, name)("temp", over="3h") for name in ("count", "sum", "mean", "min", "max", "std")),
        readings.mean("temp", over="3h", by="wind", name="by_wind"),
        f.row("doubled", "temp * 2 / n"),
    ],
)
FACTS = st.lists(
    st.fixed_dictionaries(
        {
            "station": st.sampled_from("ab"),
            "at": st.integers(-6, 6).map(hours),
            "seen": st.integers(-6, 6).map(hours),
            "temp": st.none() | st.floats(-1e6, 1e6),
            "wind": st.integers(-1, 1),
        }
    ),
    min_size=1,
    max_size=10,
)
QUESTIONS = [
    {"station": station, "n": n, "wind": n, "asked": hours(hour)}
    for station in ("a", "b", "c", None)
    for n, hour in ((0, -3), (1, 0), (2, 1.5), (1, 4), (1, 7), (1, 20))
]


class Home:
    """An online store over datasets whose parts are of three rows each."""

    def __init__(self, folder):
        self.blobs = LocalBlobs(folder / "blobs")
        self.frames = DuckdbFrames(self.blobs)
        self.store = SqliteKeyValue(folder / "online.db")

    def dataset(self, rows, version=1):
        """Rows as a dataset version."""
        table = frame(rows, **TYPES).table
        parts = []
        for start in range(0, len(rows), 3):
            [(count, content)] = encoded(table.slice(start, 3))
            stored = self.blobs.put(content)
            parts.append(Part(digest=stored.digest, rows=count, size=stored.size))
        made = dict.fromkeys(("contract", "profile", "created_at", "created_by"))
        return _Version(
            name="readings", version=version, digest="0" * 64, rows=len(rows), size_bytes=0, parts=tuple(parts), **made
        )


class _Version(DatasetVersion, frozen=True, kw_only=True):
    @property
    def columns(self):
        return frame([], **TYPES).types


def offline(rows):
    """The training set's answers."""
    held = frame(rows, **TYPES)
    asking = frame(QUESTIONS, station=str, n=int, wind=int, asked=datetime)
    asked = np.array([microseconds(question["asked"]) for question in QUESTIONS])
    found = features(applied(VIEW, readings=held), asking.table, asked, {"readings": held})
    return {name: column.to_pylist() for name, column in found.items()}


def online(home, version):
    """The endpoint's answers."""
    columns = {name: [question[name] for question in QUESTIONS] for name in ("station", "n", "wind")}
    return Vectors(version, home.store).complete(columns, [microseconds(q["asked"]) for q in QUESTIONS])


@settings(max_examples=8, deadline=None)
@given(rows=FACTS, later=FACTS, cuts=st.lists(st.integers(-7, 8), max_size=3))
def test_online_is_offline(rows, later, cuts, tmp_path_factory):
    """At once or step by step, ahead of the question, appended to, and again for nothing."""
    home = Home(tmp_path_factory.mktemp("home"))
    version = applied(VIEW, readings=frame(rows, **TYPES))
    with closing(home.store):
        first = home.dataset(rows)
        reading = Reading({"readings": first}, {}, None)
        for cut in sorted(cuts):
            done = materialize(version, reading, hours(cut), frames=home.frames, store=home.store)
            known = [row for row in rows if max(row["at"], row["seen"]) <= hours(cut)]
            assert online(home, version) == offline(known)
            reading = Reading({"readings": first}, {"readings": first}, done.until)
        done = materialize(version, reading, None, frames=home.frames, store=home.store)
        assert online(home, version) == offline(rows)
        second = home.dataset(rows + later, version=2)
        reading = Reading({"readings": second}, {"readings": first}, done.until)
        done = materialize(version, reading, None, frames=home.frames, store=home.store)
        assert online(home, version) == offline(rows + later)
        again = Reading({"readings": second}, {"readings": second}, done.until)
        assert materialize(version, again, None, frames=home.frames, store=home.store).entries == 0


def test_only_what_changed_is_written(tmp_path):
    rows = [{"station": "a", "at": hours(h), "seen": hours(h), "temp": float(h), "wind": 0} for h in range(30)]
    home, view = Home(tmp_path), f.view("v", [readings.latest("temp")])
    version = applied(view, readings=frame(rows, **TYPES))
    with closing(home.store):
        first, second = home.dataset(rows[:27]), home.dataset(rows, version=2)
        done = materialize(version, Reading({"readings": first}, {}, None), None, frames=home.frames, store=home.store)
        assert (done.entries, done.until) == (27, microseconds(hours(26)))
        reading = Reading({"readings": second}, {"readings": first}, done.until)
        assert materialize(version, reading, None, frames=home.frames, store=home.store).entries == 3


@pytest.mark.parametrize("remote", [False, True], ids=["in process", "over HTTP"])
def test_a_home_trains_and_serves_the_same(tmp_path, remote):
    """Through the workspace: publish, train, materialise, ask."""
    platform = fresh_platform(tmp_path)
    with closing(platform), live(platform) if remote else nullcontext(tmp_path) as where, connect(where) as ws:
        moment = pa.timestamp("us", "UTC")
        weather = pa.table({"station": ["a", "a"], "at": pa.array([hours(0), hours(2)], moment), "temp": [1.5, 2.5]})
        trips = pa.table(
            {
                "trip": [1, 2, 3],
                "station": ["a", "a", "b"],
                "left": pa.array([hours(2), hours(5), hours(5)], moment),
                "home": pa.array([hours(4), hours(6), None], moment),
                "delay": [20, 0, None],
            }
        )
        ws.data.add("weather", weather, event_time="at")
        ws.data.add("trips", trips, key="trip", event_time="left", known_at="home")
        station = f.source("weather", entity="station", event_time="at")
        outcome = f.source("trips", entity="trip", event_time="left", known_at="home")
        view = f.view(
            "context",
            [station.latest("temp")],
            label=f.label(outcome, "delay > 15", name="late"),
            ask_at="left - 1h",
        )
        made = ws.features.training_set(view, spine="trips@1")
        assert made.table.to_pylist() == [
            {"trip": 1, "asked_at": hours(1), "temp": 1.5, "late": 1, "late_known_at": hours(4)},
            {"trip": 2, "asked_at": hours(4), "temp": 2.5, "late": 0, "late_known_at": hours(6)},
        ]
        assert made.excluded == 1
        assert [pin.ref for pin in made.reads] == ["trips@1", "weather@1"]
        assert ws.features.materialize(view).entries == 2
        assert ws.features.online(view, [{"station": "a", "left": hours(2)}, {"station": "b", "left": hours(2)}]) == [
            {"temp": 1.5},
            {"temp": None},
        ]
        assert ws.features.apply(view).version == 1
        assert ws.lineage.up("features:context@1").nodes == ("data:trips@1", "data:weather@1", "features:context@1")


def test_two_do_not_materialise_one_view_at_once(tmp_path):
    """The second is told so, and nothing is half done."""
    platform = fresh_platform(tmp_path)
    with closing(platform), connect(tmp_path) as ws:
        ws.data.add(
            "weather", pa.table({"at": pa.array([hours(0)], pa.timestamp("us", "UTC")), "k": [1]}), event_time="at"
        )
        view = f.view("v", [f.source("weather", entity="k", event_time="at").count(over="1h", name="n")])
        version = ws.features.apply(view)
        lease = platform.queue.acquire(f"materialize/{wire.digest(version.space)}", "other", timedelta(minutes=1))
        with pytest.raises(Unavailable, match="being materialised already"):
            ws.features.materialize(version)
        platform.queue.release(lease)
        assert ws.features.materialize(version).entries == 2


def test_what_comes_with_the_question_needs_no_store(tmp_path):
    with closing(fresh_platform(tmp_path)), connect(tmp_path) as ws:
        view = f.view("v", [f.context(km=float), f.row("m", "km * 1000")])
        assert ws.features.online(view, {"km": [1.5]}) == [{"km": 1.5, "m": 1500.0}]
        with pytest.raises(Invalid, match="nothing to materialise"):
            ws.features.materialize(view)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{}], "no table"),
        ([{"at": hours(0)}], "k: is missing"),
        ([{"k": "x", "at": hours(0)}], "not int64"),
        ([{"k": 1}], "does not say when it is asked"),
        ({"k": [1], "at": []}, "no table"),
    ],
)
def test_a_question_that_lacks_something_is_refused(tmp_path, rows, said):
    with closing(fresh_platform(tmp_path)), connect(tmp_path) as ws:
        ws.data.add(
            "weather", pa.table({"at": pa.array([hours(0)], pa.timestamp("us", "UTC")), "k": [1]}), event_time="at"
        )
        view = f.view("v", [f.source("weather", entity="k", event_time="at").count(over="1h", name="n")], ask_at="at")
        ws.features.materialize(view)
        with pytest.raises(Invalid, match=said):
            ws.features.online(view, rows)
