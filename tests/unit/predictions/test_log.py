"""The union of segments and Parquet: each prediction once, with its newest label."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, mean_absolute_error, root_mean_squared_error

from modelwright.core import wire
from modelwright.core.errors import Conflict, Corrupted, Invalid, NotFound, Unavailable
from modelwright.core.ids import new_id, new_ids
from modelwright.predictions.columns import joined, prediction_table
from modelwright.predictions.layout import segment_folder, segments_in
from modelwright.predictions.model import Kind, PredictionBatch, Shipped
from modelwright.predictions.repository import PartRepository, Place
from modelwright.predictions.service import MOST_LABELS
from modelwright.predictions.shipper import LEASE, ship

if TYPE_CHECKING:
    from tests.unit.predictions.conftest import LogHome

JANUARY = datetime(2013, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def test_shipping_changes_no_answer(home: LogHome) -> None:
    ids = home.answer([0.1, 0.2, 0.3])
    home.label(ids[:2], [0.0, 1.0])
    before = (home.rows(), home.predictions.get(home.unit, ids[0]), home.predictions.list(home.unit, "delays"))
    assert home.ship() == Shipped(parts=2, rows=5, segments=2)
    assert segments_in(segment_folder(home.folder, "delays", Kind.PREDICTIONS)) == []
    after = (home.rows(), home.predictions.get(home.unit, ids[0]), home.predictions.list(home.unit, "delays"))
    assert after == before
    assert home.ship() == Shipped()


def test_a_prediction_is_told_with_its_inputs_and_its_label(home: LogHome) -> None:
    ids = home.answer([0.25, 0.5], inputs={"distance": [187.0, None], "carrier": ["AA", "UA"]}, latency_us=1500)
    home.label([ids[0]], [1.0])
    found = home.predictions.get(home.unit, ids[0])
    assert (found.output, found.label, found.label_known_at) == (0.25, 1.0, JANUARY + DAY)
    assert (found.inputs, found.latency_ms) == ({"distance": 187.0, "carrier": "AA"}, 1.5)
    missing = home.predictions.get(home.unit, ids[1])
    assert (missing.inputs, missing.label) == ({"carrier": "UA"}, None)
    assert wire.decode(wire.encode(found), type(found)) == found


def test_an_unknown_prediction_is_not_found(home: LogHome) -> None:
    home.answer([0.1])
    with pytest.raises(NotFound, match="There is no prediction"):
        home.predictions.get(home.unit, new_id())


def test_predictions_are_listed_newest_first_page_by_page(home: LogHome) -> None:
    first = home.answer([0.1, 0.2])
    home.ship()
    second = home.answer([0.3, 0.4, 0.5])
    page = home.predictions.list(home.unit, "delays", limit=2)
    seen = [item.id for item in page.items]
    while page.next is not None:
        page = home.predictions.list(home.unit, "delays", limit=2, after=page.next)
        seen += [item.id for item in page.items]
    assert seen == sorted(first + second, reverse=True)
    with pytest.raises(Invalid):
        home.predictions.list(home.unit, "delays", limit=0)


def test_an_endpoint_nobody_has_asked_has_an_empty_log(home: LogHome) -> None:
    assert home.predictions.list(home.unit, "delays").items == []
    assert home.predictions.counts(home.unit, "delays").answered == 0
    assert home.predictions.performance(home.unit, "delays") == []
    assert home.predictions.traffic(home.unit, "delays") == []


@pytest.mark.parametrize("shipped_between", [False, True])
def test_a_clients_retry_is_counted_once_and_the_first_answer_holds(home: LogHome, shipped_between: bool) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    ids = home.answer([0.1, 0.2], received_at=start)
    if shipped_between:
        home.ship()
    home.answer([0.8, 0.9], ids=ids, received_at=start + timedelta(seconds=1))
    for shipped in (Shipped(parts=0, segments=1, duplicates=2) if shipped_between else None, Shipped()):
        counts = home.predictions.counts(home.unit, "delays")
        assert (counts.answered, counts.duplicates) == (2, 2)
        assert [row["output"] for row in home.rows()] == [0.1, 0.2]
        done = home.ship()
        assert shipped is None or done == shipped


def test_a_retry_that_is_shipped_before_the_first_answer_does_not_hold(home: LogHome) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    ids = home.answer([0.9], received_at=start + timedelta(seconds=1))
    home.ship()
    home.answer([0.1], ids=ids, received_at=start)
    before = home.rows()
    home.ship()
    assert home.rows() == before
    assert before[0]["output"] == 0.1
    counts = home.predictions.counts(home.unit, "delays")
    assert (counts.answered, counts.in_parquet, counts.duplicates) == (1, 1, 1)


def test_the_counts_say_where_each_prediction_is(home: LogHome) -> None:
    shipped = home.answer([0.1, 0.2], version=1)
    home.ship()
    home.answer([0.3], version=2)
    home.label([shipped[0], new_id()], [1.0, 1.0])
    counts = home.predictions.counts(home.unit, "delays")
    assert (counts.answered, counts.in_parquet, counts.in_segments) == (3, 2, 1)
    assert (counts.labelled, counts.labels_without_prediction) == (1, 1)
    assert counts.by_version == {"flight-delay@1": 2, "flight-delay@2": 1}


@pytest.mark.parametrize("shipped", [False, True])
def test_a_late_correction_holds_and_an_older_label_that_comes_later_does_not(home: LogHome, shipped: bool) -> None:
    ids = home.answer([0.1])
    for days, value in ((2, 0.0), (5, 1.0), (1, 0.5)):
        home.label(ids, [value], JANUARY + days * DAY)
        if shipped:
            home.ship()
    assert home.predictions.get(home.unit, ids[0]).label == 1.0
    assert home.rows(as_of=JANUARY + 3 * DAY)[0]["label"] == 0.0
    assert home.rows(as_of=JANUARY + 5 * DAY)[0]["label"] == 1.0
    assert home.rows(as_of=JANUARY)[0]["label"] is None


def test_of_two_labels_known_at_once_the_one_recorded_last_holds(home: LogHome) -> None:
    ids = home.answer([0.1])
    home.label(ids, [1.0])
    home.unit.now += DAY
    home.label(ids, [0.0])
    assert home.predictions.get(home.unit, ids[0]).label == 0.0


def test_a_label_may_come_before_its_prediction_is_shipped_or_after(home: LogHome) -> None:
    first, second = home.answer([0.1]), home.answer([0.2])
    home.label(first, [1.0])
    home.ship()
    home.label(second, [0.0])
    assert [row["label"] for row in home.rows()] == [1.0, 0.0]


def test_labels_for_an_endpoint_that_never_answered_are_refused(home: LogHome) -> None:
    with pytest.raises(NotFound, match="has not answered anything") as caught:
        home.label([new_id()], [1.0])
    assert caught.value.remedy
    assert home.log.endpoints("default") == []


def test_labels_are_taken_when_every_prediction_has_been_shipped(home: LogHome) -> None:
    ids = home.answer([0.1])
    home.ship()
    home.label(ids, [1.0])
    assert home.rows()[0]["label"] == 1.0


@pytest.mark.parametrize(
    ("ids", "values", "known_at", "message"),
    [
        (2, [1.0], 2, "2 ids, 1 values"),
        (1, [1.0], 2, "and 2 times"),
        (0, [], 0, "0 labels"),
        (MOST_LABELS + 1, [1.0] * (MOST_LABELS + 1), MOST_LABELS + 1, "100001 labels"),
        (2, [1.0, float("nan")], 2, r"values\[1\] is nan"),
        (1, [float("-inf")], 1, r"values\[0\] is -inf"),
    ],
)
def test_labels_out_of_order_are_refused(
    home: LogHome, ids: int, values: list[float], known_at: int, message: str
) -> None:
    home.answer([0.1])
    with pytest.raises(Invalid, match=message):
        home.label_service.add(home.unit, "delays", new_ids(ids), values, [JANUARY] * known_at)


def test_a_label_known_at_no_certain_time_is_refused(home: LogHome) -> None:
    ids = home.answer([0.1])
    with pytest.raises(Invalid, match="no time zone"):
        home.label_service.add(home.unit, "delays", ids, [1.0], [datetime(2013, 1, 1)])  # noqa: DTZ001


def test_performance_is_by_month_of_the_event_and_by_version(home: LogHome) -> None:
    february = datetime(2013, 2, 1, tzinfo=UTC)
    ids = home.answer([0.1, 0.4, 0.35, 0.8], event_at=february - timedelta(microseconds=1))
    home.label(ids, [0.0, 0.0, 1.0, 1.0], february)
    one_class = home.answer([0.1, 0.2], event_at=february, version=2)
    home.label(one_class, [1.0, 1.0], february + DAY)
    home.answer([0.5], event_at=february, version=3)
    found = home.predictions.performance(home.unit, "delays")
    assert [(score.version, score.period_start, score.n, score.labelled) for score in found] == [
        (1, JANUARY, 4, 4),
        (2, february, 2, 2),
        (3, february, 1, 0),
    ]
    assert found[0].interval is not None
    assert found[0].interval.estimate == 0.75  # 3 of 4 pairs in order
    assert found[0].reason == ""
    assert [score.interval for score in found[1:]] == [None, None]
    assert all(score.reason for score in found[1:])
    home.ship()
    assert home.predictions.performance(home.unit, "delays") == found


@pytest.mark.parametrize(
    ("metric", "golden"),
    [
        ("brier", brier_score_loss),
        ("mae", mean_absolute_error),
        ("rmse", root_mean_squared_error),
        ("average_precision", average_precision_score),
    ],
)
def test_performance_is_by_the_metric_that_is_asked_for(
    home: LogHome, metric: str, golden: Callable[..., float]
) -> None:
    """Golden: scikit-learn's."""
    outputs = np.random.default_rng(3).random(200)
    labels = (np.random.default_rng(4).random(200) < outputs).astype(float)
    ids = home.answer(outputs.tolist())
    home.label(ids, labels.tolist(), JANUARY + DAY)
    (found,) = home.predictions.performance(home.unit, "delays", metric=metric)
    assert found.interval is not None
    assert found.interval.estimate == pytest.approx(golden(labels, outputs))
    assert found.interval.low < found.interval.estimate < found.interval.high


def test_performance_by_an_unknown_metric_is_refused(home: LogHome) -> None:
    with pytest.raises(Invalid, match="no metric 'gini'"):
        home.predictions.performance(home.unit, "delays", metric="gini")


def test_performance_as_of_a_moment_is_what_it_was_then(home: LogHome) -> None:
    early = home.answer([0.1, 0.4, 0.35, 0.8])
    home.label(early, [0.0, 0.0, 1.0, 1.0], JANUARY + DAY)
    then = home.predictions.performance(home.unit, "delays")
    home.label(early, [1.0, 1.0, 0.0, 0.0], JANUARY + 9 * DAY)
    home.answer([0.7], event_at=JANUARY + 8 * DAY)
    assert home.predictions.performance(home.unit, "delays", as_of=JANUARY + 7 * DAY) == then
    assert home.predictions.performance(home.unit, "delays") != then


def test_outcomes_that_are_not_two_classes_have_a_reason(home: LogHome) -> None:
    ids = home.answer([0.1, 0.2, 0.3])
    home.label(ids, [0.0, 1.0, 7.5])
    (score,) = home.predictions.performance(home.unit, "delays")
    assert score.interval is None
    assert score.reason


def test_traffic_is_by_hour_of_the_wall_clock(home: LogHome) -> None:
    hour = datetime(2026, 1, 1, 12, tzinfo=UTC)
    home.answer([0.1, 0.2, 0.3], received_at=hour, latency_us=1000)
    home.answer([0.1], received_at=hour + timedelta(minutes=59), latency_us=3000)
    home.answer([0.1], received_at=hour + timedelta(hours=1), latency_us=500, version=2)
    found = home.predictions.traffic(home.unit, "delays")
    assert [(row.period, row.version, row.requests, row.rows) for row in found] == [
        (hour, 1, 2, 4),
        (hour + timedelta(hours=1), 2, 1, 1),
    ]
    assert (found[0].latency_p50_ms, round(found[0].latency_p99_ms, 2)) == (2.0, 2.98)
    home.ship()
    assert home.predictions.traffic(home.unit, "delays") == found


def test_versions_with_other_inputs_share_one_log(home: LogHome) -> None:
    odd = home.answer([0.1], inputs={"distance": [1], "at": [JANUARY], "ok": [True]})
    home.ship()
    other = home.answer([0.2], version=2, inputs={"distance": ["far"], "at": [2.5], "carrier": [None]})
    third = home.answer([0.3], version=3, inputs={"distance": [2**63], "ok": [3], "big": [1.5]})
    for _ in range(2):
        assert home.predictions.get(home.unit, other[0]).inputs["distance"] == "far"
        assert home.predictions.get(home.unit, odd[0]).inputs["at"] == JANUARY.isoformat()
        assert home.predictions.get(home.unit, third[0]).inputs["big"] == 1.5
        assert len(home.rows()) == 3
        home.ship()


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.datetimes())


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=5))
def test_any_inputs_can_be_kept(rows: list[tuple[Any, Any]]) -> None:
    batches = [
        PredictionBatch(
            endpoint="delays",
            model="m",
            version=1,
            package="0" * 64,
            generation=1,
            received_at=0,
            latency_us=1,
            ids=[new_id()],
            event_at=[0],
            inputs={name: [value] for name, value in zip("ab", row, strict=True)},
            outputs=[0.5],
        )
        for row in rows
    ]
    whole, apart = prediction_table(batches), joined(prediction_table([batch]) for batch in batches)
    assert whole.num_rows == apart.num_rows == len(rows)
    for name in ("input.a", "input.b"):
        if name in whole.column_names:
            assert whole.column(name).is_valid().to_pylist() == apart.column(name).is_valid().to_pylist()


def test_projects_do_not_see_each_other(home: LogHome) -> None:
    ours = home.answer([0.1])
    theirs = home.answer([0.2, 0.3], project="other")
    for _ in range(2):
        assert home.predictions.counts(home.unit, "delays").answered == 1
        with pytest.raises(NotFound):
            home.predictions.get(home.unit, theirs[0])
        home.unit.project = "other"
        assert home.predictions.counts(home.unit, "delays").answered == 2
        with pytest.raises(NotFound):
            home.predictions.get(home.unit, ours[0])
        home.unit.project = "default"
        home.ship()


def test_a_damaged_segment_is_named_by_readers_and_left_standing_by_the_shipper(home: LogHome) -> None:
    home.answer([0.1])
    (path,) = segments_in(segment_folder(home.folder, "delays", Kind.PREDICTIONS))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    good = home.answer([0.2])
    elsewhere = home.answer([0.3], endpoint="zebra")
    with pytest.raises(Corrupted, match=path.name):
        home.predictions.counts(home.unit, "delays")
    with pytest.raises(Corrupted):
        home.predictions.get(home.unit, good[0])
    assert home.predictions.get(home.unit, elsewhere[0]).endpoint == "zebra"
    done = home.ship()
    assert (done.segments, done.rows) == (2, 2)
    assert path.name in done.damaged[0]
    assert path.exists()


def test_a_reader_that_is_overtaken_by_the_shipper_misses_nothing_and_doubles_nothing(
    home: LogHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = home.answer([0.1, 0.2])
    home.label(ids, [1.0, 0.0])
    expected = home.rows()
    home.labels.close()
    for step in ("_known", "_view"):
        genuine = getattr(home.log, step)
        overtaken = []

        def slow(*args: Any, genuine: Any = genuine, overtaken: list[Shipped] = overtaken) -> Any:
            if not overtaken:
                overtaken.append(Shipped())
                overtaken.append(home.ship())
            return genuine(*args)

        with monkeypatch.context() as patched:
            patched.setattr(home.log, step, slow)
            assert home.rows() == expected
        assert overtaken[1].segments > 0
        ids += home.answer([0.3])
        expected = home.rows()


def test_a_log_that_never_stands_still_is_said_to_be_busy(home: LogHome, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: Any) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(home.log, "_view", gone)
    with pytest.raises(Unavailable, match="moved 20 times"):
        home.rows()


def test_a_shipper_that_lost_its_lease_records_nothing(home: LogHome) -> None:
    home.answer([0.1, 0.2])
    before = home.rows()
    lost = home.queue.acquire(LEASE, "first", timedelta(0))
    newer = home.queue.acquire(LEASE, "second", timedelta(minutes=1))
    assert lost is not None
    assert newer is not None
    with pytest.raises(Conflict, match="no longer holds the lease"):
        ship(home.log, home.blobs, home.queue, lost)
    assert home.rows() == before
    assert ship(home.log, home.blobs, home.queue, newer).rows == 2
    assert home.rows() == before


def test_an_export_has_the_predictions_of_its_span_with_their_labels(home: LogHome) -> None:
    before, inside, after = (
        home.answer([output, output], event_at=JANUARY + timedelta(days=day))
        for output, day in ((0.1, 0), (0.2, 1), (0.3, 2))
    )
    home.label([before[0], inside[1]], [0.0, 1.0], known_at=JANUARY + timedelta(days=3))
    span = {"since": JANUARY + timedelta(days=1), "until": JANUARY + timedelta(days=2)}
    for _ in range(2):
        handle = home.predictions.export(home.unit, "delays", **span)
        rows = pq.read_table(io.BytesIO(home.blobs.read(handle.digest))).to_pylist()
        assert [(row["prediction_id"], row["output"], row["label"]) for row in rows] == [
            (inside[0], 0.2, None),
            (inside[1], 0.2, 1.0),
        ]
        assert [row["input.distance"] for row in rows] == [0.0, 1.0]
        home.ship()
    assert handle.size == home.blobs.size(handle.digest)
    assert after


def test_many_small_parts_become_one_and_no_answer_changes(home: LogHome) -> None:
    """What a quiet endpoint leaves behind is read as quickly as what a busy one does."""
    ids = []
    for number in range(20):
        ids += home.answer([number / 20], inputs={f"column_{number % 3}": [1.0]})
        home.label(ids[-1:], [float(number % 2)])
        home.ship()
    before = (home.rows(), home.predictions.counts(home.unit, "delays"))
    with home.records.reading() as rows:
        parts = PartRepository().overlapping(rows, Place(project="default", endpoint="delays", kind=Kind.PREDICTIONS))
    assert len(parts) == 20 - 16 + 1
    assert (home.rows(), home.predictions.counts(home.unit, "delays")) == before
    assert before[1].answered == 20
