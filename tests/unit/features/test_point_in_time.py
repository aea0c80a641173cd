"""LAW: a question is answered with what was known when it was asked, and rows in are rows out."""

import math
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwright import features as f
from modelwright.core.errors import Invalid
from modelwright.features.training import Frame, Period, Spine, features, training_table
from modelwright.predictions.model import microseconds
from support.features import NOON, applied, frame, hours, latest, window

MOMENTS = st.one_of(st.none(), st.integers(-6, 6))
NUMBERS = st.one_of(
    st.none(), st.just(math.nan), st.integers(-3, 3).map(float), st.floats(-1e6, 1e6, allow_subnormal=False)
)
FACTS = st.lists(
    st.fixed_dictionaries(
        {
            "station": st.sampled_from(["a", "b", None]),
            "region": st.sampled_from(["n", "s", None]),
            "at": MOMENTS.map(hours),
            "seen": MOMENTS.map(hours),
            "temp": NUMBERS,
            "wind": st.one_of(st.none(), st.integers(-(2**40), 2**40)),
        }
    ),
    max_size=14,
)
QUESTIONS = st.lists(
    st.fixed_dictionaries(
        {
            "station": st.sampled_from(["a", "b", "c", None]),
            "region": st.sampled_from(["n", "s", None]),
            "asked": st.integers(-8, 14).map(hours),
        }
    ),
    min_size=1,
    max_size=8,
)
TYPES = {"station": str, "region": str, "at": type(NOON), "seen": type(NOON), "temp": float, "wind": int}
VALID = "temp < 100 && wind != 3"

late = f.source("readings", entity="station", event_time="at", known_at="seen")
prompt = f.source("readings", entity="station", event_time="at")


def declared(facts):
    """Every kind of stored feature over one source."""
    windows = [
        getattr(facts, name)(column, over="3h", by=by, valid=valid, name=f"{name}_{column}_{by}_{valid is None}")
        for name in ("count", "sum", "mean", "min", "max", "std")
        for column, by, valid in (("temp", "station", None), ("wind", "region", None), ("temp", "region", VALID))
    ]
    return [
        facts.latest("temp"),
        facts.latest("temp", max_age="2h", name="fresh"),
        facts.latest("wind", max_age="2h", valid=VALID),
        facts.count(over="3h", name="facts"),
        facts.mean("temp", over="5h", by=("region", "station"), name="both"),
        *windows,
    ]


def expected(feature, rows, question):
    """The reference's answer."""
    if hasattr(feature, "over"):
        return window(feature, rows, tuple(question[key] for key in feature.by), question["asked"])
    return latest(feature, rows, (question["station"],), question["asked"])


def near(one, other):
    """Equal but for rounding."""
    return one is other is None or (None not in (one, other) and math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-5))


def answered(view, rows, questions):
    """Ours, by column."""
    readings = frame(rows, **TYPES)
    asking = frame(questions, station=str, region=str, asked=type(NOON))
    version = applied(view, readings=readings)
    asked = np.array([microseconds(question["asked"]) for question in questions], dtype=np.int64)
    found = features(version, asking.table, asked, {"readings": readings})
    assert all(len(column) == len(questions) for column in found.values())
    return {name: column.to_pylist() for name, column in found.items()}


@pytest.mark.parametrize("facts", [late, prompt], ids=["known later", "known at once"])
@settings(max_examples=40, deadline=None)
@given(rows=FACTS, questions=QUESTIONS)
@example(
    rows=[
        {"station": "a", "region": "n", "at": hours(0), "seen": hours(1), "temp": 1.0, "wind": 1},
        {"station": "a", "region": "s", "at": hours(0), "seen": hours(2), "temp": 2.0, "wind": 2},  # a correction
        {"station": "a", "region": "n", "at": hours(-1), "seen": hours(3), "temp": 9.0, "wind": 9},  # late news
    ],
    questions=[{"station": "a", "region": "n", "asked": hours(number)} for number in (0, 1, 2, 3, 4)],
)
def test_a_feature_is_what_the_definition_says_row_by_row(facts, rows, questions):
    """Ties, nulls, duplicates, late corrections: as a loop over the rows known then finds it."""
    declarations = declared(facts)
    found = answered(f.view("v", declarations), rows, questions)
    for feature in declarations:
        for row, question in enumerate(questions):
            wanted = expected(feature, rows, question)
            assert near(found[feature.name][row], wanted), (feature.name, question)


@settings(max_examples=30, deadline=None)
@given(rows=FACTS, questions=QUESTIONS)
def test_the_future_changes_nothing(rows, questions):
    """LAW: what becomes known after a question cannot be told from its answer: not by a bit."""
    view = f.view("v", declared(late))
    asked = questions[0]["asked"]
    past = [row for row in rows if row["seen"] is None or row["seen"] <= asked]
    assert answered(view, past, questions[:1]) == answered(view, rows, questions[:1])


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 8), st.none() | st.floats(-9, 9)), min_size=1, max_size=12
    ),
    questions=st.lists(st.tuples(st.sampled_from("abc"), st.integers(-1, 12)), min_size=1, max_size=9),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu"]),
    tolerance=st.none() | st.integers(1, 4),
)
def test_the_latest_value_is_that_of_merge_asof(rows, questions, zone, tolerance):
    """Another implementation: pandas, with its own sorting, tolerance and time zones."""
    readings = frame(
        [{"station": key, "at": hours(at), "temp": temp} for key, at, temp in rows],
        station=str, at=type(NOON), temp=float,
    )  # fmt: skip
    asked = np.array([microseconds(hours(at)) for _, at in questions], dtype=np.int64)
    asking = frame([{"station": key} for key, _ in questions], station=str)
    max_age = None if tolerance is None else timedelta(hours=tolerance)
    view = f.view("v", [prompt.latest("temp", max_age=max_age)])
    ours = features(applied(view, readings=readings), asking.table, asked, {"readings": readings})["temp"].to_pylist()
    left = pd.DataFrame({"station": [key for key, _ in questions], "at": [hours(at) for _, at in questions]})
    right = readings.table.to_pandas()
    for side in (left, right):
        side["at"] = pd.to_datetime(side["at"], utc=True).dt.tz_convert(zone).astype(f"datetime64[us, {zone}]")
    left["place"] = range(len(left))
    theirs = pd.merge_asof(
        left.sort_values("at", kind="stable"), right.sort_values("at", kind="stable"),
        on="at", by="station", tolerance=None if max_age is None else pd.Timedelta(max_age),
    ).sort_values("place")["temp"]  # fmt: skip
    assert ours == [None if math.isnan(value) else value for value in theirs]


def test_rows_in_are_rows_out_in_their_order_when_an_entity_is_seen_only_later():
    """The case in which a peer drops rows: the first fact of a known entity comes after the question."""
    readings = frame([{"station": "a", "at": hours(5), "temp": 1.0}], station=str, at=type(NOON), temp=float)
    asking = [{"id": n, "station": s, "asked": hours(h)} for n, (s, h) in enumerate([("a", 6), ("a", 1), ("z", 6)])]
    spine = frame(asking, id=int, station=str, asked=type(NOON))
    version = applied(f.view("v", [prompt.latest("temp")]), readings=readings)
    made = training_table(version, Spine(spine, "id", "asked"), {"readings": readings}, Period())
    assert made.table.select(["id", "temp"]).to_pydict() == {"id": [0, 1, 2], "temp": [1.0, None, None]}


def trips(*rows) -> Frame:
    """Trips: id, left, landed, delay."""
    keys = ("id", "left", "landed", "delay")
    made = [dict(zip(keys, (i, hours(left), hours(landed), delay), strict=True)) for i, left, landed, delay in rows]
    return frame(made, id=int, left=type(NOON), landed=type(NOON), delay=float)


journeys = f.source("trips", entity="id", event_time="left", known_at="landed")


def labelled(data, *, until, keep=False, matures="3h"):
    """A training set of trips asked about an hour before they leave."""
    label = f.label(journeys, "delay > 15", matures_after=matures, name="late")
    view = f.view("v", [f.row("one", "1")], label=label, ask_at="left - 1h")
    spine = Spine(data, "id", "left")
    return training_table(applied(view, trips=data), spine, {"trips": data}, Period(None, until), keep_unlabelled=keep)


def test_a_label_counts_once_it_is_known_and_all_of_its_age_could_be():
    """Trip 2 has landed, but others that left with it are still under way; trip 3 was cancelled."""
    data = trips((1, 0, 1, 20.0), (2, 3, 4, 0.0), (3, 0, None, None), (4, 0, 2, 5.0), (5, 9, 10, 1.0))
    made = labelled(data, until=hours(5))
    assert made.table.select(["id", "late"]).to_pydict() == {"id": [1, 4], "late": [1, 0]}
    assert made.table["late_known_at"].to_pylist() == [hours(1), hours(2)]
    assert made.excluded == 2
    kept = labelled(data, until=hours(5), keep=True)
    assert kept.table.select(["id", "late"]).to_pydict() == {"id": [1, 2, 3, 4], "late": [1, None, None, 0]}


def test_a_label_corrected_later_is_what_was_known_at_the_cut():
    data = trips((1, 0, 1, 20.0), (1, 0, 6, 3.0))
    before, after = labelled(data, until=hours(5)), labelled(data, until=hours(7))
    assert before.table["late"].to_pylist() == [1, 1]  # both rows of the spine ask about trip 1
    assert after.table["late"].to_pylist() == [0, 0]


def test_functions_and_expressions_see_the_features_before_them():
    @f.on_demand
    def cold(temp: float) -> bool:
        return temp < 32.0

    @f.on_demand
    def told(temp: float | None, doubled: float | None) -> str:
        return "unknown" if temp is None else f"{temp:.0f} {doubled:.0f}"

    readings = frame([{"station": "a", "at": hours(0), "temp": 20.0}], station=str, at=type(NOON), temp=float)
    view = f.view("v", [f.context(station=str), prompt.latest("temp"), f.row("doubled", "temp * 2"), cold, told])
    asked = np.array([microseconds(hours(1))] * 2)
    asking = frame([{"station": "a"}, {"station": "b"}], station=str)
    found = features(applied(view, readings=readings), asking.table, asked, {"readings": readings})
    assert pa.table(found).to_pylist() == [
        {"station": "a", "temp": 20.0, "doubled": 40.0, "cold": True, "told": "20 40"},
        {"station": "b", "temp": None, "doubled": None, "cold": None, "told": "unknown"},
    ]


@pytest.mark.parametrize(
    ("view", "spine", "said"),
    [
        (f.view("v", [f.context(station=str)]), {"id": int, "asked": type(NOON)}, "has no column station"),
        (f.view("v", [f.context(id=str)]), {"id": int, "asked": type(NOON)}, "id is int64 in the spine"),
        (f.view("v", [f.row("id", "1")]), {"id": int, "asked": type(NOON)}, "id is the spine's key"),
        (f.view("v", [f.row("one", "1")]), {"id": int}, "does not say when"),
    ],
)
def test_a_spine_that_cannot_ask_is_refused(view, spine, said):
    data = frame([{"id": 1, "asked": NOON}], **spine)
    with pytest.raises(Invalid, match=said):
        training_table(applied(view), Spine(data, "id", "asked" if "asked" in spine else None), {}, Period())
