"""A stretch of event time, from parts and segments alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.predictions.conftest import LogHome

JANUARY = datetime(2013, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("shipped", [False, True])
def test_a_span_holds_the_events_from_its_beginning_to_before_its_end(home: LogHome, shipped: bool) -> None:
    for day in range(4):
        home.answer([day / 10], event_at=JANUARY + day * DAY)
    if shipped:
        home.ship()
    found = home.log.view("default", "delays").between(JANUARY + DAY, JANUARY + 3 * DAY)
    assert found.column("output").to_pylist() == [0.1, 0.2]


def test_a_clients_retry_is_in_a_span_once(home: LogHome) -> None:
    ids = home.answer([0.1], received_at=NOW)
    home.ship()
    home.answer([0.9], ids=ids, received_at=NOW + DAY)
    found = home.log.view("default", "delays").between(JANUARY, JANUARY + DAY)
    assert found.column("output").to_pylist() == [0.1]


@pytest.mark.parametrize("shipped", [False, True])
def test_a_label_counts_if_it_was_known_in_time_after_its_event(home: LogHome, shipped: bool) -> None:
    early, late, never = home.answer([0.1, 0.2, 0.3])
    home.label([early], [1.0], known_at=JANUARY + timedelta(hours=36))
    home.label([late], [1.0], known_at=JANUARY + timedelta(hours=36, microseconds=1))
    if shipped:
        home.ship()
    view = home.log.view("default", "delays")
    found = view.labelled(JANUARY, JANUARY + DAY, known_within=timedelta(hours=36))
    labels = dict(zip(found.column("prediction_id").to_pylist(), found.column("label").to_pylist(), strict=True))
    assert labels == {early: 1.0, late: None, never: None}


def test_a_correction_that_came_too_late_does_not_hold(home: LogHome) -> None:
    ids = home.answer([0.1])
    home.label(ids, [1.0], known_at=JANUARY + timedelta(hours=1))
    home.label(ids, [0.0], known_at=JANUARY + timedelta(hours=3))
    found = home.log.view("default", "delays").labelled(JANUARY, JANUARY + DAY, known_within=timedelta(hours=2))
    assert found.column("label").to_pylist() == [1.0]


def test_the_watermark_is_the_newest_event_up_to_now(home: LogHome) -> None:
    home.answer([0.1], event_at=JANUARY)
    home.ship()
    home.answer([0.2], event_at=JANUARY + DAY)
    home.answer([0.3], event_at=NOW + 365 * DAY)
    assert home.log.view("default", "delays").span(before=NOW) == (JANUARY, JANUARY + DAY)
    home.ship()
    assert home.log.view("default", "delays").span(before=NOW) == (JANUARY, JANUARY + DAY)


def test_an_empty_log_has_no_span_and_no_rows(home: LogHome) -> None:
    view = home.log.view("default", "nobody")
    assert view.span(before=NOW) is None
    assert view.labelled(JANUARY, JANUARY + DAY, known_within=DAY).num_rows == 0


def test_the_size_grows_with_every_answer_and_label(home: LogHome) -> None:
    sizes = [home.log.size("default", "delays")]
    ids = home.answer([0.1])
    sizes.append(home.log.size("default", "delays"))
    home.label(ids, [1.0])
    sizes.append(home.log.size("default", "delays"))
    assert sizes == sorted(set(sizes))
