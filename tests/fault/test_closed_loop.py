"""LAW: the alarm, the retraining and the promotion survive kill -9 between any two of them.

A house answers about days on which what decides changes: first ``x``, then ``w``. Nobody touches it. Its monitor
alarms, its pipeline trains, the challenger runs in the shadow, and the endpoint moves; with a process killed at any
point on the way, what comes of it is the same, and no request fails for it.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest

import modelwright as mw
from modelwright.app.home import Home
from modelwright.core.errors import Unavailable
from modelwright.core.ids import new_ids
from support.house import PATIENCE_SECONDS, House, awaits, cli
from support.life import BASELINE, CHARTER, DATA, ENDPOINT, MODEL
from support.load import check_home

pytestmark = pytest.mark.slow

FIRST, DAY = datetime(2025, 1, 1, tzinfo=UTC), timedelta(days=1)
CHANGE, DAYS, ROWS = 60, 84, 80
"""The day on which it changes, all days, and rows a day."""
OPENING = CHANGE - 3
"""The first day on which somebody asks; what came before was there to learn from."""
QUIET = OPENING - 11
"""The first day where nothing changes meanwhile."""
KNOWN_AFTER = timedelta(hours=6)
AT_ONCE = 20

PIPELINE = """
from datetime import datetime, timedelta

import numpy as np
import pyarrow.compute as pc
from sklearn.linear_model import LogisticRegression

import modelwright as mw

MODEL, BASELINE, ENDPOINT, DATA = "late", "by-group", "lateness", "questions@latest"
INPUTS = ("x", "w")


def fit(table):
    '''On three days, for what decides may have changed.'''
    recent = table.filter(pc.greater_equal(table["asked_at"], pc.max(table["asked_at"]).as_py() - timedelta(days=3)))
    return LogisticRegression().fit(np.column_stack([recent[name] for name in INPUTS]), recent["late"])


def noise(table):
    '''It heeds only what does not matter.'''
    found = fit(table)
    found.coef_ = np.array([[0.0, 1.0]])
    return found


def blurred(table):
    '''Better than the heuristic, and worse than what answers: it heeds what does not matter.'''
    found = fit(table)
    found.coef_ = np.array([[1.0, 0.8]])
    return found


def heuristic(table):
    rates = table.group_by("group").aggregate([("late", "mean")]).to_pydict()
    values = {(group,): rate for group, rate in zip(rates["group"], rates["late_mean"], strict=True)}
    return mw.Lookup(["group"], values, otherwise=0.5)


@mw.pipeline(on=[f"alarm:{ENDPOINT}"], cooldown="21d", budget=4)
def retrain(until: datetime) -> str:
    trained = mw.train(MODEL, DATA, fit=fit, until=until, holdout="2d", inputs=INPUTS)
    return mw.challenge(ENDPOINT, trained, cause="an alarm", looks=("8d",))


@mw.pipeline()
def retrain_on_noise(until: datetime) -> str:
    trained = mw.train(MODEL, DATA, fit=noise, until=until, holdout="14d", inputs=INPUTS)
    return mw.challenge(ENDPOINT, trained, looks=("8d",))


@mw.pipeline()
def retrain_blurred(until: datetime) -> str:
    trained = mw.train(MODEL, DATA, fit=blurred, until=until, holdout="14d", inputs=INPUTS)
    return mw.challenge(ENDPOINT, trained, looks=("8d",))


def opened(until):
    '''The endpoint's first version.'''
    mw.train(BASELINE, DATA, fit=heuristic, until=until, holdout="28d", inputs=("group",))
    print(mw.challenge(ENDPOINT, mw.train(MODEL, DATA, fit=fit, until=until, holdout="28d", inputs=INPUTS)))
"""
PIPELINES = ("retrain", "retrain_on_noise", "retrain_blurred")

AT_FIRST = [
    "within alerts.alert_raised",
    "after pipelines.trigger",
    "after executions.claim",
    "after rollouts.start",
]
LATER = ["after monitors.run", "after models.register", "within rollouts.concluded", "after rollouts.judge"]
"""Between any two of: a period is judged, the alert and the call that follows are stored, the call is made, the
execution is taken up, the version is registered, the rollout is started, the look is judged, the endpoint has moved. In
two halves, for an execution whose holder vanished three times is given up."""


def world() -> pa.Table:
    """Every question there will be, with its answer and when that is known."""
    rng, count = np.random.default_rng(1), DAYS * ROWS
    group, x, w = rng.integers(0, 3, count), rng.normal(size=count), rng.normal(size=count)
    changed = np.arange(count) >= CHANGE * ROWS
    logit = np.where(changed, 0.6 * x + 1.5 * w, 1.5 * x) + 0.4 * (group - 1)
    asked = [FIRST + DAY * row / ROWS for row in range(count)]
    moment = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "id": [f"q{row:06d}" for row in range(count)],
            "asked_at": pa.array(asked, moment),
            "known_at": pa.array([at + KNOWN_AFTER for at in asked], moment),
            "group": [f"g{number}" for number in group],
            "x": x,
            "w": w,
            "late": (rng.uniform(size=count) < 1 / (1 + np.exp(-logit))).astype(np.int64),
        }
    )


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A project whose first version answers, made once."""
    project = tmp_path_factory.mktemp("loop") / "project"
    project.mkdir()
    (project / "modelwright.toml").write_text('name = "lateness"\n')
    (project / "pipeline.py").write_text(PIPELINE)
    home = Home(project / ".modelwright").open(create=True).folder
    with closing(mw.connect(home)) as ws:
        ws.data.add(DATA, world(), key="id", event_time="asked_at", known_at="known_at")
        for name in (MODEL, BASELINE):
            kpi = {"metric": "roc_auc", "at_least": 0.6}
            ws.charters.publish(name, CHARTER | {"kpi": kpi, "label": {"column": "late", "known_after": "6h"}})
    until = FIRST + (OPENING - 1) * DAY
    code = f"import pipeline, datetime; pipeline.opened(datetime.datetime.fromisoformat({until.isoformat()!r}))"
    said = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False)
    assert "late@1 is the first version" in said.stdout, said
    for name in PIPELINES:
        cli("--home", home, "pipeline", "register", project / f"pipeline.py:{name}")
    return project


@pytest.fixture
def desk(template, tmp_path, monkeypatch):
    """Somebody who asks, and a house that answers; points at which it is killed are files in ``kills``."""
    shutil.copytree(template, tmp_path / "project")
    (tmp_path / "kills").mkdir()
    monkeypatch.setenv("KILL_AT", str(tmp_path / "kills"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[1] / "support/killing"), *sys.path]))
    house = House(tmp_path / "project" / ".modelwright", workers=1)
    with house, closing(Desk(house, tmp_path / "kills")) as made:
        yield made


class Desk:
    """Asks about days in order, gives labels back when they are known, and waits each evening for what follows.

    Attributes:
        answered: Prediction id -> the version that answered.
        failed: Answers that were no predictions.
        broken: Connections that broke.
    """

    def __init__(self, house: House, kills: Path) -> None:
        self.house, self.kills = house, kills
        self.answered: dict[str, str] = {}
        self.failed: list[str] = []
        self.broken = 0
        self._rows = world()
        self._next, self._unlabelled = OPENING * ROWS, []
        self._opened: dict[str, mw.Workspace] = {}
        self._http = httpx.Client(timeout=60, trust_env=False)

    def begin(self, day: int) -> None:
        """Ask about this day next."""
        self._next = day * ROWS

    def close(self) -> None:
        self._http.close()
        for ws in self._opened.values():
            ws.close()

    @property
    def ws(self) -> mw.Workspace:
        """Wherever the house listens now."""
        if self.house.api not in self._opened:
            self._opened[self.house.api] = mw.connect(self.house.api)
        return self._opened[self.house.api]

    @property
    def day(self) -> int:
        return self._next // ROWS

    def days(self, count: int) -> None:
        """Ask about some days."""
        for _ in range(count):
            for _ in range(ROWS // AT_ONCE):
                self._ask(self._rows.slice(self._next, AT_ONCE))
                self._next += AT_ONCE
            self.settle()

    def until(self, holds, what: str) -> None:
        """Ask day by day until something holds."""
        while not self.told(holds):
            assert self.day < DAYS, (what, self.told(came_to), self.house.said()[-3000:])
            self.days(1)

    def told(self, ask):
        """What a server says, as soon as one answers."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return ask(self.ws)
            except (Unavailable, httpx.TransportError):
                assert time.monotonic() < deadline
                self.house.revived()
                time.sleep(0.05)

    def _ask(self, rows: pa.Table) -> None:
        ids, inputs = new_ids(rows.num_rows), rows.select(["x", "w"]).to_pydict()
        asked = [moment.isoformat() for moment in rows["asked_at"].to_pylist()]
        body = {"inputs": inputs, "params": {"event_at": asked, "prediction_ids": ids}}

        def posted(_ws: mw.Workspace) -> httpx.Response:
            try:
                return self._http.post(f"{self.house.serving}/endpoints/{ENDPOINT}/invocations", json=body)
            except httpx.TransportError:  # asked again under the same ids
                self.broken += 1
                raise

        answer = self.told(posted)
        if answer.status_code != 200:
            self.failed.append(answer.text)
            return
        self.answered |= dict.fromkeys(ids, answer.json()["model"])
        self._unlabelled.append((ids, rows))
        now = rows["asked_at"][-1].as_py()
        while self._unlabelled and self._unlabelled[0][1]["known_at"][-1].as_py() <= now:
            known, those = self._unlabelled.pop(0)
            late = those["late"].cast("float64").to_pylist()
            self.told(lambda ws: ws.labels.add(ENDPOINT, known, late, those["known_at"].to_pylist()))  # noqa: B023  # at once

    def settle(self) -> None:
        """Wait until nothing more follows from what was asked."""

        def settled() -> bool:
            return self.told(lambda ws: ws.lifecycle.outstanding(ENDPOINT).settled)

        awaits(settled, "what follows from the day")


def came_to(ws: mw.Workspace) -> dict:
    """Everything that must be the same however it came about."""
    events = Counter(entry.envelope.kind for entry in ws.ledger.list(limit=1000).items)
    current = ws.endpoints.get(ENDPOINT).current
    return {
        "alerts": [(str(alert.rule), alert.raised_at) for alert in ws.alerts.list(which="all").items],
        "alerts told": events["alerts.alert_raised"],
        "told again": events["alerts.alert_repeated"],
        "executions": [
            (one.pipeline, str(one.status), str(one.cause.kind), one.at) for one in ws.pipelines.executions().items
        ],
        "declined": [one.reason for one in ws.pipelines.declined("retrain").items],
        "rollouts": [(one.answering.version, str(one.outcome), one.cause) for one in ws.rollouts.list(ENDPOINT).items],
        "moves": [str(moved.action) for moved in ws.endpoints.history(ENDPOINT).items],
        "champion answers": ws.models.get(f"{MODEL}@champion").version == current.version,
        "ledger": ws.ledger.verify().intact,
    }


def promoted(ws: mw.Workspace) -> bool:
    rollouts = ws.rollouts.list(ENDPOINT, limit=1).items
    return bool(rollouts) and str(rollouts[0].outcome) == "promoted"


def lived(desk: Desk) -> dict:
    """The whole way, and two days more with the version that came of it; what it came to."""
    desk.until(promoted, "promoted")
    desk.days(min(2, DAYS - desk.day))
    found = desk.told(came_to)
    newest = desk.told(lambda ws: ws.endpoints.get(ENDPOINT).current.version)
    assert desk.failed == []
    assert set(desk.answered.values()) == {f"{MODEL}@1", f"{MODEL}@{newest}"}
    counts = desk.told(lambda ws: ws.predictions.counts(ENDPOINT))
    assert (counts.answered, counts.duplicates) == (len(desk.answered), 0)
    return found


EXPECTED = {
    "alerts told": 1,
    "rollouts": [(1, "promoted", "an alarm")],
    "moves": ["deploy", "deploy"],
    "champion answers": True,
    "ledger": True,
}


def check(found: dict) -> None:
    declined = found.pop("declined")
    assert len(declined) == found.pop("told again") >= 1  # week by week, until the challenger answers
    assert re.fullmatch(r"lateness has late@\d in its shadow, and waits for what comes of it\.", declined[-1])
    [(rule, raised_at)] = found.pop("alerts")
    assert rule == "performance"
    assert FIRST + CHANGE * DAY < raised_at <= FIRST + (CHANGE + 7) * DAY
    assert found.pop("executions") == [("retrain", "succeeded", "alarm", raised_at)]
    assert found == EXPECTED


@contextmanager
def second_worker(house: House):
    """Another job worker beside the house's own."""
    worker = subprocess.Popen([sys.executable, "-m", "modelwright.jobs.worker", "--home", str(house.home)])
    try:
        yield
        assert worker.poll() is None
    finally:
        worker.terminate()
        worker.wait(PATIENCE_SECONDS)


def test_an_alarm_retrains_and_the_better_challenger_answers_without_any_hand_or_failed_request(desk):
    """Two job workers share the work, and do none of it twice."""
    with second_worker(desk.house):
        check(lived(desk))
    [execution] = desk.told(lambda ws: ws.pipelines.executions().items)
    steps = desk.told(lambda ws: ws.pipelines.steps(execution.id))
    assert (execution.crashes, [step.id for step in steps if step.failed]) == (0, [])
    assert desk.broken == 0
    versions = desk.told(lambda ws: ws.models.versions(MODEL).items)
    assert [version.version for version in versions] == [2, 1]
    assert "Traceback" not in desk.house.said()


@pytest.mark.parametrize("points", [AT_FIRST, LATER], ids=["at-first", "later"])
@pytest.mark.parametrize("whom", ["jobs", "house"])
def test_kill_9_at_every_point_of_the_way_and_it_comes_to_the_same(desk, whom, points):
    for point in points:
        (desk.kills / point).write_text(whom)
    check(lived(desk))
    assert list(desk.kills.iterdir()) == []
    if whom == "jobs":
        assert desk.broken == 0  # whoever asks notices nothing
    home = desk.house.home
    desk.house.end()
    check_home(home)


def test_worse_challengers_are_refused_by_the_gates_or_on_the_same_requests_and_the_endpoint_stays(desk):
    desk.begin(QUIET)
    desk.days(1)
    until = (FIRST + (QUIET + 1) * DAY).isoformat()
    refused = desk.told(lambda ws: ws.pipelines.start("retrain-on-noise", {"until": until}).id)
    desk.settle()
    assert re.search(r"late@2 was refused: .*roc_auc", desk.told(lambda ws: ws.pipelines.result(refused)))
    assert desk.told(lambda ws: ws.rollouts.list(ENDPOINT).items) == []

    let_through = desk.told(lambda ws: ws.pipelines.start("retrain-blurred", {"until": until}).id)
    desk.settle()
    assert desk.told(lambda ws: ws.pipelines.result(let_through)) == f"late@3 runs in the shadow of {ENDPOINT}"
    desk.days(9)
    [rollout] = desk.told(lambda ws: ws.rollouts.list(ENDPOINT).items)
    assert rollout.outcome == "refused"
    assert any(reason.startswith("It is worse: roc_auc") for reason in rollout.reasons)
    assert set(desk.answered.values()) == {f"{MODEL}@1"}
    assert [moved.version for moved in desk.told(lambda ws: ws.endpoints.history(ENDPOINT).items)] == [1]
    assert (desk.failed, desk.broken) == ([], 0)
