"""Metrics logged by the SDK per second, until they are durable, beside bare SQLite rows and, if installed, MLflow.

    python bench/tracking.py [points]

MLflow's figure is its own SQLite store through ``mlflow.MlflowClient().log_batch``, 1,000 points a call, where mlflow
is installed; otherwise it is left out and said so.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import modelwright as mw
from modelwright.app.home import Home

ROUNDS = 5


def main(points: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="bench-tracking-"))
    Home(folder / "home").open(create=True)
    workspace = mw.connect(folder / "home")
    in_the_loop: list[float] = []

    def ours(count: int) -> None:
        with workspace.runs.begin("bench", seed=0) as run:
            before = time.perf_counter()
            for step in range(count):
                run.log({"loss": step * 0.5}, step=step)
            in_the_loop.append(count / (time.perf_counter() - before))

    def bare(count: int) -> None:
        connection = sqlite3.connect(folder / "bare.db")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE IF NOT EXISTS p (run, seq, key, step, at, value, PRIMARY KEY (run, seq))")
        run = f"run-{time.time_ns()}"
        for start in range(0, count, 10_000):
            rows = [(run, step, "loss", step, step, step * 0.5) for step in range(start, min(count, start + 10_000))]
            connection.executemany("INSERT INTO p VALUES (?, ?, ?, ?, ?, ?)", rows)
            connection.commit()
        connection.close()

    contenders: dict[str, Callable[[int], None]] = {"bare SQLite": bare, "ours, until durable": ours}
    if find_spec("mlflow") is not None:
        contenders["MLflow, log_batch of 1000"] = mlflow_store(folder)
    else:
        print("mlflow is not installed: left out (pip install mlflow-skinny sqlalchemy alembic)")
    rates: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, work in contenders.items():
            count = points if "MLflow" not in name else max(points // 20, 1000)
            before = time.perf_counter()
            work(count)
            rates.setdefault(name, []).append(count / (time.perf_counter() - before))
    rates["ours, what the loop waits for"] = in_the_loop
    floor = statistics.median(rates["bare SQLite"])
    print(f"{'points per second':<32} {'median':>12} {'min':>12} {'max':>12} {'x bare':>7}")
    for name, found in rates.items():
        middle = statistics.median(found)
        print(f"{name:<32} {middle:>12,.0f} {min(found):>12,.0f} {max(found):>12,.0f} {middle / floor:>7.3f}")
    workspace.close()


def mlflow_store(folder: Path) -> Callable[[int], None]:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
    experiment = client.create_experiment("bench")

    def log(count: int) -> None:
        run = client.create_run(experiment)
        for start in range(0, count, 1000):
            client.log_batch(
                run.info.run_id, [Metric("loss", step * 0.5, step, step) for step in range(start, start + 1000)]
            )

    return log


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
