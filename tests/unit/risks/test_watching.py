"""Live traffic against held-out rows: quiet days tell nothing, and a situation that is met more often is told."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import modelwright as mw
from modelwright.alerts.model import AlertState, Severity
from modelwright.app.connect import Workspace
from modelwright.app.workspace import LocalCaller
from modelwright.core.errors import NotFound
from modelwright.core.ids import new_ids
from modelwright.core.schema import Column, Contract, DType
from modelwright.predictions.columns import prediction_table
from modelwright.predictions.layout import segment_folder
from modelwright.predictions.model import Kind, PredictionBatch, encode, microseconds
from modelwright.predictions.segments import SegmentWriter
from modelwright.predictions.shipper import LEASE, ship
from modelwright.risks.predicates import Predicate
from modelwright.risks.watching import cells
from support.challenge import APRIL, JANUARY
from support.homes import fresh_platform
from support.life import BASELINE, CHARTER, ENDPOINT, MODEL, heuristic, questions, real

A_DAY = 120
RISK = {
    "what": "It is too sure.",
    "harms": "Customers.",
    "when": "x > 1",
    "inherent": {"severity": 2, "likelihood": 2},
    "residual": {"severity": 2, "likelihood": 2},
}


class Desk:
    """A home whose endpoint is asked about days of questions."""

    def __init__(self, folder, *, counted=True):
        self.platform = fresh_platform(folder)
        self.ws = Workspace(self.platform.table, LocalCaller(self.platform), "here")
        table = questions(9000, since=JANUARY, until=APRIL, seed=1)
        self.ws.data.add("questions", table, key="id", event_time="asked_at", known_at="known_at")
        for name, fit in ((BASELINE, heuristic), (MODEL, real)):
            self.ws.charters.publish(name, CHARTER)
            model, columns = fit(table)
            self.version = self.ws.models.save(model, name, example=table.select(columns))
            mw.evaluate(self.ws, self.version.ref, "questions@1", explain=False)
        self.ws.risks.publish({"model": MODEL, "risks": {"rare": RISK, "other": {**RISK, "when": "z < -1"}}})
        if counted:
            self.ws.evidence.count_risks(self.version.ref)
        self.written = self.refused = 0

    def answers(self, first, last, *, often=None, seed=7):
        """Days of April; ``often``: the share of rows in the situation, by default as in the held-out rows."""
        rng = np.random.default_rng(seed)
        folder = segment_folder(self.platform.home.folder / "log", ENDPOINT, Kind.PREDICTIONS)
        self.written += 1
        with SegmentWriter(folder, str(self.written)) as writer:
            for day in range(first, last):
                x, z = rng.normal(size=A_DAY), rng.normal(size=A_DAY)
                if often is not None:
                    x = np.where(rng.uniform(size=A_DAY) < often, 2.0, 0.0)
                start = APRIL + timedelta(days=day)
                batch = PredictionBatch(
                    endpoint=ENDPOINT,
                    model=MODEL,
                    version=1,
                    package=self.version.package,
                    generation=1,
                    received_at=microseconds(start),
                    latency_us=900,
                    ids=new_ids(A_DAY),
                    event_at=[microseconds(start + timedelta(minutes=12 * row)) for row in range(A_DAY)],
                    inputs={"x": x.tolist(), "z": z.tolist()},
                    outputs=[0.5] * A_DAY,
                )
                writer.append(encode(batch))

    def refusals(self, first, last, *, share):
        """Rows of each of these days that a guard refused, so that they are such a share of what was asked."""
        folder = segment_folder(self.platform.home.folder / "log", ENDPOINT, Kind.REFUSALS)
        count = round(A_DAY * share / (1 - share))
        self.written += 1
        with SegmentWriter(folder, str(self.written)) as writer:
            for day in range(first, last):
                at = microseconds(APRIL + timedelta(days=day, hours=6))
                batch = PredictionBatch(
                    endpoint=ENDPOINT,
                    model=MODEL,
                    version=1,
                    package=self.version.package,
                    generation=1,
                    received_at=at,
                    latency_us=0,
                    ids=new_ids(count),
                    event_at=[at] * count,
                    inputs={"x": [2.0] * count, "z": [0.0] * count},
                    outputs=[float("nan")] * count,
                    guards=["rare:refuse"] * count,
                )
                writer.append(encode(batch))
                self.refused += count

    def watch(self):
        while (found := self.ws.risks.watch(ENDPOINT)).more:
            pass
        return found

    def alerts(self):
        return [one for one in self.ws.alerts.list(ENDPOINT, "all").items if one.rule == "risk"]


def ship_all(platform):
    lease = platform.queue.acquire(LEASE, "test", timedelta(minutes=5))
    return ship(platform.log, platform.blobs, platform.queue, lease)


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.platform.close()


def test_a_quiet_year_tells_nothing_and_counts_every_row(desk):
    desk.answers(0, 366)
    found = desk.watch()
    assert desk.alerts() == []
    rare = next(one for one in found.risks if one.risk == "rare")
    assert (rare.known, rare.unknown) == (A_DAY * 364, 0)  # not the first day, which is usually not whole, nor the last
    assert rare.share.estimate == pytest.approx(0.1587, abs=0.01)  # the normal distribution beyond 1
    assert 0 <= rare.level < 1
    assert desk.ws.risks.live(ENDPOINT) == found


def test_a_situation_that_is_met_more_often_is_told_once_and_over_when_it_is(desk):
    desk.answers(0, 20)
    desk.answers(20, 30, often=0.45, seed=8)
    found = desk.watch()
    [alert] = desk.alerts()
    assert (alert.severity, alert.state, alert.model, alert.version) == (Severity.INFORM, AlertState.OPEN, MODEL, 1)
    assert "rare" in alert.finding.summary
    assert "against 1" in alert.finding.summary
    assert alert.finding.since >= APRIL + timedelta(days=19)
    levels = {one.risk: one.level for one in found.risks}
    assert levels["rare"] >= 1 > levels["other"]
    kinds = [entry.envelope.kind for entry in desk.ws.ledger.list(limit=1000).items]
    assert kinds.count("alerts.alert_raised") == 1
    desk.answers(30, 75, seed=9)
    desk.watch()
    assert [one.state for one in desk.alerts()] == [AlertState.RESOLVED]


def test_rows_that_a_guard_refuses_are_watched_and_are_no_predictions(desk):
    desk.answers(0, 12, often=0.0)
    desk.refusals(0, 12, share=0.1587)
    found = desk.watch()
    rare = next(one for one in found.risks if one.risk == "rare")
    assert desk.alerts() == []
    assert rare.share.estimate == pytest.approx(0.1587, abs=0.01)
    desk.answers(12, 24, often=0.0)
    desk.refusals(12, 24, share=0.4)
    desk.watch()
    assert ["rare" in alert.finding.summary for alert in desk.alerts()] == [True]
    counts = desk.ws.predictions.counts(ENDPOINT)
    assert counts.answered == 24 * A_DAY
    assert counts.refused == {"rare": desk.refused}
    assert {each.output for each in desk.ws.predictions.list(ENDPOINT, limit=1000).items} == {0.5}
    assert sum(each.n for each in desk.ws.predictions.performance(ENDPOINT)) == 24 * A_DAY
    assert ship_all(desk.platform).rows == 24 * A_DAY + desk.refused
    assert desk.ws.predictions.counts(ENDPOINT).refused == {"rare": desk.refused}
    assert desk.ws.predictions.counts(ENDPOINT).answered == 24 * A_DAY
    assert desk.watch() == desk.ws.risks.live(ENDPOINT)


def test_an_endpoint_that_refuses_everything_is_watched(desk):
    desk.answers(0, 2, often=0.0)
    desk.refusals(2, 12, share=0.9)
    assert desk.watch().until == APRIL + timedelta(days=11)
    assert desk.alerts()


def test_watching_again_judges_nothing_twice(desk):
    desk.answers(0, 10)
    first = desk.watch()
    assert desk.watch() == first
    assert first.until == APRIL + timedelta(days=9)
    desk.answers(10, 11)
    assert desk.watch().until == APRIL + timedelta(days=10)


def test_a_new_register_begins_anew_and_without_a_count_nothing_is_compared(desk):
    desk.answers(0, 10)
    desk.watch()
    desk.ws.risks.publish({"model": MODEL, "risks": {"new": RISK}})
    desk.answers(10, 12)
    found = desk.watch()
    assert (found.risks, "not counted" in found.problem) == ((), True)
    desk.ws.evidence.count_risks(f"{MODEL}@1")
    desk.answers(12, 14)
    found = desk.watch()
    assert [one.risk for one in found.risks] == ["new"]
    assert found.risks[0].known == 2 * A_DAY


def test_held_out_rows_of_few_days_are_said_not_to_tell(tmp_path):
    desk = Desk(tmp_path, counted=False)
    mw.evaluate(desk.ws, f"{MODEL}@1", "questions@1", since=JANUARY, until=JANUARY + timedelta(days=9), explain=False)
    desk.answers(0, 4)
    found = desk.watch()
    assert all("fewer than 14 days" in one.reason for one in found.risks)
    assert desk.alerts() == []
    desk.platform.close()


def test_nobody_is_watched_who_answered_nothing(desk):
    with pytest.raises(NotFound):
        desk.ws.risks.watch("nobody")
    with pytest.raises(NotFound, match="Nobody has looked"):
        desk.ws.risks.live("nobody")


def test_the_log_is_asked_as_the_endpoint_was():
    """The log keeps times as text; situations about them are the same."""
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    batch = PredictionBatch(
        endpoint="e",
        model="m",
        version=1,
        package="0" * 64,
        generation=1,
        received_at=0,
        latency_us=1,
        ids=new_ids(3),
        event_at=[0, 0, 0],
        inputs={"t": [now, now + timedelta(hours=3), None], "u": [now] * 3, "b": [True, None, False]},
        outputs=[0.0] * 3,
    )
    contract = Contract(
        columns=(
            Column(name="t", dtype=DType.TIMESTAMP, nullable=True),
            Column(name="u", dtype=DType.TIMESTAMP),
            Column(name="b", dtype=DType.BOOL, nullable=True),
        )
    )
    found = Predicate("t - u > 2h || b").over(cells(prediction_table([batch]), contract), 3)
    assert found.yes.tolist() == [True, True, False]
    assert found.unknown.tolist() == [False, False, True]
