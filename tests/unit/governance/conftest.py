"""Fixture words: a home with two months of questions, a heuristic, a good model and a bad one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from modelwright.app.connect import Workspace
from modelwright.app.home import Home
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.models.lookup import Lookup

NOW = datetime(2026, 3, 1, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 3000
RATES = np.linspace(0.1, 0.9, 10)

CHARTER = {
    "question": "Will it be late?",
    "decision": "hold the connection",
    "kpi": {"metric": "roc_auc", "at_least": 0.7, "slice_floor": 0.6},
    "label": {"dataset": "questions", "column": "late", "known_after": "36h", "source": "record"},
    "owners": {"business": "desk", "technical": "science"},
    "baseline": "by-origin",
}

GOVERNED = """
extends: minimal
gates:
  slices: {pass: "e.worst.low >= kpi.slice_floor && e.min_support >= 200", evidence_max_age: 14d}
  calibration: {}
  explained: {}
"""


class Clock:
    """The wall clock, which tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


def questions(rows: int = ROWS, seed: int = 7) -> pa.Table:
    """Rows whose label depends on ``bucket`` and hardly on ``origin``; every tenth has no label."""
    rng = np.random.default_rng(seed)
    bucket = rng.integers(0, 10, rows)
    origin = np.where(rng.uniform(size=rows) < 0.6, "JFK", "LGA")
    rate = RATES[bucket] + np.where(origin == "JFK", 0.03, -0.03)
    late = (rng.uniform(size=rows) < rate).astype(float)
    late[::10] = np.nan
    return pa.table(
        {
            "asked_at": pa.array([START + timedelta(minutes=20 * row) for row in range(rows)]),
            "bucket": bucket,
            "origin": origin,
            "late": pa.array(late, mask=np.isnan(late)),
        }
    )


class Desk:
    """A home with data, models and a charter."""

    def __init__(self, ws: Workspace, clock: Clock, platform: Platform) -> None:
        self.ws = ws
        self.clock = clock
        self.platform = platform
        self.table = questions()
        ws.data.add("questions", self.table, event_time="asked_at")
        for model in ("delay", "by-origin"):
            ws.charters.publish(model, CHARTER)
        self.save("by-origin", Lookup(["origin"], {("JFK",): 0.52, ("LGA",): 0.48}, otherwise=0.5))
        self.save("delay", self.by_bucket(RATES))

    def save(self, name: str, model: Lookup):
        return self.ws.models.save(model, name, example=self.table.select(list(model.keys)))

    def by_bucket(self, rates) -> Lookup:
        return Lookup(["bucket"], {(place,): float(rate) for place, rate in enumerate(rates)}, otherwise=0.5)

    def evaluate(self, ref: str, **more):
        from modelwright.lifecycle.evaluate import evaluate

        return evaluate(self.ws, ref, "questions@latest", slices=("origin",), **more)

    def verdicts(self, ref: str) -> dict[str, str]:
        return {gate.gate: gate.verdict for gate in self.ws.gates.check(ref).gates}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path, clock) -> Desk:
    platform = Platform(Home(tmp_path / "home").open(create=True), clock=clock)
    with Workspace(platform.table, LocalCaller(platform), str(platform.home.folder)) as ws:
        yield Desk(ws, clock, platform)
