"""What the client asks, and when."""

import json
from datetime import timedelta
from itertools import pairwise

import data
import pyarrow as pa
import pytest
import replay
import train
from made_up import NOON, flight, flights_of
from pyarrow import compute as pc

HOUR = timedelta(hours=1)
START, END = data.midnight("2013-04-01"), data.midnight("2013-04-02")


@pytest.fixture(scope="module")
def questions(flights: pa.Table) -> pa.Table:
    """A day of real questions."""
    return replay.questions_of(flights, START, END)


def test_every_flight_is_asked_about_once_an_hour_before_its_departure(flights: pa.Table, questions: pa.Table) -> None:
    """Rows in = rows out, in the order in which people ask."""
    due = flights.filter((pc.field("sched_dep") >= START + HOUR) & (pc.field("sched_dep") < END + HOUR))
    assert questions.num_rows == due.num_rows > 900
    assert sorted(questions["flight_id"].to_pylist()) == sorted(due["flight_id"].to_pylist())
    asked = questions["asked_at"].to_pylist()
    assert asked == sorted(asked)
    assert [moment + HOUR for moment in asked] == questions["sched_dep"].to_pylist()


def test_neighbouring_days_share_no_question_and_miss_none(flights: pa.Table, questions: pa.Table) -> None:
    """The end of one day is the beginning of the next."""
    after = replay.questions_of(flights, END, data.midnight("2013-04-03"))
    both = replay.questions_of(flights, START, data.midnight("2013-04-03"))
    assert pa.concat_tables([questions, after]).equals(both)


@pytest.mark.parametrize(("minutes", "asked"), [(0, True), (-1, False), (59, True), (60, False)])
def test_a_question_on_the_bound_belongs_to_the_later_period(minutes: int, asked: bool) -> None:  # noqa: FBT001  # a case
    """The first moment belongs to a period, its end to the next."""
    departing = flights_of([flight(sched_dep=NOON + HOUR + timedelta(minutes=minutes))])
    assert replay.questions_of(departing, NOON, NOON + HOUR).num_rows == asked


def test_the_hours_hold_every_question_once(questions: pa.Table) -> None:
    """Each is asked in the hour that ends then; hours without questions are hours too."""
    ends, parts = zip(*replay.hours(questions), strict=True)
    assert pa.concat_tables(parts).equals(questions)
    assert all(later - earlier == HOUR for earlier, later in pairwise(ends))
    for end, part in zip(ends, parts, strict=True):
        assert all(end - HOUR <= moment < end for moment in part["asked_at"].to_pylist())


def test_an_hour_without_questions_is_an_hour_too() -> None:
    """Labels become known in it."""
    rows = [flight(flight_id=name, sched_dep=NOON + hours * HOUR) for name, hours in (("a", 1), ("b", 4))]
    asked = replay.questions_of(flights_of(rows), NOON, NOON + 4 * HOUR)
    assert [part.num_rows for _, part in replay.hours(asked)] == [1, 0, 0, 1]


def test_a_request_carries_the_context_and_the_moment_and_nothing_of_the_outcome(questions: pa.Table) -> None:
    """As the Open Inference Protocol writes them; the endpoint looks the rest up."""
    body = json.loads(replay.request(questions))
    assert set(body) == {"inputs", "parameters"}
    assert [column["name"] for column in body["inputs"]] == list(replay.CONTEXT)
    assert train.COLUMNS[: len(replay.CONTEXT)] == replay.CONTEXT
    for column in body["inputs"]:
        assert column["shape"] == [questions.num_rows]
        assert column["datatype"] == ("BYTES" if column["name"] in train.STRINGS else "INT64")
        assert column["data"] == questions[column["name"]].to_pylist()
    assert list(body["parameters"]) == ["event_at"]
    assert body["parameters"]["event_at"] == [moment.isoformat() for moment in questions["asked_at"].to_pylist()]
