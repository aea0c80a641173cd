"""A server that runs, a model that answers in it, and the clients that ask."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest

import modelwright as mw
from modelwright.app.home import Home
from modelwright.core.schema import Column, Contract, DType
from support import clients

collect_ignore = ["clients"]  # they run in another environment

ROWS = 600
CONTRACT = Contract(
    columns=(
        Column(name="distance", dtype=DType.FLOAT64, nullable=True, minimum=0),
        Column(name="hour", dtype=DType.INT64),
        Column(name="carrier", dtype=DType.STRING),
        Column(name="night", dtype=DType.BOOL),
    )
)
CHARTER = {
    "question": "Late?",
    "decision": "hold the connection",
    "kpi": {"metric": "roc_auc", "at_least": 0.6},
    "baseline": "by-carrier",
    "label": {"column": "late"},
    "owners": {"business": "desk", "technical": "data science"},
    "tier": "minimal",
}
ASKED = {
    "distance": [187.5, 0.1, 2475.0],
    "hour": [5, 23, 0],
    "carrier": ["UA", "B6", "Zoë ☃"],
    "night": [False, True, True],
}


class Served(NamedTuple):
    """A home that is up.

    Attributes:
        home: Its folder.
        url: Where its endpoints answer.
        package: The model's package, a folder, downloaded file by file.
        asked: Rows, column -> values.
        expected: What the model says to them, in process.
        expected_without_distance: What it says when the distances are missing.
    """

    home: Path
    url: str
    package: Path
    asked: dict[str, list[Any]]
    expected: list[float]
    expected_without_distance: list[float]


def _flights() -> pa.Table:
    random = np.random.default_rng(7)
    distance, hour = random.uniform(100, 2500, ROWS), random.integers(0, 24, ROWS)
    carrier = random.choice(["AA", "B6", "UA"], ROWS)
    night = (hour < 6) | (hour > 21)
    late = (hour / 12 + (carrier == "B6") - distance / 2500 + random.normal(scale=0.7, size=ROWS) > 1).astype(np.int64)
    missing = random.random(ROWS) < 0.1
    return pa.table(
        {
            "flight": np.arange(ROWS),
            "distance": pa.array(distance, mask=missing),
            "hour": hour,
            "carrier": carrier,
            "night": night,
            "late": late,
        }
    )


def _fitted(table: pa.Table):
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    values = np.empty((table.num_rows, len(CONTRACT.names)), dtype=object)
    for position, name in enumerate(CONTRACT.names):
        values[:, position] = table[name].to_numpy()
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = ColumnTransformer([("codes", codes, [CONTRACT.names.index("carrier")])], remainder="passthrough")
    trees = HistGradientBoostingClassifier(max_iter=20, random_state=0)
    return Pipeline([("columns", columns), ("trees", trees)]).fit(values, table["late"].to_numpy())


def _released(ws: mw.Workspace) -> None:
    """Two models, judged; the better one champion, because it passes the gates."""
    flights = _flights()
    learned_from, held_out = flights.slice(0, ROWS // 2), flights.slice(ROWS // 2)
    ws.data.add("held-out", held_out, key="flight")
    ws.policies.publish("extends: minimal\ngates: {}\n")
    rate = {
        (name,): float(np.mean(learned_from["late"].to_numpy()[learned_from["carrier"].to_numpy() == name]))
        for name in ("AA", "B6", "UA")
    }
    models = {"by-carrier": mw.Lookup(["carrier"], rate, otherwise=0.5), "delay": _fitted(learned_from)}
    for name, model in models.items():
        ws.charters.publish(name, CHARTER)
        version = ws.models.save(model, name, example=learned_from.select(CONTRACT.names), contract=CONTRACT)
        mw.evaluate(ws, version.ref, "held-out@latest", explain=False)
    ws.models.set_alias("delay@1", "champion").require()
    ws.endpoints.deploy("delays", "delay@champion").decision.require()


def _downloaded(ws: mw.Workspace, folder: Path) -> Path:
    for file in ws.models.package("delay@champion").manifest.files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ws.models._fetch("download", "delay@champion", file.path))
    return folder


@contextmanager
def _up(home: Path):
    """``modelwright up``; where its endpoints answer."""
    command = [sys.executable, "-m", "modelwright", "up", "--home", home, "--port", "0", "--serve-port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        line = next(line for line in process.stdout if line.startswith("ready:"))
        watchdog.cancel()
        yield line.partition("endpoints ")[2].partition(";")[0]
    finally:
        watchdog.cancel()
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        process.stdout.close()


@pytest.fixture(scope="session")
def environment():
    """The clients' interpreter; where they cannot be installed, the test is left out and says why."""
    try:
        return clients.python()
    except clients.NoEnvironment as why:
        pytest.skip(f"the clients cannot be installed: {why}")


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """A server with one endpoint, ``delays``."""
    home = tmp_path_factory.mktemp("protocol") / ".modelwright"
    Home(home).open(create=True)
    with mw.connect(home) as ws:
        _released(ws)
        predict = ws.models.load("delay@1")
        expected = [predict(rows).tolist() for rows in (ASKED, {**ASKED, "distance": [None] * 3})]
        with _up(home) as url:
            endpoint = ws.endpoints.wait("delays", seconds=60)
            assert endpoint.ready, endpoint.workers
            yield Served(home, url, _downloaded(ws, tmp_path_factory.mktemp("package")), ASKED, *expected)


@pytest.fixture(scope="session")
def expected_without_distance(served):
    """What the model says to the rows when their distances are missing."""
    return served.expected_without_distance


@pytest.fixture(scope="session")
def asked(environment, tmp_path_factory):
    """The rows as a file that clients read."""
    path = tmp_path_factory.mktemp("asked") / "rows.json"
    path.write_text(json.dumps(ASKED))
    return path
